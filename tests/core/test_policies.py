"""Policies: data per model or registry, versioned, and every change is an event."""

from __future__ import annotations

import pytest

from podium.domain.policies import DEFAULT_POLICY, Policy, Stage
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError, PermissionDeniedError

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
    assert told[1].after == {"revision": 2, **DEFAULT_POLICY.to_json(), "target": MODEL}


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


def test_a_policy_for_a_pattern(registry, linked) -> None:
    """It governs the models whose names fit, whatever the case of their letters, and no others."""
    linked(registry, 1)
    registry.link("digits/mlp", "model-registry/Churn_EU (new)")
    registry.link("digits/mlp", "model-registry/Churnx")
    registry.set_policy("model-registry/churn_*", Policy((Stage("live"),)))
    assert registry.policy("model-registry/Churn_EU (new)").names == ("live",)
    assert registry.policy("model-registry/Churnx") == registry.policy(MODEL) == DEFAULT_POLICY
    assert registry.policy("model-registry/churn_*").names == ("live",)


@pytest.mark.parametrize(
    ("one", "other", "ties"),
    [
        ("churn-*", "*-churn", True),
        ("churn-*", "fraud-*", False),
        ("a*c", "ab*", True),
        ("a?", "?b", True),
        ("ab?", "a?", False),
        ("CHURN-*", "churn-*", True),
        ("churn-*", "churn-*", False),
        ("x*a", "x*b", False),
    ],
)
def test_patterns_of_the_same_weight(registry, one, other, ties) -> None:
    """Two patterns that say as much and may fit one name are an error; those that never meet are none."""
    registry.set_policy(f"model-registry/{one}", POLICY)
    if not ties:
        registry.set_policy(f"model-registry/{other}", POLICY)
        return
    with pytest.raises(InvalidValueError, match="neither is more specific"):
        registry.set_policy(f"model-registry/{other}", POLICY)


def test_what_is_taken_away_uncovers_the_next(registry, linked) -> None:
    """Without its own policy a model has the pattern's, then the registry's, then Podium's; history keeps them."""
    linked(registry, 1)
    targets = ("model-registry", "model-registry/Digits*", MODEL)
    for number, target in enumerate(targets):
        registry.set_policy(target, Policy((Stage(f"s{number}"),)))
    for number in (2, 1, 0):
        assert registry.policy(MODEL).names == (f"s{number}",)
        registry.remove_policy(targets[number], reason="no more")
    assert registry.policy(MODEL) == DEFAULT_POLICY
    assert [(item.policy is None, item.reason) for item in registry.policy_history(MODEL)] == [
        (False, None),
        (True, "no more"),
    ]
    with pytest.raises(NotFoundError, match="no policy of its own"):
        registry.remove_policy(MODEL)


def test_history_and_difference(registry, linked) -> None:
    """Each revision is kept with who, when and why, and two of them can be compared."""
    linked(registry, 1)
    registry.set_policy(MODEL, POLICY, reason="first")
    registry.set_policy(MODEL, Policy((Stage("canary"), Stage("live", (), "canary"))), reason="less")
    first, second = registry.policy_history(MODEL)
    assert (first.reason, first.actor, second.reason) == ("first", "ann", "less")
    assert Policy.from_json(first.policy) == POLICY
    changed = [line for line in registry.diff_policies(MODEL).splitlines() if line[0] in "+-" and line[1] not in "+-"]
    assert changed == ["-  checks:", "-  - accuracy"]
    assert registry.diff_policies(MODEL, second.revision, second.revision) == ""
    with pytest.raises(InvalidValueError, match="no revision 99"):
        registry.diff_policies(MODEL, 99)
    with pytest.raises(NotFoundError):
        registry.diff_policies("model-registry")


def test_an_alias_does_not_become_a_stage_by_itself(registry, linked, rows) -> None:
    """Whoever was given the alias by hand does not get the stage without a gate, unless that is said and recorded."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "live")
    before = rows(registry)
    for target in (MODEL, "model-registry/Digits*", "model-registry"):
        with pytest.raises(InvalidValueError, match="v0 as 'live'") as caught:
            registry.set_policy(target, POLICY)
        assert caught.value.adopts == [f"{MODEL}:v0 as 'live'"]
    assert rows(registry) == before
    registry.set_policy("model-registry/Digits*", POLICY, adopt=True, reason="it is live already")
    event = registry.events(MODEL)[-1]
    assert (event.type, event.after["stage"], event.after["number"]) == ("stage.adopted", "live", 0)
    assert event.after["policy"]["target"] == "model-registry/Digits*"
    with pytest.raises(InvalidValueError, match="is a stage"):
        registry.set_alias(f"{MODEL}:v1", "live")


def test_a_rename_does_not_slip_out_of_a_policy(registry, linked) -> None:
    """A model gets the stages of what is for its new name, and no alias becomes one of them without a word."""
    linked(registry, 2)
    registry.set_policy("model-registry/churn-*", POLICY)
    registry.set_alias(f"{MODEL}:v0", "live")
    with pytest.raises(InvalidValueError, match="would become stages"):
        registry.rename(MODEL, "churn-eu")
    registry.remove_alias(MODEL, "live")
    registry.rename(MODEL, "churn-eu")
    assert registry.policy("model-registry/churn-eu").names == ("canary", "live")
    with pytest.raises(InvalidValueError, match="is a stage"):
        registry.set_alias("model-registry/churn-eu:v0", "live")


def test_which_aliases_are_stages_follows_each_change(registry, linked) -> None:
    """What search calls a stage is what the policy in force calls one, after each change of any policy."""
    linked(registry, 2)
    registry.promote(f"{MODEL}:v0", "production")
    assert [item.number for item in registry.search("stage = 'production'").items] == [0]
    registry.set_policy("model-registry/Digits*", POLICY, release=True)
    assert not registry.search("stage = 'production'").items
    registry.remove_policy("model-registry/Digits*", adopt=True)
    assert [item.number for item in registry.search("stage = 'production'").items] == [0]


def test_why_this_policy(registry, linked) -> None:
    """All that might be in force, heaviest first, each with a sentence; exactly one is."""
    linked(registry, 1)
    registry.set_policy("model-registry", POLICY)
    registry.set_policy("model-registry/D*", POLICY)
    registry.set_policy("model-registry/Fraud*", POLICY)
    explained = registry.explain_policy(MODEL)
    assert [(item.target.rpartition("/")[2], item.in_force) for item in explained.candidates] == [
        ("Fraud*", False),
        ("D*", True),
        ("model-registry", False),
        ("built-in", False),
    ]
    assert explained.target == "model-registry/D*"
    assert all(item.why.endswith(".") for item in explained.candidates)


def test_in_a_registry_with_admins_only_they_set_policies(open_at, database_url, linked) -> None:
    """The first admin closes a registry; from then on nobody else sets or takes away a policy."""
    ann, bob = open_at(database_url), open_at(database_url, actor="Bob")
    linked(ann, 1)
    ann.grant_role("model-registry", "bob", "admin", reason="owner")
    for call in (lambda: ann.set_policy(MODEL, POLICY), lambda: ann.grant_role("model-registry", "ann", "admin")):
        with pytest.raises(PermissionDeniedError, match="needs the role 'admin'"):
            call()
    bob.set_policy(MODEL, POLICY)
    with pytest.raises(PermissionDeniedError):
        ann.remove_policy(MODEL)
    assert [(grant.person, grant.role, grant.actor) for grant in ann.list_roles("model-registry")] == [
        ("bob", "admin", "ann")
    ]


def test_the_last_admin_stays(open_at, database_url) -> None:
    """A registry that is closed is not opened by a slip; roles are given once and taken once."""
    bob = open_at(database_url, actor="bob")
    bob.grant_role("model-registry", "bob", "admin")
    assert bob.grant_role("model-registry", "BOB", "admin").person == "bob"
    with pytest.raises(InvalidValueError, match="last admin"):
        bob.revoke_role("model-registry", "bob", "admin")
    bob.grant_role("model-registry", "cy", "admin")
    assert bob.revoke_role("model-registry", "bob", "admin") is True
    cy = open_at(database_url, actor="cy")
    assert cy.revoke_role("model-registry", "bob", "admin") is False
    assert [event.type for event in cy.audit_events("type like 'role.%'")].count("role.granted") == 2


@pytest.mark.parametrize("person", ["", "  ", "a\0", "a\nb", "a\u202eb", "x" * 201, None, 3])
def test_nobody_has_such_a_name(registry, person) -> None:
    """Empty, too long, or with characters that nobody sees: a typed error, and no role."""
    with pytest.raises(InvalidValueError):
        registry.grant_role("model-registry", person, "lead")
    assert registry.list_roles("model-registry") == []
