"""Softmax regression in NumPy: logits and gradients worked out by hand."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import softmax

from tests.unlearning.toys import CLASSES, draws

SIZE = 5 * CLASSES  # four weights and a bias per class


def start(model, seed=5):
    """Draws new weights for a linear model and returns them as one vector."""
    theta = torch.randn(SIZE, generator=draws(seed), dtype=torch.float64)
    put(model, theta)
    return theta.numpy()


def put(model, theta):
    theta = torch.as_tensor(theta)
    with torch.no_grad():
        model.weight.copy_(theta[: 4 * CLASSES].view(CLASSES, 4))
        model.bias.copy_(theta[4 * CLASSES :])


def logits_of(theta, samples):
    weight, bias = theta[: 4 * CLASSES].reshape(CLASSES, 4), theta[4 * CLASSES :]
    return samples.inputs.numpy() @ weight.T + bias


def predictions(theta, samples, temperature=1.0):
    return softmax(logits_of(theta, samples) / temperature, 1)


def onehot(samples):
    return np.eye(CLASSES)[samples.labels]


def gradient_of(logit_gradient, samples):
    """Gradient of a mean over samples, from the gradients by their logits."""
    rows = logit_gradient / len(samples)
    return np.concatenate([(rows.T @ samples.inputs.numpy()).reshape(-1), rows.sum(0)])


def cross_entropy_gradient(theta, samples):
    return gradient_of(predictions(theta, samples) - onehot(samples), samples)


def sgd(theta, gradient, steps, lr, momentum=0.0, decay=0.0):
    """Follows ``gradient(theta, step)`` as PyTorch's SGD does."""
    velocity = 0.0
    for step in range(steps):
        velocity = momentum * velocity + gradient(theta, step) + decay * theta
        theta = theta - lr * velocity
    return theta
