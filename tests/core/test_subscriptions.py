"""Subscriptions and automations beside what they are about: renamed models, and registries that have admins."""

from __future__ import annotations

import pytest

from podium.errors import PermissionDeniedError
from podium.plugins import PluginHost
from podium.registry import Registry

OLD, NEW = "model-registry/Digits classifier", "model-registry/Digits"


@pytest.fixture
def quiet(open_at, database_url) -> Registry:
    """A registry whose messages wait: there is no channel here but Podium's own."""
    return open_at(database_url, host=PluginHost(discover=False), actor="ann")


@pytest.fixture
def model(quiet: Registry, model_file) -> str:
    """A registered model with one version."""
    quiet.log("digits/svm", model_file("a"))
    return quiet.link("digits/svm", OLD).ref.partition(":")[0]


def about(registry: Registry, name: str) -> list[str]:
    """Return the types of the events that a subscription or automation got, in order."""
    found = sorted(registry.deliveries(subscription=name), key=lambda item: item.id)
    return [item.event_type for item in found]


def test_what_names_a_model_follows_its_new_name(quiet, model) -> None:
    """Exact names follow, case aside, in the transaction of the rename; both are told of it and of what comes."""
    quiet.subscribe("exact", "console", events=["*"], model=OLD.upper().replace("MODEL-REGISTRY", "model-registry"))
    quiet.subscribe("other", "console", events=["*"], model="model-registry/Other")
    quiet.automate("act", "podium.set_alias", events=["tag.added"], settings={"alias": "seen"}, model=OLD)
    quiet.rename(OLD, "Digits", reason="shorter")
    quiet.tag(f"{NEW}:v0", "good")
    quiet.close()
    assert {item.name: item.model for item in quiet.subscriptions()} == {"exact": NEW, "other": "model-registry/Other"}
    assert quiet.automation("act").model == NEW
    assert about(quiet, "exact")[:2] == ["model.renamed", "tag.added"]
    assert quiet.model(NEW).aliases["seen"] == 0
    changes = [
        event for event in quiet.audit("type in ('subscription.added', 'automation.added')").items if event.before
    ]
    assert {(event.subject, event.before["model"], event.after["model"]) for event in changes} >= {("act", OLD, NEW)}
    assert all("was renamed to" in (event.reason or "") for event in changes)
    assert quiet.verify_audit().ok


def test_a_pattern_of_the_old_name_hears_of_the_renaming(quiet, model) -> None:
    """And of nothing after it: the name is no longer of that kind."""
    quiet.subscribe("by-pattern", "console", events=["*"], model="model-registry/digits class*")
    quiet.rename(OLD, "Digits")
    quiet.tag(f"{NEW}:v0", "good")
    quiet.close()
    assert about(quiet, "by-pattern") == ["model.renamed"]


def test_an_artifact_is_followed_too(quiet, model) -> None:
    """Projects are no registries, and their artifacts are named as well."""
    quiet.subscribe("svm", "console", events=["*"], model="digits/svm")
    quiet.rename("digits/svm", "trees")
    assert quiet.subscription("svm").model == "digits/trees"


def test_an_artifact_of_almost_the_same_name_takes_nothing_along(quiet, model_file) -> None:
    """The names of artifacts tell case apart, so a subscription stays with the one that it names."""
    for name in ("data", "Data"):
        quiet.log(f"digits/{name}", model_file(name))
    quiet.subscribe("s", "console", model="digits/data")
    quiet.rename("digits/Data", "more")
    assert quiet.subscription("s").model == "digits/data"


@pytest.mark.parametrize("model", [None, "model-registry/Digits", "model-*"], ids=str)
def test_where_there_are_admins_only_they_change_what_is_about_it(open_at, database_url, model) -> None:
    """Whoever may not set a policy may neither silence those who are told, nor let something start."""
    ann, eve = (open_at(database_url, actor=who, host=PluginHost(discover=False)) for who in ("ann", "eve"))
    act = {"events": ["alias.set"], "settings": {"alias": "x"}, "model": model}
    ann.subscribe("on-call", "console", model=model)
    ann.automate("act", "podium.set_alias", **act)
    ann.grant_role("model-registry", "ann", "admin")
    before = (ann.notifications(), [event.id for event in ann.audit().items])
    refused = [
        lambda: eve.subscribe("on-call", "console", model="elsewhere"),
        lambda: eve.subscribe("mine", "console", model=model),
        lambda: eve.unsubscribe("on-call"),
        lambda: eve.automate("act", "podium.promote", events=["alias.set"], settings={"to": "x"}, model="elsewhere"),
        lambda: eve.stop_automation("act"),
        lambda: eve.disable_automation("act"),
        lambda: eve.apply_notifications(eve.notifications().only(["act"]), prune=True),
        lambda: eve.test_automation("act", run=True),
    ]
    for change in refused:
        with pytest.raises(PermissionDeniedError, match="needs the role 'admin'"):
            change()
    assert (ann.notifications(), [event.id for event in ann.audit().items]) == before
    eve.subscribe("elsewhere", "console", model="other-registry/*")
    eve.automate("elsewhere-too", "podium.set_alias", events=["alias.set"], settings={"alias": "x"}, model="p/a")
    assert eve.subscribe("on-call", "console", model=model) == ann.subscription("on-call")
    ann.unsubscribe("on-call")
