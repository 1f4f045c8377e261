"""The error tree: as it is drawn, with stable codes, and able to cross processes."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re

import pytest

from podium import errors
from podium.plugins import DeliveryFailedError

CLASSES = {name: value for name, value in vars(errors).items() if inspect.isclass(value) and name.endswith("Error")}
LEAVES = sorted(set(CLASSES) - {"PodiumError"})
RETRYABLE = {"ConflictError", "DatabaseUnavailableError"}


def test_the_tree_is_as_it_is_drawn() -> None:
    """The picture in the docstring has exactly the classes, in one level, and marks those that may be retried."""
    drawn = re.findall(r"[├└]── (\w+)\s+[^(\n]*(\(retryable\))?", errors.__doc__)
    assert sorted(name for name, _ in drawn) == LEAVES
    assert {name for name, retryable in drawn if retryable} == RETRYABLE
    assert all(CLASSES[name].__bases__ == (errors.PodiumError,) for name in LEAVES)


def test_codes_are_stable() -> None:
    """Scripts and adapters depend on these words."""
    assert {name: CLASSES[name].code for name in LEAVES} == {
        "NotFoundError": "not_found",
        "AlreadyExistsError": "already_exists",
        "ConflictError": "conflict",
        "InvalidNameError": "invalid_name",
        "InvalidValueError": "invalid_value",
        "PromotionRefusedError": "promotion_refused",
        "PermissionDeniedError": "permission_denied",
        "IntegrityError": "integrity",
        "StorageError": "storage",
        "DatabaseUnavailableError": "database_unavailable",
        "SchemaOutdatedError": "schema_outdated",
        "SettingsError": "settings",
        "PluginError": "plugin",
    }


@pytest.mark.parametrize("name", LEAVES)
def test_what_may_be_retried(name) -> None:
    """Only errors that the same call may overcome later are retryable."""
    assert CLASSES[name].retryable is (name in RETRYABLE)


@pytest.mark.parametrize("kind", [*CLASSES.values(), DeliveryFailedError], ids=lambda kind: kind.__name__)
def test_errors_cross_processes(kind) -> None:
    """Pickled or copied, an error keeps its class, words, hint and facts."""
    error = kind("It failed.", hint="Do this.", name="x", holder="v3", reasons=["a", "b"])
    for made in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(made) is kind
        assert (str(made), made.hint, made.facts) == ("It failed. Do this.", "Do this.", error.facts)
        assert (made.holder, made.reasons) == ("v3", ["a", "b"])


def test_facts_are_attributes() -> None:
    """A fact is an attribute, and what is none is an AttributeError."""
    error = errors.ConflictError("x", holder=None)
    assert error.holder is None
    assert not hasattr(error, "nothing")


def test_errors_as_json() -> None:
    """For `--json`: code, words, hint and facts, whatever the facts are."""
    error = errors.NotFoundError("x", hint="y", path={"a": (1, object)}, at=b"z")
    plain = json.loads(json.dumps(error.to_json()))
    assert (plain["code"], plain["message"], plain["hint"]) == ("not_found", "x", "y")
    assert plain["facts"]["path"]["a"][0] == 1
