import pytest

from pareto_explorer.runs import atomic_path, write_text


def test_text_replaces_what_was_there(tmp_path):
    target = tmp_path / "summary.md"
    write_text(target, "α")
    write_text(target, "β")
    assert target.read_bytes() == "β".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_former_content_and_no_litter(tmp_path):
    target = tmp_path / "table.bin"
    target.write_text("former")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "former"
    assert list(tmp_path.iterdir()) == [target]
