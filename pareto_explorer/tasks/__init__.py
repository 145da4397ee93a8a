"""What is unlearned: tasks, forget requests and their landmarks.

``task_from`` makes a task of data and a model of one's own; ``make_task`` builds a registered one.
Either says which training samples are to be forgotten, and how landmarks are trained.

>>> from pareto_explorer.tasks import make_task
>>> task = make_task({"name": "digits", "forget": {"kind": "random", "fraction": 0.1}})
>>> len(task.train), len(task.forget), task.n_classes
(1078, 108, 10)

| to | there is |
|---|---|
| bring data and a model | ``task_from``, ``samples_from``, ``Samples``, \
``UnlearningTask``, ``Recipe``, ``CropFlip`` |
| bring a language model | ``IGNORED``, ``Language``, ``Answers``, ``Speech`` |
| take a registered task | ``make_task``, ``TASKS``, ``TaskEntry``, ``digits``, ``cifar10``, \
``cifar100``, ``fashion_mnist``, ``mnist``, ``svhn``, ``tiny_imagenet``, ``image_folder``, \
``VisionTask``, ``text``, ``sentences``, ``textures``, ``authors`` |
| say what is forgotten | ``parse_forget``, ``ForgetRequest``, ``RandomSubset``, \
``WholeClass``, ``Subclass``, ``Mislabelled``, ``Mixture``, ``Indices``, \
``GaussianPoison``, ``Confused``, ``Authors``, ``select_forget_set``, ``ForgetSet``, \
``GaussianNoise``, ``SwappedClasses``, ``Groups``, ``select_adjacent_set``, ``nearest_class`` |
| split data | ``stratified_split``, ``published_split``, ``PublishedSplit`` |
| take a network | ``make_model``, ``MODELS``, ``ModelEntry``, ``parse_model``, \
``ModelSpec``, ``digits_cnn``, ``image_classifier``, ``ImageClassifier`` |
| train landmarks | ``train_landmark``, ``train_stages``, ``train_model``, ``Stage``, \
``LandmarkKind``, ``untrained_model``, ``parse_recipe``, ``RECIPES``, ``given_landmark``, \
``builds_its_original`` |
| find them again | ``LandmarkCache``, ``default_cache_dir``, ``fingerprint``, \
``RECIPE_VERSION`` |
| load weights | ``load_weights``, ``restore_model`` |
"""

from pareto_explorer.tasks.builtin.authors.task import authors
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
from pareto_explorer.tasks.core.language import Answers, Language, Speech
from pareto_explorer.tasks.core.planted import GaussianNoise, SwappedClasses
from pareto_explorer.tasks.core.recipes import RECIPES, parse_recipe
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.splits import PublishedSplit, published_split, stratified_split
from pareto_explorer.tasks.core.task import Recipe, UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.data.samples import samples_from
from pareto_explorer.tasks.forget.adjacent_set import nearest_class, select_adjacent_set
from pareto_explorer.tasks.forget.forget_set import ForgetSet, select_forget_set
from pareto_explorer.tasks.forget.requests import (
    Authors,
    Confused,
    ForgetRequest,
    GaussianPoison,
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
    builds_its_original,
    given_landmark,
    restore_model,
    train_landmark,
    train_model,
    train_stages,
    untrained_model,
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
    "IGNORED",
    "MODELS",
    "RECIPES",
    "RECIPE_VERSION",
    "TASKS",
    "Answers",
    "Authors",
    "Confused",
    "CropFlip",
    "ForgetRequest",
    "ForgetSet",
    "GaussianNoise",
    "GaussianPoison",
    "Groups",
    "ImageClassifier",
    "Indices",
    "LandmarkCache",
    "LandmarkKind",
    "Language",
    "Mislabelled",
    "Mixture",
    "ModelEntry",
    "ModelSpec",
    "PublishedSplit",
    "RandomSubset",
    "Recipe",
    "Samples",
    "Speech",
    "Stage",
    "Subclass",
    "SwappedClasses",
    "TaskEntry",
    "UnlearningTask",
    "VisionTask",
    "WholeClass",
    "authors",
    "builds_its_original",
    "cifar10",
    "cifar100",
    "default_cache_dir",
    "digits",
    "digits_cnn",
    "fashion_mnist",
    "fingerprint",
    "given_landmark",
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
    "untrained_model",
]
