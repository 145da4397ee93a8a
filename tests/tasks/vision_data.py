"""Small data sets in the formats of the published ones."""

from __future__ import annotations

import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from pareto_explorer.tasks.builtin.vision import SUPERCLASSES

FINE = sorted(name for names in SUPERCLASSES.values() for name in names)
CIFAR10_NAMES = (
    "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
)


def noise(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def classes(n: int, n_classes: int) -> np.ndarray:
    """Balanced labels in no particular order."""
    return np.random.default_rng(7).permutation(np.arange(n) % n_classes)


def write_cifar10(
    root: Path, monkeypatch: pytest.MonkeyPatch, per_batch: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Five training batches and a test batch; returns training images (n, 3, 32, 32), labels."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rows, labels = noise(5 * per_batch, 3072), classes(5 * per_batch, 10)
    sums = {}
    for k in range(5):
        part = slice(k * per_batch, (k + 1) * per_batch)
        batch = {"data": rows[part], "labels": labels[part].tolist(), "batch_label": f"{k + 1}"}
        sums[f"data_batch_{k + 1}"] = _pickle(folder / f"data_batch_{k + 1}", batch)
    test = {"data": noise(20, 3072, seed=1), "labels": (np.arange(20) % 10).tolist()}
    sums["test_batch"] = _pickle(folder / "test_batch", test)
    meta = _pickle(folder / "batches.meta", {"label_names": CIFAR10_NAMES, "num_vis": 3072})
    _accept(datasets.CIFAR10, sums, meta, monkeypatch)
    return rows.reshape(-1, 3, 32, 32), labels


def write_cifar100(
    root: Path, monkeypatch: pytest.MonkeyPatch, per_class: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """One training and one test file; returns training images (n, 3, 32, 32), fine labels."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    coarse_of = [
        list(SUPERCLASSES).index(k) for n in FINE for k, v in SUPERCLASSES.items() if n in v
    ]
    sums, written = {}, []
    for name, n in (("train", 100 * per_class), ("test", 100)):
        rows, fine = noise(n, 3072, seed=n), classes(n, 100)
        coarse = [coarse_of[label] for label in fine]
        batch = {"data": rows, "fine_labels": fine.tolist(), "coarse_labels": coarse}
        sums[name] = _pickle(folder / name, batch)
        written.append((rows.reshape(-1, 3, 32, 32), fine))
    names = {"fine_label_names": FINE, "coarse_label_names": list(SUPERCLASSES)}
    _accept(datasets.CIFAR100, sums, _pickle(folder / "meta", names), monkeypatch)
    return written[0]


def write_svhn(
    root: Path, monkeypatch: pytest.MonkeyPatch, n: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Two .mat files, in which digit 0 is class 10; returns training images (n, 3, 32, 32)."""
    root.mkdir(parents=True, exist_ok=True)
    accepted, written = {}, []
    for split, count in (("train", n), ("test", 20)):
        images, digits = noise(count, 3, 32, 32, seed=count), classes(count, 10)
        path = root / f"{split}_32x32.mat"
        stored = np.where(digits == 0, 10, digits).astype(np.uint8)[:, None]
        savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": stored})
        accepted[split] = ["http://127.0.0.1:9/", path.name, _md5(path)]
        written.append((images, digits))
    monkeypatch.setattr(datasets.SVHN, "split_list", accepted)
    return written[0]


def write_mnist(root: Path, name: str = "MNIST", n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Four idx-ubyte files; returns training images (n, 28, 28) and labels."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    written = []
    for split, count in (("train", n), ("t10k", 20)):
        images, labels = noise(count, 28, 28, seed=count), classes(count, 10).astype(np.uint8)
        head = struct.pack(">4I", 0x0803, count, 28, 28)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">2I", 0x0801, count)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
        written.append((images, labels))
    return written[0]


def write_image(path: Path, pixels: np.ndarray) -> None:
    """Writes (H, W) or (H, W, 3) pixels in the format that the name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_tiny_imagenet(root: Path, per_class: int = 20) -> dict[str, list[str]]:
    """The layout of the archive with two classes; returns the test files of each class."""
    folder = root / "tiny-imagenet-200"
    wnids = {"n02124075": "Egyptian cat", "n01443537": "goldfish, Carassius auratus"}
    for k, wnid in enumerate(wnids):
        for i in range(per_class):
            path = folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG"
            write_image(path, noise(1, 64, 64, 3, seed=100 * k + i)[0])
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t9\t9\n")
    tests: dict[str, list[str]] = {wnid: [] for wnid in wnids}
    rows = []
    for i in range(6):
        wnid = list(wnids)[i % 2]
        tests[wnid].append(f"val_{i}.JPEG")
        grey = np.full((64, 64, 3), 20 * i, dtype=np.uint8)
        write_image(folder / "val" / "images" / f"val_{i}.JPEG", grey)
        rows.append(f"val_{i}.JPEG\t{wnid}\t0\t32\t44\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    words = [*wnids.items(), ("n00001740", "entity")]
    (folder / "words.txt").write_text("".join(f"{wnid}\t{name}\n" for wnid, name in words))
    return tests


def write_folders(root: Path, per_class: int = 20, second: str = "test") -> None:
    """Class folders of PNG and JPEG files of all kinds of sizes and modes."""
    for part, count in (("train", per_class), (second, 3)):
        for k, name in enumerate(("ants", "bees")):
            for i in range(count):
                seed = 1000 * k + i + (500 if part == "train" else 0)
                colours = noise(1, 9 + i % 3, 12, 3, seed=seed)[0]
                pixels = colours[:, :, 0] if i % 4 == 0 else colours
                suffix = "png" if i % 2 else "jpg"
                write_image(root / part / name / f"{i:02d}.{suffix}", pixels)


def _pickle(path: Path, value: object) -> str:
    path.write_bytes(pickle.dumps(value, protocol=2))
    return _md5(path)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _accept(
    kind: type[datasets.CIFAR10], sums: dict[str, str], meta: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Makes torchvision's check of checksums expect the files as they were written."""
    for which in ("train_list", "test_list"):
        names = [name for name, _ in getattr(kind, which)]
        monkeypatch.setattr(kind, which, [[name, sums[name]] for name in names])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": meta})
