"""What is unlearned: tasks, forget requests and their landmarks."""

from pareto_explorer.tasks.builtin.digits import digits
from pareto_explorer.tasks.builtin.text.sentences import sentences
from pareto_explorer.tasks.builtin.text.task import text
from pareto_explorer.tasks.builtin.textures.task import textures
from pareto_explorer.tasks.builtin.vision import (
    VisionTask,
    cifar10,
    cifar100,
    fashion_mnist,
    image_folder,
    mnist,
    svhn,
    tiny_imagenet,
)
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.recipes import RECIPES, parse_recipe
from pareto_explorer.tasks.core.splits import PublishedSplit, published_split, stratified_split
from pareto_explorer.tasks.core.task import Recipe, Samples, UnlearningTask
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.data.samples import samples_from
from pareto_explorer.tasks.forget.adjacent_set import nearest_class, select_adjacent_set
from pareto_explorer.tasks.forget.forget_set import ForgetSet, select_forget_set
from pareto_explorer.tasks.forget.requests import (
    ForgetRequest,
    Indices,
    Mislabelled,
    Mixture,
    RandomSubset,
    Subclass,
    WholeClass,
    parse_forget,
)
from pareto_explorer.tasks.landmarks.cache import LandmarkCache, default_cache_dir
from pareto_explorer.tasks.landmarks.fingerprints import RECIPE_VERSION, fingerprint
from pareto_explorer.tasks.landmarks.landmarks import (
    LandmarkKind,
    Stage,
    given_original,
    restore_model,
    train_landmark,
    train_model,
    train_stages,
)
from pareto_explorer.tasks.models.checkpoint_files import load_weights
from pareto_explorer.tasks.models.networks.image_classifier import ImageClassifier
from pareto_explorer.tasks.models.registry import (
    MODELS,
    ModelEntry,
    digits_cnn,
    image_classifier,
    make_model,
)
from pareto_explorer.tasks.models.specs import ModelSpec, parse_model
from pareto_explorer.tasks.registry import TASKS, TaskEntry, make_task
from pareto_explorer.tasks.task_from import task_from

__all__ = [
    "MODELS",
    "RECIPES",
    "RECIPE_VERSION",
    "TASKS",
    "CropFlip",
    "ForgetRequest",
    "ForgetSet",
    "Groups",
    "ImageClassifier",
    "Indices",
    "LandmarkCache",
    "LandmarkKind",
    "Mislabelled",
    "Mixture",
    "ModelEntry",
    "ModelSpec",
    "PublishedSplit",
    "RandomSubset",
    "Recipe",
    "Samples",
    "Stage",
    "Subclass",
    "TaskEntry",
    "UnlearningTask",
    "VisionTask",
    "WholeClass",
    "cifar10",
    "cifar100",
    "default_cache_dir",
    "digits",
    "digits_cnn",
    "fashion_mnist",
    "fingerprint",
    "given_original",
    "image_classifier",
    "image_folder",
    "load_weights",
    "make_model",
    "make_task",
    "mnist",
    "nearest_class",
    "parse_forget",
    "parse_model",
    "parse_recipe",
    "published_split",
    "restore_model",
    "samples_from",
    "select_adjacent_set",
    "select_forget_set",
    "sentences",
    "stratified_split",
    "svhn",
    "task_from",
    "text",
    "textures",
    "tiny_imagenet",
    "train_landmark",
    "train_model",
    "train_stages",
]
