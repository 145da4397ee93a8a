import pytest

from pareto_explorer.unlearning.core.entries import Entry, arguments, collect, keyword_only
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero


class Steps:
    def __init__(self, aggregator, size=0.5, *others, fast=False, **more):
        self.given = (aggregator, size, others, fast, more)


def confidence(batch, *, power=1.0):
    return batch**power


SIZE = {"size": KnobSpec({"uniform": [0.1, 1.0]}, "how long a step is", above_zero)}
FAST = {"fast": KnobSpec(None, "whether it hurries")}


def test_knobs_are_the_arguments_with_their_defaults():
    entry = Entry.of("steps", Steps, summary="Steps.", source="me", knobs=FAST | SIZE)
    assert [(k.name, k.default, k.summary) for k in entry.knobs] == [
        ("fast", False, "whether it hurries"),
        ("size", 0.5, "how long a step is"),
    ]
    assert entry.knobs[1].domain == {"uniform": [0.1, 1.0]}
    assert entry.knobs[1].check is above_zero
    assert entry.needs == {"aggregator"}
    assert entry.build(None, size=2).given == (None, 2, (), False, {})
    assert (entry.summary, entry.source, entry.defects) == ("Steps.", "me", "")


def test_knobs_of_a_loss_are_keyword_only():
    power = {"power": KnobSpec(None, "sharpness")}
    entry = Entry.of_loss("c", confidence, summary="C.", source="me", defects="none", knobs=power)
    assert [(k.name, k.default) for k in entry.knobs] == [("power", 1.0)]
    assert entry.build(power=2)(3) == 9
    assert (entry.needs, entry.defects) == (set(), "none")
    assert list(arguments(confidence)) == ["batch", "power"]
    assert list(keyword_only(confidence)) == ["power"]


@pytest.mark.parametrize("knobs", [{}, SIZE, SIZE | FAST | {"speed": FAST["fast"]}], ids=list)
def test_what_is_said_of_other_knobs_than_there_are_is_refused(knobs):
    with pytest.raises(TypeError, match=r"'steps' .* the arguments \['fast', 'size'\]"):
        Entry.of("steps", Steps, summary="Steps.", source="me", knobs=knobs)


def test_a_knob_without_a_default_is_refused():
    class Bare:
        def __init__(self, size):
            self.size = size

    with pytest.raises(TypeError, match="each with a default"):
        Entry.of("bare", Bare, summary="Bare.", source="me", knobs=SIZE)


LINE = "from pareto_explorer.unlearning.core.entries import Entry\n"
ENTRY = "Entry.of({!r}, object, summary='S.', source='me')"


@pytest.fixture
def room(tmp_path, monkeypatch):
    package = tmp_path / f"room_{tmp_path.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return package


def write(room, module, *names):
    entries = ", ".join(ENTRY.format(name) for name in names)
    (room / f"{module}.py").write_text(f"{LINE}ENTRIES = ({entries},)\n")


def test_modules_are_collected_in_alphabetical_order_of_names(room):
    write(room, "first", "z", "m")
    write(room, "second", "a")
    (room / "_helper.py").write_text("raise AssertionError")
    assert list(collect(room.name)) == ["a", "m", "z"]


def test_a_name_that_is_taken_is_refused(room):
    write(room, "first", "a")
    write(room, "second", "a")
    with pytest.raises(ValueError, match=r"two entries .* have one name: a"):
        collect(room.name)


def test_a_module_without_entries_is_refused(room):
    (room / "bare.py").touch()
    with pytest.raises(AttributeError, match="ENTRIES"):
        collect(room.name)
