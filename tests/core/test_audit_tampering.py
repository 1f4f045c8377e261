"""Whoever changes the database past Podium is found by the audit."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from podium.errors import IntegrityError, PromotionRefusedError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.versions import load_version
from podium.usecases import records
from podium.usecases.audit.verify import verify_audit
from tests.core import tampering as by_hand
from tests.core.tampering import MODEL, change, change_event, collection, remove

pytestmark = pytest.mark.tampers
E, A, M, V = t.events.c, t.aliases.c, t.memberships.c, t.versions.c
ASKED = "model-registry/Asked"
POLICY = {"stages": [{"name": "staging"}, {"name": "production", "checks": ["accuracy"]}]}


@pytest.fixture(scope="module")
def lived(shared_registry, tmp_path_factory):
    """A registry in which about everything happened that leaves a row; each test rolls back what it does to it."""
    live(shared_registry, tmp_path_factory.mktemp("files"))
    return shared_registry


def live(registry, folder):
    """Let about everything happen."""
    registry.finish_run(registry.start_run("p", config={"depth": 3}).id)
    files = {text: folder / text for text in "abcd"}
    for text, path in files.items():
        path.write_text(text)
    for text in "ab":
        registry.log("p/a", files[text], metadata={"lr": 1}, metrics={"acc": 0.5}, ttl=timedelta(days=9))
        registry.link("p/a", MODEL)
    registry.log("p/lonely", files["c"], metrics={"acc": 1})
    registry.delete("p/lonely:v0", reason="bad")
    registry.log("p/lonely", files["d"])
    registry.create_registry("other", types=["model"])
    registry.subscribe("team", "console")
    registry.automate("ship", "podium.promote", events=["stage.adopted"], settings={"to": "staging"})
    registry.tag(f"{MODEL}:v0", ["eu"])
    registry.tag(MODEL, ["vision"])
    registry.set_alias(f"{MODEL}:v0", "best", reason="as measured")
    registry.rename("p/lonely", "alone")
    registry.rename("p/alone", "lonely")
    registry.set_policy(MODEL, POLICY, reason="audit")
    registry.record_check(f"{MODEL}:v0", "accuracy", "pass", "0.9", metrics={"acc": 0.9})
    registry.record_check(f"{MODEL}:v1", "accuracy", "fail", "0.1")
    registry.promote(f"{MODEL}:v0", "production", reason="first")
    with pytest.raises(PromotionRefusedError):
        registry.promote(f"{MODEL}:v1", "production")
    registry.record_check(f"{MODEL}:v1", "accuracy", "pass")
    registry.promote(f"{MODEL}:v1", "production")
    govern(registry)


def govern(registry):
    """Let people decide: a request that was approved and one that waits, a role, a freeze."""
    registry.link("p/a:v0", ASKED)
    registry.link("p/a:v1", ASKED)
    approvals = {"count": 1, "not_author": False}
    registry.set_policy(ASKED, {"stages": [{"name": "live", "approvals": approvals}]})
    registry.approve(registry.promote(f"{ASKED}:v0", "live", reason="please").id, comment="fine")
    registry.promote(f"{ASKED}:v1", "live")
    registry.grant_role("model-registry", "bob", "approver", reason="on call")
    registry.freeze(ASKED, "live", reason="audit")


def stream(c):
    return collection(c, MODEL)


def other(c):
    return c.execute(sa.select(t.namespaces.c.id).where(t.namespaces.c.name == "other")).scalar_one()


EVENTS = {
    "body edited": lambda c: change_event(c, "alias.set", after={"alias": "best", "number": 1}),
    "body before edited": lambda c: change_event(c, "alias.set", before={"alias": "best", "number": 1}),
    "body in other words": lambda c: c.exec_driver_sql(
        "update events set after = ' ' || after where type = 'tag.added'"
    ),
    "body no JSON": lambda c: c.exec_driver_sql("update events set after = '{' where type = 'tag.added'"),
    "actor edited": lambda c: change_event(c, "model_version.promoted", created_by="mallory"),
    "time edited": lambda c: change_event(c, "model_version.promoted", created_at=by_hand.late(c, t.events)),
    "reason edited": lambda c: change_event(c, "alias.set", reason="other"),
    "reason taken away": lambda c: change_event(c, "alias.set", reason=None),
    "origin edited": lambda c: change_event(c, "alias.set", origin={"kind": "airflow", "label": "DAG x"}),
    "type edited": lambda c: change_event(c, "tag.added", type="tag.removed"),
    "subject edited": lambda c: change_event(c, "alias.set", subject=f"{MODEL}:worst"),
    "id edited": lambda c: change_event(c, "tag.added", id=new_id()),
    "hash edited": lambda c: change_event(c, "alias.set", hash="0" * 64),
    "deleted in the middle": lambda c: remove(c, t.events, E.stream == stream(c), E.sequence == 3),
    "first deleted": lambda c: remove(c, t.events, E.stream == stream(c), E.sequence == 1),
    "last deleted": lambda c: remove(
        c, t.events, E.sequence == sa.select(sa.func.max(E.sequence)).scalar_subquery(), E.stream == stream(c)
    ),
    "two swapped": lambda c: by_hand.swap(c, stream(c), 3, 4),
    "put in between": lambda c: by_hand.place_in_middle(c, stream(c)),
    "moved to another stream": lambda c: change(
        c, t.events, E.stream == stream(c), E.sequence == 3, stream=collection(c, "p/a"), sequence=99
    ),
    "all deleted": lambda c: remove(c, t.events, E.stream == stream(c)),
    "head set back": lambda c: change(c, t.collections, t.collections.c.id == stream(c), sequence=1, head="1" * 64),
    "history forged without its rows": lambda c: by_hand.rewrite(c, stream(c), by_hand.forge),
    "history cut without its rows": lambda c: by_hand.rewrite(c, stream(c), lambda events: events[:-1]),
    "stream of nobody": lambda c: change(c, t.events, E.stream == stream(c), stream=new_id()),
}
ROWS = {
    "alias moved": lambda c: change(c, t.aliases, A.name == "best", number=1),
    "alias removed": lambda c: remove(c, t.aliases, A.name == "best"),
    "alias put in": lambda c: c.execute(
        sa.insert(t.aliases), [{"collection_id": stream(c), "name": "x", "number": 0, "stage": False}]
    ),
    "stage no stage": lambda c: change(c, t.aliases, A.name == "production", stage=False),
    "stage moved with its history": by_hand.flip_stage,
    "alias history edited": lambda c: change(c, t.alias_moves, t.alias_moves.c.name == "best", after=1),
    "alias history deleted": lambda c: remove(c, t.alias_moves, t.alias_moves.c.name == "best"),
    "check flipped": lambda c: change(c, t.checks, t.checks.c.status == "fail", status="pass"),
    "check on another digest": lambda c: change(c, t.checks, t.checks.c.status == "fail", digest="sha256:0"),
    "check deleted": lambda c: remove(c, t.checks, t.checks.c.status == "fail"),
    "check metrics edited": lambda c: change(c, t.checks, t.checks.c.message == "0.9", metrics={"acc": 0.99}),
    "digest exchanged": by_hand.exchange_digest,
    "bytes of a link exchanged": by_hand.exchange_versions,
    "manifest entry edited": lambda c: change(c, t.manifest_entries, sha256="a" * 64),
    "manifest entry renamed": lambda c: change(c, t.manifest_entries, path="x"),
    "manifest entry deleted": lambda c: remove(c, t.manifest_entries),
    "manifest size edited": lambda c: change(c, t.manifests, size=7),
    "gates edited": lambda c: change(c, t.transitions, t.transitions.c.status == "refused", gates=[]),
    "transition deleted": lambda c: remove(c, t.transitions, t.transitions.c.status == "refused"),
    "refusal committed": lambda c: change(c, t.transitions, t.transitions.c.status == "refused", status="committed"),
    "policy edited": lambda c: change(c, t.policies, body={"stages": [{"name": "production", "checks": []}]}),
    "policy deleted": lambda c: remove(c, t.policies),
    "tag put in": lambda c: c.execute(
        sa.insert(t.version_tags),
        [
            {
                "collection_id": stream(c),
                "number": 0,
                "name": "x",
                "created_by": "m",
                "created_at": by_hand.late(c, t.events),
            }
        ],
    ),
    "tag removed": lambda c: remove(c, t.version_tags),
    "tag of the model removed": lambda c: remove(c, t.collection_tags),
    "deletion undone": lambda c: change(c, t.versions, V.deleted_at.is_not(None), deleted_at=None),
    "deletion of a place undone": lambda c: change(c, t.memberships, M.deleted_at.is_not(None), deleted_at=None),
    "deleted by hand": lambda c: change(
        c, t.memberships, M.collection_id == stream(c), M.number == 0, deleted_at=by_hand.late(c, t.events)
    ),
    "given up by hand": lambda c: change(c, t.versions, purged_at=by_hand.late(c, t.events)),
    "metadata edited": lambda c: change(c, t.versions, metadata={"lr": 2}),
    "metadata of a link edited": lambda c: change(c, t.memberships, M.collection_id == stream(c), metadata={"lr": 2}),
    "description edited": lambda c: change(c, t.versions, description="fine"),
    "time to live edited": lambda c: change(c, t.versions, expires_at=by_hand.late(c, t.events)),
    "metric edited": lambda c: change(c, t.version_metrics, value=0.99),
    "metric deleted": lambda c: remove(c, t.version_metrics),
    "logged by another": lambda c: change(c, t.versions, created_by="mallory"),
    "logged at another time": lambda c: change(c, t.versions, created_at=by_hand.late(c, t.versions)),
    "logged from elsewhere": lambda c: change(c, t.versions, origin={"kind": "airflow"}),
    "linked by another": lambda c: change(c, t.memberships, M.collection_id == stream(c), created_by="mallory"),
    "model renamed": lambda c: change(c, t.collections, t.collections.c.id == stream(c), name="Ziffern"),
    "model deleted": lambda c: change(
        c, t.collections, t.collections.c.id == stream(c), deleted_at=by_hand.late(c, t.events)
    ),
    "model card edited": lambda c: change(c, t.collections, t.collections.c.id == stream(c), description="safe"),
    "type edited": lambda c: change(c, t.collections, t.collections.c.id == stream(c), type="dataset"),
    "numbers used again": lambda c: change(c, t.collections, t.collections.c.id == stream(c), next_number=1),
    "latest moved": lambda c: change(c, t.collections, t.collections.c.id == stream(c), latest=0),
    "registry accepts more": lambda c: change(c, t.namespaces, t.namespaces.c.name == "other", types=None),
    "registry renamed": lambda c: change(c, t.namespaces, t.namespaces.c.name == "model-registry", name="mine"),
    "former name free": lambda c: change(c, t.former_names, next_number=0),
    "former name taken away": lambda c: remove(c, t.former_names),
    "former name put in": by_hand.give_name_up,
    "subscription redirected": lambda c: change(c, t.subscriptions, channel="elsewhere"),
    "subscription removed": lambda c: remove(c, t.subscriptions),
    "automation redirected": lambda c: change(c, t.automations, action="webhook"),
    "automation filled in otherwise": lambda c: change(c, t.automations, settings={"to": "production"}),
    "automation put to rest": lambda c: change(c, t.automations, enabled=False),
    "automation removed": lambda c: remove(c, t.automations),
    "approval by another": lambda c: change(c, t.approvals, person="mallory"),
    "approval flipped": lambda c: change(c, t.approvals, decision="rejected"),
    "approval deleted": lambda c: remove(c, t.approvals),
    "approval put in": by_hand.approve,
    "request committed": lambda c: change(c, t.transitions, t.transitions.c.status == "pending", status="committed"),
    "end of a request edited": lambda c: change(
        c, t.transitions, t.transitions.c.ended_by.is_not(None), ended_by="mallory"
    ),
    "role given": lambda c: change(c, t.roles, role="admin"),
    "role taken": lambda c: remove(c, t.roles),
    "freeze ended": lambda c: change(c, t.freezes, ended_at=by_hand.late(c, t.events), ended_by="mallory"),
    "freeze deleted": lambda c: remove(c, t.freezes),
    "freeze of another registry": lambda c: change(c, t.freezes, namespace_id=other(c)),
    "policy of another registry": lambda c: change(
        c, t.policies, t.policies.c.collection_id == stream(c), namespace_id=other(c)
    ),
    "manifest gone as a whole": by_hand.remove_manifests,
    "empty registry renamed": lambda c: change(c, t.namespaces, t.namespaces.c.name == "other", name="evil"),
    "kind of a registry edited": lambda c: change(c, t.namespaces, t.namespaces.c.name == "other", kind="project"),
    "kind of a project edited": lambda c: change(c, t.namespaces, t.namespaces.c.name == "p", kind="registry"),
    "registry by another": lambda c: change(c, t.namespaces, t.namespaces.c.name == "other", created_by="mallory"),
    "field of search edited": lambda c: change(c, t.version_fields, value=2),
    "field of search removed": lambda c: remove(c, t.version_fields),
    "field of a run edited": lambda c: change(c, t.run_fields, value=2),
    "field of a link put in": lambda c: c.execute(
        sa.insert(t.member_fields),
        [{"collection_id": stream(c), "number": 0, "name": "lr", "position": 0, "kind": "n", "value": 2.0}],
    ),
    "metric infinite": lambda c: change(c, t.version_metrics, value=float("inf")),
}


@pytest.mark.parametrize("kind", [*EVENTS, *ROWS])
def test_what_is_changed_past_podium_is_found(lived, kind) -> None:
    """One change in SQL, to history or to what it says, is at least one finding; before, there is none."""
    with by_hand.undone(lived) as unit:
        assert verify_audit(unit).ok
        {**EVENTS, **ROWS}[kind](unit.connection)
        report = verify_audit(unit)
    assert report.found
    assert all(finding.text for finding in report.findings)
    json.dumps(report.to_json(), allow_nan=False)


FRACTIONS = {
    "check": lambda c: by_hand.put_in(c, t.checks, "sequence", 2.5),
    "approval": lambda c: by_hand.put_in(c, t.approvals, "position", 0.5),
    "alias move": lambda c: by_hand.put_in(c, t.alias_moves, "revision", 0.5),
    "version tag": lambda c: by_hand.put_in(c, t.version_tags, "number", 0.5),
    "policy": lambda c: by_hand.put_in(c, t.policies, "revision", 0.5),
}


@pytest.mark.parametrize("table", FRACTIONS)
def test_a_row_with_a_fraction_for_its_number_is_found(lived, table) -> None:
    """SQLite keeps 2.5 in a column of whole numbers: such a row is between two real ones, and no event tells of it."""
    with by_hand.undone(lived) as unit:
        if unit.connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL makes a whole number of it")  # and its key is taken then
        FRACTIONS[table](unit.connection)
        report = verify_audit(unit)
    assert "state_unrecorded" in {finding.kind for finding in report.findings}


@pytest.mark.parametrize(
    "edit",
    [
        "update events set sequence = 'a' where id = (select id from events where type = 'tag.added' limit 1)",
        "update version_metrics set value = 'abc'",
        "update version_metrics set value = 9e999",
        "update version_metrics set value = 'Infinity'",
        "update version_metrics set value = 'NaN'",
    ],
)
def test_what_is_no_number_is_told_and_the_audit_goes_on(lived, edit) -> None:
    """What is no number in a column of numbers is unreadable, and what comes after is looked at."""
    with by_hand.undone(lived) as unit:
        if unit.connection.dialect.name != "sqlite" and not edit.endswith(("'Infinity'", "'NaN'")):
            pytest.skip("PostgreSQL refuses such values itself")  # so there is nothing to find
        unit.connection.exec_driver_sql(edit)
        report = verify_audit(unit)
    assert "unreadable" in {finding.kind for finding in report.findings}
    assert report.manifests > 0


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (by_hand.take_back_promotion, "history_truncated"),
        (by_hand.change_who_did_it, "history_rewritten"),
        (by_hand.delete_stream, "stream_missing"),
    ],
)
def test_what_only_exported_heads_show(lived, tamper, kind) -> None:
    """A registry made consistent by hand is whole in itself, and not what the exported heads say."""
    heads = lived.audit_heads()
    with by_hand.undone(lived) as unit:
        tamper(unit.connection)
        alone, compared = verify_audit(unit), verify_audit(unit, heads)
    assert [finding.text for finding in alone.findings] == []
    assert [finding.kind for finding in compared.findings] == [kind]


def test_a_manifest_that_is_gone_is_missing_for_readers_too(lived) -> None:
    """`verify` counts its version as missing, and a reader is told of damage, not of a lost connection."""
    with by_hand.undone(lived) as unit:
        by_hand.remove_manifests(unit.connection)
        assert any(holder == "p/a:v0" for holder, _ in records.list_lost_manifests(unit))
        with pytest.raises(IntegrityError, match="manifest of version 0 is gone"):
            load_version(unit.connection, collection(unit.connection, "p/a"), 0)
