"""Schema 0004: what is there goes through, forward and back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from podium.domain.policies import DEFAULT_POLICY, Policy, Stage

MODEL = "model-registry/Digits classifier"


def body(registry) -> list[tuple[object, ...]]:
    with registry._database._bare_engine().connect() as connection:
        return [
            tuple(row) for row in connection.execute(sa.text("select revision, body from policies order by revision"))
        ]


def test_the_newest_policy_of_each_target_is_in_force_after_an_upgrade(registry, linked) -> None:
    """Revisions of before are all there, and the newest one of a model and of its registry each count."""
    linked(registry, 1)
    registry.link("digits/mlp", "model-registry/Other")
    for name in ("one", "two"):
        registry.set_policy("model-registry", Policy((Stage(f"default-{name}"),)))
        registry.set_policy(MODEL, Policy((Stage(f"own-{name}"),)))
    registry.downgrade("0003")
    registry.upgrade()
    assert registry.policy(MODEL).names == ("own-two",)
    assert registry.policy("model-registry/Other").names == registry.policy("model-registry").names == ("default-two",)
    registry.set_policy(MODEL, Policy((Stage("own-three"),)))
    assert [item.revision for item in registry.policy_history(MODEL)] == [2, 4, 5]
    assert registry.verify_audit().ok


@pytest.mark.tampers  # rows that events tell of are lost: the downgrade says so
def test_what_an_older_podium_cannot_know_goes(registry, linked) -> None:
    """Patterns, requests, roles and freezes go with a downgrade; a policy that was taken away does not come back."""
    linked(registry, 2)
    registry.set_policy("model-registry/Digits*", {"stages": [{"name": "production", "approvals": {}}]})
    registry.promote(f"{MODEL}:v0", "production")
    registry.freeze("model-registry", reason="audit")
    registry.set_policy(MODEL, Policy((Stage("live"),)))
    registry.remove_policy(MODEL)
    registry.grant_role("model-registry", "ann", "admin")
    registry.downgrade("0003")
    assert body(registry) == []
    registry.upgrade()
    assert registry.policy(MODEL) == DEFAULT_POLICY
    assert (registry.list_requests(status=None), registry.list_freezes(ended=True)) == ([], [])
    assert registry.list_roles("model-registry") == []
    assert registry.promote(f"{MODEL}:v1", "production").status == "committed"
