"""The settings and the summary of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from podium.domain.plain import plain_dict
from podium.errors import InvalidValueError


class Values(MutableMapping[str, Any]):
    """The settings or the summary of a run, as items and as attributes; changes are written with the next metrics."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__["_values"] = dict(values)
        self.__dict__["_changed"] = {}

    def __getitem__(self, key: str) -> Any:
        return self.__dict__["_values"][key]

    def __setitem__(self, key: str, value: Any) -> None:
        plain = plain_dict({key: value}, "A value of a run")
        self.__dict__["_values"].update(plain)
        self.__dict__["_changed"].update(plain)

    def __delitem__(self, key: str) -> None:
        raise InvalidValueError(f"{key!r} cannot be taken back.", hint="Set it to another value.")

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__["_values"])

    def __len__(self) -> int:
        return len(self.__dict__["_values"])

    def __getattr__(self, key: str) -> Any:
        try:
            return self.__dict__["_values"][key]
        except KeyError:
            raise AttributeError(key) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self.__dict__["_values"])

    def _take_over(self, values: Mapping[str, Any]) -> None:
        """Show values that are written on another way."""
        self.__dict__["_values"].update(values)
        for name in values:
            self.__dict__["_changed"].pop(name, None)

    def _pending(self) -> dict[str, Any]:
        return dict(self.__dict__["_changed"])

    def _forget_pending(self) -> None:
        self.__dict__["_changed"] = {}
