import inspect
import itertools
import pickle
import sys
from types import ModuleType

import pytest
import torch
from torchjd import aggregation, scalarization

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import (
    AGGREGATORS,
    FORGET_LOSSES,
    METHODS,
    WEIGHTINGS,
    Budget,
    Entry,
    Knob,
    aggregators,
    knobs_of,
    make_method,
    resolve,
)
from pareto_explorer.unlearning.aggregators import Rule, Weighting
from tests.unlearning.toys import draws, flat, make_data, network

TABLES = {"method": METHODS, "aggregator": AGGREGATORS, "forget_loss": FORGET_LOSSES}
ENTRIES = [
    pytest.param(part, entry, id=f"{part}-{name}")
    for part, table in TABLES.items()
    for name, entry in table.items()
]


FAMILIES = [
    family
    for entry in METHODS.values()
    for family in itertools.product(
        [entry.name],
        *(TABLES[p] if p in entry.needs else [None] for p in ("aggregator", "forget_loss")),
    )
]


def test_what_is_registered():
    assert METHODS.keys() >= {"jacobian_descent", "fine_tune", "gradient_ascent", "none"}
    assert METHODS.keys() >= {"retrain", "salun", "scrub", "ssd", "not", "entanglement"}
    assert AGGREGATORS.keys() >= {"upgrad", "mgda", "weighted_sum", "cup", "hamu_q", "munba"}
    assert FORGET_LOSSES.keys() >= {"kl_uniform", "kl_heldout", "negative_cross_entropy"}
    assert WEIGHTINGS is AGGREGATORS
    assert all(list(table) == sorted(table) for table in TABLES.values())


@pytest.mark.parametrize(("part", "entry"), ENTRIES)
def test_entries_are_complete(part, entry):
    assert TABLES[part][entry.name] is entry
    assert entry.summary.endswith(".")
    assert entry.source
    assert bool(entry.needs) == (entry.name in ("jacobian_descent", "pareto_line", "interpolation"))
    for knob in entry.knobs:
        assert knob.summary
        assert knob.check(knob.default) is None
        for arguments in (knob.domain or {}).values():
            assert all(knob.check(end) is None for end in arguments)


@pytest.mark.parametrize("entry", METHODS.values(), ids=lambda e: e.name)
def test_defaults_of_knobs_are_those_of_the_constructor(entry):
    signature = inspect.signature(entry.build).parameters
    assert {knob.name for knob in entry.knobs} | entry.needs == set(signature)
    for knob in entry.knobs:
        assert signature[knob.name].default == knob.default


@pytest.mark.parametrize("entry", AGGREGATORS.values(), ids=lambda e: e.name)
def test_aggregators_are_weightings_or_rules_with_their_knobs(entry):
    weighting = entry.build(**{knob.name: knob.default for knob in entry.knobs})
    assert isinstance(weighting, Weighting | Rule)
    signature = inspect.signature(entry.build).parameters
    assert {knob.name: knob.default for knob in entry.knobs} == {
        name: p.default for name, p in signature.items() if p.default is not p.empty
    }


#: What torchjd 0.18 ships, by the name that it has here; None: why not is said in ``aggregators``.
TORCHJD = {
    "AlignedMTL": "aligned_mtl",
    "CAGrad": "cagrad",
    "COSMOS": "cosmos",
    "CRMOGM": "cr_mogm",
    "ConFIG": "config",
    "Constant": "weighted_sum",
    "DWA": "dwa",
    "DualProj": "dualproj",
    "ExcessMTL": "excess_mtl",
    "FAMO": "famo",
    "FairGrad": "fairgrad",
    "GeometricMean": "geometric_mean",
    "GradDrop": "graddrop",
    "GradVac": "gradvac",
    "IMTLG": "imtl_g",
    "IMTLL": "imtl_l",
    "Krum": None,
    "MGDA": "mgda",
    "Mean": "mean",
    "MoDo": "modo",
    "NashMTL": "nash_mtl",
    "PBI": "pbi",
    "PCD": "pcd",
    "PCGrad": "pcgrad",
    "Random": None,
    "SDMGrad": "sdmgrad",
    "STCH": "stch",
    "Sum": None,
    "TrimmedMean": None,
    "UPGrad": "upgrad_torchjd",
    "UW": "uw",
}
#: Classes of TorchJD's that are no rules.
BASES = {"Aggregator", "GramianWeightedAggregator", "Scalarizer", "WeightedAggregator", ""}


def test_nothing_that_torchjd_ships_is_missing_without_a_word():
    exported = {*aggregation.__all__, *scalarization.__all__}
    assert {name.removesuffix("Weighting") for name in exported} - BASES == TORCHJD.keys()
    for name, registered in TORCHJD.items():
        if registered is None:
            assert f"``{name}``" in aggregators.__doc__
        else:
            assert registered in AGGREGATORS


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_no_two_knobs_of_a_family_share_a_name(family):
    parts = [table[name] for table, name in zip(TABLES.values(), family, strict=True) if name]
    names = [knob.name for entry in parts for knob in entry.knobs]
    assert len(names) == len(set(names))
    assert set(knobs_of(*family)) == set(names)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_every_family_can_be_built_pickled_and_run(family):
    method = make_method(dict(zip(TABLES, family, strict=True)))
    method = pickle.loads(pickle.dumps(method))  # noqa: S301 - our own bytes
    model = network()
    shown = list(method.run(model, make_data(), Budget(2, 5, 2), draws()))
    assert set(shown) == {model}
    assert len(shown) == (11 if hasattr(method, "points") else 1)


def test_knobs_reach_their_part():
    method = make_method(
        {
            "method": "jacobian_descent",
            "aggregator": "cup",
            "forget_loss": "negative_cross_entropy",
            "intensity": 0.2,
            "clip": 3,
            "lr": 0.5,
            "optimizer": "adamw",
            "batch_norm": "frozen",
        }
    )
    assert (method.lr, method.optimizer, method.batch_norm) == (0.5, "adamw", "frozen")
    assert method.momentum == 0.9
    assert method.aggregator.intensity == 0.2
    assert method.forget_loss.keywords == {"clip": 3}


JD = {"method": "jacobian_descent", "aggregator": "cup", "forget_loss": "kl_uniform"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "method: None is not known"),
        ({"method": "fine_tun"}, "method: 'fine_tun' is not known; did you mean 'fine_tune'?"),
        ({"method": "jacobian_descent"}, "aggregator: method 'jacobian_descent' needs one"),
        (
            {"method": "jacobian_descent", "aggregator": "cup"},
            "forget_loss: method 'jacobian_descent' needs one; choose from bounded_cross_entropy,",
        ),
        (JD | {"aggregator": "upgard"}, "aggregator: 'upgard' .* did you mean 'upgrad'?"),
        (JD | {"forget_loss": ["kl_uniform"]}, r"forget_loss: \['kl_uniform'\] is not known"),
        ({"method": "fine_tune", "aggregator": "cup"}, "takes none; remove 'cup'"),
        (JD | {"intensty": 0.5}, "knob: 'intensty' .* did you mean 'intensity'?"),
        (JD | {"weight": 0.5}, "knob: 'weight' is not known"),
        (JD | {"intensity": 1.5}, "intensity: 1.5 must be a number from 0 to 1."),
        (JD | {"lr": "1e-3"}, "lr: '1e-3' must be a number above 0."),
        (JD | {"lr": 0}, "lr: 0 must be a number above 0."),
        (JD | {"lr": float("nan")}, "lr: nan must be a number above 0."),
        (JD | {"lr": True}, "lr: True must be a number above 0."),
        (JD | {"momentum": 1}, "momentum: 1 must be a number of at least 0 and below 1."),
        (JD | {"weight_decay": -1}, "weight_decay: -1 must be a number of at least 0."),
        (JD | {"optimizer": "adam"}, "optimizer: 'adam' must be one of sgd, adamw."),
        (JD | {"batch_norm": ["batch"]}, "batch_norm: .* must be one of batch, frozen."),
        (
            JD | {"forget_loss": "negative_cross_entropy", "clip": 0},
            "clip: 0 must be a number above 0 or null.",
        ),
    ],
)
def test_bad_configurations_are_named(config, message):
    with pytest.raises(InputError, match=message):
        make_method(config)


def test_errors_begin_with_the_place_that_the_caller_names():
    with pytest.raises(InputError, match=r"^families.0.aggregator: 'x' is not known"):
        resolve("aggregator", "x", "families.0.aggregator")
    with pytest.raises(InputError, match=r"^families.0.lr: -1 must be"):
        knobs_of("fine_tune")["lr"].validate(-1, "families.0.lr")


class Half(Weighting):
    """Half of both gradients.

    Not shown in lists.
    """

    def __init__(self, half=0.5):
        super().__init__()
        self.half = half

    def forward(self, gramian, /):
        return gramian.new_full((2,), self.half)


def confidence(batch, *, power=1.0):
    """Mean confidence."""
    return batch.logits.softmax(1).max(1).values.pow(power).mean()


class Shift:
    def __init__(self, by=1.0):
        self.by = by

    def run(self, model, *_):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(self.by)
        yield model


class LikeALearningRate(Half):
    def __init__(self, lr=0.5):
        super().__init__(lr)


def no_default(batch, *, power):
    raise AssertionError


ENTRY = Entry("mine", Half, (Knob("half", 0.5, None, "how much"),), "Mine.", "me")
NUMBER = 3


@pytest.fixture
def mine(monkeypatch):
    module = ModuleType("somebodys_module")
    vars(module).update(vars(sys.modules[__name__]))
    monkeypatch.setitem(sys.modules, "somebodys_module", module)
    return "somebodys_module:"


def test_ones_own_aggregator_and_forget_loss(mine):
    names = {"method": "jacobian_descent", "aggregator": mine + "Half"}
    names["forget_loss"] = mine + "confidence"
    knobs = knobs_of(**names)
    assert (knobs["half"].default, knobs["power"].default) == (0.5, 1.0)
    assert resolve("aggregator", mine + "Half").summary == "Half of both gradients."
    method = make_method(names | {"half": 0.25, "power": 2})
    assert method.aggregator.half == 0.25
    assert method.forget_loss.keywords == {"power": 2}
    assert list(method.run(network(), make_data(), Budget(2, 5, 2), draws()))


def test_ones_own_method(mine):
    model = network()
    before = flat(model)
    assert list(knobs_of(mine + "Shift")) == ["by"]
    list(make_method({"method": mine + "Shift", "by": 2.0}).run(model, None, None, None))
    torch.testing.assert_close(flat(model), before + 2)


def test_ones_own_entry(mine):
    assert resolve("aggregator", mine + "ENTRY") is ENTRY


@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        ("aggregator", "Nothing", "has no attribute 'Nothing'"),
        ("aggregator", "NUMBER", "is neither a class nor a function"),
        ("forget_loss", "no_default", "has no default for 'power'"),
    ],
)
def test_what_cannot_be_used_is_named(mine, part, name, message):
    with pytest.raises(InputError, match=f"^{part}: .*{name}.*{message}"):
        resolve(part, mine + name)
    with pytest.raises(InputError, match="no_such_module:x' cannot be imported"):
        resolve(part, "no_such_module:x")


@pytest.mark.parametrize("part", ["method", "aggregator", "forget_loss"])
@pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "builtins:exec", "torch:load"])
def test_what_is_neither_a_part_nor_ones_own_is_not_called(part, name):
    with pytest.raises(InputError, match=f"^{part}: '{name}' belongs to Python or .* not called"):
        resolve(part, name)


def test_what_says_of_itself_that_it_is_a_part_may_be_installed():
    assert resolve("aggregator", "torchjd.aggregation:MeanWeighting").knobs == ()


def test_weightings_of_torchjd_stand_where_ours_may_and_the_other_way_round():
    found = []
    for name in ("mean", "torchjd.aggregation:MeanWeighting"):
        names = {"method": "jacobian_descent", "aggregator": name, "forget_loss": "kl_uniform"}
        model = network()
        list(make_method(names).run(model, make_data(), Budget(3, 5, 3), draws()))
        found.append(flat(model))
    assert torch.equal(*found)
    rows = torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    step = aggregation.GramianWeightedAggregator(AGGREGATORS["pcgrad"].build())(rows)
    torch.testing.assert_close(step, aggregation.PCGrad()(rows))


def test_ones_own_knobs_must_not_hide_others(mine):
    with pytest.raises(InputError, match="has a knob 'lr', as another part"):
        knobs_of("jacobian_descent", mine + "LikeALearningRate", "kl_uniform")


def test_cr_mogm_smooths_the_weightings_that_keep_no_state():
    (smoothed, _) = AGGREGATORS["cr_mogm"].knobs
    good = {name for name in AGGREGATORS if smoothed.check(name) is None}
    assert good >= {"upgrad", "gru", "mean", "weighted_sum", "mgda", "cup", "fedosd", "config"}
    assert not good & {"cr_mogm", "gradvac", "nash_mtl", "pcd", "hamu_q", "stch"}
    for name in good:
        inside = AGGREGATORS["cr_mogm"].build(smoothed=name).weighting
        assert type(inside) is type(AGGREGATORS[name].build())
