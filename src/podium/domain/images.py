"""Images as bytes: what they are, read from the bytes and never from a name, and how pixels become a PNG.

PNG is written with the zlib of the standard library. Pillow would save a few bytes by choosing a filter per row, and
cost every training image 7 MB of wheel for 25 lines of code.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from podium.domain.plain import Value
from podium.errors import InvalidValueError

_PNG = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels to colour type: gray, gray and alpha, RGB, RGBA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG segments that tell the size
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG segments without a length
_HEAD = 64 * 1024
# Possessive, and with bounds: a hostile file must not make the search go back and forth for ever.
_SVG = re.compile(r"(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s++)*+<svg\b([^>]*)>", re.DOTALL | re.IGNORECASE)
_LENGTH = r"(\d{1,9}(?:\.\d{1,9})?)"
_BEGIN = r"""(?<![\w-])%s\s{0,9}=\s{0,9}["']\s{0,9}"""  # of the value of an attribute
_SIDES = tuple(re.compile(_BEGIN % name + _LENGTH + r"""(?:px)?["' ]""") for name in ("width", "height"))
_BOX = re.compile(_BEGIN % "viewBox" + r"(?:[-+\d.e]{1,24}[\s,]{1,9}){2}" + _LENGTH + r"[\s,]{1,9}" + _LENGTH)


@dataclass(frozen=True, slots=True)
class ImageFacts(Value):
    """What the bytes of an image say.

    Attributes:
        format: ``png``, ``jpg``, ``gif``, ``webp``, ``bmp`` or ``svg``; also the ending of its stored file.
        width: Pixels; None where an SVG does not say.
        height: Pixels; None where an SVG does not say.
    """

    format: str
    width: int | None
    height: int | None


def read_image(data: bytes) -> ImageFacts:
    """Return format and size of an image.

    Raises:
        InvalidValueError: The bytes are no image of a format that Podium knows, or it is cut off or has no pixel.
    """
    try:
        facts = _read(data)
    except (struct.error, IndexError) as error:
        raise InvalidValueError("The image is cut off.", hint="Save it again.") from error
    if facts is None:
        raise InvalidValueError("This is no image.", hint="Give a png, jpg, gif, webp, bmp or svg file.")
    if facts.width == 0 or facts.height == 0:
        raise InvalidValueError("The image has no pixel.", hint="Check how it was made.")
    return facts


def write_png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """Return a PNG of 8 bits per channel.

    Args:
        width: Pixels.
        height: Pixels.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA.
        pixels: Row by row from the top, channels beside each other.

    Raises:
        InvalidValueError: Size, channels and bytes do not fit, or a PNG cannot be so large.
    """
    fits = channels in _COLOURS and 0 < width < 2**31 and 0 < height < 2**31
    if not fits or len(pixels) != width * height * channels:
        raise InvalidValueError(
            f"An image of {width} x {height} pixels with {channels} channels cannot be made of {len(pixels)} bytes.",
            hint="Give (height, width) or (height, width, 1 to 4 channels).",
        )
    stride = width * channels
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read(data: bytes) -> ImageFacts | None:
    if data.startswith(_PNG):
        return ImageFacts("png", *struct.unpack_from(">II", data, 16))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return ImageFacts("gif", *struct.unpack_from("<HH", data, 6))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    return _svg(data)


def _jpeg(data: bytes) -> ImageFacts:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise InvalidValueError("The JPEG image is damaged.", hint="Save it again.")
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return ImageFacts("jpg", width, height)
        if marker == 0xFF:  # filling
            at += 1
        else:
            at += 2 if marker in _BARE else 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])


def _webp(data: bytes) -> ImageFacts | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageFacts("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageFacts("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        wide, high = data[24:27], data[27:30]
        if len(high) < 3:
            raise IndexError("cut off")
        return ImageFacts("webp", int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1)
    return None


def _bmp(data: bytes) -> ImageFacts | None:
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        return ImageFacts("bmp", *struct.unpack_from("<HH", data, 18))
    if not 40 <= header <= 256:
        return None
    width, height = struct.unpack_from("<ii", data, 18)
    return ImageFacts("bmp", abs(width), abs(height))  # a negative height means from the top


def _svg(data: bytes) -> ImageFacts | None:
    """Look at the first tag only: an XML parser would unfold whatever entities a hostile file declares."""
    found = _SVG.match(data[:_HEAD].decode("utf-8-sig", "replace"))
    if found is None:
        return None
    given = [side.search(found[1]) for side in _SIDES]
    if given[0] and given[1]:
        return ImageFacts("svg", round(float(given[0][1])), round(float(given[1][1])))
    box = _BOX.search(found[1])
    return ImageFacts("svg", round(float(box[1])), round(float(box[2]))) if box else ImageFacts("svg", None, None)
