from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.schema.checkpoint_ids import as_checkpoint, checkpoint_id
from pareto_explorer.schema.columns import MEMBER

PIECES = st.sampled_from(["@", MEMBER, "1", "0.5", "1e-05", "\n", " ", "é", "a1b2"])
TRIALS = st.one_of(st.text(min_size=1), st.lists(PIECES, min_size=1).map("".join))
STEPS = st.integers(0, 2**63 - 1)
POSITIONS = st.floats(0, allow_infinity=False, allow_nan=False)
CHECKPOINTS = st.tuples(TRIALS, STEPS, POSITIONS)


@given(CHECKPOINTS)
def test_an_id_is_read_back(checkpoint):
    assert as_checkpoint(checkpoint_id(*checkpoint)) == checkpoint


@given(st.text(alphabet="a@.0e-+15"))
def test_a_checkpoint_has_one_id(text):
    with suppress(InputError):
        assert checkpoint_id(*as_checkpoint(text)) == text


def test_ids_are_those_that_the_page_writes():
    assert checkpoint_id("a@5", 3) == "a@5@3"
    assert checkpoint_id("a", 5, 3.0) == "a@5@3.0"
    assert checkpoint_id("first: a", 5, 0.1) == "first: a@5@0.1"
    assert checkpoint_id("a", 0, 1e-05) == "a@0@1e-05"


NO_IDS = ["", "a", "@3", "a@", "a@-1", "a@1.5", "a@01", "a@" + "9" * 5000, "a@٣", 3]
NO_IDS += ["a@1@0.0", "a@1@.5", "a@1@1.2.3", "a@1@1e999"]


@pytest.mark.parametrize("text", NO_IDS)
def test_other_texts_are_refused(text):
    with pytest.raises(InputError, match=r"write 'TRIAL@STEP', or 'TRIAL@STEP@POSITION'"):
        as_checkpoint(text)
