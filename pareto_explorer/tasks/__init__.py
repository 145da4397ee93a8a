"""What is unlearned: tasks, forget requests and their landmarks."""

from pareto_explorer.tasks.adjacent_sets import nearest_class, select_adjacent_set
from pareto_explorer.tasks.digits import digits
from pareto_explorer.tasks.forget_requests import (
    ForgetRequest,
    Indices,
    Mislabelled,
    RandomSubset,
    Subclass,
    WholeClass,
    parse_forget,
)
from pareto_explorer.tasks.forget_sets import ForgetSet, select_forget_set
from pareto_explorer.tasks.landmark_cache import LandmarkCache, default_cache_dir
from pareto_explorer.tasks.landmarks import (
    RECIPE_VERSION,
    LandmarkKind,
    fingerprint,
    restore_model,
    train_landmark,
    train_model,
)
from pareto_explorer.tasks.models import digits_cnn
from pareto_explorer.tasks.registry import TASKS, TaskEntry, make_task
from pareto_explorer.tasks.splits import stratified_split
from pareto_explorer.tasks.task import Recipe, Samples, UnlearningTask

__all__ = [
    "RECIPE_VERSION",
    "TASKS",
    "ForgetRequest",
    "ForgetSet",
    "Indices",
    "LandmarkCache",
    "LandmarkKind",
    "Mislabelled",
    "RandomSubset",
    "Recipe",
    "Samples",
    "Subclass",
    "TaskEntry",
    "UnlearningTask",
    "WholeClass",
    "default_cache_dir",
    "digits",
    "digits_cnn",
    "fingerprint",
    "make_task",
    "nearest_class",
    "parse_forget",
    "restore_model",
    "select_adjacent_set",
    "select_forget_set",
    "stratified_split",
    "train_landmark",
    "train_model",
]
