"""Whatever changes a registry leaves an event, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from podium.domain.checks import CheckResult
from podium.plugins.host import PluginHost
from podium.registry import Registry
from podium.sql.tables import metadata
from podium.usecases.audit.facts import VIEWS
from podium.usecases.editing import EditVersion
from podium.usecases.numbering import PlaceVersion
from podium.usecases.saving import SaveVersion
from podium.usecases.versions import LogVersion
from tests.core.conftest import Task

MODEL = "model-registry/Digits"
V0, V1 = f"{MODEL}:v0", f"{MODEL}:v1"
ASKING = {"stages": [{"name": "staging"}, {"name": "production", "approvals": {"count": 1, "not_author": False}}]}


def asked(registry: Registry) -> str:
    registry.set_policy(MODEL, ASKING)
    return registry.promote(V0, "production", reason="please").id


def automated(registry: Registry, folder: object) -> None:
    registry.automate("a", "podium.set_alias", events=["model_version.linked"], settings={"alias": "auto"})


# Verb to a call of it on a registry with p/a:v0, v1 linked as MODEL:v0, v1, and to the events that it must leave.
CHANGES = {
    "log": (lambda r, f: r.log("p/b", f / "c"), {"artifact.created", "artifact_version.logged"}),
    "log_in_run": (lambda r, f: r.log_in_run("p/a", f / "c"), {"artifact_version.logged"}),
    "link": (lambda r, f: r.link(V0, "model-registry/Copy"), {"model.created", "model_version.linked"}),
    "open_model": (lambda r, f: r.open_model("model-registry/New"), {"model.created"}),
    "place": (
        lambda r, f: r.place(f / "c", PlaceVersion(LogVersion("p/a", "model"), MODEL, 7, reason="moved")),
        {"artifact.numbered", "model.numbered", "artifact_version.logged", "model_version.linked"},
    ),
    "set_alias": (lambda r, f: r.set_alias(V0, "x", reason="why"), {"alias.set"}),
    "remove_alias": (lambda r, f: r.remove_alias(MODEL, "best", reason="why"), {"alias.removed"}),
    "tag": (lambda r, f: r.tag(V0, "x"), {"tag.added"}),
    "untag": (lambda r, f: r.untag(V0, "eu"), {"tag.removed"}),
    "edit": (lambda r, f: r.edit(V0, description="x", reason="why"), {"model_version.updated"}),
    "save_edits": (
        lambda r, f: r.save_edits(SaveVersion(EditVersion("p/a:v0", {"x": 1}), add_tags=("t",), add_aliases=("s",))),
        {"artifact_version.updated", "tag.added", "alias.set"},
    ),
    "edit_collection": (lambda r, f: r.edit_collection(MODEL, owner="bob", reason="why"), {"model.updated"}),
    "rename": (lambda r, f: r.rename(MODEL, "Ziffern", reason="why"), {"model.renamed"}),
    "unlink": (lambda r, f: r.unlink(V1, reason="why"), {"model_version.unlinked"}),
    "delete": (
        lambda r, f: r.delete("p/a:v1", force=True, reason="why"),
        {"artifact_version.deleted", "model_version.unlinked"},
    ),
    "delete_collection": (lambda r, f: r.delete_collection("p/lonely", reason="why"), {"artifact.deleted"}),
    "restore": (lambda r, f: r.restore("p/lonely:v1"), {"artifact_version.restored"}),
    "restore_collection": (lambda r, f: r.restore_collection("p/gone"), {"artifact.restored"}),
    "expire": (lambda r, f: r.expire(dry_run=False), {"artifact_version.deleted"}),
    "gc": (lambda r, f: r.gc(keep_deleted=timedelta(0), older_than=timedelta(0)), {"artifact_version.purged"}),
    "create_registry": (lambda r, f: r.create_registry("eu"), {"registry.created"}),
    "edit_registry": (
        lambda r, f: r.edit_registry("model-registry", description="x", reason="y"),
        {"registry.updated"},
    ),
    "record_check": (lambda r, f: r.record_check(V0, "c", "pass"), {"model_version.checked"}),
    "record_checks": (lambda r, f: r.record_checks(V0, [CheckResult("c", "pass")]), {"model_version.checked"}),
    "set_policy": (lambda r, f: r.set_policy(MODEL, ASKING, reason="why"), {"policy.set"}),
    "remove_policy": (
        lambda r, f: (r.set_policy(MODEL, ASKING), r.remove_policy(MODEL, reason="why")),
        {"policy.set", "policy.removed"},
    ),
    "promote": (lambda r, f: r.promote(V0, "staging", reason="why"), {"model_version.promoted"}),
    "rollback": (
        lambda r, f: (r.promote(V0, "staging"), r.promote(V1, "staging"), r.rollback(MODEL, "staging", reason="why")),
        {"model_version.promoted", "model_version.rolled_back"},
    ),
    "demote": (
        lambda r, f: (r.promote(V0, "staging"), r.demote(MODEL, "staging", reason="why")),
        {"model_version.promoted", "model_version.demoted"},
    ),
    "approve": (
        lambda r, f: r.approve(asked(r)),
        {
            "policy.set",
            "model_version.promotion_requested",
            "model_version.promotion_approved",
            "model_version.promoted",
        },
    ),
    "reject": (
        lambda r, f: r.reject(asked(r), "no"),
        {"policy.set", "model_version.promotion_requested", "model_version.promotion_rejected"},
    ),
    "freeze": (lambda r, f: r.freeze(MODEL, "production", reason="audit"), {"stage.frozen"}),
    "unfreeze": (
        lambda r, f: (r.freeze(MODEL, "production", reason="audit"), r.unfreeze(MODEL, "production", reason="done")),
        {"stage.frozen", "stage.unfrozen"},
    ),
    "grant_role": (lambda r, f: r.grant_role("model-registry", "bob", "approver"), {"role.granted"}),
    "revoke_role": (
        lambda r, f: (r.grant_role("model-registry", "bob", "x"), r.revoke_role("model-registry", "bob", "x")),
        {"role.granted", "role.revoked"},
    ),
    "subscribe": (lambda r, f: r.subscribe("s", "console"), {"subscription.added"}),
    "apply_notifications": (
        lambda r, f: r.apply_notifications({"subscriptions": [{"name": "s", "channel": "console"}]}),
        {"subscription.added"},
    ),
    "unsubscribe": (
        lambda r, f: (r.subscribe("s", "console"), r.unsubscribe("s")),
        {"subscription.added", "subscription.removed"},
    ),
    "automate": (automated, {"automation.added"}),
    "stop_automation": (
        lambda r, f: (automated(r, f), r.stop_automation("a")),
        {"automation.added", "automation.removed"},
    ),
    "disable_automation": (lambda r, f: (automated(r, f), r.disable_automation("a")), {"automation.added"}),
    "enable_automation": (
        lambda r, f: (automated(r, f), r.disable_automation("a"), r.enable_automation("a")),
        {"automation.added"},
    ),
}
SILENT = {
    "start_run": "runs are working notes of one execution; what counts of them is told by the version that they log",
    "adopt_run": "as start_run",
    "beat_run": "as start_run",
    "finish_run": "as start_run",
    "log_metrics": "as start_run; the metrics of a version stand in the event that logs it",
    "use": "an edge of the lineage, written by each of many runs: it would serialize all readers of a data set",
    "deliver": "deliveries have a log of every attempt",
    "retry": "deliveries have a log of every attempt",
    "drop_deliveries": "what was given up says by whom and why",
    "test_subscription": "a message that says it is a test; nothing is kept of it",
    "upgrade": "the schema, not what is in it",
    "downgrade": "the schema, not what is in it",
    "set_up": "makes what is empty",
    "scratch": "a folder of this machine",
    "log_staged": "the second half of log",
    "test": "record_checks of what the checks said",
    "test_automation": "what the automation does is told in its own name: tests of automations",
    "withdraw": "the event of an approval that is taken back needs a request that waits for two: tests of approvals",
    "import_bundle": "brings the events of the other registry with it: tests of moving",
}
# fmt: off
READS = {
    "artifacts", "audit", "audit_events", "audit_heads", "automation", "automations", "checks", "close", "collection",
    "collections", "compare", "count_events", "deliveries", "delivery", "diff_policies", "doctor", "downgrade_losses",
    "download", "download_media", "environment", "events", "explain", "explain_policy", "export_bundle", "files",
    "find", "find_models", "find_runs", "history", "holder", "holders", "impact", "lineage", "list_freezes",
    "list_requests", "list_roles", "media", "metrics", "model", "models", "notifications", "plugin_faults", "plugins",
    "policy", "policy_history", "prepare_test", "promotion_report", "registries", "registry", "resolve", "run",
    "runs", "search", "search_artifacts", "search_hints", "search_models", "search_runs", "stored_size",
    "subscription", "subscriptions", "table", "test_report", "transition", "verify", "verify_audit", "versions",
}
# fmt: on
VERBS = {name for name in dir(Registry) if not name.startswith("_") and callable(getattr(Registry, name))}
# Tables that the audit does not compare, each with its reason.
APART = {
    "settings": "where content lies and whose it is, checked by the mark in the content place",
    "runs": SILENT["start_run"],
    "run_fields": SILENT["start_run"],
    "run_metrics": SILENT["start_run"],
    "run_media": SILENT["start_run"],
    "run_versions": SILENT["use"],
    "version_fields": "made of metadata, for search",
    "member_fields": "made of metadata, for search",
    "events": "the history itself",
    "approvals": "compared with the request that they are about",
    "manifests": "proven by their digest",
    "manifest_entries": "proven by the digest of the manifest",
    "version_metrics": "compared with their version",
    "deliveries": "what happened to events, not events",
    "delivery_attempts": "what happened to events, not events",
    "plugin_faults": "what happened to events, not events",
}


@pytest.fixture
def ready(open_at, tmp_path) -> Registry:
    """A registry to change, used by a task."""
    for text in "abcd":
        (tmp_path / text).write_text(text)
    host = PluginHost(discover=False)
    host.register(Task("train/fit"), "task")
    registry = open_at(f"sqlite:///{tmp_path / 'podium.db'}", host=host)
    for text in "ab":
        registry.log("p/a", tmp_path / text)
        registry.link("p/a", MODEL)
    registry.set_alias(V0, "best")
    registry.tag(V0, "eu")
    registry.log("p/lonely", tmp_path / "c", ttl=timedelta(microseconds=1))
    registry.log("p/lonely", tmp_path / "d")
    registry.delete("p/lonely:v1")
    registry.log("p/gone", tmp_path / "d")
    registry.delete_collection("p/gone")
    return registry


def test_every_verb_is_known() -> None:
    """A new verb either stands among those that leave events, or says why it leaves none."""
    assert set(CHANGES) | set(SILENT) | READS == VERBS
    assert len(CHANGES) + len(SILENT) + len(READS) == len(VERBS)


@pytest.mark.parametrize("verb", CHANGES)
def test_every_change_leaves_its_events(ready, tmp_path, verb) -> None:
    """Each says who, when, from which task, about what, what was or is, and why if that was said."""
    call, types = CHANGES[verb]
    known = {event.id for event in ready.audit_events()}
    started = datetime.now(UTC)
    call(ready, tmp_path)
    told = [event for event in ready.audit_events() if event.id not in known]
    assert {event.type for event in told} == types
    for event in told:
        assert (event.actor, event.origin.identity) == ("ann", "train/fit")
        assert started <= event.at <= datetime.now(UTC)
        assert event.subject
        assert event.before or event.after
    assert "why" not in call.__code__.co_consts or any(event.reason == "why" for event in told)


def test_every_table_is_compared_or_says_why_not() -> None:
    """A new table either has a view that the audit compares, or stands here with its reason."""
    compared = {column.table.name for view in VIEWS.values() for column in view.keys} & set(metadata.tables)
    assert compared | set(APART) == set(metadata.tables)
    assert compared & set(APART) == set()
