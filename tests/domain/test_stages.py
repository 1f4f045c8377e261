"""Policies, gates and who held a stage before."""

from __future__ import annotations

import pytest

from podium.domain.metric_gates import RuleVocabulary
from podium.domain.policies import DEFAULT_POLICY, ApprovalRule, Policy, Stage, validate_policy
from podium.domain.transitions import earlier_holders
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError


@pytest.mark.parametrize(
    ("steps", "earlier"),
    [
        ([], ()),
        ([("promoted", 1)], ()),
        ([("promoted", 1), ("promoted", 2), ("promoted", 3)], (2, 1)),
        ([("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled_back", 2)], (1,)),
        ([("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled_back", 2), ("rolled_back", 1)], ()),
        ([("promoted", 1), ("promoted", 2), ("promoted", 1)], (2,)),
        ([("promoted", 1), ("promoted", 2), ("rolled_back", 1), ("promoted", 3)], (1,)),
        ([("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled_back", 1)], ()),
        ([("promoted", 1), ("removed", None), ("promoted", 2)], (1,)),
        ([("promoted", 1), ("demoted", None)], (1,)),
        ([("set", 1), ("removed", None)], ()),
        ([("set", 1), ("set", 2), ("adopted", 2)], ()),
        ([("set", 1), ("adopted", 1), ("promoted", 2)], (1,)),
        ([("promoted", 1), ("set", 2)], (1,)),
        ([("promoted", 1), ("set", 2), ("promoted", 3)], (1,)),
    ],
)
def test_earlier_holders(steps, earlier) -> None:
    """Who a rollback may go to: newest first, each once, and never a version that was rolled away."""
    assert earlier_holders(steps) == earlier


def test_the_default_policy_has_two_stages() -> None:
    """Without a policy there are staging and production, without requirements."""
    assert DEFAULT_POLICY.names == ("staging", "production")
    assert all(stage.checks == () and stage.from_stage is None for stage in DEFAULT_POLICY.stages)


def test_a_policy_survives_json() -> None:
    """A policy written as JSON and read again is the same policy."""
    policy = Policy((Stage("staging", ("accuracy",)), Stage("production", ("bias",), "staging")))
    assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"stages": []},
        {"stages": [{}]},
        {"stages": "staging"},
        {"stages": [{"name": "a", "colour": "red"}]},
        {"stages": [{"name": "a"}, {"name": "a"}]},
        {"stages": [{"name": "b", "from_stage": "a"}, {"name": "a"}]},
        {"stages": [{"name": "a", "from_stage": "a"}]},
        {"stages": [{"name": "a", "checks": "accuracy"}]},
        {"stages": [{"name": "a", "checks": 3}]},
        {"stages": [], "more": 1},
        [],
        None,
    ],
    ids=repr,
)
def test_policies_that_make_no_sense(data) -> None:
    """A key too many, a stage twice, or one that comes from nowhere is refused."""
    with pytest.raises(InvalidValueError):
        Policy.from_json(data)


@pytest.mark.parametrize("name", ["v3", "latest", "a b", "", None])
def test_stages_are_named_like_aliases(name) -> None:
    """A stage has the name of an alias, so that it can be one."""
    with pytest.raises(InvalidNameError):
        validate_policy(Policy((Stage(name),)))


@pytest.mark.parametrize("name", sorted({*RuleVocabulary(())._by_name, "Metric", "METADATA"}))
def test_no_stage_takes_over_what_rules_name(name) -> None:
    """What a rule calls something of the version itself is no name for a stage, however it is written."""
    with pytest.raises(InvalidValueError, match="is what rules call something else"):
        Policy.from_json({"stages": [{"name": name}, {"name": "production", "metrics": ["metric.accuracy >= 0.99"]}]})


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy((Stage("a", approvals=ApprovalRule(roles="lead")),)), r"stages\[0\].approvals.roles: This is 'lead'"),
        (
            Policy((Stage("a", approvals=ApprovalRule(not_author=None)),)),
            "not_author: This is empty, but",
        ),
        (Policy((Stage("a", approvals=ApprovalRule(not_author="no")),)), "not_author: This is 'no', but true or false"),
        (Policy((Stage("a", approvals=ApprovalRule(not_author=0)),)), "not_author: This is 0, but true or false"),
        (Policy((Stage("a", approvals=ApprovalRule(expires="")),)), "expires: '' is no span"),
        (Policy(("a",)), r"stages\[0\]: This is 'a', but a mapping is meant"),
        (Policy("a"), "stages: This is 'a', but a list is meant"),
        (Policy((Stage("a", checks="x"),)), "checks: This is 'x', but a list is meant"),
    ],
)
def test_python_policies_are_read_as_strictly_as_yaml(policy, words) -> None:
    """What has another type than it should is refused where it stands, never taken for something else."""
    with pytest.raises(InvalidValueError, match=words):
        validate_policy(policy)


def test_lists_are_as_good_as_tuples() -> None:
    """Whoever writes lists in Python gets the same policy."""
    lists = Policy([Stage("a", approvals=ApprovalRule(roles=["lead"]))])
    assert validate_policy(lists) == Policy((Stage("a", approvals=ApprovalRule(roles=("lead",))),))


def test_an_unknown_stage_suggests_a_known_one() -> None:
    """A slip of the pen gets the right word."""
    with pytest.raises(NotFoundError, match="Did you mean 'production'"):
        DEFAULT_POLICY.stage("prodcution")
