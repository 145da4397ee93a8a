"""Small pictures of forgotten samples, where these are images."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from pareto_explorer.audits.worst import worst_samples
from pareto_explorer.schema.columns import checkpoints_of
from pareto_explorer.tasks import UnlearningTask

__all__ = ["png", "thumbnails", "with_pictures"]

LARGEST = 32
"""Pixels a side."""


def with_pictures(samples: pd.DataFrame, task: UnlearningTask) -> pd.DataFrame:
    """Puts pictures beside the worst samples of each point.

    Args:
        samples: ``audit/samples.parquet`` without pictures.
        task: The task, whose inputs need not be images.

    Returns:
        The table with the column ``picture``, a PNG in base 64 or nothing.
    """
    points = checkpoints_of(samples)
    rows = [row for point in points for row in worst_samples(samples, point).index]
    wanted = sorted(set(samples["sample"].loc[rows].tolist()))
    found = dict(zip(wanted, thumbnails(task, wanted), strict=False))
    pictures = samples["picture"].copy()
    pictures.loc[rows] = [
        base64.b64encode(png(found[sample])).decode("ascii") if sample in found else ""
        for sample in samples["sample"].loc[rows]
    ]
    return samples.assign(picture=pictures)


def thumbnails(task: UnlearningTask, samples: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Pictures of training samples, of at most 32 pixels a side.

    Black and white are the least and the largest value that a channel has in the forget set.

    Args:
        task: The task.
        samples: Positions in the training data.

    Returns:
        Arrays of shape (height, width) or (height, width, 3); none where inputs are no images of
        one or three channels.
    """
    inputs = task.train.inputs
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return []
    forgotten = inputs[task.forget_indices].float()
    low = forgotten.amin(dim=(0, 2, 3), keepdim=True)
    high = forgotten.amax(dim=(0, 2, 3), keepdim=True)
    images = inputs[torch.as_tensor(samples, dtype=torch.long, device=inputs.device)].float()
    side = -(-max(images.shape[2:]) // LARGEST)
    if side > 1:
        images = functional.avg_pool2d(images, side, ceil_mode=True)
    scaled = (images - low) / (high - low).clamp_min(1e-12)
    bytes_ = (scaled.nan_to_num().clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return [image.squeeze(-1) if image.shape[-1] == 1 else image for image in bytes_.cpu().numpy()]


def png(image: NDArray[np.uint8]) -> bytes:
    """A picture, (height, width) or (height, width, 3), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
