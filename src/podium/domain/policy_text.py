"""Policies as text: YAML with the line of each mistake, and what changed between two revisions."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from podium.domain.plain import check_text
from podium.domain.policies import Policy
from podium.domain.policy_reading import Path, read_policy
from podium.errors import InvalidNameError, InvalidValueError

_LONGEST = 200_000  # characters; a policy has some hundred
_NODES, _DEPTH = 20_000, 20
_NO_MERGING = "mappings are not merged by '<<' here"
_INSTEAD = "Write the keys out where they count. A whole value can be marked with &name and used again as *name."
_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class Place(NamedTuple):
    """Where something stands in a text.

    Attributes:
        line: From 1.
        column: From 1.
        word: What stands there, of a single value: ``no`` is read as False.
    """

    line: int
    column: int
    word: str | None = None


def parse_policy(text: str, name: str = "the policy") -> Policy:
    """Return the policy that a YAML or JSON text says.

    Args:
        text: The text.
        name: What errors call it, such as the name of the file.

    Raises:
        InvalidNameError, InvalidValueError: It is no policy; ``line`` and ``line_column`` say where, counted from 1.
    """
    places: dict[Path, Place] = {}
    data = load_yaml(text, name, places, "Write 'stages:' and a list below it.")
    try:
        return read_policy(data, words_of(places))
    except (InvalidNameError, InvalidValueError) as error:
        raise placed(error, name, places) from error


def policy_yaml(policy: Policy) -> str:
    """Return a policy as YAML, always the same text for the same policy."""
    import yaml

    return yaml.safe_dump(policy.to_json(), sort_keys=False, allow_unicode=True, width=100)


def diff_text(old: str, new: str, old_name: str, new_name: str) -> str:
    """Return what changed between two texts as a unified diff, empty if nothing."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def placed(
    error: InvalidNameError | InvalidValueError, name: str, places: Mapping[Path, Place]
) -> InvalidNameError | InvalidValueError:
    """Return an error that says in which line and column it is, by the ``path`` that it has, and so its ``others``."""
    path: Path = tuple(error.facts.get("path", ()))
    while path not in places and path:
        path = path[:-1]
    line, column, _ = places.get(path, Place(1, 1))
    message = f"{name}, line {line}, column {column}: {error.message}"
    facts = {**error.facts, "line": line, "line_column": column}
    if "others" in facts:
        facts["others"] = [placed(other, name, places) for other in facts["others"]]
    return type(error)(message, hint=error.hint, **facts)


def words_of(places: Mapping[Path, Place]) -> dict[Path, str]:
    """Return what the single values of a text are called in it."""
    return {path: place.word for path, place in places.items() if place.word is not None}


def load_yaml(text: str, name: str, places: dict[Path, Place], when_empty: str) -> Any:
    """Return the plain data of a YAML text, and note where each part of it stands.

    Args:
        text: The text.
        name: What errors call it.
        places: Gets the line and column of each path.
        when_empty: The hint if there is nothing in it.

    Raises:
        InvalidValueError: It is no YAML, too long, or nested too deeply.
    """
    import yaml

    if not isinstance(text, str):
        raise InvalidValueError(f"{name} is no text, but {type(text).__name__}.", hint="Pass what stands in the file.")
    check_text(text, name)
    if len(text) > _LONGEST:
        raise InvalidValueError(f"{name} has {len(text)} characters.", hint=f"At most {_LONGEST} are allowed.")
    try:
        node = yaml.compose(text, Loader=_loader())
        if node is None:
            raise InvalidValueError(f"{name} is empty.", hint=when_empty)
        left = iter(range(_NODES))
        return _plain(node, (), places, left)
    except RecursionError as error:  # PyYAML goes down one level by another
        raise InvalidValueError(
            f"{name} is nested too deeply.", hint="Look for brackets and dashes that never end."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column, _ = _place(mark) if mark is not None else Place(1, 1)
        problem = getattr(error, "problem", None) or str(error)
        what = f"{problem}." if problem == _NO_MERGING else f"this is no YAML: {problem}."
        raise InvalidValueError(
            f"{name}, line {line}, column {column}: {what}",
            hint=_INSTEAD if problem == _NO_MERGING else "Look at the indentation and quotes.",
            line=line,
            line_column=column,
        ) from error


@functools.cache
def _loader() -> Any:
    """PyYAML's safe loader that leaves dates as text, as JSON has them."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _place(mark: Any, word: str | None = None) -> Place:
    return Place(mark.line + 1, mark.column + 1, word)


def _plain(node: Any, path: Path, places: dict[Path, Place], left: Iterator[int]) -> Any:
    """Return the plain value of a YAML node, and note where each part stands."""
    import yaml

    places[path] = _place(node.start_mark, node.value if isinstance(node, yaml.ScalarNode) else None)
    if next(left, None) is None or len(path) > _DEPTH:
        raise yaml.MarkedYAMLError(problem="there is too much in it", problem_mark=node.start_mark)
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _TAGS:
        raise yaml.MarkedYAMLError(problem=f"{node.tag!r} is not known here", problem_mark=node.start_mark)
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem=_NO_MERGING, problem_mark=key_node.start_mark)
            key = _plain(key_node, (*path, ""), places, left)
            if isinstance(key, dict | list) or key in found:
                problem = f"the key {key!r} stands here twice" if not isinstance(key, dict | list) else "this is no key"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            found[key] = _plain(value_node, (*path, key), places, left)
            places[*path, key] = _place(key_node.start_mark, places[*path, key].word)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, number), places, left) for number, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    import yaml

    loader = _loader()("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        problem = getattr(error, "problem", None) or str(error)
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error
    finally:
        loader.dispose()
