"""Networks for images, and what surrounds one: normalisation, precision and memory layout."""

from pareto_explorer.tasks.models.networks.digits_cnn import digits_cnn
from pareto_explorer.tasks.models.networks.from_torchvision import from_torchvision
from pareto_explorer.tasks.models.networks.image_classifier import (
    PRECISIONS,
    ImageClassifier,
    Precision,
)
from pareto_explorer.tasks.models.networks.resnet import resnet18, resnet20
from pareto_explorer.tasks.models.networks.vgg import vgg16_bn
from pareto_explorer.tasks.models.networks.vit import vit_small

__all__ = [
    "PRECISIONS",
    "ImageClassifier",
    "Precision",
    "digits_cnn",
    "from_torchvision",
    "resnet18",
    "resnet20",
    "vgg16_bn",
    "vit_small",
]
