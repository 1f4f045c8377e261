"""Policies: data per model or registry, versioned, and every change is an event."""

from __future__ import annotations

import pytest

from podium.domain.policies import DEFAULT_POLICY, Policy, Stage
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError

MODEL = "model-registry/Digits classifier"
POLICY = Policy((Stage("canary", ("accuracy",)), Stage("live", (), "canary")))


def test_a_model_has_its_own_policy(registry, linked) -> None:
    """A model's own policy stands before the registry's default, and that before Podium's."""
    linked(registry, 1)
    registry.link("digits/mlp", "model-registry/Other")
    assert registry.policy(MODEL) == DEFAULT_POLICY
    registry.set_policy("model-registry", Policy((Stage("live"),)))
    registry.set_policy(MODEL, POLICY)
    assert registry.policy(MODEL) == POLICY
    assert registry.policy("model-registry/Other").names == registry.policy("model-registry").names == ("live",)


def test_a_policy_may_be_plain_json(registry, linked) -> None:
    """What a policy gives as JSON, it takes."""
    linked(registry, 1)
    assert registry.set_policy(MODEL, POLICY.to_json()) == POLICY == registry.policy(MODEL)


def test_every_change_is_an_event(registry, linked) -> None:
    """The event has both policies and the reason; the same policy again is no event."""
    linked(registry, 1)
    registry.set_policy(MODEL, POLICY, reason="audit")
    registry.set_policy(MODEL, POLICY)
    registry.set_policy(MODEL, DEFAULT_POLICY)
    told = [event for event in registry.events(MODEL) if event.type == "policy.set"]
    assert [event.reason for event in told] == ["audit", None]
    assert told[1].before == POLICY.to_json()
    assert told[1].after == {"revision": 2, **DEFAULT_POLICY.to_json()}


def test_stages_follow_the_policy(registry, linked) -> None:
    """Only the stages of the policy in force can be promoted to, and none of them set by hand."""
    linked(registry, 1)
    registry.set_policy(MODEL, Policy((Stage("live"),)))
    with pytest.raises(NotFoundError):
        registry.promote(MODEL, "production")
    with pytest.raises(InvalidValueError):
        registry.set_alias(MODEL, "live")
    assert registry.promote(MODEL, "live").changed


@pytest.mark.parametrize(
    ("target", "policy", "error"),
    [
        (MODEL, Policy(()), InvalidValueError),
        (MODEL, Policy((Stage("v3"),)), InvalidNameError),
        (MODEL, Policy((Stage("latest"),)), InvalidNameError),
        (MODEL, Policy((Stage("a"), Stage("a"))), InvalidValueError),
        (MODEL, Policy((Stage("a", (), "b"),)), InvalidValueError),
        (MODEL, Policy((Stage("a", "accuracy"),)), InvalidValueError),
        (MODEL, {"stages": [{"name": "a", "approvals": 2}]}, InvalidValueError),
        (MODEL, {"stages": 3}, InvalidValueError),
        (f"{MODEL}:v0", POLICY, InvalidNameError),
        ("digits/mlp", POLICY, NotFoundError),
        ("digits", POLICY, NotFoundError),
        ("model-registry/Other", POLICY, NotFoundError),
    ],
)
def test_policies_that_are_refused(registry, linked, rows, target, policy, error) -> None:
    """A policy that makes no sense, or for nothing that has stages, is refused and not stored."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises(error):
        registry.set_policy(target, policy)
    assert rows(registry) == before
