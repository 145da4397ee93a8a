from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
import yaml

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import OBJECTIVES
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from pareto_explorer.sweeps import SweepSpec, TrialPlan
from pareto_explorer.sweeps.spec.domains import Domain
from pareto_explorer.sweeps.spec.parts import SamplesBudget, SecondsBudget
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning
from pareto_explorer.tasks import make_task
from pareto_explorer.trust.files import dump_yaml, parse_yaml
from pareto_explorer.unlearning import PRESETS, make_method

MINIMAL = {
    "task": {"name": "digits"},
    "families": [
        {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
    ],
}


SEEDS = ("training_seeds", "unlearning_seeds")
WIDE = {"grid_search": [0.1] * 10**4}


def spec(**changes) -> SweepSpec:
    return SweepSpec.from_mapping(MINIMAL | changes)


def family(**changes) -> dict:
    return {**MINIMAL["families"][0], **changes}


def test_lists_are_axes():
    found = spec(
        families=[
            family(aggregator=["upgrad", "mgda"], forget_loss=["kl_uniform", "kl_heldout"]),
            {"method": ["fine_tune", "none"]},
        ]
    ).family_list()
    assert [f.name for f in found] == [
        "upgrad/kl_uniform",
        "upgrad/kl_heldout",
        "mgda/kl_uniform",
        "mgda/kl_heldout",
        "fine_tune",
        "none",
    ]
    assert (found[3].method, found[3].aggregator) == ("jacobian_descent", "mgda")
    assert found[4].aggregator is None


def test_knobs_are_fixed_values_domains_or_the_default_sweep():
    found = spec(
        families=[family(aggregator="cup", lr={"loguniform": [0.001, 0.1]}, intensity="sweep")]
    ).family_list()[0]
    assert found.knobs["lr"] == Domain("loguniform", (0.001, 0.1))
    assert isinstance(found.knobs["intensity"], Domain)


def test_a_knob_goes_to_the_families_that_have_it():
    found = spec(
        families=[family(aggregator=["upgrad", "cup"], lr="sweep", intensity={"uniform": [0, 1]})]
    ).family_list()
    assert [sorted(f.knobs) for f in found] == [["lr"], ["intensity", "lr"]]


#: What the presets with SGD say of the optimiser, besides the learning rate.
PLAIN = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "batch_norm": "batch"}


def test_presets_are_families_that_can_be_overridden():
    found = spec(
        families=[
            {"preset": ["raul_uniform", "cup"], "lr": 0.5},
            {"preset": "cup", "name": "pivot", "forget_loss": "kl_uniform", "intensity": 0.2},
        ]
    ).family_list()
    assert [f.name for f in found] == ["raul_uniform", "cup", "pivot"]
    assert (found[0].aggregator, found[0].forget_loss) == ("upgrad", "kl_uniform")
    assert found[0].knobs == {**PLAIN, "lr": 0.5, "optimizer": "adamw"}
    assert (found[2].aggregator, found[2].forget_loss) == ("cup", "kl_uniform")
    assert found[2].knobs == {**PLAIN, "lr": 0.001, "intensity": 0.2}


def test_what_a_preset_sets_of_a_part_goes_with_the_part():
    (gru,) = spec(families=[{"preset": "gru"}]).family_list()
    (other,) = spec(families=[{"preset": "gru", "aggregator": "pcgrad"}]).family_list()
    assert gru.knobs == {**other.knobs, "tracking": 0.8}
    with pytest.raises(InputError, match=r"families\.0\.tracking: 'tracking' is not known"):
        spec(families=[{"preset": "gru", "aggregator": "pcgrad", "tracking": 0.5}]).plan()


def test_sweep_means_the_papers_grid_under_a_preset():
    with pytest.raises(InputError, match="cup: its grid has 198 cells"):
        spec(families=[{"preset": "cup", "intensity": "sweep", "lr": "sweep"}])
    whole = spec(
        families=[{"preset": "cup", "intensity": "sweep", "lr": "sweep"}],
        search={"configurations": 198},
    ).plan()
    assert len({(t.knobs["intensity"], t.knobs["lr"]) for t in whole}) == 198


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_is_a_valid_family(preset):
    assert spec(families=[{"preset": preset}]).plan()[0].family.name == preset


def test_every_pair_of_seeds_is_a_replicate():
    pairs = spec(replicates={"training_seeds": [4, 5], "unlearning_seeds": [0, 1]}).replicate_list()
    assert [(r.index, r.training_seed, r.unlearning_seed) for r in pairs] == [
        (0, 4, 0),
        (1, 4, 1),
        (2, 5, 0),
        (3, 5, 1),
    ]


def test_the_plan_names_every_trial_once_and_turns_through_the_families():
    plan = spec(
        families=[family(aggregator=["upgrad", "mgda"], lr="sweep"), {"method": "none"}],
        search={"configurations": 3},
    ).plan()
    names = [trial.trial_id for trial in plan]
    assert names[:3] == ["upgrad-kl_uniform-000", "mgda-kl_uniform-000", "none-000"]
    assert len(names) == len(set(names)) == 7
    by_index = {t.trial_id: t.knobs["lr"] for t in plan if "lr" in t.knobs}
    assert by_index["upgrad-kl_uniform-001"] == by_index["mgda-kl_uniform-001"]


def test_the_mapping_of_a_specification_gives_it_back():
    first = spec(objectives={"preset": "retrain_gap", "tolerance": 0.05})
    assert SweepSpec.from_mapping(yaml.safe_load(yaml.safe_dump(first.to_mapping()))) == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"familes": []}, r"familes: 'familes' is not known; did you mean 'families'"),
        ({"families": [{"preset": "cupp"}]}, r"families\.0\.preset: 'cupp'.*'cup'"),
        ({"families": []}, r"families: .*at least 1"),
        ({"families": "none"}, r"families: .*list"),
        ({"families": [{}]}, r"families\.0\.method: missing"),
        ({"families": [family(method="jacobian")]}, r"did you mean 'jacobian_descent'"),
        (
            {"families": [family(aggregator="upgard")]},
            r"families\.0\.aggregator: 'upgard'.*'upgrad'",
        ),
        ({"families": [family(forget_loss="kl")]}, r"families\.0\.forget_loss: 'kl'.*'kl_"),
        ({"families": [family(aggregator=[])]}, r"families\.0\.aggregator: the list is empty"),
        (
            {"families": [family(aggregator=None)]},
            r"families\.0\.aggregator: method 'jacobian_descent' needs one",
        ),
        (
            {"families": [{"method": "fine_tune", "aggregator": "mgda"}]},
            r"families\.0\.aggregator: method 'fine_tune' takes none",
        ),
        ({"families": [family(lrr=0.1)]}, r"families\.0\.lrr: 'lrr'.*'lr'"),
        ({"families": [family(lr=-0.1)]}, r"families\.0\.lr: .*-0\.1"),
        ({"families": [family(lr="fast")]}, r"families\.0\.lr: .*'fast'"),
        ({"families": [family(), family()]}, r"families\.1: a second family .*'upgrad/kl_uniform'"),
        (
            {"families": [family(aggregator="cup", intensity={"grid_search": [0.5, 2]})]},
            r"families\.0\.intensity: .*2",
        ),
        ({"budget": {"steps": 0}}, r"budget\.steps: .*greater than 0, found 0"),
        ({"budget": {"steps": "many"}}, r"budget\.steps: .*integer.*found 'many'"),
        ({"budget": {"step": 5}}, r"budget\.step: 'step'.*'steps'"),
        ({"replicates": {"training_seeds": []}}, r"replicates\.training_seeds"),
        ({"replicates": {"training_seeds": [1, 1]}}, r"training_seeds: seeds must differ"),
        ({"objectives": "retrain_gp"}, r"objectives: 'retrain_gp'.*'retrain_gap'"),
        ({"objectives": {"preset": "retrain_gap", "tolerance": 2}}, r"objectives\.tolerance"),
        (
            {
                "objectives": [
                    {"metric": "forgt_gap", "direction": "min", "ideal": 0, "nadir": 1},
                    {"metric": "retain_gap", "direction": "min", "ideal": 0, "nadir": 1},
                ]
            },
            r"objectives\.0\.metric: 'forgt_gap'.*'forget_gap'",
        ),
        (
            {"objectives": [{"metric": "forget_gap", "direction": "min", "ideal": 0, "nadir": 1}]},
            r"two or three objectives, found 1",
        ),
        ({"search": {"mode": "compair"}}, r"search\.mode: .*'compare'"),
        ({"search": {"mode": "explore", "sampler": "tpa"}}, r"search\.sampler: .*'tpe'"),
        ({"search": {"mode": "explore", "smapler": "tpe"}}, r"'smapler' is not .* 'sampler'"),
        ({"search": {"sampler": "tpe"}}, r"search\.sampler: 'sampler' is not known"),
        (
            {"search": {"mode": "explore", "constraints": ["retain_gap < 3"]}},
            r"search\.constraints: 'retain_gap < 3' is no bound",
        ),
        (
            {"search": {"mode": "explore", "constraints": ["retin_gap <= 3"]}},
            r"search\.constraints: 'retin_gap' .* 'retain_gap'",
        ),
        ({"search": {"budget_per_family": {"seconds": -1}}}, r"budget_per_family\.seconds: .*-1"),
        ({"search": {"budget_per_family": {"samples": 0}}}, r"budget_per_family\.samples: .*0"),
        (
            {"search": {"budget_per_family": {"samples": 2.5}}},
            r"budget_per_family\.samples: .*2\.5",
        ),
        ({"search": {"budget_per_family": {"steps": 3}}}, r"budget_per_family: .*steps.*samples"),
        (
            {"search": {"budget_per_family": {"samples": 3, "seconds": 3}}},
            r"budget_per_family: .*give seconds or samples",
        ),
        ({"search": {"budget_per_family": "3"}}, r"search\.budget_per_family: .*'3'"),
        ({"families": [family(budget=3)]}, r"families\.0\.budget: 3 is no mapping"),
        ({"families": [family(budget={"epochs": 3})]}, r"families\.0\.budget: 'epochs' is not"),
        ({"families": [family(budget={"steps": 0})]}, r"families\.0\.budget\.steps: 0 given"),
        ({"families": [family(budget={"steps": "6"})]}, r"families\.0\.budget\.steps: '6' given"),
        (
            {"families": [family(budget={"steps": 7}, path={"knob": "preference", "levels": 3})]},
            r"steps: 7 given, which the 3 levels",
        ),
        (
            {"search": {"budget_per_family": 3, "configurations": 4}},
            r"search\.budget_per_family: 3 given beside search\.configurations 4",
        ),
        (
            {
                "search": {"budget_per_family": {"seconds": 9}},
                "families": [family(lr={"grid_search": [0.1, 0.2]})],
            },
            r"search\.budget_per_family: .*knob 'lr' of 'upgrad/kl_uniform' has grid_search",
        ),
        (
            {
                "search": {"mode": "explore", "sampler": "grid"},
                "families": [family(lr={"uniform": [0.1, 0.2]})],
            },
            r"search\.sampler: grid needs listed values, but knob 'lr'",
        ),
        (
            {
                "search": {"mode": "explore"},
                "resources": {"replicate_parallelism": "replicate"},
            },
            r"resources\.replicate_parallelism: a search",
        ),
        (
            {
                "early_stopping": {"grace": 20},
                "resources": {"replicate_parallelism": "replicate"},
            },
            r"resources\.replicate_parallelism: early stopping",
        ),
        ({"early_stopping": {"grace": 0}}, r"early_stopping\.grace"),
        ({"stop": {"gian": 1}}, r"stop\.gian: 'gian'.*'gain'"),
        ({"checkpoints": {"keep": "bst"}}, r"checkpoints\.keep: .*'front'"),
        ({"retries": -1}, r"retries"),
        ({"resources": {"cpu": 0}}, r"resources\.cpu"),
        ({"resources": {"bundle": 1}}, r"^resources\.bundle: give auto, off, or .*, found 1\."),
        ({"resources": {"bundle": True}}, r"^resources\.bundle: give auto, off, or .*, found True"),
        ({"resources": {"bundle": 2.5}}, r"^resources\.bundle: give auto, off, or .*, found 2\.5"),
        ({"resources": {"bundle": "all"}}, r"^resources\.bundle: .*, found 'all'"),
        (
            {"resources": {"bundle": "auto", "replicate_parallelism": "replicate"}},
            r"^resources\.bundle: .* set replicate_parallelism to 'trial', or bundle to off\.$",
        ),
    ],
)
def test_a_bad_specification_is_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        spec(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": {"steps": True}}, r"budget\.steps: .*integer, found True"),
        ({"budget": {"steps": "60"}}, r"budget\.steps: .*integer, found '60'"),
        ({"budget": {"steps": [60]}}, r"budget\.steps: .*integer, found \[60\]"),
        ({"budget": {"steps": 1.5}}, r"budget\.steps: .*integer, found 1\.5"),
        ({"budget": {"steps": 10**30}}, r"budget\.steps: .*1000000000, found 1000"),
        ({"budget": {"steps": 10**5000}}, r"budget\.steps: .*, found a number of 16610 bits"),
        ({"budget": {"steps": math.inf}}, r"budget\.steps: .*integer, found inf"),
        ({"budget": ["x" * 10**6] * 10**4}, r"budget: input should be"),
        ({"replicates": {"training_seeds": [1.0]}}, r"training_seeds\.0: .*integer, found 1\.0"),
        (
            {"replicates": {"training_seeds": [7, 2**32 + 7]}},
            r"training_seeds: 7 and 4294967303 give the same models",
        ),
        ({"replicates": {"training_seeds": [2**63]}}, r"training_seeds\.0: .*less than 9223"),
        (
            {"replicates": {name: [*range(101)] for name in SEEDS}},
            r"replicates: 10,201 pairs of seeds",
        ),
        ({"search": {"configurations": 10**9}}, r"search\.configurations: .*100000, found 1000"),
        ({"search": {"seed": 2**63}}, r"search\.seed: .*less than 9223"),
        ({"search": {"mode": "explore", "seed": 2**32}}, r"search\.seed: .*less than 4294967296"),
        ({"search": {"budget_per_family": {"seconds": math.inf}}}, r"seconds: .*finite number"),
        (
            {"search": {"mode": "explore", "constraints": ["retain_gap <= 1e999"]}},
            r"'retain_gap <= 1e999' has no finite bound",
        ),
        ({"early_stopping": {"grace": 20, "eta": math.nan}}, r"early_stopping\.eta: .*finite"),
        ({"early_stopping": {"grace": 20, "by_family": "yes"}}, r"by_family: .*boolean, found"),
        ({"resources": {"cpu": 1e300}}, r"resources\.cpu: .*1000000"),
        ({"stop": None, "structure": 1}, r"structure: 'structure' is not known"),
        ({"str": 1}, r"str: 'str' is not known"),
        ({"x" * 10**5: 1}, r"'x+\.\.\.x+' is not known"),
        ({"families": [family(name=["a"])]}, r"families\.0\.name: \['a'\] is no name"),
        ({"families": [family(name="a\nb")]}, r"families\.0\.name: 'a\\nb' is no short line"),
        ({"families": [family(aggregator=["upgrad"] * 10**5)]}, r"families\.0: .* 1,000 families"),
        (
            {"families": [family(lr=10**400)]},
            r"families\.0\.lr: a number of 1329 bits does not fit",
        ),
        (
            {"families": [family(lr={"choice": [2**63]})]},
            r"lr\.choice: 9223.* does not fit into 64",
        ),
        ({"families": [family(lr={"uniform": [-1e308, 1e308]})]}, r"spans more than numbers can"),
        (
            {"families": [family(lr={"loguniform": [1e-320, 1e308]})]},
            r"spans more than numbers can",
        ),
        ({"families": [family(lr={"quniform": [0, 1e308, 1e-300]})]}, r"spans more than numbers"),
        ({"families": [family(optimizer=["sgd"])]}, r"optimizer: a list is not a knob"),
        (
            {
                "families": [
                    family(lr={"choice": [0.1] * 1000}, momentum={"choice": [0.1] * 1000}),
                ],
                "search": {"mode": "explore", "sampler": "grid"},
            },
            r"search\.sampler: the grid has 1,000,000 cells",
        ),
        (
            {
                "families": [
                    family(lr=WIDE, momentum=WIDE),
                ],
            },
            r"its grid has 100000000 cells but search\.configurations is 4",
        ),
    ],
)
def test_values_of_another_kind_or_size_are_refused(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        spec(**changes)
    assert len(str(caught.value)) < 1000


def test_absurd_numbers_of_families_are_refused():
    entries = [{"method": "fine_tune", "name": f"f{number}"} for number in range(1001)]
    assert len(spec(families=entries[:1000], search={"configurations": 1}).family_list()) == 1000
    with pytest.raises(InputError, match="families: there are more than 1,000"):
        spec(families=entries, search={"configurations": 1})


def test_absurd_numbers_of_trials_are_refused_before_they_are_planned():
    families = [family(aggregator=["upgrad", "mgda"], lr={"uniform": [0.1, 1]})]
    with pytest.raises(InputError, match=r"60,000 for each of 2 families are 120,000 trials"):
        spec(families=families, search={"configurations": 60_000})


def test_numbers_are_exact_and_whole_ones_may_have_an_exponent():
    seeds = [-2, 0, 2**53 + 1, 2**63 - 1]
    found = spec(replicates={"training_seeds": seeds}, budget={"steps": 1e3})
    assert [replicate.training_seed for replicate in found.replicate_list()] == seeds
    assert found.budget.steps == 1000
    assert spec(budget={"steps": np.int64(7)}).budget.steps == 7


def test_an_infinite_choice_is_kept(tmp_path):
    entry = {"choice": [0.1, math.inf]}
    cases = [{"method": "tests.sweeps.spec.test_spec:own", "bound": entry}]
    kept = spec(families=cases).to_mapping()
    assert kept["families"][0]["bound"] == entry
    assert parse_yaml(dump_yaml(kept), "f") == kept
    assert SweepSpec.from_mapping(kept).family_list()[0].domains["bound"].arguments[1] == math.inf


def own(bound=1.0):
    """A method of somebody's own, with a knob that may be infinite."""


@pytest.mark.parametrize(
    "key", ["²", "٣", "9" * 5000, "-1", "+1", " 1", "1_0", "0x0", "", "1e0", "families"]
)
def test_only_plain_digits_are_an_index(tmp_path, key):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(InputError, match="is not an index from 0 to 0") as caught:
        SweepSpec.load(path, [f"families.{key}.lr=1"])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "override", ["a." * 10**5 + "b=1", "budget.steps=" + "[" * 10**5, "search.seed=" + "9" * 5000]
)
def test_long_overrides_are_refused_shortly(tmp_path, override):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(InputError) as caught:
        SweepSpec.load(path, [override])
    assert len(str(caught.value)) < 400


def test_what_is_no_name_of_a_space_is_refused():
    with pytest.raises(InputError, match="is no name of a file"):
        SweepSpec.load("x" * 5000)
    with pytest.raises(InputError, match=r"'a\\x00b' is not known"):
        SweepSpec.load("a\0b")


def test_files_are_read_with_overrides(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    changed = SweepSpec.load(path, ["families.0.lr=0.5", "budget.steps=10"])
    assert changed.family_list()[0].knobs == {"lr": 0.5}
    assert changed.budget.steps == 10


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("2E+1", 20.0), ("-1.5e3", -1500.0)])
def test_numbers_with_an_exponent_are_numbers(tmp_path, text, value):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL) + f"search: {{seed: 0, mode: {text}}}")
    with pytest.raises(InputError, match=re.escape(f"found {value!r}")):
        SweepSpec.load(path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("budget.steps", r"`overrides`: expected path=value"),
        ("families.3.lr=1", r"`overrides` families\.3\.lr: '3' is not an index from 0 to 0"),
        ("families.0.method.x=1", r"lies below a single value|is a single value"),
        ("budget.steps=[", r"`overrides` budget\.steps: '\[': is no YAML"),
        ("budget.stepps=3", r"budget\.stepps: 'stepps'.*'steps'"),
    ],
)
def test_bad_overrides_are_told(tmp_path, override, message):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(InputError, match=message):
        SweepSpec.load(path, [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [("task: [", "is no YAML"), ("- 1", "expected a mapping"), ("", "expected a mapping")],
)
def test_bad_files_are_told_by_name(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        SweepSpec.load(path)
    assert "mine.yaml" in str(caught.value)


def test_a_missing_space_names_the_nearest_shipped_one():
    with pytest.raises(InputError, match=r"'digit' is not known; did you mean 'digits'"):
        SweepSpec.load("digit")
    with pytest.raises(InputError, match=r"no file 'nowhere/digits\.yaml'"):
        SweepSpec.load("nowhere/digits.yaml")


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("digits", 8),
        ("digits_aggregators", 21),
        ("digits_all_methods", 30),
        ("digits_cup_grid", 1),
        ("digits_entanglement", 6),
    ],
)
def test_the_shipped_spaces_are_valid(name, families):
    plan = SweepSpec.load(name).plan()
    assert len({trial.family.name for trial in plan}) >= families
    for trial in plan:
        make_method(trial.config)


def test_a_family_may_have_a_budget_of_its_own():
    own = spec(
        budget={"steps": 20, "batch_size": 8, "evaluate_every": 10},
        families=[family(), family(name="short", budget={"steps": 5})],
    )
    long, short = own.family_list()
    assert long.within(own.budget) == own.budget
    assert short.within(own.budget) == own.budget.model_copy(update={"steps": 5})
    assert [trial.family.budget for trial in own.plan()[:2]] == [{}, {"steps": 5}]
    assert SweepSpec.from_mapping(own.to_mapping()).family_list() == own.family_list()


def test_a_budget_per_family_is_a_number_of_configurations_or_compute():
    assert spec(search={"budget_per_family": 7}).search == spec(search={"configurations": 7}).search
    seconds = spec(search={"budget_per_family": {"seconds": 30}})
    assert seconds.plan() == DrawnWhileRunning(per_family=SecondsBudget(seconds=30))
    samples = spec(search={"budget_per_family": {"samples": 1e6}})
    assert samples.plan() == DrawnWhileRunning(per_family=SamplesBudget(samples=10**6))
    assert samples.to_mapping()["search"]["budget_per_family"] == {"samples": 10**6}
    for each in (seconds, samples):
        assert SweepSpec.from_mapping(each.to_mapping()) == each


@pytest.mark.parametrize(
    ("text", "members"),
    [("off", 1), ("auto", 5), ("2", 2), ("9", 5), ("3.0", 3)],
)
def test_replicates_that_may_step_together_are_counted(tmp_path, text, members):
    """YAML reads ``off`` as false, and the file that is written back reads the same."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "task: {name: digits}\nfamilies: [{method: fine_tune, lr: 0.1}]\n"
        f"resources: {{bundle: {text}}}\n"
    )
    loaded = SweepSpec.load(path)
    assert loaded.resources.bundle_of(5) == members
    again = SweepSpec.from_mapping(parse_yaml(dump_yaml(loaded.to_mapping()), "spec"))
    assert again == loaded
    assert (
        SweepSpec.from_mapping({**loaded.to_mapping(), "resources": {}}).resources.bundle == "off"
    )


def test_the_shipped_exploration_is_valid():
    shipped = SweepSpec.load("digits_explore")
    assert len(shipped.family_list()) == 13
    assert shipped.plan() == DrawnWhileRunning(trials=shipped.search.configurations)
    for family in shipped.family_list():
        make_method(TrialPlan("", family, {**family.knobs, **family.defaults}).config)


def test_only_oracle_free_retrains_nothing(space):
    listed = [
        {"metric": name, "direction": "min", "ideal": 0, "nadir": 1}
        for name in ("forget_accuracy_gap", "accuracy_drop")
    ]
    expected = {
        "retrain_gap": True,
        "efficacy_fidelity": True,
        "oracle_free": False,
        "indistinguishable": True,
        "tofu": True,
    }
    assert expected.keys() == OBJECTIVES.keys()
    space["replicates"] = {"training_seeds": [0, 1, 2, 3]}
    for preset, needed in expected.items():
        assert SweepSpec.from_mapping(space | {"objectives": preset}).needs_retrained is needed
    wide = {"preset": "oracle_free", "tolerance": 0.2}
    spec = SweepSpec.from_mapping(space | {"objectives": wide})
    assert not spec.needs_retrained
    assert spec.metrics == ("forget_accuracy_gap", "accuracy_drop")
    spec = SweepSpec.from_mapping(space | {"objectives": listed})
    assert spec.needs_retrained
    assert spec.metrics == ("forget_accuracy_gap", "accuracy_drop")


def test_what_compares_replicates_is_known_from_objectives_and_bounds(space):
    assert SweepSpec.from_mapping(space).across_seeds == ()
    space["replicates"] = {"training_seeds": [0, 1, 2, 3]}
    named = SweepSpec.from_mapping(space | {"objectives": "indistinguishable"})
    assert named.across_seeds == ("attack_accuracy",)
    assert named.needs_retrained
    bounded = {"mode": "explore", "constraints": ["excess_forget <= 0.05", "retain_gap <= 0.02"]}
    assert SweepSpec.from_mapping(space | {"search": bounded}).across_seeds == ("excess_forget",)
    listed = [
        {"metric": name, "direction": "min", "ideal": ideal, "nadir": 1}
        for name, ideal in (("excess_forget", 0), ("attack_accuracy", 0.5))
    ]
    found = SweepSpec.from_mapping(space | {"objectives": listed, "search": bounded}).across_seeds
    assert found == ("excess_forget", "attack_accuracy")


FOUR = {"training_seeds": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"replicates": {"training_seeds": [0, 4, 5]}},
            r"replicates.training_seeds: \[0, 4, 5\] given, and attack_accuracy compares the "
            r"models of 4 training seeds or more; give for example \[0, 1, 2, 3\]\.",
        ),
        (
            {"replicates": {**FOUR, "unlearning_seeds": [7, 8]}},
            r"replicates.unlearning_seeds: \[7, 8\] given, and attack_accuracy compares one model "
            r"of each training seed; give one, for example \[7\]\.",
        ),
        (
            {"replicates": FOUR, "resources": {"replicate_parallelism": "replicate"}},
            "resources.replicate_parallelism: 'replicate' given, and attack_accuracy compares the "
            "replicates of a trial in one worker; set it to 'trial'.",
        ),
        (
            {
                "replicates": FOUR,
                "objectives": "oracle_free",
                "search": {"mode": "explore", "constraints": ["attack_accuracy <= 0.6"]},
            },
            "search.constraints: attack_accuracy needs a retrained model, and oracle_free does",
        ),
    ],
)
def test_what_compares_replicates_needs_four_seeds_side_by_side(space, other, said):
    with pytest.raises(InputError, match=f"^{said}"):
        SweepSpec.from_mapping(space | {"objectives": "indistinguishable"} | other)


@pytest.mark.parametrize("metric", ["neurips_f", "klom"])
def test_what_moves_with_the_number_of_models_is_no_objective(space, metric):
    objective = {"metric": metric, "direction": "min", "ideal": 0, "nadir": 1}
    with pytest.raises(InputError, match=f"objectives.0.metric: '{metric}' is not known"):
        SweepSpec.from_mapping(space | {"objectives": [objective, objective]})


def test_a_constraint_that_needs_the_retrained_model_is_refused_without_one(space):
    space["objectives"] = "oracle_free"
    space["search"] = {"mode": "explore", "constraints": ["accuracy_drop <= 0.02"]}
    SweepSpec.from_mapping(space)
    space["search"]["constraints"] = ["retain_gap <= 0.02"]
    with pytest.raises(InputError, match=r"retain_gap needs a retrained model, and oracle_free"):
        SweepSpec.from_mapping(space)
    SweepSpec.from_mapping(space | {"objectives": "retrain_gap"})


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"ideal": 0, "nadir": 1}, "objectives: ideal of retain_accuracy: 0.0 is not better"),
        ({"metric": "test_accuracy"}, "objectives: .*twice"),
    ],
)
def test_objectives_that_make_no_box_are_refused(other, said):
    accuracy = {"metric": "test_accuracy", "direction": "max", "ideal": 1, "nadir": 0}
    second = accuracy | {"metric": "retain_accuracy"} | other
    families = [{"method": "none"}]
    with pytest.raises(InputError) as told:
        SweepSpec.from_mapping(
            {"task": {"name": "digits"}, "families": families, "objectives": [accuracy, second]}
        )
    assert re.search(said, str(told.value))
    assert str(told.value).count("objectives: ") == 1


OWN = """
task:
  name: tests.tasks.small:anything
  forget: {forget}
  day: 2024-01-31
  large: .inf
  parts: {{0: [1, 2], b: "007"}}
  nothing:
families:
  - {{method: "tests.sweeps.spec.test_spec:Own", clip: {{choice: [0.1, .inf]}}}}
search: {{configurations: 2}}
"""


@dataclass(frozen=True)
class Own:
    """A method that is never run."""

    clip: float = 1.0

    def run(self, model, *_):
        yield model


@pytest.mark.parametrize("forget", ["[5]", "list.txt", "~", "{kind: random}", "{3: [0]}"])
def test_a_task_function_gets_the_same_options_from_the_file_and_from_the_run(tmp_path, forget):
    path = tmp_path / "space.yaml"
    path.write_text(OWN.format(forget=forget))
    spec = SweepSpec.load(path)
    run = RunDirectory(tmp_path / "run")
    write_manifest(run, {"spec": spec.to_mapping()})
    again = SweepSpec.from_mapping(read_manifest(run)["spec"])
    assert again == spec
    assert again.to_mapping() == spec.to_mapping()
    given = make_task(again.task).facts["given"]
    assert given == {key: value for key, value in spec.task.items() if key != "name"}
    assert given["forget"] == parse_yaml(forget, "forget")
    assert (given["day"], given["large"]) == ("2024-01-31", math.inf)
    assert given["parts"] == {"0": [1, 2], "b": "007"}
    assert {plan.knobs["clip"] for plan in again.plan()} == {0.1, math.inf}
