from __future__ import annotations

import builtins
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.cluster import connect as module
from pareto_explorer.sweeps.cluster import room
from pareto_explorer.sweeps.cluster.connect import connect
from pareto_explorer.sweeps.cluster.room import fitting, slots, trials_per_card
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Resources

LOCAL = {"memory": 1.0, "object_store_memory": 1.0, "node:127.0.0.1": 1.0}


def node(**resources: float) -> dict[str, float]:
    return {**LOCAL, **resources}


@pytest.fixture
def having(monkeypatch):
    """Pretends that the cluster consists of some nodes."""

    def pretend(*nodes: dict[str, float], grows: bool | None = False) -> None:
        monkeypatch.setattr(room, "_nodes", lambda: list(nodes))
        monkeypatch.setattr(room, "_autoscaled", lambda: grows)

    return pretend


@pytest.mark.parametrize(
    ("booked", "expected"),
    [
        ({"cpu": 1}, 12),
        ({"cpu": 5}, 1),
        ({"cpu": 3}, 3),
        ({"cpu": 0.5}, 24),
        ({"cpu": 1, "gpu": 1}, 5),
        ({"cpu": 1, "gpu": 2}, 2),
        ({"cpu": 0.1, "gpu": 0.25}, 20),
        ({"cpu": 0.1, "gpu": 0.3}, 15),
        ({"cpu": 0.1, "gpu": 0.6}, 5),  # one on a card, whatever the cards have in all
        ({"cpu": 1, "gpu": 0.25}, 12),
        ({"cpu": 1, "custom": {"fast": 0.5}}, 4),
        ({"cpu": 1, "gpu": 1, "custom": {"fast": 1}}, 2),
    ],
)
def test_slots_are_counted_node_by_node_and_card_by_card(having, booked, expected):
    having(node(), node(CPU=4.0, GPU=1.0), node(CPU=8.0, GPU=4.0, fast=2.0))
    assert slots(Resources(**booked)) == expected


@pytest.mark.parametrize("number", range(1, 50))
def test_a_share_of_one_over_n_fits_n_times(having, number):
    having(node(CPU=1.0, GPU=1.0, fast=1.0))
    share = 1 / number
    booked = Resources(cpu=share, gpu=share, custom={"fast": share})
    assert slots(booked) == number


def test_three_tenths_are_three_times_one_tenth(having):
    having(node(CPU=8.0, fast=0.3))
    assert slots(Resources(cpu=1, custom={"fast": 0.1})) == 3


def test_no_node_no_slot(having):
    having(grows=True)
    assert slots(Resources()) == 0


def test_a_head_without_cpus_has_no_slot(having):
    having(node(CPU=0.0, GPU=4.0), node(CPU=2.0))
    assert slots(Resources(cpu=1)) == 2
    with pytest.raises(InputError):
        slots(Resources(cpu=1, gpu=1))


@pytest.mark.parametrize(
    ("booked", "sentence"),
    [
        (
            {"cpu": 16},
            "resources.cpu: a trial books 16, but no node of the cluster has more than 8; lower "
            "it, or add a node that has.",
        ),
        (
            {"cpu": 1, "gpu": 0.5},
            "resources.gpu: a trial books 0.5, but no node of the cluster has more than 0; lower "
            "it, or add a node that has.",
        ),
        (
            {"cpu": 1, "custom": {"slow": 2}},
            "resources.custom.slow: a trial books 2, but no node of the cluster has more than 0; "
            "lower it, or add a node that has.",
        ),
        (
            {"cpu": 8, "custom": {"fast": 1}},
            "resources: a trial books cpu 8, custom.fast 1, and no node of the cluster has all of "
            "it (they have cpu 4, custom.fast 1; cpu 8, custom.fast 0); lower one, or add a node.",
        ),
    ],
)
def test_what_can_never_fit_is_one_sentence_that_names_what_there_is(having, booked, sentence):
    having(node(CPU=4.0, fast=1.0), node(CPU=8.0))
    with pytest.raises(InputError) as refused:
        slots(Resources(**booked))
    assert str(refused.value) == sentence


def test_a_cluster_that_grows_may_have_room_later(having):
    having(node(CPU=4.0), grows=True)
    assert slots(Resources(gpu=1)) == 0


def test_where_nothing_is_known_of_an_autoscaler_there_may_be_one(having, monkeypatch):
    waited = []
    monkeypatch.setattr(room.time, "sleep", waited.append)
    having(node(CPU=4.0), grows=None)
    assert slots(Resources(gpu=1)) == 0
    assert sum(waited) == room.PATIENCE


def test_more_than_a_card_is_a_whole_number_of_cards(having):
    having(node(CPU=4.0, GPU=4.0))
    assert slots(Resources(gpu=2)) == 2
    with pytest.raises(InputError, match=r"resources\.gpu: 1\.5 is more than a card .* or 2\."):
        slots(Resources(gpu=1.5))


def test_an_autoscaler_is_told_by_what_ray_publishes(monkeypatch):
    from ray.experimental import internal_kv

    published: dict[bytes, bytes] = {}
    monkeypatch.setattr(internal_kv, "_internal_kv_get", lambda key, **_: published.get(key))
    status = b"__autoscaling_status"
    assert room._autoscaled() is None
    published[status] = json.dumps({"load_metrics_report": {}}).encode()
    assert room._autoscaled() is None
    published[status] = json.dumps(
        {"autoscaler_report": {"node_type_mapping": {"ab": "node_ab", "cd": "node_cd"}}}
    ).encode()
    assert room._autoscaled() is False
    published[status] = json.dumps(
        {"autoscaler_report": {"node_type_mapping": {"ab": "head", "cd": "gpu-workers"}}}
    ).encode()
    assert room._autoscaled() is True
    del published[status]
    published[b"__autoscaler_cluster_config"] = b""
    assert room._autoscaled() is True


def test_a_missing_dashboard_is_one_sentence(monkeypatch):
    found = builtins.__import__

    def without(name, *rest):
        if name == "ray.dashboard.optional_deps":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(module.ray, "is_initialized", lambda: False)
    with (
        pytest.raises(InputError, match=r"`dashboard`: .*pip install 'ray\[default\]'"),
        connect(None, verbose=False, dashboard=True),
    ):
        pytest.fail("it was not refused")


def test_a_cluster_on_this_machine_shows_its_dashboard_to_this_machine_only(monkeypatch):
    asked = {}
    monkeypatch.setattr(module.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(module.ray, "init", lambda **options: asked.update(options))
    monkeypatch.setattr(module.ray, "shutdown", lambda: None)
    monkeypatch.setattr(module, "_require_dashboard", lambda: None)
    with connect(None, verbose=False, dashboard=True):
        assert asked["include_dashboard"]
        assert asked["dashboard_host"] == "127.0.0.1"
        assert "runtime_env" not in asked
    with connect(None, verbose=False):
        assert not asked["include_dashboard"]


@pytest.fixture
def starting(monkeypatch):
    """Stands for Ray, which starts or fails, and returns what it is asked for."""
    asked: dict[str, object] = {}
    monkeypatch.setattr(module.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(module.ray, "shutdown", lambda: None)

    def pretend(action=lambda: None):
        def init(**options):
            asked.update(options)
            action()

        monkeypatch.setattr(module.ray, "init", init)
        return asked

    return pretend


@pytest.mark.parametrize(
    ("own", "ahead", "expected"),
    [(None, ("a", "b.c"), "a,b.c"), (None, (), None), ("mine", ("a",), "mine")],
)
def test_workers_import_ahead_what_is_asked_for(starting, monkeypatch, own, ahead, expected):
    monkeypatch.delenv(module.PRELOADED, raising=False)
    if own is not None:
        monkeypatch.setenv(module.PRELOADED, own)
    seen = []
    starting(lambda: seen.append(os.environ.get(module.PRELOADED)))
    with connect(None, verbose=False, ahead=ahead):
        assert os.environ.get(module.PRELOADED) == own
    assert seen == [expected]


def test_the_start_of_ray_is_told(starting):
    starting()
    progress = Told()
    with connect(None, verbose=False, progress=progress):
        assert progress.lines == ["Ray: starts on this machine"]


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.lines = []

    def stage(self, text):
        self.lines.append(text)


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/home/me/my venv/bin/python", "'/home/me/my venv/bin/python'"),
        ("/home/o'neil/bin/python", "'/home/o'\"'\"'neil/bin/python'"),
        ("/opt/$HOME;x/python", "'/opt/$HOME;x/python'"),
    ],
)
def test_an_interpreter_whose_path_a_shell_would_split_is_quoted(
    monkeypatch, starting, path, quoted
):
    asked = starting()
    monkeypatch.setattr(module.sys, "executable", path)
    with connect(None, verbose=False):
        assert asked["runtime_env"] == {"py_executable": quoted}
        shell = ["bash", "-c", f"printf %s {asked['runtime_env']['py_executable']}"]
        done = subprocess.run(shell, capture_output=True, text=True, check=True)
        assert done.stdout == path


def failing(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "/scratch/ray/session_1/logs"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/scratch"),
        OSError(errno.ENOSPC, "No space left on device", "/scratch/ray/session_1/x"),
        OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /x"),
    ],
)
def test_a_temporary_folder_that_ray_cannot_use_is_named(monkeypatch, starting, error):
    monkeypatch.setenv("RAY_TMPDIR", "/scratch")
    starting(failing(error))
    with pytest.raises(InputError) as refused, connect(None, verbose=False):
        pytest.fail("it was not refused")
    said = str(refused.value)
    assert said.startswith("RAY_TMPDIR: Ray cannot use its temporary folder '/scratch/ray' (")
    assert (error.strerror or "AF_UNIX") in said
    assert "`address`" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no\nreason"),
        ConnectionError(),
        ValueError("no"),
        Exception("late"),  # as Ray says that the machine is too busy
    ],
)
def test_a_local_start_that_fails_is_no_missing_cluster(starting, error):
    starting(failing(error))
    with (
        pytest.raises(
            InputError, match=r"^Ray cannot start on this machine \(\w+\); .* logs below"
        ),
        connect(None, verbose=False),
    ):
        pytest.fail("it was not refused")


def test_a_machine_too_busy_for_ray_to_start_in_time_is_tried_once_more(starting):
    answers = [Exception("The current node timed out during startup"), None]  # as Ray says it

    def late_once():
        answer = answers.pop(0)
        if answer:
            raise answer

    starting(late_once)
    with connect(None, verbose=False) as own:
        assert own
    assert not answers


def test_a_signal_while_ray_starts_reaches_who_listens(starting):
    """Ray replaces the handler of SIGTERM by one that exits, before and after it has started."""
    before = signal.getsignal(signal.SIGTERM)
    heard = []

    def take_over():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))

    def take_over_and_stop():
        take_over()
        signal.raise_signal(signal.SIGTERM)

    try:
        signal.signal(signal.SIGTERM, mine := lambda number, _: heard.append(number))
        starting(take_over)
        with connect(None, verbose=False):
            assert signal.getsignal(signal.SIGTERM) is mine
        starting(take_over_and_stop)
        with pytest.raises(SystemExit), connect(None, verbose=False):
            pytest.fail("it was stopped")
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("before", [None, "0"])
def test_joining_leaves_the_environment_as_it_was(monkeypatch, before):
    during = []
    monkeypatch.delenv(module.MERGE, raising=False)
    if before is not None:
        monkeypatch.setenv(module.MERGE, before)
    monkeypatch.setattr(module.ray, "shutdown", lambda: None)
    monkeypatch.setattr(module.ray, "init", lambda **_: during.append(os.environ[module.MERGE]))
    with connect("auto", verbose=False):
        pass
    assert during == ["1"]
    assert os.environ.get(module.MERGE) == before


@pytest.fixture(scope="module")
def joined(tmp_path_factory) -> dict:
    """What `tests/sweeps/cluster/joins.py` saw on a cluster of three nodes."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine.py").write_text("import lab\nMARKER = 'of the user'\n")
    (home / "lab").mkdir()
    (home / "lab" / "__init__.py").touch()
    (home / "lab" / "data.bin").write_bytes(b"data")
    program = Path(__file__).with_name("joins.py")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.ray
@pytest.mark.slow
def test_workers_get_the_package_as_it_is_here_and_the_users_modules(joined):
    assert joined["modules"] == ["lab", "mine.py"]
    worker = joined["worker"]
    assert worker["marker"] == "of the user"
    for name in ("package", "mine", "lab"):
        assert "py_modules_files" in worker[name]
    assert not (Path(worker["lab"]).parent / "data.bin").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_slots_of_a_real_cluster(joined):
    assert joined["one cpu"] == 5
    assert joined["two cpus"] == 2
    assert joined["third of a card"] == 6
    assert joined["more than half a card"] == 2
    assert joined["custom"] == 2


@pytest.mark.ray
@pytest.mark.slow
def test_a_real_cluster_says_what_can_never_fit(joined):
    assert joined["too many cpus"].startswith("resources.cpu: a trial books 4, but no node")
    assert "resources.custom.slow" in joined["no such resource"]
    assert "(they have cpu 0, gpu 0; cpu 2, gpu 2; cpu 3, gpu 0)" in joined["not together"]


@pytest.mark.ray
@pytest.mark.slow
def test_the_cluster_is_left_and_its_dashboard_named(joined):
    assert not joined["connected afterwards"]
    assert [line.partition(":")[0] for line in joined["stages"]] == ["Ray", "dashboard"]


@pytest.mark.parametrize(
    ("gpu", "trials"), [(0.1, 10), (0.25, 4), (0.3, 3), (1 / 3, 3), (0.6, 1), (1, 1), (2, 1)]
)
def test_a_card_has_room_for_whole_trials_only(gpu, trials):
    assert trials_per_card(gpu) == trials


@pytest.mark.parametrize(
    ("booked", "expected"),
    [({"cpu": 2}, 4), ({"cpu": 1, "gpu": 0.5}, 4), ({"cpu": 1, "custom": {"fast": 1}}, 0)],
)
def test_a_machine_fits_as_many_as_its_scarcest_part(booked, expected):
    assert fitting({"CPU": 8, "GPU": 2}, Resources(**booked)) == expected
