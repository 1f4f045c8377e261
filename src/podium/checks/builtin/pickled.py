"""What a pickle would import and call, found by going through it as a load does, but for the imports and the calls.

The reader of the standard library does it, with each operation that touches an object replaced: no module is imported
and nothing is called, so it sees the stack, the memo and the names that a load sees, whatever the file plays with. It
knows the arrays that joblib writes into the middle of a pickle.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

from podium.checks.builtin.standins import JOBLIB_ARRAY, StandIn, element_size, is_identifier, of_python_3
from podium.checks.builtin.unpacking import UnreadableError

_SMALL = 64 * 1024
_CHUNK = 1024 * 1024
_SURE = 50  # so many operations are no accident
_FEW = 10  # nor are so many with an import
_STARTED = 2  # nor are so many behind the mark
_TORCH = 0x1950A86A20F9469CFC6C  # the number that begins a file of PyTorch before 1.6
_TORCH_PICKLES = 5
Dispatch = dict[int, Callable[[Any], None]]
Names = set[tuple[str, str]]


@dataclass(slots=True)
class Reading:
    """What is known of a pickle after it was gone through.

    Attributes:
        names: Module and name of all that it imports, as Python 3 knows them.
        operations: How many were carried out.
        marked: Whether it begins with the mark of protocol 2 and later.
        telling: Whether it imports or remembers something, as no text does by accident.
        calls: Whether it calls what it imports.
        arrays: Whether arrays of joblib stand in it.
        trouble: Why the reading ended before the pickle did; None if it came to its end.
        value: What it gives, where that is plain.
    """

    names: set[tuple[str, str]] = field(default_factory=set)
    operations: int = 0
    marked: bool = False
    telling: bool = False
    calls: bool = False
    arrays: bool = False
    trouble: str | None = None
    value: Any = None

    @property
    def is_pickle(self) -> bool:
        """Whether this is a pickle, or does what one does before it breaks."""
        return self.is_certain or (self.telling and self.trouble is None)

    @property
    def is_certain(self) -> bool:
        """Whether it is one, wherever and however it ends."""
        started = self.marked and self.operations > _STARTED
        imports = any(all(is_identifier(part) for part in name) for name in self.names)
        return started or self.calls or (self.operations > (_FEW if imports else _SURE) and self.telling)


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
    reader = _Reader(stream, reading, arrays=arrays, until_sure=until_sure)
    try:
        value = reader.load()
        reading.value = value if isinstance(value, int) else None
    except UnreadableError:
        raise
    except _Sure:
        reading.trouble = "it was not read further"
    except Exception as error:  # noqa: BLE001 - the reader raises whatever its parts do
        reading.trouble = f"{type(error).__name__} at operation {reading.operations}"
    return reading


class _Sure(Exception):
    """No error: enough is known."""


class _Counting(dict[int, Callable[[Any], None]]):
    """The table of operations, which counts what is looked up in it."""

    def __init__(self, table: Dispatch, reader: _Reader) -> None:
        super().__init__(table)
        self._reader = reader

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        operation = super().__getitem__(code)
        self._reader.count(code)
        return operation


_TELLING = frozenset(
    code[0] for code in (pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.INST, pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT)
) | {pickle.MEMOIZE[0]}


class _Reader(pickle._Unpickler):
    """Goes through a pickle; see the module.

    Args:
        stream: Where it is read from.
        reading: Where to note what is found.
        arrays: Whether arrays of joblib are stepped over, as joblib does.
        until_sure: Whether to stop when it is clear that this is a pickle.
    """

    dispatch: ClassVar[Dispatch] = dict(pickle._Unpickler.dispatch)
    # What the standard library sets when a load begins, which its types do not tell.
    proto: int
    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]

    def __init__(self, stream: Any, reading: Reading, *, arrays: bool, until_sure: bool) -> None:
        super().__init__(stream)
        self._raw = stream
        self._reading = reading
        self._arrays = arrays
        self._until_sure = until_sure
        self.dispatch = _Counting(type(self).dispatch, self)  # type: ignore[misc]  # this one counts for itself

    def count(self, code: int) -> None:
        """Note an operation, before it is carried out."""
        reading = self._reading
        reading.operations += 1
        if reading.operations == 2:  # the first one may have been the mark
            reading.marked = self.proto >= 2  # the protocol that brought it
        if self._until_sure and reading.is_certain:
            raise _Sure
        reading.telling = reading.telling or code in _TELLING

    def find_class(self, module: str, name: str) -> Any:
        """Note a name instead of importing it."""
        if self.proto < 3:
            module, name = of_python_3(module, name)
        self._reading.names.add((module, name))
        if "ArrayWrapper" in name and (module, name) != JOBLIB_ARRAY:
            raise pickle.UnpicklingError("an array of an unknown joblib")
        return StandIn((module, name))

    def persistent_load(self, pid: Any) -> Any:
        return StandIn(None, made=True)

    def get_extension(self, code: int) -> None:
        self._reading.calls = self._reading.calls or self._reading.marked
        raise pickle.UnpicklingError("a number of the registry of extensions, which is of one process")

    def _call(self, function: Any, args: Any) -> Any:
        if not isinstance(function, StandIn):
            raise pickle.UnpicklingError("a call of what was not imported")
        if any(isinstance(item, StandIn) and item.name == JOBLIB_ARRAY and not item.made for item in tuple(args)):
            raise pickle.UnpicklingError("an array of joblib that is made in an unusual way")
        if function.name is not None and all(is_identifier(part) for part in function.name):
            self._reading.calls = True
        return StandIn(function.name, tuple(args), made=True)

    def _reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], args)

    def _new_object(self) -> None:
        args = self.stack.pop()
        self.stack.append(self._call(self.stack.pop(), args))

    def _new_object_with_names(self) -> None:
        named = self.stack.pop()
        args = self.stack.pop()
        self.stack.append(self._call(self.stack.pop(), (*args, *named.values())))

    def _instantiate(self, made: Any, args: Any) -> None:
        self.append(self._call(made, args))

    def _build(self) -> None:
        state = self.stack.pop()
        thing = self.stack[-1]
        if not isinstance(thing, StandIn):
            raise pickle.UnpicklingError("a state of what was not imported")
        self._reading.calls = self._reading.calls or (thing.name is not None and thing.made)
        if isinstance(thing.state, dict) and isinstance(state, dict):
            thing.state.update(state)
        else:
            thing.state = state
        if self._arrays and thing.made and thing.name == JOBLIB_ARRAY:
            self._reading.arrays = True
            self._step_over(thing.state)
            self.stack[-1] = StandIn(None, made=True)

    def _step_over(self, state: Any) -> None:
        """Read the bytes of an array as joblib does, which stand behind its description."""
        size = element_size(state["dtype"])
        if size is None:  # an array of objects: a pickle of its own
            inner = _Reader(self._raw, self._reading, arrays=False, until_sure=self._until_sure)
            inner.load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self._raw.read(1)
            self._raw.read(padding[0])
        left = size * prod(int(length) for length in state["shape"])
        for part in _chunks(self._raw, left):
            left -= len(part)
        if left:
            raise EOFError("the file ends in an array")

    def _take(self, size: int) -> Any:
        """Read bytes; of many only that they were there, since nobody asks what they are."""
        if size <= _SMALL:
            return self.read(size)
        left = size
        for part in _chunks(self, size):
            left -= len(part)
        if left:
            raise EOFError("the file ends in bytes")
        return b""

    def _bytes(self) -> None:
        self.append(self._take(int.from_bytes(self.read(4), "little")))

    def _many_bytes(self) -> None:
        self.append(self._take(int.from_bytes(self.read(8), "little")))

    def _array_of_bytes(self) -> None:
        self.append(bytearray(self._take(int.from_bytes(self.read(8), "little"))))

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _new_object
    dispatch[pickle.NEWOBJ_EX[0]] = _new_object_with_names
    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.BINBYTES[0]] = _bytes
    dispatch[pickle.BINBYTES8[0]] = _many_bytes
    dispatch[pickle.BYTEARRAY8[0]] = _array_of_bytes


def _chunks(source: Any, size: int) -> Iterator[bytes]:
    while size > 0 and (part := source.read(min(size, _CHUNK))):
        size -= len(part)
        yield part
