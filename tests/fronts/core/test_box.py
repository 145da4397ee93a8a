import json
import math

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, require_same_box

LOSS = Objective("loss", "min", ideal=1.0, nadir=5.0)
GAIN = Objective("gain", "max", ideal=10.0, nadir=-10.0)
GAP = Objective("gap", "min", ideal=0.0, nadir=0.25)


def test_normalising_puts_the_ideal_at_0_and_the_nadir_at_1_in_both_directions():
    box = Box((LOSS, GAIN, GAP))
    values = [[1.0, 10.0, 0.0], [5.0, -10.0, 0.25], [3.0, 5.0, 0.5], [0.0, 20.0, -0.25]]
    expected = [[0, 0, 0], [1, 1, 1], [0.5, 0.25, 2], [-0.25, -0.5, -1]]
    assert box.normalise(values).tolist() == expected


def test_normalising_leaves_its_input_alone():
    values = np.array([[2.0, 3.0]])
    values.flags.writeable = False
    result = Box((LOSS, GAIN)).normalise(values)
    assert not np.shares_memory(result, values)
    assert values.tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_normalising_refuses_what_is_not_finite_and_names_the_metric(bad):
    with pytest.raises(InputError, match="gain of row 0"):
        Box((LOSS, GAIN)).normalise([[1.0, bad]])


@settings(deadline=None)
@given(
    st.sampled_from(["min", "max"]),
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
)
def test_better_is_always_smaller(direction, ideal, width, value, step):
    sign = 1 if direction == "min" else -1
    box = Box((Objective("a", direction, ideal, ideal + sign * width), LOSS))
    better, worse = box.normalise([[value, 1.0], [value + sign * step, 1.0]])[:, 0]
    assert better < worse


def test_the_reference_point_is_all_ones_unless_given():
    assert Box((LOSS, GAIN)).reference == (1.0, 1.0)
    assert Box((LOSS, GAIN, GAP)).reference == (1.0, 1.0, 1.0)
    assert Box((LOSS, GAIN), (1.1, 2)).reference == (1.1, 2.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "minimise", 0.0, 1.0), "direction of a: 'minimise' is not known; did you mean"),
        (("a", "min", 1.0, 1.0), "ideal of a: 1.0 is not better than the nadir 1.0"),
        (("a", "min", 2.0, 1.0), "swap them or change the direction"),
        (("a", "max", 1.0, 2.0), "swap them or change the direction"),
        (("a", "min", 0.0, math.nan), "nadir of a: nan is not finite"),
        (("a", "min", -math.inf, 0.0), "ideal of a: -inf is not finite"),
        (("a", "min", 0.0, "1e-3"), "nadir of a: '1e-3' is not a number"),
        (("a", "min", False, 1.0), "ideal of a: False is not a number"),
        (("", "min", 0.0, 1.0), "metric: '' is no name"),
    ],
)
def test_an_objective_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Objective(*arguments)


@pytest.mark.parametrize(
    ("objectives", "reference", "message"),
    [
        ((LOSS,), (), "1 given; declare two or three"),
        ((LOSS, GAIN, GAP, Objective("b", "min", 0, 1)), (), "4 given; declare two or three"),
        ((LOSS, LOSS), (), "loss, loss name a metric twice"),
        ((LOSS, GAIN), (1.0,), "1 numbers for 2 objectives"),
        ((LOSS, GAIN), (1.0, math.inf), r"reference\.1: inf is not finite"),
        ((LOSS, GAIN), (1.0, 0.0), "not worse than the ideal"),
    ],
)
def test_a_box_that_makes_no_sense_is_refused(objectives, reference, message):
    with pytest.raises(InputError, match=message):
        Box(objectives, reference)


def test_a_box_survives_json_and_yaml_exactly():
    box = Box((Objective("a", "min", 0.1 + 0.2, 1 / 3), GAIN, GAP), (1.1, 1.0, 1 + 1e-12))
    assert Box.from_dict(json.loads(json.dumps(box.to_dict()))) == box
    assert Box.from_dict(yaml.safe_load(yaml.safe_dump(box.to_dict()))) == box


def test_a_box_written_by_hand_may_leave_out_the_reference_point():
    data = Box((LOSS, GAIN)).to_dict()
    del data["reference"]
    assert Box.from_dict(data) == Box((LOSS, GAIN))


def corrupted(**changes):
    data = Box((LOSS, GAIN)).to_dict()
    first = data["objectives"][0]
    for name, value in changes.items():
        if value is None:
            del first[name]
        else:
            first[name] = value
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"box: \[\] is no mapping"),
        ({}, r"box\.objectives: missing"),
        ({"objectives": "retrain_gap"}, r"box\.objectives: a list is needed"),
        ({"objectives": [1, 2]}, r"box\.objectives\.0: 1 is no mapping"),
        ({"objectives": [], "refrence": [1, 1]}, "did you mean 'reference'"),
        (corrupted(nadir=None), r"box\.objectives\.0\.nadir: missing"),
        (corrupted(nadirr=3.0), "'nadirr' is not known; did you mean 'nadir'"),
        (corrupted(nadir="far"), r"box\.objectives\.0: nadir of loss: 'far' is not a number"),
        ({**corrupted(), "reference": 1.0}, r"box\.reference: a list"),
    ],
)
def test_a_damaged_box_is_refused_by_name(data, message):
    with pytest.raises(InputError, match=message):
        Box.from_dict(data)


def test_equal_boxes_may_be_compared_and_others_are_told_apart():
    box = Box((LOSS, GAIN))
    require_same_box(box, Box((LOSS, GAIN), (1.0, 1.0)))
    with pytest.raises(InputError, match=r"reference points \[1.0, 1.0\] and \[1.0, 1.1\]"):
        require_same_box(box, Box((LOSS, GAIN), (1.0, 1.1)))
    with pytest.raises(InputError, match="objectives loss, gain and loss, gap"):
        require_same_box(box, Box((LOSS, GAP)))
    near = Objective("gain", "max", ideal=10.0, nadir=-10.000000001)
    with pytest.raises(InputError, match=r"gain from 10.0 to -10.0 and from 10.0 to -10.000000001"):
        require_same_box(box, Box((LOSS, near)))
