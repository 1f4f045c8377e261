"""Policies, roles and freezes of a whole registry: taken over where there are none, else said what is not brought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podium.domain.bundle import ImportReport
from podium.domain.bundle_rules import RegistryRules
from podium.domain.events import Event
from podium.errors import InvalidValueError, PermissionDeniedError, PromotionRefusedError
from podium.registry import Registry
from tests.core.conftest import Open

PLACE = "model-registry"
MODEL = f"{PLACE}/Digits classifier"
OTHER = f"{PLACE}/Other"
GATED = {"stages": [{"name": "staging"}, {"name": "production", "checks": ["accuracy"]}]}
SHADOWED = {"stages": [*GATED["stages"], {"name": "shadow"}]}


@pytest.fixture
def plain(lite: Registry, model_file: Callable[[str], Path]) -> Registry:
    """Two models, one of which has holders of `production` and `shadow` and a version that failed."""
    for number in range(3):
        lite.log("digits/mlp", model_file(f"model {number}"))
        lite.link("digits/mlp", MODEL)
        lite.record_check(f"{MODEL}:v{number}", "accuracy", number != 1)
    lite.link("digits/mlp:v0", OTHER)
    return lite


@pytest.fixture
def here(plain: Registry) -> Registry:
    """The same with a default policy, one for a pattern, roles, and a freeze of all of the registry."""
    rule(plain)
    plain.promote(f"{MODEL}:v0", "production")
    plain.promote(f"{MODEL}:v2", "shadow")
    plain.freeze(PLACE, "shadow", reason="all")
    return plain


def rule(registry: Registry) -> None:
    registry.set_policy(PLACE, GATED)
    registry.set_policy(f"{PLACE}/Dig*", SHADOWED)
    for person, role in (("ann", "admin"), ("dan", "approver"), ("cat", "admin")):
        registry.grant_role(PLACE, person, role)


def as_ann(open_at: Open, there: Registry, tmp_path: Path) -> Registry:
    return open_at(there.settings.url, content=tmp_path / "there", actor="ann")


def only(report: ImportReport) -> RegistryRules:
    (rules,) = report.rules
    return rules


def recorded(registry: Registry) -> list[Event]:
    """Return the events of the stream of the registry itself."""
    found = [event for event in registry.audit_events() if event.stream == PLACE]
    return sorted(found, key=lambda event: event.sequence)


def check_sound(registry: Registry) -> None:
    assert registry.verify_audit(registry.audit_heads()).findings == ()


def test_gates_come_into_an_empty_registry(here, there, move, open_at, tmp_path) -> None:
    """A version that failed its check is refused, a stage is no alias, and a freeze holds, as where they come from."""
    move(here, there)
    ann = as_ann(open_at, there, tmp_path)
    with pytest.raises(PromotionRefusedError, match="accuracy"):
        ann.promote(f"{MODEL}:v1", "production")
    with pytest.raises(InvalidValueError, match="shadow"):
        ann.set_alias(f"{MODEL}:v0", "shadow")
    with pytest.raises(PromotionRefusedError, match="all"):
        ann.promote(f"{MODEL}:v0", "shadow")
    assert [version.ref for version in there.find("stage is not null")] == [
        version.ref for version in here.find("stage is not null")
    ]


def test_policies_roles_and_freezes_are_those_of_the_source(here, there, move) -> None:
    """All of them in force, those of people other than whoever imports too."""
    move(here, there)
    for target in (PLACE, f"{PLACE}/Dig*", MODEL, OTHER):
        assert there.policy(target) == here.policy(target)
    assert [(role.person, role.role) for role in there.list_roles(PLACE)] == [
        ("ann", "admin"),
        ("cat", "admin"),
        ("dan", "approver"),
    ]
    assert [(freeze.target, freeze.stage, freeze.until) for freeze in there.list_freezes()] == [(PLACE, "shadow", None)]


def test_each_is_a_change_on_record(here, there, move) -> None:
    """By whoever imports, with a reason that names the bundle; the heads of what moved are equal."""
    report = move(here, there)
    events = recorded(there)
    types = ["policy.set"] * 2 + ["stage.frozen"] + ["role.granted"] * 3 + ["bundle.imported"]
    assert [event.type for event in events] == types
    assert {event.actor for event in events} == {"bob"}
    assert all(report.root in event.reason for event in events[:-1])
    heads = [{head for head in each.audit_heads().streams if "/" in head.name} for each in (here, there)]
    assert heads[0] == heads[1]
    check_sound(there)


def test_the_report_counts_what_is_brought_and_a_dry_run_says_the_same(here, there, move, rows) -> None:
    """Also who closes the registry."""
    before = rows(there)
    planned = only(move(here, there, dry_run=True))
    assert rows(there) == before
    assert planned == RegistryRules(PLACE, "brought", 1, 1, 3, 1, admins=("ann", "cat"))
    assert only(move(here, there)) == planned


def test_again_they_are_as_they_are(here, there, move, rows) -> None:
    """The second import writes nothing."""
    move(here, there)
    before = rows(there)
    again = move(here, there)
    assert (again.changed, only(again)) == (False, RegistryRules(PLACE, "same", 1, 1, 3, 1))
    assert rows(there) == before


def test_and_back_where_they_come_from(here, there, move, rows) -> None:
    """What was taken over and comes back is nothing new there."""
    move(here, there)
    before = rows(here)
    report = move(there, here)
    assert (report.changed, only(report).state) == (False, "same")
    assert rows(here) == before


def test_one_model_brings_them_too(here, there, move, open_at, tmp_path) -> None:
    """Its gates are those of its registry."""
    assert only(move(here, there, MODEL)).state == "brought"
    with pytest.raises(PromotionRefusedError):
        as_ann(open_at, there, tmp_path).promote(f"{MODEL}:v1", "production")
    check_sound(there)


def test_rules_of_its_own_stay(here, there, move) -> None:
    """The report counts what was not brought and names the stages that are none there, or ask for something else."""
    there.set_policy(PLACE, {"stages": [{"name": "production"}]})
    before = recorded(there)
    stages = [f"{MODEL}:staging", f"{MODEL}:shadow", f"{OTHER}:staging"]
    gates = (f"{MODEL}:production", f"{OTHER}:production")
    kept = RegistryRules(PLACE, "kept", 1, 1, 3, 1, ungoverned=tuple(stages), other_gates=gates)
    assert only(move(here, there, dry_run=True)) == kept
    assert only(move(here, there)) == kept
    assert recorded(there)[:-1] == before
    assert (there.policy(MODEL).names, there.list_roles(PLACE), there.list_freezes()) == (("production",), [], [])
    check_sound(there)


def test_rules_that_were_taken_away_there_stay_away(here, there, move) -> None:
    """To have none any more was decided there."""
    there.set_policy(PLACE, GATED)
    there.remove_policy(PLACE)
    assert only(move(here, there)).state == "kept"
    assert there.policy(OTHER).names == ("staging", "production")


def test_only_what_is_missing_is_counted(here, there, move) -> None:
    """What is the same on both sides is not among what was not brought."""
    there.set_policy(PLACE, GATED)
    there.grant_role(PLACE, "DAN", "approver")
    rules = only(move(here, there))
    assert (rules.default_policy, rules.patterns, rules.roles, rules.freezes) == (0, 1, 2, 1)
    assert (rules.ungoverned, rules.other_gates) == ((f"{MODEL}:shadow",), ())


def test_a_registry_without_rules_is_not_worth_a_word(plain, there, move) -> None:
    """Nothing is set, nothing is said, and nobody is shut out."""
    report = move(plain, there)
    assert (report.rules, report.notes) == ((), ())
    assert [event.type for event in recorded(there)] == ["bundle.imported"]


def test_a_model_that_was_there_first_gets_stages_on_record(here, there, move, model_file) -> None:
    """Whoever holds an alias that becomes a stage is named, in the stream of that model."""
    there.log("theirs/net", model_file("theirs"))
    there.link("theirs/net", f"{PLACE}/Digits of theirs", aliases=["shadow"])
    move(here, there)
    assert there.events(f"{PLACE}/Digits of theirs")[-1].type == "stage.adopted"
    check_sound(there)


def test_models_that_came_before_their_rules(plain, there, move, model_file) -> None:
    """Rules that the source got later come with the next import, and the models can be brought forward after it."""
    move(plain, there)
    rule(plain)
    again = move(plain, there)
    assert (again.changed, only(again).state) == (True, "brought")
    assert {item.state for item in again.collections} == {"same"}
    check_sound(there)


def test_and_are_brought_forward_after_it(plain, there, move, open_at, tmp_path) -> None:
    """An alias that became a stage with the rules left no mark in the stream of its model."""
    plain.set_alias(f"{MODEL}:v0", "shadow")
    move(plain, there)
    plain.set_policy(PLACE, SHADOWED, adopt=True)
    plain.tag(MODEL, ["later"])
    move(plain, there)
    plain.promote(f"{MODEL}:v2", "production")
    states = {item.ref: item.state for item in move(plain, there).collections}
    assert states[MODEL] == "forward"
    check_sound(there)


def test_a_registry_of_the_same_name_takes_them_over_too(here, there, move) -> None:
    """Not only the one that is there from the start."""
    here.create_registry("prod", description="ours")
    here.set_policy("prod", SHADOWED)
    here.link("digits/mlp:v0", "prod/Digits")
    there.create_registry("prod")
    report = move(here, there, "prod")
    assert only(report).state == "brought"
    assert "'prod'" in report.notes[0]
    assert there.policy("prod/Digits").names == ("staging", "production", "shadow")
    check_sound(there)


def test_what_is_over_stays_behind(here, there, move) -> None:
    """Freezes that ended or ran out, policies and roles that were taken away."""
    here.unfreeze(PLACE, "shadow")
    here.remove_policy(f"{PLACE}/Dig*", adopt=True, release=True)
    here.revoke_role(PLACE, "dan", "approver")
    rules = only(move(here, there))
    assert (rules.default_policy, rules.patterns, rules.roles, rules.freezes) == (1, 0, 2, 0)
    check_sound(there)


def test_a_freeze_keeps_its_end(here, there, move) -> None:
    """And says why, and where it comes from."""
    until = datetime.now(UTC) + timedelta(days=3)
    here.freeze(PLACE, reason="holidays", until=until)
    report = move(here, there)
    freeze = next(item for item in there.list_freezes() if item.stage is None)
    assert freeze.until == until
    assert freeze.reason.startswith("holidays")
    assert report.root in freeze.reason


def test_a_freeze_of_a_stage_that_is_no_more(here, there, move) -> None:
    """It closes nothing, and stops no import; a note says so."""
    here.demote(MODEL, "shadow", reason="over")
    here.remove_policy(f"{PLACE}/Dig*")
    report = move(here, there)
    assert (only(report).freezes, there.list_freezes()) == (0, [])
    assert "'shadow'" in report.notes[0]


def test_a_registry_of_others_is_not_closed_by_it(here, there, move, open_at, tmp_path) -> None:
    """Admins there stay the only ones; who is none may not import."""
    there.grant_role(PLACE, "bob", "admin")
    assert only(move(here, there)).roles == 3
    assert [role.person for role in there.list_roles(PLACE)] == ["bob"]
    with pytest.raises(PermissionDeniedError):
        as_ann(open_at, there, tmp_path).set_policy(PLACE, SHADOWED)
