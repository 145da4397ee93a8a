"""Pictures of the samples that tell most."""

from __future__ import annotations

import base64
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from pareto_explorer.audits.compute import Point, samples_table
from pareto_explorer.audits.worst import WORST, worst_samples
from pareto_explorer.sweeps.audit.pictures import thumbnails, with_pictures
from pareto_explorer.tasks import Samples, UnlearningTask
from tests.audits.shadows import FORGET, STEP, TRIAL, shadows
from tests.tasks.small import small_task


def image_task(channels: int = 1, side: int = 8) -> UnlearningTask:
    task = small_task()
    draws = torch.Generator().manual_seed(0)

    def images(samples: Samples) -> Samples:
        shape = len(samples), channels, side, side
        return Samples(torch.rand(shape, generator=draws), samples.labels)

    sets = ("train", "heldout", "validation", "test")
    return replace(task, **{name: images(getattr(task, name)) for name in sets})


def test_thumbnails_span_black_to_white_of_the_forget_set():
    task = image_task()
    forgotten = task.forget_indices.tolist()
    found = np.array(thumbnails(task, forgotten))
    assert found.shape == (len(forgotten), 8, 8)
    assert (found.min(), found.max()) == (0, 255)
    values = task.train.inputs[task.forget_indices, 0].numpy().astype(float)
    spread = values.max() - values.min()
    assert found == pytest.approx((values - values.min()) / spread * 255, abs=0.51)


def test_images_of_bytes_have_one_too():
    task = image_task(3)
    whole = (task.train.inputs * 255).to(torch.uint8)
    found = thumbnails(replace(task, train=Samples(whole, task.train.labels)), [0])
    assert found[0] == pytest.approx(thumbnails(task, [0])[0], abs=2)


def test_large_ones_are_made_small():
    (found,) = thumbnails(image_task(3, 70), [0])
    assert found.shape == (24, 24, 3)


def test_what_is_no_image_has_none():
    assert thumbnails(small_task(), [0]) == []
    assert thumbnails(image_task(channels=2), [0]) == []


def test_the_worst_samples_of_each_point_have_a_picture():
    task = image_task()
    chosen, nothing = Point(TRIAL, STEP), Point("none", 0)
    samples = samples_table(shadows(range(5)), [chosen, nothing])
    found = with_pictures(samples, task)
    pd.testing.assert_frame_equal(found.drop(columns="picture"), samples.drop(columns="picture"))
    assert len(found) == 2 * FORGET
    for point in (chosen, nothing):
        worst = worst_samples(found, point)
        assert len(worst) == WORST
        assert worst["effect_size"].abs().is_monotonic_decreasing
        for row in worst.to_dict("records"):
            (image,) = thumbnails(task, [row["sample"]])
            stored = Image.open(BytesIO(base64.b64decode(row["picture"])))
            np.testing.assert_array_equal(np.asarray(stored), image)
    assert (found["picture"] != "").sum() == 2 * WORST
    assert (with_pictures(samples, small_task())["picture"] == "").all()
