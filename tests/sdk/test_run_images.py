"""Images: pixels become a PNG that says the same, files stay as they are, and what is none is refused."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from podium.domain.images import read_image, write_png
from podium.errors import InvalidValueError, NotFoundError
from podium.sdk.images import Image

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}></svg>'


def pixels(data: bytes) -> np.ndarray:
    """Read a PNG by its specification, checksums included."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size) == (zlib.crc32(kind + body),)
        found[kind] = body
        at += 12 + size
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", found[b"IHDR"])
    assert (depth, rest, list(found)) == (8, [0, 0, 0], [b"IHDR", b"IDAT", b"IEND"])
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, {0: 1, 4: 2, 2: 3, 6: 4}[colour])


@pytest.fixture
def file(tmp_path: Path):
    """Write bytes under a name that says nothing."""

    def write(data: bytes) -> str:
        (tmp_path / "file.bin").write_bytes(data)
        return str(tmp_path / "file.bin")

    return write


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bytes_become_the_same_pixels(channels) -> None:
    """Gray, gray and alpha, RGB, RGBA."""
    array = np.random.default_rng(7).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    assert (pixels(Image(array)._data) == array).all()


def test_gray_of_two_dimensions() -> None:
    """(height, width) is one channel, and slices that do not lie together are read right."""
    assert (pixels(Image(GRAY)._data)[:, :, 0] == GRAY).all()
    assert (pixels(Image(GRAY.T[::2])._data)[:, :, 0] == GRAY.T[::2]).all()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]]), [0, 128, 255]),
        (np.array([[-1.0, 0.0, 1.0]], dtype=np.float32), [0, 128, 255]),
        (np.array([[0.0, 99.6, 255.0]]), [0, 100, 255]),
        (np.array([[True, False]]), [255, 0]),
        (np.array([[0, 7, 255]], dtype=np.int64), [0, 7, 255]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_numbers_become_pixels(array, expected) -> None:
    """Fractions of 0..1 and -1..1 are scaled, others are rounded, booleans are black and white."""
    assert pixels(Image(array)._data).ravel().tolist() == expected


def test_fractions_that_are_not_scaled() -> None:
    """`normalize=False` takes them as they are."""
    assert pixels(Image(np.array([[0.0, 1.0]]), normalize=False)._data).ravel().tolist() == [0, 1]


class Tensor:
    """Stands for a tensor of PyTorch: detached, brought to the CPU, channels first."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.array


def test_tensors_have_their_channels_first() -> None:
    """(3, height, width) becomes (height, width, 3)."""
    array = np.random.default_rng(7).integers(0, 256, (3, 5, 7), dtype=np.uint8)
    assert (pixels(Image(Tensor(array))._data) == array.transpose(1, 2, 0)).all()


class Figure:
    """Stands for a figure of Matplotlib."""

    def savefig(self, target, format: str) -> None:
        assert format == "png"
        target.write(write_png(2, 1, 1, b"ab"))


def test_figures_save_themselves() -> None:
    """A plot is kept as the PNG that it writes."""
    image = Image(Figure(), caption="a plot")
    assert (image.format, image.width, image.height, image.caption) == ("png", 2, 1, "a plot")


def test_images_of_pillow() -> None:
    """Each mode is kept, or turned into one that PNG has."""
    pillow = pytest.importorskip("PIL.Image")
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "CMYK"):
        image = Image(pillow.new(mode, (6, 5)))
        assert (image.format, image.width, image.height) == ("png", 6, 5)
    assert pixels(Image(pillow.new("RGB", (1, 1), (9, 9, 9)), mode="L")._data).ravel().tolist() == [9]


FILES = {
    "png": write_png(61, 52, 1, bytes(61 * 52)),
    "jpg": b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x11\x08\0\x34\0\x3d\x03",
    "jpg ": b"\xff\xd8\xff\xfe\0\x03a\xff\x01\xff\xc2\0\x11\x08\0\x34\0\x3d\x03",
    "gif": b"GIF89a\x3d\0\x34\0\0\0\0",
    "webp": b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x3d\0\x34\0",
    "webp ": b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 60 | 51 << 14),
    "webp  ": b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3c\0\0\x33\0\0",
    "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, 61, -52),
    "bmp ": b"BM" + bytes(12) + struct.pack("<IHH", 12, 61, 52),
    "svg": SVG.format('width="61" height="52.4px"').encode(),
    "svg ": b"\xef\xbb\xbf" + SVG.format('viewBox="0 0 61 52"').encode(),
    "svg  ": b'<?xml version="1.0"?>\n<!-- a --><!DOCTYPE svg>\n' + SVG.format('viewBox="-1,-2, 61,52"').encode(),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_stay_as_they_are(file, kind) -> None:
    """Format and size are read from the bytes; the name says nothing."""
    image = Image(file(FILES[kind]))
    assert (image.format, image.width, image.height) == (kind.strip(), 61, 52)
    assert image._data == FILES[kind]


def test_a_drawing_without_a_size(file) -> None:
    """An SVG may leave its size to who shows it."""
    image = Image(file(SVG.format('width="100%" data-height="3"').encode()))
    assert (image.format, image.width, image.height) == ("svg", None, None)


NEEDED = {"png": 24, "gif": 10, "jpg": 21, "webp": 30, "bmp": 26}  # bytes up to the size, of the longest above


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind.strip() != "svg"])
def test_files_that_are_cut_off(kind) -> None:
    """Wherever they end before their size is told, the answer is a typed error."""
    data = FILES[kind]
    for size in range(min(NEEDED[kind.strip()] - 2, len(data) - 2)):
        with pytest.raises(InvalidValueError):
            read_image(data[:size])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n" + bytes(16),
        b"GIF89a\0\0\x01\0",
        b"\xff\xd8\xff\xe0\0\x02no marker",
        b"RIFF\0\0\0\0WEBPnone" + bytes(20),
        b"BM" + bytes(40),
        b"<html><svg></svg></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><svg></svg>',
        b"\xff\xfe<\0s\0v\0g\0>\0",
    ],
    ids=lambda data: ascii(data)[:30],
)
def test_files_that_are_no_images(file, data) -> None:
    """They are refused, whatever they are called."""
    with pytest.raises(InvalidValueError):
        Image(file(data))


@pytest.mark.parametrize(
    "data",
    [
        b" " * 65_000,
        b"<!-- -->" * 8_000,
        b"<!--" * 16_000,
        b"<?xml " * 10_000,
        b"<svg viewBox='" + b"1 , " * 16_000 + b"'>",
        b"<svg " + b"width = ' " * 6_000 + b">",
    ],
    ids=lambda data: ascii(data)[:20],
)
def test_hostile_drawings_cost_no_time(data) -> None:
    """A search that goes back and forth would take minutes for these."""
    began = time.process_time()
    with contextlib.suppress(InvalidValueError):
        assert read_image(data).format == "svg"
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "given",
    [
        np.zeros(5),
        np.zeros((2, 2, 5)),
        np.zeros((0, 3)),
        np.zeros((1, 2, 2, 3)),
        np.array([[300]]),
        np.array([[-2]]),
        np.array([[-2.0]]),
        np.array([[np.nan]]),
        np.array([[1j]]),
        np.array([["a"]]),
        np.array([[None]]),
        3,
        None,
        b"bytes",
        [[1, 2]],
    ],
    ids=lambda given: ascii(given)[:30],
)
def test_what_is_no_image(given) -> None:
    """A wrong shape, numbers out of range, NaN, or another thing: a typed error that says what to give."""
    with pytest.raises(InvalidValueError):
        Image(given)


def test_files_that_cannot_be_read(tmp_path) -> None:
    """A missing file, a folder and a link are typed errors."""
    with pytest.raises(NotFoundError):
        Image(tmp_path / "missing.png")
    os.symlink(tmp_path / "missing.png", tmp_path / "link.png")
    for path in (tmp_path, tmp_path / "link.png", ""):
        with pytest.raises(InvalidValueError):
            Image(path)


def test_captions_are_text() -> None:
    """What a database cannot hold is no caption."""
    for caption in ("a\0", "\ud800", 3):
        with pytest.raises(InvalidValueError):
            Image(GRAY, caption=caption)


def test_without_numpy(monkeypatch) -> None:
    """An array where NumPy is missing is a typed error that names it."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(InvalidValueError, match="NumPy is not installed"):
        Image(GRAY)


def test_the_limit_of_an_image(file, monkeypatch) -> None:
    """More bytes than may be kept with a run are refused."""
    monkeypatch.setattr("podium.domain.media.MOST_BYTES", 10)
    with pytest.raises(InvalidValueError, match="at most 10"):
        Image(file(FILES["gif"] + bytes(9)))
