"""Reading idx files, and saying what is wrong with bad ones."""

import gzip
import struct

import numpy as np
import pytest

from resnet_sim.errors import UsageError
from resnet_sim.training.data.idx import Scaled, read_idx, read_images


def written(path, array, code):
    """Write an idx file by hand."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    body = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return path


@pytest.mark.parametrize(
    ("kind", "code"),
    [(np.uint8, 8), (np.int8, 9), (np.int16, 11), (np.int32, 12), (np.float32, 13),
     (np.float64, 14)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_every_kind_of_number(tmp_path, kind, code, name):
    array = np.arange(24).reshape(2, 3, 4).astype(kind) - kind(3)
    found = read_idx(written(tmp_path / name, array, code))
    assert found.dtype == kind
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not an idx file"),
        (b"\0\0\x07\x01\0\0\0\1\0", "is not an idx file"),
        (b"PNG\r\n", "is not an idx file"),
        (b"\0\0\x08\x02\0\0\0\1", "is not whole"),
        (b"\0\0\x08\x01\0\0\0\3ab", "is not whole: 10 bytes instead of 11"),
        (b"\0\0\x08\x01\0\0\0\1ab", "is not whole"),
        (b"\0\0\x08\x00a", "is not whole"),
    ],
)
def test_files_that_are_none(tmp_path, data, words):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=words):
        read_idx(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        read_idx(tmp_path / "missing")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"\0" * 1000)[:-9])
    with pytest.raises(UsageError, match="can't be read"):
        read_idx(broken)


def folder(path, suffix="", test_pixels=(2, 3), labels=4):
    rng = np.random.default_rng(1)
    for name, count, pixels in (("train", 4, (2, 3)), ("t10k", 3, test_pixels)):
        images = rng.integers(256, size=(count, *pixels)).astype(np.uint8)
        classes = np.arange(labels if name == "train" else count).astype(np.uint8)
        written(path / f"{name}-images-idx3-ubyte{suffix}", images, 8)
        written(path / f"{name}-labels-idx1-ubyte{suffix}", classes, 8)
    return path


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images(tmp_path, monkeypatch, suffix):
    images = read_images(folder(tmp_path, suffix))
    assert images.train.shape == (4, 6) and images.test.shape == (3, 6)
    assert images.train.dtype == np.uint8 and images.test_labels.tolist() == [0, 1, 2]
    monkeypatch.setenv("RESNET_SIM_DATA", str(tmp_path))
    np.testing.assert_array_equal(read_images().train, images.train)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"test_pixels": (3, 3)}, "differ in size"), ({"labels": 3}, "4 images, but 3 labels")],
)
def test_images_that_do_not_fit(tmp_path, options, words):
    with pytest.raises(UsageError, match=words):
        read_images(folder(tmp_path, **options))


def test_missing_images(tmp_path):
    with pytest.raises(UsageError, match=r"no train-images-idx3-ubyte or .*dataset-fashion-mnist"):
        read_images(tmp_path)


def test_scaled_bytes():
    array = np.arange(12, dtype=np.uint8).reshape(4, 3)
    scaled = Scaled(array, 0.5)
    assert scaled.shape == (4, 3) and len(scaled) == 4 and scaled[1:3].dtype == np.float32
    np.testing.assert_array_equal(scaled[[3, 0]], 0.5 * array[[3, 0]])
    np.testing.assert_array_equal(np.asarray(scaled, dtype=float), 0.5 * array)
