"""A document of subscriptions and automations put in force, and messages that say they are a test."""

from __future__ import annotations

import pytest

from podium.domain.delivery import Automation
from podium.domain.events import TYPES
from podium.domain.notifications import Notifications
from podium.errors import InvalidValueError, NotFoundError, PluginError

TEXT = """\
subscriptions:
  - {name: team, channel: probe, settings: {token: env:TOKEN}, filter: actor != 'ci'}
  - {name: me, channel: console, events: ['*']}
automations:
  - {name: best, action: podium.set_alias, events: [model_version.linked], settings: {alias: best}}
"""


@pytest.fixture
def ready(with_channels, probe, database_url):
    """A registry with the channel, and the channel."""
    channel = probe()
    return with_channels(channel, url=database_url), channel


def types(registry) -> list[str]:
    return [
        event.type
        for event in reversed(
            list(
                registry.audit_events(
                    "type in ('subscription.added', \
'subscription.removed', 'automation.added', 'automation.removed')"
                )
            )
        )
    ]


def test_applying_and_applying_again(ready) -> None:
    """All is put in force, each with an event of its own; the same again changes nothing."""
    registry, _ = ready
    wanted = Notifications.from_yaml(TEXT)
    plan = registry.apply_notifications(wanted)
    assert [change.what for change in plan.changes] == ["added"] * 3
    assert registry.notifications() == Notifications(
        tuple(sorted(wanted.subscriptions, key=lambda item: item.name)), wanted.automations
    )
    assert not registry.apply_notifications(wanted).changed
    assert types(registry) == ["subscription.added", "subscription.added", "automation.added"]


@pytest.mark.parametrize("payload", [{"x": {2, 1}}, {"x": float("nan")}, {1: "a"}], ids=repr)
def test_what_comes_back_is_what_is_stored(ready, payload) -> None:
    """Settings are kept as JSON, and who stores them gets what is kept; the same again changes nothing."""
    registry, _ = ready
    given = {"events": ["alias.set", "alias.set"], "settings": {"url": "https://example.com", "payload": payload}}
    made = registry.automate("a", "webhook", **given)
    assert made == registry.automation("a")
    assert made.events == ("alias.set",)
    assert registry.automate("a", "webhook", **given) == made
    told = registry.subscribe("s", "console", events=("tag.*", "tag.*"))
    assert told == registry.subscription("s")
    document = Notifications((), (Automation("a", "webhook", ("alias.set",), given["settings"]),))
    assert not registry.apply_notifications(document).changed
    assert types(registry) == ["automation.added", "subscription.added"]


@pytest.mark.parametrize("events", ["alias.set", 5])
def test_events_are_a_list(ready, events) -> None:
    """A text is refused: each of its letters would be taken for an event."""
    registry, _ = ready
    with pytest.raises(InvalidValueError, match="Give a list: \\['"):
        registry.subscribe("s", "console", events=events)
    with pytest.raises(InvalidValueError, match="Give a list: \\['"):
        registry.automate("a", "webhook", events=events, settings={"url": "https://example.com"})


@pytest.mark.parametrize(
    ("verb", "name", "words"),
    [
        ("subscription", "taem", "Did you mean 'team'?"),
        ("unsubscribe", "taem", "Did you mean 'team'?"),
        ("test_subscription", "taem", "Did you mean 'team'?"),
        ("automation", "Best", "Did you mean 'best'?"),
        ("disable_automation", "bst", "Did you mean 'best'?"),
        ("stop_automation", "team", "'team' is a subscription: see 'podium notify show'."),
        ("unsubscribe", "best", "'best' is an automation: see 'podium automation show'."),
        ("subscription", "nobody", "'podium notify ls' lists them."),
    ],
)
def test_a_name_that_is_nearly_right(ready, verb, name, words) -> None:
    """Who misspells a name, or asks for the other kind, is told which is meant."""
    registry, _ = ready
    registry.apply_notifications(Notifications.from_yaml(TEXT))
    with pytest.raises(NotFoundError) as caught:
        getattr(registry, verb)(name)
    assert words in str(caught.value)


@pytest.mark.parametrize("event", ["model_version.promotd", "promoted"])
def test_a_type_of_event_that_is_nearly_right(ready, event) -> None:
    """A test message about it, and a subscription to it, say which is meant."""
    registry, _ = ready
    registry.subscribe("team", "console")
    for call in (
        lambda: registry.test_subscription("team", event),
        lambda: registry.subscribe("x", "console", events=[event]),
    ):
        with pytest.raises(InvalidValueError, match=r"Did you mean 'model_version\.promoted'"):
            call()


def test_a_dry_run_writes_nothing(ready) -> None:
    """It says what would change, and finds what cannot be."""
    registry, _ = ready
    plan = registry.apply_notifications(Notifications.from_yaml(TEXT), dry_run=True)
    assert (plan.changed, plan.dry_run) == (True, True)
    assert registry.notifications() == Notifications()


def test_prune_takes_away_what_the_document_does_not_name(ready) -> None:
    """With it the document is all there is; without it the others stay."""
    registry, _ = ready
    registry.apply_notifications(Notifications.from_yaml(TEXT))
    fewer = {"subscriptions": [{"name": "best", "channel": "console"}]}
    with pytest.raises(InvalidValueError, match="has the name of an automation"):
        registry.apply_notifications(fewer)
    registry.apply_notifications(fewer, prune=True)
    assert registry.notifications().names == ("best",)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("env:TOKEN", "xoxb-1", InvalidValueError),
        ("channel: console", "channel: pigeon", PluginError),
        ("podium.set_alias", "podium.nothing", PluginError),
        ("{alias: best}", "{}", InvalidValueError),
    ],
)
def test_all_or_nothing(ready, old, new, error) -> None:
    """One part that cannot work, and nothing of the document is in force."""
    registry, _ = ready
    with pytest.raises(error):
        registry.apply_notifications(Notifications.from_yaml(TEXT.replace(old, new)))
    assert registry.notifications() == Notifications()


def test_a_test_message(ready, monkeypatch) -> None:
    """It goes through the real channel, says that it is a test, and leaves neither event nor delivery."""
    registry, channel = ready
    monkeypatch.setenv("TOKEN", "secret")
    settings, template = {"token": "env:TOKEN"}, {"title": "{{ model }} {{ version }} is {{ stage }}"}
    registry.subscribe("s", "probe", settings=settings, template=template)
    events = registry.count_events()
    found = registry.test_subscription("s")
    assert (found.sent, found.receipt, found.event_type) == (True, "ok", "model_version.promoted")
    (message,) = channel.sent
    assert message.title == "TEST: model-registry/Example model v2 is production"
    assert message.lines[0] == "This is a test of the subscription 's'; nothing happened."
    assert message.test
    assert channel.settings == [{"token": "secret"}]
    assert (registry.count_events(), registry.deliveries()) == (events, [])
    registry.subscribe("me", "probe", events=["subscription.removed"])
    registry.unsubscribe("s")
    registry.close()
    assert not channel.sent[-1].test


def test_a_test_message_that_is_not_accepted(ready) -> None:
    """What went wrong is the answer, not an exception; a template that fails is said as well."""
    registry, channel = ready
    channel.act = lambda message, settings: 1 / 0
    registry.subscribe("s", "probe", template={"title": "{{ after.nothing }}"})
    found = registry.test_subscription("s")
    assert (found.sent, found.receipt, found.error) == (False, None, "ZeroDivisionError: division by zero")
    assert "has no attribute 'nothing'" in found.note


def test_a_test_of_what_is_not_there(ready) -> None:
    """An unknown subscription or event is an error."""
    registry, _ = ready
    with pytest.raises(NotFoundError):
        registry.test_subscription("s")
    registry.subscribe("s", "probe")
    with pytest.raises(InvalidValueError):
        registry.test_subscription("s", "nothing")


@pytest.mark.parametrize("kind", TYPES)
def test_a_test_of_each_kind_of_event(with_channels, probe, kind) -> None:
    """Each type has words of its own, without a gap where a fact is missing."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=[kind])
    registry.test_subscription("s")
    registry.close()
    message = next(message for message in channel.sent if message.title.startswith("TEST: "))
    assert message.event.type == kind
    assert TYPES[kind] not in message.title
    assert "None" not in message.as_text()
    assert "  " not in message.title
