"""An image that a run logs: a file as it is, or pixels of an array, of Pillow or of a plot."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
from pathlib import Path
from typing import Any

from podium.content.files import check_file, local_path
from podium.domain.images import read_image, write_png
from podium.domain.media import check_length, check_size
from podium.domain.plain import check_text
from podium.errors import InvalidValueError, StorageError

_CHANNELS = (1, 2, 3, 4)


class Image:
    """An image for `Run.log`, on its own, in a list, or in a cell of a `Table`.

    The bytes are taken at once: what becomes of the array or file afterwards does not matter.

    Args:
        data_or_path: A file (png, jpg, gif, webp, bmp, svg), which is stored as it is; or pixels, which become a PNG:
            an array of shape (height, width) or (height, width, 1 to 4 channels), a tensor with the channels first,
            an image of Pillow, or a figure of Matplotlib. Whole numbers are 0 to 255, fractions 0 to 1 (-1 to 1 if
            there are negative ones); booleans are black and white.
        mode: A mode of Pillow to convert its images to, such as ``L``; of anything else it says nothing.
        caption: A line below it.
        file_type: Accepted as W&B has it; pixels become PNG whatever it says.
        normalize: False takes fractions as 0 to 255, too.

    Raises:
        InvalidValueError: It is no image, or its numbers or shape are none of an image.
        NotFoundError: There is no such file.
        StorageError: The file cannot be read.
    """

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        *,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        self._data = check_size(_bytes_of(data_or_path, mode, normalize=normalize), "The image")
        self._facts = read_image(self._data)
        self._caption = check_text(caption, "The caption")
        self._path = f"images/{hashlib.sha256(self._data).hexdigest()}.{self._facts.format}"

    @property
    def format(self) -> str:
        """``png``, ``jpg``, ``gif``, ``webp``, ``bmp`` or ``svg``, read from the bytes."""
        return self._facts.format

    @property
    def width(self) -> int | None:
        """Pixels; None where an SVG does not say."""
        return self._facts.width

    @property
    def height(self) -> int | None:
        """Pixels; None where an SVG does not say."""
        return self._facts.height

    @property
    def caption(self) -> str | None:
        """The line below it."""
        return self._caption

    def __repr__(self) -> str:
        return f"<Image {self.format}, {self.width} x {self.height}>"

    def _details(self) -> dict[str, Any]:
        return {"path": self._path, **self._facts.to_json(), "caption": self._caption}


def _bytes_of(given: Any, mode: str | None, *, normalize: bool) -> bytes:
    if isinstance(given, str | os.PathLike):
        return _read_file(local_path(given))
    if isinstance(given, Image):
        return given._data
    if callable(getattr(given, "savefig", None)):  # a figure of Matplotlib, or its module pyplot
        return _saved(given.savefig, "png")
    if callable(getattr(given, "save", None)) and hasattr(given, "convert"):  # an image of Pillow
        picture = given.convert(mode) if mode is not None else given
        return _saved((picture if picture.mode in ("1", "L", "LA", "RGB", "RGBA") else picture.convert("RGBA")).save)
    if hasattr(given, "__array__") or callable(getattr(given, "detach", None)):
        return _array_as_png(given, normalize=normalize)
    raise InvalidValueError(
        f"A {type(given).__name__} is no image.", hint="Give a file, an array, a Pillow image or a Matplotlib figure."
    )


def _read_file(path: Path) -> bytes:
    try:
        check_length(check_file(path).stat().st_size, "The image")
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", hint="Check its rights.") from error


def _saved(save: Any, kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    save(target, format=kind)
    return target.getvalue()


def _array_as_png(given: Any, *, normalize: bool) -> bytes:
    try:
        numpy: Any = importlib.import_module("numpy")
    except ImportError as error:
        raise InvalidValueError("NumPy is not installed.", hint="Run pip install numpy, or log a file.") from error
    tensor = callable(getattr(given, "detach", None))
    array = numpy.asarray(given.detach().cpu() if tensor else given)
    if array.ndim == 3 and tensor and array.shape[0] in _CHANNELS:
        array = array.transpose(1, 2, 0)  # tensors have the channels first
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in _CHANNELS or 0 in array.shape:
        raise InvalidValueError(
            f"An array of shape {tuple(array.shape)} is no image.",
            hint="Give (height, width) or (height, width, 1 to 4 channels).",
        )
    pixels = numpy.ascontiguousarray(_as_bytes(numpy, array, normalize=normalize))
    height, width, channels = pixels.shape
    return write_png(width, height, channels, pixels.tobytes())


def _as_bytes(numpy: Any, array: Any, *, normalize: bool) -> Any:
    """Return pixels as whole numbers from 0 to 255; what is out of range is refused, never cut."""
    kind = array.dtype.kind
    if kind == "b":
        return array.astype(numpy.uint8) * 255
    if kind not in "iuf":
        raise InvalidValueError(f"An array of {array.dtype} is no image.", hint="Give numbers.")
    if kind == "f" and not numpy.isfinite(array).all():
        raise InvalidValueError("The image holds NaN or infinity.", hint="Replace them, as with numpy.nan_to_num.")
    low, high = array.min(), array.max()
    if kind == "f" and normalize and low >= -1 and high <= 1:
        array = ((array + 1) / 2 if low < 0 else array) * 255
    elif low < 0 or high > 255:
        raise InvalidValueError(
            f"The pixels go from {low} to {high}.", hint="Scale them to 0..255, or as fractions to 0..1 or -1..1."
        )
    return numpy.rint(array).astype(numpy.uint8)
