"""Reading a policy from plain data: strict, and every mistake says where it is and what was meant perhaps."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from podium.domain.durations import parse_duration
from podium.domain.names import check_alias, check_label
from podium.domain.plain import check_text
from podium.domain.policies import ApprovalRule, FreezeWindow, Policy, RequiredCheck, Stage
from podium.domain.policy_schema import SCHEMA
from podium.errors import InvalidNameError, InvalidValueError

Path = tuple[str | int, ...]
_EXAMPLE = 'Write {"stages": [{"name": "staging"}, {"name": "production", "from": "staging", "checks": ["accuracy"]}]}.'
# What a rule calls something else of a version: a stage of such a name would take its meaning over.
_RESERVED = frozenset({"metric", "metadata", "tag", "tags"})
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "a mapping"),
}


def read_policy(data: Any, words: Mapping[Path, str] | None = None) -> Policy:
    """Return the policy that plain data says; what the first Podium wrote (``from_stage``) is read as well.

    Args:
        data: A list of stages.
        words: As for `Mistakes`.

    Raises:
        InvalidNameError, InvalidValueError: It is no policy; ``path`` says where the mistake is.
    """
    if not isinstance(data, Mapping) or "stages" not in data:
        raise InvalidValueError("This is not a policy: it has no list of 'stages'.", hint=_EXAMPLE, path=())
    plain = _modern(data)
    check_schema(plain, SCHEMA, (), Mistakes(words))
    stages = tuple(_stage(item) for item in plain["stages"])
    mistakes = Mistakes()
    _check_order(stages, mistakes)
    for number, stage in enumerate(stages):
        _check_stage(stage, stages, ("stages", number), mistakes)
    mistakes.tell()
    return Policy(stages)


class Mistakes:
    """What is wrong in a document, collected so that a person hears of all of it at once.

    Args:
        words: What single values are called in the text that the document is from: there, False may be ``no``.
    """

    def __init__(self, words: Mapping[Path, str] | None = None) -> None:
        self.words = words or {}
        self.found: list[InvalidNameError | InvalidValueError] = []

    @contextmanager
    def at(self, path: Path) -> Iterator[None]:
        """Keep an error that the block raises, with where it is."""
        try:
            with at(path):
                yield
        except (InvalidNameError, InvalidValueError) as error:
            self.found.append(error)

    def tell(self) -> None:
        """Raise what was found.

        Raises:
            InvalidNameError, InvalidValueError: The first mistake; ``others`` has the rest.
        """
        if not self.found:
            return
        first, *others = self.found
        if others:
            first.facts["others"] = others
        raise first


@contextmanager
def at(path: Path) -> Iterator[None]:
    """Say where in a policy an error is that the block raises."""
    try:
        yield
    except (InvalidNameError, InvalidValueError) as error:
        if "path" not in error.facts:
            error.facts["path"] = path
            error.message = f"{place(path)}: {error.message}"
            error.args = (error.message,)
        raise


def place(path: Path) -> str:
    """Return where in a policy something is, such as ``stages[1].approvals.count``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the policy"


def check_schema(value: Any, schema: Mapping[str, Any], path: Path, known: Mistakes | None = None) -> None:
    """Check plain data by what `SCHEMA` uses of JSON Schema.

    Args:
        value: The data.
        schema: What it must be.
        path: Where it stands.
        known: What was found in it before, which is raised along.

    Raises:
        InvalidNameError, InvalidValueError: It does not fit; ``path`` says where, ``others`` has what else is wrong.
    """
    mistakes = known if known is not None else Mistakes()
    _check_value(value, schema, path, mistakes)
    mistakes.tell()


def _check_value(value: Any, schema: Mapping[str, Any], path: Path, mistakes: Mistakes) -> None:
    if "anyOf" in schema and "type" not in schema:  # beside a type it is for editors; better words come from the rules
        _check_value(value, _alternative(value, schema["anyOf"]), path, mistakes)
        return
    before = len(mistakes.found)
    with mistakes.at(path):
        check = _FORMATS.get(schema.get("format", ""))
        if check is not None and not isinstance(value, bool | int | float):  # those are only to be quoted
            check(value)
        _check_type(value, schema, mistakes.words.get(path))
        _check_limits(value, schema)
    if isinstance(value, dict) and len(mistakes.found) == before:
        _check_keys(value, schema, path, mistakes)
        for key, item in value.items():
            if key in schema["properties"]:
                _check_value(item, schema["properties"][key], (*path, key), mistakes)
    elif isinstance(value, list) and schema["type"] == "array":
        for number, item in enumerate(value):
            _check_value(item, schema["items"], (*path, number), mistakes)


def _alternative(value: Any, schemas: list[Any]) -> Any:
    """Return the alternative whose type the value has, the first if none: its error is the one that helps."""
    return next((schema for schema in schemas if isinstance(value, _TYPES[schema["type"]][0])), schemas[0])


def _check_type(value: Any, schema: Mapping[str, Any], word: str | None) -> None:
    kind, words = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        if kind is str and isinstance(value, bool | int | float):
            hint = f"Write it in quotes: '{value if word is None else word}'."
        elif kind is list and isinstance(value, str):
            hint = f"Write a list: [{value!r}]."
        else:
            hint = "Look at the guide: docs/promotion.md, docs/notifications.md, docs/automations.md."
        raise InvalidValueError(f"This is {_shown(value)}, but {words} is meant.", hint=hint)


def _check_limits(value: Any, schema: Mapping[str, Any]) -> None:
    if isinstance(value, str | list):
        few, many = schema.get("minLength", schema.get("minItems", 0)), schema.get("maxLength", schema.get("maxItems"))
        what = "characters" if isinstance(value, str) else "items"
        blank = isinstance(value, str) and few > 0 and not value.strip()
        if len(value) < few or blank:
            raise InvalidValueError("This is empty.", hint=f"Give it at least {few} {what}, or leave it out.")
        if many is not None and len(value) > many:
            raise InvalidValueError(f"This has {len(value)} {what}.", hint=f"At most {many} are allowed.")
    if isinstance(value, int) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            raise InvalidValueError(f"{value} is out of range.", hint=f"Use {low} to {high}.")
    if "enum" in schema and value not in schema["enum"]:
        near = difflib.get_close_matches(str(value), schema["enum"], n=1)
        words = " or ".join(repr(word) for word in schema["enum"])
        raise InvalidValueError(f"{value!r} is not known here.", hint=_near(near) + f"Use {words}.")
    if schema.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        raise InvalidValueError("Something stands twice in this list.", hint="Name each once.")


def _check_keys(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path, mistakes: Mistakes) -> None:
    known = schema["properties"]
    meant: set[str] = set()
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            meant.update(near)
            with mistakes.at((*path, key)):
                hint = _near(near) + f"Known are {', '.join(known)}."
                raise InvalidValueError(f"There is no key {key!r} here.", hint=hint)
    for key in schema["required"]:
        if key not in value and key not in meant:
            with mistakes.at(path):
                raise InvalidValueError(f"The key {key!r} is missing.", hint=known[key].get("description", ""))


def _near(words: list[str]) -> str:
    return f"Did you mean {words[0]!r}? " if words else ""


def _shown(value: Any) -> str:
    return "empty" if value is None else f"{value!r:.80}"


def _modern(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data of today's form, with dicts and lists only."""
    stages = data["stages"]
    if not isinstance(stages, list | tuple):
        return dict(data)
    return {**data, "stages": [_modern_stage(item) if isinstance(item, Mapping) else item for item in stages]}


def _modern_stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in stage.items()}
    if "from_stage" in plain and "from" not in plain:
        before = plain.pop("from_stage")
        plain |= {"from": before} if before is not None else {}
    return plain


def _stage(plain: Mapping[str, Any]) -> Stage:
    approvals = plain.get("approvals")
    return Stage(
        name=plain["name"],
        checks=tuple(item if isinstance(item, str) else RequiredCheck(**item) for item in plain.get("checks", ())),
        from_stage=plain.get("from"),
        metrics=tuple(plain.get("metrics", ())),
        approvals=None
        if approvals is None
        else ApprovalRule(**{**approvals, "roles": tuple(approvals.get("roles", ()))}),
        freeze=tuple(_window(item) for item in plain.get("freeze", ())),
        plugins=tuple(plain.get("plugins", ())),
        archive_as=plain.get("archive_as"),
    )


def _window(plain: Mapping[str, Any]) -> FreezeWindow:
    return FreezeWindow(plain["from"], plain["to"], plain["reason"], plain.get("timezone", "UTC"))


def _check_order(stages: tuple[Stage, ...], mistakes: Mistakes) -> None:
    seen: list[str] = []
    for number, stage in enumerate(stages):
        with mistakes.at(("stages", number)):
            if stage.name.lower() in _RESERVED:
                with at(("stages", number, "name")):
                    raise InvalidValueError(
                        f"{stage.name!r} is what rules call something else of a version; none could name the stage.",
                        hint="Choose another word: staging, production.",
                    )
            if stage.name in seen:
                raise InvalidValueError(f"The stage {stage.name!r} stands twice in the policy.", hint="Name each once.")
            if stage.from_stage is not None and stage.from_stage not in seen:
                raise InvalidValueError(
                    f"The stage {stage.name!r} comes from {stage.from_stage!r}, which does not stand before it.",
                    hint="Put the stages in the order in which a version passes them.",
                )
        seen.append(stage.name)


def _check_stage(stage: Stage, stages: tuple[Stage, ...], path: Path, mistakes: Mistakes) -> None:
    names = [other.name for other in stages]
    checks = [check.name for check in stage.required]
    with mistakes.at((*path, "checks")):
        if len(set(checks)) < len(checks):
            raise InvalidValueError(f"The stage {stage.name!r} asks for a check twice.", hint="Name each once.")
    with mistakes.at((*path, "archive_as")):
        if stage.archive_as in names:
            raise InvalidValueError(
                f"{stage.archive_as!r} is a stage, which only a promotion moves.", hint="Choose another word: archived."
            )
    for number, window in enumerate(stage.freeze):
        with mistakes.at((*path, "freeze", number)):
            start, end = window_times(window)
            if start >= end:
                raise InvalidValueError(
                    f"This window ends at {window.end}, before it begins.", hint="Put the earlier time into 'from'."
                )
    for number, text in enumerate(stage.metrics):
        with mistakes.at((*path, "metrics", number)):
            check_text(text, "An expression")
            _check_expression(text, names)


def _check_expression(text: str, stages: list[str]) -> None:
    from podium.domain.metric_gates import parse_rule

    parse_rule(text, stages)


def window_times(window: FreezeWindow) -> tuple[datetime, datetime]:
    """Return when a window begins and ends, in UTC; a date begins at its midnight and belongs to the window as a whole.

    What lies before or behind all times that there are, such as the end of 9999-12-31, is the first or last of them.

    Raises:
        InvalidValueError: A time or the time zone is none.
    """
    zone = read_timezone(window.timezone)
    start, end = _time(window.start), _time(window.end)
    days = 0 if isinstance(end, datetime) else 1
    return _moment(start, zone), _moment(end, zone, days)


def _moment(time: date, zone: tzinfo, days: int = 0) -> datetime:
    """Return a time in UTC, so many days later by the clock of its zone."""
    if not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day)  # noqa: DTZ001 - it gets its zone in the next lines
    here = time if time.tzinfo is not None else time.replace(tzinfo=zone)
    try:
        return (here + timedelta(days=days)).astimezone(UTC)
    except OverflowError:
        return _FIRST if here.year == _FIRST.year else _LAST


def read_timezone(name: Any) -> tzinfo:
    """Return the time zone of an IANA name.

    Raises:
        InvalidValueError: This machine knows none of that name.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InvalidValueError(
            f"{name!r} is no time zone that this machine knows.",
            hint="Use an IANA name such as 'Europe/Berlin', or 'UTC'; 'pip install tzdata' brings them all.",
        ) from error


def _time(text: Any) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(
            f"{text!r} is no date or time.", hint="Write 2026-12-20 or 2026-12-20T18:00."
        ) from error


def _check_time(value: Any) -> None:
    _time(value)


_FORMATS: Mapping[str, Callable[[Any], Any]] = {
    "podium-alias": check_alias,
    "podium-label": lambda value: check_label(value, "name"),
    "podium-duration": parse_duration,
    "podium-time": _check_time,
    "podium-timezone": read_timezone,
}
