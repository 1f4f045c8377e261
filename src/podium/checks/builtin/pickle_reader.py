"""The reader of the standard library, with what touches an object replaced: nothing is imported or called.

Nor does it keep what nobody asks for, or hash what somebody made to be hashed for ever: it takes any file.
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
_LINE = 256 * 1024 * 1024
_FRAME = 64 * 1024 * 1024  # picklers end a frame after 64 KiB
_SURE = 50  # so many operations are no accident
_FEW = 10  # nor are so many with an import
_STARTED = 2  # nor are so many behind the mark
Dispatch = dict[int, Callable[[Any], None]]


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


class Sure(Exception):
    """No error: enough is known."""


class _Counting(dict[int, Callable[[Any], None]]):
    """The table of operations, which counts what is looked up in it."""

    def __init__(self, table: Dispatch, reader: Reader) -> None:
        super().__init__(table)
        self._reader = reader

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        operation = super().__getitem__(code)
        self._reader.count(code)
        return operation


_TELLING = frozenset(
    code[0] for code in (pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.INST, pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT)
) | {pickle.MEMOIZE[0]}


class Reader(pickle._Unpickler):
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
    pop_mark: Callable[[], list[Any]]
    _unframer: Any

    def __init__(self, stream: Any, reading: Reading, *, arrays: bool, until_sure: bool) -> None:
        super().__init__(_Lines(stream), encoding="latin-1")  # so no text of a Python 2 ends it
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
            raise Sure
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
        """Stand in for what lies elsewhere, such as a tensor."""
        return StandIn(None, made=True)

    def get_extension(self, code: int) -> None:
        """Give up: what the number means is known to the process that loads it."""
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
            inner = Reader(self._raw, self._reading, arrays=False, until_sure=self._until_sure)
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

    def _number(self, width: int) -> int:
        return int.from_bytes(self.read(width), "little")

    def _bytes(self, width: int, empty: Any = b"") -> None:
        found = self._take(self._number(width))
        self.append(found.decode("utf-8", "surrogatepass") if isinstance(empty, str) else type(empty)(found))

    def _long(self) -> None:
        self._take(self._number(4))
        self.append(0)

    def _frame(self) -> None:
        size = self._number(8)
        if size <= _FRAME:
            self._unframer.load_frame(size)
            return
        for part in _chunks(self._raw, size):
            size -= len(part)
        if size:
            raise EOFError("the file ends in a frame")
        raise UnreadableError("a pickle with a frame that no pickler writes")

    def _set(self, items: list[Any]) -> None:
        """Put items into what is on the stack: those that may be asked for, as other keys may take ages to hash."""
        target = self.stack[-1]
        if isinstance(target, dict):
            target.update((key, value) for key, value in zip(items[::2], items[1::2], strict=True) if type(key) is str)
        elif not isinstance(target, StandIn | list):
            raise pickle.UnpicklingError("items of what has none")

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set(items)

    def _frozen(self) -> None:
        self.pop_mark()
        self.append(frozenset())

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _new_object
    dispatch[pickle.NEWOBJ_EX[0]] = _new_object_with_names
    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.BINBYTES[0]] = lambda self: self._bytes(4)
    dispatch[pickle.BINBYTES8[0]] = lambda self: self._bytes(8)
    dispatch[pickle.BYTEARRAY8[0]] = lambda self: self._bytes(8, bytearray())
    dispatch[pickle.BINUNICODE[0]] = lambda self: self._bytes(4, "")
    dispatch[pickle.BINUNICODE8[0]] = lambda self: self._bytes(8, "")
    dispatch[pickle.BINSTRING[0]] = lambda self: self.append(self._take(self._number(4)).decode("latin-1"))
    dispatch[pickle.LONG4[0]] = _long
    dispatch[pickle.FRAME[0]] = _frame
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = lambda self: self._set(self.pop_mark())
    dispatch[pickle.DICT[0]] = _dict
    dispatch[pickle.ADDITEMS[0]] = lambda self: self.pop_mark()
    dispatch[pickle.FROZENSET[0]] = _frozen


class _Lines:
    """A stream whose lines have an end: a file of zeros is one line."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.read = stream.read

    def readline(self) -> bytes:
        """Read a line.

        Raises:
            UnreadableError: It is longer than any that a pickler writes.
        """
        line: bytes = self._stream.readline(_LINE)
        if len(line) == _LINE:
            raise UnreadableError("it has a line of more than 256 MiB")
        return line


def _chunks(source: Any, size: int) -> Iterator[bytes]:
    while size > 0 and (part := source.read(min(size, _CHUNK))):
        size -= len(part)
        yield part
