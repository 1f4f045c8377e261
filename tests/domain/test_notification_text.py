"""Subscriptions and automations as YAML: what is read, what is written, and where each mistake is."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from podium.domain.delivery import DEFAULT_EVENTS, Automation, Subscription, Template
from podium.domain.events import TYPES
from podium.domain.notification_schema import SCHEMA, schema_text
from podium.domain.notifications import NotificationChange, Notifications, plan_notifications
from podium.errors import InvalidNameError, InvalidValueError

ROOT = Path(__file__).parents[2]
TEXT = """\
subscriptions:
  - name: team
    channel: slack
    events: [model_version.*, stage.frozen]
    settings: {channel: "#ml", token: env:SLACK_TOKEN}
    model: model-registry/churn-*
    filter: actor != 'ci'
    template:
      title: "{{ model }} is {{ stage }}"
      lines: |
        by {{ actor }}
    digest: 1h
    deduplicate: 10m
  - {name: me, channel: console}
automations:
  - name: deploy
    action: airflow.trigger_dag
    events: [model_version.promoted]
    settings: {dag_id: deploy, conf: {version: "{{ version }}", retries: 2}}
    enabled: false
"""


def test_every_field_is_read() -> None:
    """What stands in the file is what the values say; what is left out has its default."""
    found = Notifications.from_yaml(TEXT)
    team, me = found.subscriptions
    assert team == Subscription(
        "team",
        "slack",
        ("model_version.*", "stage.frozen"),
        {"channel": "#ml", "token": "env:SLACK_TOKEN"},
        "model-registry/churn-*",
        "actor != 'ci'",
        Template("{{ model }} is {{ stage }}", "by {{ actor }}\n"),
        "1h",
        "10m",
    )
    assert me == Subscription("me", "console", DEFAULT_EVENTS)
    settings = {"dag_id": "deploy", "conf": {"version": "{{ version }}", "retries": 2}}
    assert found.automations == (
        Automation("deploy", "airflow.trigger_dag", ("model_version.promoted",), settings, enabled=False),
    )


def test_what_is_written_is_read_as_the_same() -> None:
    """YAML and plain JSON of a document give the document."""
    found = Notifications.from_yaml(TEXT)
    assert Notifications.from_yaml(found.to_yaml()) == found
    assert Notifications.from_yaml(found.to_yaml(ascii_only=True)) == found
    plain = {"subscriptions": [{"name": "me", "channel": "console"}]}
    assert Notifications.from_yaml(json.dumps(plain)) == Notifications.from_json(plain) == found.only(["me"])


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("channel: slack", "chanel: slack", 3, "Did you mean 'channel'?"),
        ("name: team", "name: a b", 2, "is not a valid name"),
        ("    channel: slack\n", "", 2, "The key 'channel' is missing"),
        ("stage.frozen", "stage.frosen", 4, "Did you mean 'stage.frozen'?"),
        ("[model_version.*, stage.frozen]", "stage.frozen", 4, "a list is meant"),
        ("[model_version.*, stage.frozen]", "[]", 4, "This is empty"),
        ('"#ml"', "5", 5, "Write it in quotes: '5'"),
        ('"#ml"', "no", 5, "Write it in quotes: 'no'"),
        ('"#ml"', "Off", 5, "Write it in quotes: 'Off'"),
        ('"#ml"', "0x1F", 5, "Write it in quotes: '0x1F'"),
        ('"#ml"', "[a]", 5, "Settings of a subscription are text"),
        ('"#ml"', "~", 5, "Settings of a subscription are text"),
        ('{channel: "#ml", token: env:SLACK_TOKEN}', "[]", 5, "no mapping"),
        ("model-registry/churn-*", "a/b/c", 6, "names no model or registry"),
        ("actor != 'ci'", "actr != 'ci'", 7, "There is no field 'actr'"),
        ("{{ stage }}", "{{ stage", 9, "The title of the template"),
        ("{{ stage }}", "{{ stge }}", 9, "Did you mean 'stage'?"),
        ("{{ actor }}", "{% if %}", 10, "The lines of the template"),
        ("digest: 1h", "digest: hourly", 12, "no span of time"),
        ("deduplicate: 10m", "deduplicate: 0m", 13, "no span of time"),
        ("{name: me,", "{name: team,", 14, "stands here twice"),
        ("name: deploy\n", "name: me\n", 16, "stands here twice"),
        (
            "{{ version }}",
            "{{ vesion }}",
            19,
            "The settings name 'vesion', which no event has. Did you mean 'version'?",
        ),
        ("enabled: false", "enabled: maybe", 20, "true or false is meant"),
        ("name: team", "name: 1", 2, "This is 1, but text is meant. Write it in quotes: '1'."),
        ("name: team", "name: on", 2, "Write it in quotes: 'on'."),
        ("channel: slack", "channel: No", 3, "Write it in quotes: 'No'."),
        ("digest: 1h", "digest: 0x10", 12, "Write it in quotes: '0x10'."),
        ("    digest: 1h", "    <<: {digest: 1h}", 12, "mappings are not merged by '<<' here. Write the keys out"),
        ("automations:", "automation:", 15, "Did you mean 'automations'?"),
        ("  - name: deploy", "  - nme: deploy", 16, "There is no key 'nme'"),
        ("settings: {dag_id", "settings: {1: 2, dag_id", 19, "is no text"),
        ("digest: 1h", "digest: [", 14, "this is no YAML"),
        ("digest: 1h", "digest: 1h\n    digest: 2h", 13, "stands here twice"),
    ],
)
def test_each_mistake_has_its_place(old, new, line, words) -> None:
    """An error names the line, what is wrong, and what was meant perhaps."""
    assert old in TEXT
    with pytest.raises((InvalidValueError, InvalidNameError)) as caught:
        Notifications.from_yaml(TEXT.replace(old, new, 1), "file.yaml")
    assert str(caught.value).startswith(f"file.yaml, line {line}, column ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", [None, 5, b"a: 1", "", "[]", "a: 1", "5", "subscriptions: 5", "- name: x", "&a [*a]"], ids=repr
)
def test_what_is_no_such_document(text) -> None:
    """Anything else is an error with a hint, never half a document."""
    with pytest.raises(InvalidValueError) as caught:
        Notifications.from_yaml(text)
    assert caught.value.hint


def test_a_key_at_the_top_that_is_nearly_right() -> None:
    """A document whose only key is misspelled says which was meant."""
    with pytest.raises(InvalidValueError, match="Did you mean 'subscriptions'"):
        Notifications.from_yaml("subscription:\n  - {name: me, channel: console}")


@pytest.mark.parametrize(("value", "words"), [(False, "such as 'no'"), (True, "such as 'yes'"), (5, "quotes: '5'")])
def test_a_setting_of_plain_data_that_is_no_text(value, words) -> None:
    """Nobody wrote a word there that could be quoted."""
    plain = {"subscriptions": [{"name": "a", "channel": "slack", "settings": {"threads": value}}]}
    with pytest.raises(InvalidValueError, match="'threads' is no text") as caught:
        Notifications.from_json(plain)
    assert words in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [
        ("stage.frozen", "stage.frozen", True),
        ("stage.frozen", "stage.frosen", False),
        ("model_version.promoted", "modelversion.promoted", False),
        ("stage.frozen", "'*'", True),
        ("stage.frozen", "'*.linked'", True),
        ("stage.frozen", "model_version.promotion_*", True),
        ('"#ml"', "12345", False),
        ('"#ml"', "yes", False),
        ('"#ml"', "{a: b}", False),
        ("retries: 2", "retries: [1, null]", True),
        ("name: team", "name: 1", False),
    ],
)
def test_the_schema_says_the_same_as_check(old, new, right) -> None:
    """What an editor takes is read, and what is refused has its mark in the editor."""
    text = TEXT.replace(old, new, 1)
    fits = not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text)))
    try:
        read = Notifications.from_yaml(text) is not None
    except (InvalidValueError, InvalidNameError):
        read = False
    assert (fits, read) == (right, right)


def test_the_schema_completes_every_type_of_event() -> None:
    """Editors propose what stands in an enumeration."""
    for kind in ("subscriptions", "automations"):
        events = SCHEMA["properties"][kind]["items"]["properties"]["events"]["items"]
        assert set(TYPES) | {"model_version.*"} <= set(events["anyOf"][0]["enum"])


def test_the_schema_is_published() -> None:
    """docs/notifications.schema.json is the schema that files are read by, and every field stands in it."""
    assert (ROOT / "docs" / "notifications.schema.json").read_text(encoding="utf-8") == schema_text()
    for kind, value in (("subscriptions", Subscription("a", "b")), ("automations", Automation("a", "b", ("*",)))):
        known = SCHEMA["properties"][kind]["items"]["properties"]
        assert list(known) == list(value.to_json())


def changes(wanted: Notifications, there: Notifications, *, prune: bool) -> set[tuple[str, str, str]]:
    plan = plan_notifications(wanted, there, prune=prune)
    return {(change.kind, change.name, change.what) for change in plan.changes}


def test_the_plan() -> None:
    """What is new is added, what differs changed, what is gone removed, but only with prune."""
    a, b, c = (Subscription(name, "console") for name in "abc")
    job = Automation("job", "podium.test", ("*",))
    there = Notifications((a, b), (job,))
    wanted = Notifications((a, Subscription("b", "slack"), c))
    kept = {("subscription", "a", "same"), ("subscription", "b", "changed"), ("subscription", "c", "added")}
    assert changes(wanted, there, prune=False) == kept
    assert changes(wanted, there, prune=True) == kept | {("automation", "job", "removed")}
    assert not plan_notifications(there, there, prune=True).changed


def test_a_name_goes_from_one_kind_to_the_other_only_with_prune() -> None:
    """Both kinds share one list of names."""
    there, wanted = Notifications((Subscription("x", "console"),)), Notifications((), (Automation("x", "y", ("*",)),))
    with pytest.raises(InvalidValueError, match="has the name of a subscription"):
        plan_notifications(wanted, there, prune=False)
    plan = plan_notifications(wanted, there, prune=True)
    assert NotificationChange("subscription", "x", "removed") in plan.changes
