"""What a pickle would import and call, found by going through it as a load does, but for the imports and the calls.

The reader of the standard library does it, with each operation that touches an object replaced: no module is imported
and nothing is called, so it sees the stack, the memo and the names that a load sees, whatever the file plays with. It
knows the arrays that joblib writes into the middle of a pickle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from podium.checks.builtin.pickle_reader import Reader, Reading, Sure
from podium.checks.builtin.unpacking import UnreadableError

_TORCH = 0x1950A86A20F9469CFC6C  # the number that begins a file of PyTorch before 1.6
_TORCH_PICKLES = 5
Names = set[tuple[str, str]]


def looks_like_pickle(stream: Any) -> bool:
    """Whether a pickle begins here; no more is read than it takes to be sure.

    Args:
        stream: Bytes.

    Raises:
        UnreadableError: The stream is damaged.
    """
    return _read(stream, arrays=False, until_sure=True).is_pickle


@dataclass(slots=True)
class Pickles:
    """What the pickles in a stream import, one behind the other.

    Attributes:
        names: What a load imports.
        besides: What a load without joblib imports besides: it takes the bytes of arrays for operations, and so many
            of these are accidents.
        trouble: Why it cannot be known what else is imported; None if it is known.
    """

    names: Names
    besides: Names = field(default_factory=set)
    trouble: str | None = None


def pickles_in(stream: Any) -> Pickles | None:
    """Go through the pickles in a stream, from where it stands; None where there is none.

    Args:
        stream: Bytes that can be read again.

    Raises:
        UnreadableError: The stream is damaged.
    """
    start = stream.tell()
    reading, count = _read(stream, arrays=True), 1
    if not reading.is_pickle:
        return None
    found, arrays = Pickles(set(reading.names)), reading.arrays
    legacy = reading.value == _TORCH  # behind five pickles stand bytes of tensors
    while reading.trouble is None and not (legacy and count == _TORCH_PICKLES):
        place = stream.tell()
        if not stream.read(1):
            break
        stream.seek(place)
        reading, count = _read(stream, arrays=True), count + 1
        found.names |= reading.names
        arrays = arrays or reading.arrays
    if reading.trouble is not None:
        found.trouble = f"a pickle that cannot be read to its end: {reading.trouble}"
    if arrays:
        stream.seek(start)
        besides = _read(stream, arrays=False).names - found.names
        found.besides = {name for name in besides if all(part.isprintable() for part in name)}
    return found


def _read(stream: Any, *, arrays: bool, until_sure: bool = False) -> Reading:
    """Go through one pickle."""
    reading = Reading()
    reader = Reader(stream, reading, arrays=arrays, until_sure=until_sure)
    try:
        value = reader.load()
        reading.value = value if isinstance(value, int) else None
    except UnreadableError:
        raise
    except Sure:
        reading.trouble = "it was not read further"
    except Exception as error:  # noqa: BLE001 - the reader raises whatever its parts do
        reading.trouble = f"{type(error).__name__} at operation {reading.operations}"
    return reading
