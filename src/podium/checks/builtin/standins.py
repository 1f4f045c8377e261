"""What stands for the objects of a pickle that is only looked at, and what can be known of NumPy's among them."""

from __future__ import annotations

import pickle
import re
from typing import Any

JOBLIB_ARRAY = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_PLAIN_TYPE = re.compile(r"[?bBiufcmMSUaV](\d*)")


class StandIn:
    """What stands for an object that is imported or made: it takes everything and does nothing.

    Args:
        name: Module and name of what was imported, or of what made it; None if nobody knows.
        args: What it was made of.
        made: Whether it was made; else it is what was imported.
    """

    __slots__ = ("args", "made", "name", "state")

    def __init__(self, name: tuple[str, str] | None, args: Any = (), *, made: bool = False) -> None:
        self.name = name
        self.args = args
        self.made = made
        self.state: Any = {}

    def extend(self, items: Any) -> None:
        """Take items of a list."""

    def __setitem__(self, key: Any, value: Any) -> None: ...

    append = add = extend


def element_size(kind: Any) -> int | None:
    """Return the bytes of an element of an array by the description that NumPy pickles; None for an object.

    Raises:
        UnpicklingError: It is none that is known.
    """
    good = isinstance(kind, StandIn) and kind.made and kind.name == ("numpy", "dtype") and kind.args
    text = str(kind.args[0]) if good else ""
    state = kind.state if good and isinstance(kind.state, tuple) else ()
    if good and re.fullmatch(r"O\d*", text):
        return None
    found = _PLAIN_TYPE.fullmatch(text)
    if found is None:
        raise pickle.UnpicklingError("an array of an unknown kind")
    base, fields, said = (*state[2:3], None)[0], (*state[4:5], None)[0], (*state[5:6], -1)[0]
    inner = [base[0]] if base else [entry[0] for entry in fields.values()] if fields else []
    if any(element_size(part) is None for part in inner):
        return None
    size = int(found[1] or 1) * (4 if text[0] == "U" else 1)
    if said not in (-1, size):
        raise pickle.UnpicklingError("an array whose kind says two sizes")
    return size


def of_python_3(module: str, name: str) -> tuple[str, str]:
    """Return what a name of a Python 2 means today, as the reader of the standard library does."""
    import _compat_pickle as old

    if (module, name) in old.NAME_MAPPING:
        found: tuple[str, str] = old.NAME_MAPPING[(module, name)]
        return found
    return old.IMPORT_MAPPING.get(module, module), name


def is_identifier(text: str) -> bool:
    """Whether a text may name a module, or something in one."""
    return bool(text) and all(part.isidentifier() for part in text.split("."))
