"""What is wrong with a model is one sentence, from check and before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import evaluator_of
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.driver import run_trials
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.refusals import first_of_each
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import Samples, task_from, train_model
from pareto_explorer.tasks.landmarks.landmarks import untrained_model
from tests.sweeps.odd_models import CLASSES, MODELS, odd_task, vectors

FAMILIES = [
    {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform", "lr": 0.01},
    {"method": "fine_tune"},
]

FAULTS = {
    "ScalesInPlace": "model: ScalesInPlace changes its inputs in place, and so the task's data;",
    "NoiseInPlace": "model: in training mode, NoiseInPlace changes its inputs in place",
    "ThroughData": "model: ThroughData changes its inputs, and so the task's data;",
    "FirstRelu": "model: FirstRelu changes its inputs in place",
    "AsDataclass": "model: it returns a Output; return the logits.",
    "AsTuple": "model: it returns a tuple; return the logits.",
    "AsDict": "model: it returns a dict; return the logits.",
    "AuxiliaryInTraining": "model: in training mode, it returns a Auxiliary; return the logits.",
    "OneLogit": "model: its output has shape (8,) for 8 inputs; it must be (8, 4), one logit",
    "Whole": "model: its output is torch.int64; return logits, which are floating-point.",
    "Lazy": "model: a.weight has no shape before the first batch, as in a lazy layer;",
    "LazyNorm": "model: a.1.running_mean has no shape before the first batch",
    "TwoTypes": "trainable parameters are of several types, float32 (a.bias) and float64 (b.bias);",
    "Complex": "model: w is complex; keep its real and imaginary parts as real parameters",
    "Double": "model: its parameters are float64 and the inputs float32; bring the model to",
    "Sparse": "model: its output is sparse; return dense logits, as logits.to_dense() gives them.",
    "NoState": "model: it fails (RuntimeError: no state).",
    "Exits": "model, forward pass in eval mode: it fails (SystemExit: 3).",
    "Raises": "model, forward pass in eval mode: it fails (KeyError: 'mask').",
}
FINE = sorted(MODELS.keys() - FAULTS.keys())


def spec_of(families=FAMILIES, batch_size=16, **task) -> SweepSpec:
    return SweepSpec.from_mapping(
        {
            "task": {"name": "tests.sweeps.odd_models:odd_task", **task},
            "objectives": "efficacy_fidelity",
            "budget": {"steps": 4, "batch_size": batch_size, "evaluate_every": 4},
            "families": families,
            "search": {"configurations": 1},
        }
    )


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """The sentence with which a sweep ends before it asks for a cluster."""

    def no_cluster(*_, **__):
        raise AssertionError("the sweep has started")

    monkeypatch.setattr(run_trials, "connect", no_cluster)

    def sentence(spec: SweepSpec, task=None) -> str:
        with pytest.raises(InputError) as caught:
            execute(spec, tmp_path / "run", task, cache_dir=tmp_path / "cache")
        assert not (tmp_path / "cache").exists()
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    return sentence


@pytest.mark.parametrize(("kind", "said"), FAULTS.items())
def test_a_fault_of_the_model_is_one_finding_and_refused_before_landmarks_are_trained(
    kind, said, refused, tmp_path
):
    spec = spec_of(kind=kind)
    (found,) = check(spec, cache_dir=tmp_path / "none").errors
    assert said in found
    assert found.endswith(".")
    assert "\n" not in found
    assert refused(spec) == found
    assert refused(spec, odd_task(kind)) == found


@pytest.mark.parametrize("kind", FINE)
def test_what_is_unusual_and_fine_is_neither(kind, tmp_path, monkeypatch):
    found = check(spec_of(kind=kind), cache_dir=tmp_path)
    assert found.errors == []
    reached = []
    monkeypatch.setattr(run_trials, "connect", lambda *_, **__: reached.append(1) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(spec_of(kind=kind), tmp_path / "run", cache_dir=tmp_path / "cache")
    assert reached == [1]


def test_what_a_model_raises_on_a_cpu_says_nothing_of_a_card(tmp_path, monkeypatch):
    def spec(kind: str) -> SweepSpec:
        return spec_of(kind=kind).model_copy(update={"resources": gpu})

    gpu = spec_of().resources.model_copy(update={"gpu": 1.0})
    monkeypatch.setattr(run_trials, "connect", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(spec("Raises"), tmp_path / "run", cache_dir=tmp_path)
    with pytest.raises(InputError, match="it returns a tuple"):
        execute(spec("AsTuple"), tmp_path / "run", cache_dir=tmp_path)


# Batch norm over one sample


ONE = [
    *FAMILIES,
    FAMILIES[0] | {"batch_norm": "frozen", "name": "frozen"},
    {"method": "salun"},
]


def test_a_forget_set_of_one_sample_is_told_from_batch_norm(refused, tmp_path):
    spec = spec_of(ONE, kind="Normed", forget=[5])
    (found,) = check(spec, cache_dir=tmp_path / "none").errors
    assert found == (
        "families upgrad/kl_uniform and salun: batch norm needs more than one sample in a batch, "
        "and the forget set has one sample; set batch_norm: frozen, which takes the running "
        "statistics, or give more samples."
    )
    assert refused(spec) == found


@pytest.mark.parametrize(
    ("kind", "families"), [("Normed", [ONE[1], ONE[2]]), ("Plain", ONE)], ids=["frozen", "none"]
)
def test_a_forget_set_of_one_sample_is_fine_where_nothing_is_normalised(
    kind, families, tmp_path, monkeypatch
):
    spec = spec_of(families, kind=kind, forget=[5])
    assert check(spec, cache_dir=tmp_path).errors == []
    monkeypatch.setattr(run_trials, "connect", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(spec, tmp_path / "run", cache_dir=tmp_path)


def test_batches_of_one_sample_are_told_from_the_budget_and_the_recipe(refused, tmp_path):
    spec = spec_of(ONE, batch_size=1, kind="Normed")
    (found,) = check(spec, cache_dir=tmp_path / "none").errors
    assert found.startswith("families upgrad/kl_uniform, fine_tune and salun: batch norm needs")
    assert "and budget.batch_size is 1;" in found
    assert refused(spec) == found
    spec = spec_of(ONE[1:3], kind="Normed", batch_size=16, forget=[5]).model_copy(
        update={"task": {"name": "tests.sweeps.odd_models:odd_task", "kind": "Normed"}}
    )
    task = odd_task("Normed", batch_size=1)
    (found,) = check(spec, task, cache_dir=tmp_path / "none").errors
    assert found.startswith("recipe.batch_size: landmarks are trained on batches of one sample")
    assert refused(spec, task) == found


@dataclass(frozen=True)
class OneAtATime:
    """A user's method whose last batch has one sample."""

    def run(self, model, data, _budget, _generator):
        for inputs in torch.split(data.retain.inputs, len(data.retain) - 1):
            model.train()(inputs)
        yield model.eval()


def test_a_last_batch_of_one_sample_is_told_by_the_check(tmp_path):
    spec = spec_of([{"method": f"{__name__}:OneAtATime"}], kind="Normed")
    (found,) = check(spec, cache_dir=tmp_path).errors
    assert found.startswith("family OneAtATime: batch norm needs more than one sample in a batch, ")
    assert "one of theirs has no more; set batch_norm: frozen" in found


# In place, past the check


@pytest.mark.parametrize("kind", ["ScalesInPlace", "FirstRelu"])
def test_evaluation_and_training_refuse_a_model_that_changes_its_inputs(kind):
    task = odd_task(kind)
    model = untrained_model(task)
    with pytest.raises(InputError, match="changes its inputs in place"):
        evaluator_of(task, model, None)
    with pytest.raises(InputError, match=r"in training mode, .* changes its inputs in place"):
        train_model(task, task.train, 0)


def test_the_callers_tensors_stay_as_they_are_however_the_model_is_refused(refused):
    inputs, labels = vectors(80, 0)
    task = task_from(
        "mine", train=Samples(inputs, labels), test=vectors(80, 1), forget=[1, 2],
        model=MODELS["ScalesInPlace"],
    )  # fmt: skip
    assert "changes its inputs" in refused(spec_of(), task)
    assert torch.equal(inputs, vectors(80, 0)[0])


@pytest.mark.parametrize("kind", ["NoiseInPlace", "Plain"])
def test_a_step_that_changes_the_data_ends_the_trial(kind):
    task = odd_task(kind)
    state = untrained_model(task).state_dict()
    bench = Bench(task, {0: Landmarks(state, state)}, "cpu")
    plan = first_of_each(spec_of())["upgrad/kl_uniform"]
    # the forget set is no larger than a batch, and so it is the batch
    steps = run_replicate(bench, plan, Replicate(0, 0, 0), BudgetSpec(steps=2, batch_size=16))
    if kind == "Plain":
        assert len(list(steps)) >= 1
        return
    with pytest.raises(InputError, match=r"it changes the task's forget\.inputs in place"):
        list(steps)


def test_inference_tensors_can_be_evaluated():
    with torch.inference_mode():
        inputs, labels = vectors(80, 0)
    assert inputs.is_inference()
    task = task_from(
        "mine", train=Samples(inputs, labels), test=vectors(80, 1), forget=[1, 2],
        model=MODELS["Plain"],
    )  # fmt: skip
    assert evaluator_of(task, untrained_model(task), None).original["retain_accuracy"] >= 0


# Data


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_sparse_inputs_are_refused(layout):
    inputs, labels = vectors(80, 0)
    sparse = inputs.to_sparse() if layout == "coo" else inputs.to_sparse_csr()
    for give in (lambda: Samples(sparse, labels), lambda: task((sparse, labels))):
        with pytest.raises(InputError, match=r"inputs: they are sparse; give dense ones"):
            give()


def test_inputs_that_are_no_tensor_are_refused_and_graphs_are_left_behind():
    inputs, labels = vectors(80, 0)
    with pytest.raises(InputError, match="inputs: a ndarray is no tensor"):
        Samples(inputs.numpy(), labels)
    assert task(Samples(inputs.requires_grad_(), labels)).train.inputs.requires_grad is False


@pytest.mark.parametrize("kind", ["AsTuple", "ScalesInPlace"])
def test_a_trained_model_is_refused_when_the_task_is_built(kind):
    model = MODELS[kind]()
    with pytest.raises(InputError) as caught:
        task_from("t", train=vectors(80, 0), test=vectors(80, 1), forget=[0], model=model)
    assert str(caught.value).startswith(FAULTS[kind])


def test_complex_inputs_are_refused():
    inputs, labels = vectors(80, 0)
    with pytest.raises(InputError, match="train: inputs: they are complex; give real ones"):
        task((inputs + 1j, labels))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_become_what_the_documentation_says(kind):
    inputs, labels = vectors(80, 0)
    assert task((inputs.to(kind), labels)).train.inputs.dtype == torch.float32
    assert task(Samples(inputs.to(kind), labels)).train.inputs.dtype == kind


def task(train):
    return task_from("t", train=train, test=train, forget=[0], model=MODELS["Plain"])


def test_samples_of_float64_go_with_a_model_of_float64(tmp_path):
    sets = [Samples(x.double(), y) for x, y in (vectors(80, 0), vectors(80, 1))]
    own = task_from("t", train=sets[0], test=sets[1], forget=[0, 4], model=MODELS["Double"])
    assert own.n_classes == CLASSES
    assert check(spec_of(), own, cache_dir=tmp_path).errors == []
