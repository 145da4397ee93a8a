from __future__ import annotations

import math
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from tests.sweeps.twins_schedulers import (
    Rehearsed,
    decide,
    order_of,
    point_row,
    points_table,
    replay,
    result_of,
    trial,
)

BOX = Box((Objective("forget_gap", "min", 0.0, 1.0), Objective("retain_gap", "min", 0.0, 1.0)))
UPGRAD, MGDA = "upgrad/kl_uniform", "mgda/kl_uniform"

eighths = st.integers(-1, 12).map(lambda k: k / 8)  # ties, duplicates, beyond and better than ideal


@st.composite
def reports(draw, most=24):
    """Trials of two families that take one or two steps at a time, mixed with each other."""
    names = draw(st.lists(st.integers(0, 7), max_size=most))
    steps = dict.fromkeys(names, 0)
    found = []
    for name in names:
        steps[name] += draw(st.integers(1, 2))
        values = (draw(eighths), draw(eighths))
        found.append((f"t{name}", (UPGRAD, MGDA)[name % 2], steps[name], values))
    return found


def scheduler(**options) -> ParetoASHA:
    return ParetoASHA(BOX, **{"max_steps": 9, "grace": 1, "eta": 2.0, "margin": 0.02} | options)


@settings(deadline=None, max_examples=300)
@given(reports(), st.sampled_from([1.5, 2.0, 3.0]), st.sampled_from([0.0, 0.02, 0.25]))
def test_decisions_agree_with_the_definition(stream, eta, margin):
    asha = scheduler(eta=eta, margin=margin)
    stopped: set[str] = set()
    kept = []
    for report in stream:
        if report[0] in stopped:
            continue  # Ray hears nothing more from a stopped trial
        kept.append(report)
        if decide(kept, BOX, asha.levels, eta, margin)[-1]:
            stopped.add(report[0])
    wanted = decide(kept, BOX, asha.levels, eta, margin)
    assert replay(asha, kept) == wanted
    assert {name for name, *_ in kept if asha.reason(name)} == stopped


@settings(deadline=None)
@given(reports())
def test_what_no_other_beats_by_the_margin_goes_on(stream):
    asha = scheduler(max_steps=2, margin=0.25)
    first: dict[str, dict[str, tuple[float, float]]] = {UPGRAD: {}, MGDA: {}}
    for (name, family, _, values), stops in zip(stream, replay(asha, stream), strict=True):
        if name not in first[family]:
            first[family][name] = values
            others = np.array(list(first[family].values()))
            assert not stops or (np.array(values) - others > 0.25).all(axis=1).any()


@settings(deadline=None)
@given(reports(), st.data())
def test_units_and_directions_do_not_matter(stream, data):
    scale = [data.draw(st.sampled_from([0.5, 2.0, 16.0, -0.25, -4.0])) for _ in range(2)]
    shift = [data.draw(st.integers(-4, 4)) for _ in range(2)]
    box = Box(
        tuple(
            Objective(metric, "min" if s > 0 else "max", float(b), float(s + b))
            for metric, s, b in zip(BOX.metrics, scale, shift, strict=True)
        )
    )
    moved = [(n, f, t, tuple(np.multiply(v, scale) + shift)) for n, f, t, v in stream]
    other = ParetoASHA(box, max_steps=9, grace=1)
    assert replay(other, moved) == replay(scheduler(), stream)


@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=2)), ids="/".join)
def test_every_direction(directions):
    # normalised: (1/4, 1/4) first, then the worse (1/2, 1/2) and the better (1/8, 1/8)
    def metric(value, direction):
        return 8 * value if direction == "min" else 8 - 8 * value

    objectives = tuple(
        Objective(name, d, metric(0, d), metric(1, d))
        for name, d in zip(BOX.metrics, directions, strict=True)
    )
    stream = [
        (name, UPGRAD, 1, tuple(metric(value, d) for d in directions))
        for name, value in (("first", 1 / 4), ("worse", 1 / 2), ("better", 1 / 8))
    ]
    asha = ParetoASHA(Box(objectives), max_steps=9, grace=1)
    assert replay(asha, stream) == [False, True, False]
    assert asha.reason("worse") == "rung at step 1: dominated, rank 2 of 2"
    assert asha.reason("better") == ""


def test_a_newcomer_that_is_best_goes_on_in_a_full_rung():
    asha = scheduler()
    replay(asha, [(f"t{i}", UPGRAD, 1, (i / 10, 1 - i / 10)) for i in range(10)])
    assert replay(asha, [("late", UPGRAD, 1, (0.0, 0.0))]) == [False]


def test_the_ends_of_the_trade_off_go_on_whatever_their_rank():
    asha = scheduler(eta=8.0)
    line = [(f"t{i}", UPGRAD, 1, (i / 20, 0.5 - i / 20)) for i in range(10)]
    ends = [("careful", UPGRAD, 1, (1.4, 0.0)), ("bold", UPGRAD, 1, (0.0, 6.0))]
    assert replay(asha, [*line, *ends, ("lost", UPGRAD, 1, (0.9, 0.9))]) == [False] * 12 + [True]


@pytest.mark.parametrize(("last", "stops"), [("near", False), ("far", True)])
def test_distances_beyond_the_box_do_not_count(last, stops):
    # behind the best: two ends, one point between them, one far out that adds no more to the cover
    others = {"near": (0.2, 0.5), "far": (0.1, 7.0)}
    asha = scheduler(eta=1.25)  # four of five go on
    points = [(0.0, 0.0), (0.05, 8.0), (0.9, 0.1), *(v for k, v in others.items() if k != last)]
    replay(asha, [(f"t{index}", UPGRAD, 1, values) for index, values in enumerate(points)])
    assert replay(asha, [(last, UPGRAD, 1, others[last])]) == [stops]


def test_a_small_rung_stops_nobody():
    stream = [(f"t{i}", UPGRAD, 1, (i / 10, i / 10)) for i in range(4)]
    assert replay(scheduler(eta=4.0), stream) == [False, False, False, True]
    assert replay(scheduler(), stream[:1]) == [False]


def test_equal_points_go_on_together():
    assert not any(replay(scheduler(), [(f"t{i}", UPGRAD, 1, (0.5, 0.5)) for i in range(9)]))


def test_a_wide_margin_stops_nobody():
    stream = [(f"t{i}", UPGRAD, 1, (i / 10, i / 10)) for i in range(10)]
    assert not any(replay(scheduler(margin=1.0), stream))
    assert sum(replay(scheduler(margin=0.5), stream)) == 4


def test_families_are_compared_only_if_asked():
    stream = [("a", UPGRAD, 1, (0.1, 0.1)), ("b", MGDA, 1, (0.5, 0.5))]
    assert replay(scheduler(), stream) == [False, False]
    assert replay(scheduler(by_family=False), stream) == [False, True]


def test_rungs_lie_before_the_last_step():
    assert scheduler(grace=2, max_steps=16).levels == [2, 4, 8]
    assert scheduler(grace=2, max_steps=17).levels == [2, 4, 8, 16]
    assert scheduler(grace=10, max_steps=60, eta=3.0).levels == [10, 30]


def test_a_report_before_the_first_rung_or_again_decides_nothing():
    asha = scheduler(grace=4)
    replay(asha, [("a", UPGRAD, 4, (0.1, 0.1)), ("b", UPGRAD, 4, (0.1, 0.1))])
    assert replay(asha, [("c", UPGRAD, 3, (0.5, 0.5))]) == [False]
    assert replay(asha, [("b", UPGRAD, 4, (0.9, 0.9)), ("b", UPGRAD, 5, (0.9, 0.9))]) == [False] * 2
    assert replay(asha, [("c", UPGRAD, 5, (0.5, 0.5))]) == [True]


def test_a_late_report_enters_every_rung_that_it_reaches():
    asha = scheduler(grace=2)
    replay(asha, [("a", UPGRAD, 5, (0.1, 0.1))])
    assert replay(asha, [("b", UPGRAD, 2, (0.5, 0.5)), ("c", UPGRAD, 4, (0.5, 0.5))]) == [True] * 2
    assert asha.reason("b") == "rung at step 2: dominated, rank 2 of 2"
    assert asha.reason("c") == "rung at step 4: dominated, rank 2 of 2"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_ends_the_trial_and_enters_no_rung(bad):
    asha = scheduler(grace=2)
    assert replay(asha, [("a", UPGRAD, 1, (0.5, bad))]) == [True]
    assert asha.reason("a") == "step 1: no finite retain_gap"
    assert replay(asha, [("b", UPGRAD, 2, (bad, 0.5)), ("b", UPGRAD, 3, (0.1, 0.1))]) == [True] * 2
    # alone in its rung: neither a nor b is there
    assert replay(asha, [("c", UPGRAD, 2, (0.9, 0.9))]) == [False]
    assert "1 at step 2" in asha.debug_string()
    assert asha.debug_string().startswith("ParetoASHA: 2 trials stopped")


def test_a_diverged_trial_reports_no_means():
    asha = scheduler()
    assert asha.on_trial_result(None, trial("a"), {"step": 1, "forget_gap": 0.1}) == asha.STOP
    assert asha.reason("a") == "step 1: no finite retain_gap"


def test_a_trial_that_ends_by_itself_was_not_stopped():
    asha = scheduler()
    asha.on_trial_complete(None, trial("a"), result_of(BOX, 1, (0.1, math.nan)))
    assert asha.reason("a") == ""
    assert replay(asha, [("b", UPGRAD, 1, (0.9, 0.9))]) == [False]


def test_a_report_without_a_step_decides_nothing():
    asha = scheduler()
    assert asha.on_trial_result(None, trial("a"), {"rows": []}) == asha.CONTINUE
    asha.on_trial_complete(None, trial("a"), {"rows": []})
    assert asha.reason("a") == ""


def test_the_last_report_of_a_trial_counts_in_its_rung():
    asha = scheduler()
    asha.on_trial_complete(None, trial("short"), result_of(BOX, 1, (0.1, 0.1)))
    assert replay(asha, [("b", UPGRAD, 1, (0.5, 0.5))]) == [True]
    asha.on_trial_complete(None, trial("b"), result_of(BOX, 1, (0.5, 0.5)))
    assert replay(asha, [("c", UPGRAD, 1, (0.5, 0.5))]) == [True]
    assert asha.reason("c") == "rung at step 1: dominated, rank 3 of 3"


@settings(deadline=None)
@given(reports(), reports())
def test_pickling_keeps_what_it_knows(before, after):
    asha = scheduler()
    replay(asha, before)
    again = pickle.loads(pickle.dumps(asha))  # noqa: S301
    names = {name for name, *_ in before + after}
    assert replay(again, after) == replay(asha, after)
    assert {n: again.reason(n) for n in names} == {n: asha.reason(n) for n in names}


@settings(deadline=None, max_examples=50)
@given(reports(), reports(most=8), st.integers(1, 3))
def test_rungs_rebuilt_from_the_points_table_decide_alike(before, after, replicates):
    live, rows, stopped = scheduler(), [], set()
    for report in before:
        if report[0] in stopped:
            continue
        if replay(live, [report])[0]:
            stopped.add(report[0])
        name, family, step, (forget, retain) = report
        rows += [
            # a spread that the mean takes out again without rounding
            point_row(name, family, step, i, forget_gap=forget + d, retain_gap=retain - d)
            for i, d in enumerate(((0.0,), (-0.5, 0.5), (-0.5, 0.0, 0.5))[replicates - 1])
        ]
    rebuilt = scheduler()
    if rows:
        rebuilt.seed_rungs(points_table(rows))
    fresh = [(f"new {name}", *rest) for name, *rest in after]
    assert replay(rebuilt, fresh) == replay(live, fresh)


def test_running_and_incomplete_and_diverged_points_stay_out_of_the_rungs():
    good, bad = {"forget_gap": 0.1, "retain_gap": 0.1}, {"forget_gap": 0.5, "retain_gap": 0.5}
    rows = [
        *(point_row("running", UPGRAD, 1, i, trial_status="running", **good) for i in (0, 1)),
        point_row("half", UPGRAD, 1, 0, **good),
        point_row("diverged", UPGRAD, 1, 0, trial_status="diverged", **good),
        point_row("diverged", UPGRAD, 1, 1, trial_status="diverged", status="diverged"),
        *(point_row("failed", UPGRAD, 1, i, trial_status="failed", **bad) for i in (0, 1)),
        point_row("failed", UPGRAD, 0, 0, trial_status="failed", status="failed"),
    ]
    asha = scheduler()
    asha.seed_rungs(points_table(rows))
    assert "trials in rungs: 1 at step 1," in asha.debug_string()
    assert replay(asha, [("running", UPGRAD, 1, (0.4, 0.4))]) == [False]
    assert replay(asha, [("late", UPGRAD, 1, (0.55, 0.55))]) == [True]
    assert asha.reason("late") == "rung at step 1: dominated, rank 3 of 3"


def test_an_empty_points_table_leaves_the_rungs_empty():
    asha = scheduler()
    asha.seed_rungs(points_table([]))
    assert replay(asha, [("a", UPGRAD, 1, (0.9, 0.9))]) == [False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grace": 0}, r"early_stopping\.grace: 0 does not lie inside a trial of 9 steps"),
        ({"grace": 9}, r"early_stopping\.grace: 9 does not lie inside"),
        ({"eta": 1.0}, r"early_stopping\.eta: 1\.0 is not above 1"),
        ({"eta": math.nan}, r"early_stopping\.eta: nan is not finite"),
        ({"margin": -0.1}, r"early_stopping\.margin: -0\.1 is negative"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        scheduler(**options)


@pytest.mark.ray
def test_in_a_sweep(cluster, tmp_path):
    # one trial after another; steps 1 and 2 are rungs
    rehearsals = {
        "first": (UPGRAD, (0.2, 0.2)),
        "worse": (UPGRAD, (0.5, 0.5)),
        "careful": (UPGRAD, (0.9, 0.0)),
        "other": (MGDA, (0.5, 0.5)),
        "infinite": (MGDA, (0.1, math.inf)),
        "better": (UPGRAD, (0.1, 0.1)),
    }
    configs = [
        {"trial_id": name, "family": family, "knobs": {"values": values, "steps": 3}}
        for name, (family, values) in rehearsals.items()
    ]
    asha = scheduler(max_steps=3)
    results = tune.Tuner(
        tune.with_resources(Rehearsed, {"cpu": 1}),
        param_space=tune.grid_search(configs),
        tune_config=tune.TuneConfig(scheduler=asha, reuse_actors=True),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(tmp_path),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    ).fit()
    steps = {result.config["trial_id"]: result.metrics["step"] for result in results}
    assert steps == {
        "first": 3,
        "worse": 1,
        "careful": 3,
        "other": 3,
        "infinite": 1,
        "better": 3,
    }
    assert results.num_errors == 0
    assert asha.reason("worse") == "rung at step 1: dominated, rank 2 of 2"
    assert asha.reason("infinite") == "step 1: no finite retain_gap"


def line_of(step: int, points) -> dict:
    """A report of several models at one step; the mean of all of them stands above."""
    rows = [result_of(BOX, step, point) for point in points]
    return result_of(BOX, step, np.mean(points, axis=0)) | {"line": rows}


def shown(asha: ParetoASHA, name: str, step: int, points) -> bool:
    return asha.on_trial_result(None, trial(name, UPGRAD), line_of(step, points)) == asha.STOP


@settings(deadline=None)
@given(reports())
def test_a_line_of_one_model_is_that_model(stream):
    asha = scheduler()
    found = [shown(asha, name, step, [values]) for name, _, step, values in stream]
    assert found == replay(scheduler(), [(n, UPGRAD, t, v) for n, _, t, v in stream])


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=8),
    st.integers(0, 10**6),
    st.sampled_from([1.5, 2.0, 3.0]),
)
def test_lines_are_compared_as_sets(sizes, seed, eta):
    """By the definition: how many trials have a model before the best one of a line."""
    draws = np.random.default_rng(seed)
    lines = [draws.permutation(1000)[: 2 * n].reshape(n, 2) / 1000 for n in sizes]
    asha = scheduler(eta=eta, max_steps=2)
    for last, line in enumerate(lines):
        rung = [(*point, name) for name, own in enumerate(lines[: last + 1]) for point in own]
        beaten = all(any(p[0] - q[0] > 0.02 and p[1] - q[1] > 0.02 for q in rung) for p in line)
        owner = {(x, y): name for x, y, name in rung}
        order = [owner[tuple(point)] for point in order_of([p[:2] for p in rung], BOX.reference)]
        before = set(order[: order.index(last)])
        stops = beaten and last + 1 >= eta and len(before) >= math.ceil((last + 1) / eta)
        assert shown(asha, f"t{last}", 1, line) == stops


def test_one_good_model_keeps_a_line():
    asha = scheduler()
    assert not shown(asha, "good", 1, [(0.1, 0.1)])
    assert not shown(asha, "line", 1, [(0.9, 0.9), (0.8, 0.9), (0.05, 0.3)])
    assert shown(asha, "bad", 1, [(0.9, 0.9), (0.8, 0.9)])
    missing = line_of(1, [(0.1, 0.1), (math.nan, 0.1)])
    assert asha.on_trial_result(None, trial("gap", UPGRAD), missing) == asha.STOP
    assert asha.reason("gap") == "step 1: no finite forget_gap"


def test_lines_of_an_earlier_run_enter_rungs_as_sets():
    points = {"a": [(0.1, 0.9), (0.9, 0.1)], "b": [(0.5, 0.5), (0.2, 0.95)]}
    rows = [
        point_row(name, UPGRAD, 1, 0, trial_status="finished")
        | {"position": float(position)}
        | dict(zip(BOX.metrics, values, strict=True))
        for name, line in points.items()
        for position, values in enumerate(line)
    ]
    seeded = scheduler()
    seeded.seed_rungs(points_table(rows))
    straight = scheduler()
    for name, line in points.items():
        shown(straight, name, 1, line)
    for asha in (seeded, straight):
        rung = asha._rungs[UPGRAD, 1]
        assert rung.values.tolist() == [list(p) for name in "ab" for p in points[name]]
        assert len(rung) == 2
