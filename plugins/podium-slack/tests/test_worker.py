"""Approve and reject in Slack: from the click of a person to the registry and back, over Socket Mode."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from podium_slack import connection
from podium_slack.worker import Access, ApprovalWorker

from podium import Registry, open_registry
from podium.errors import SettingsError
from podium.testing import FakeSlack, SlackPerson, slack_text

LOGGER = "podium_slack.worker"
MODEL = "model-registry/Digits classifier"
BOT, APP = "xoxb-1234-very-secret", "xapp-1234-very-secret"
POLICY = {"stages": [{"name": "production", "approvals": {"count": 1}}]}
PEOPLE = "UBEN0001: ben\neve@example.com: eve\nUANNA001: anna\n"
PROFILES = {"UEVE0001": {"profile": {"email": "Eve@Example.com"}}}
Clicker = Callable[[str], SlackPerson]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with one channel."""
    with FakeSlack(token=BOT, app_token=APP, channels=["#ml"], people=PROFILES) as fake:
        yield fake


@pytest.fixture
def registry(tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Anna's registry, in which v0 waits for one approval and Slack was told so, with buttons."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "slack")
    monkeypatch.setenv("SLACK_TOKEN", BOT)
    made = open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="anna")
    settings = {"token": "env:SLACK_TOKEN", "channel": "#ml", "base_url": slack.base_url, "buttons": "yes"}
    made.subscribe("team", "slack", settings=settings)
    (tmp_path / "model.bin").write_text("weights", encoding="utf-8")
    version = made.link(made.log("digits/classifier", tmp_path / "model.bin").ref, MODEL)
    made.set_policy(MODEL, POLICY)
    made.promote(version.ref, to="production", reason="Better on every digit.")
    yield made
    made.close()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """The file that says who is who."""
    path = tmp_path / "people.yaml"
    path.write_text(PEOPLE, encoding="utf-8")
    return path


@pytest.fixture
def worker(registry: Registry, slack: FakeSlack, people: Path, tmp_path: Path) -> Iterator[ApprovalWorker]:
    """The worker, listening, with a connection of its own to the same database."""
    own = open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="podium-slack")
    made, stop = ApprovalWorker(own, Access(APP, BOT, slack.base_url), people), threading.Event()
    thread = threading.Thread(target=made.listen, args=(stop,))
    thread.start()
    slack.socket.wait_for_connection()
    yield made
    stop.set()
    slack.socket.close()  # else the SDK waits three seconds for what might still come
    thread.join(15)
    own.close()
    assert not thread.is_alive()


def asking(slack: FakeSlack) -> dict[str, Any]:
    """The message that asked for the approval, as it stands now."""
    return next(message for message in slack.shown() if "become production" in str(message) or "became" in str(message))


def decide(slack: FakeSlack, user: str, verb: str, comment: str | None = None, **more: Any) -> dict[str, Any]:
    """Click, fill in the modal and send it off; return how the app answered that."""
    person = SlackPerson(slack, user, **more)
    person.click(asking(slack), f"podium_{verb}")
    wait(lambda: len(slack.views) > 0)
    return person.submit(slack.views[-1], {"comment": comment})


def wait(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something came true."""
    end = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        end.wait(0.05)
    raise AssertionError("It did not come true in time.")


def whispered(slack: FakeSlack, user: str) -> str:
    """Wait for what one person alone is told, and return it."""
    wait(lambda: any(said["user"] == user for said in slack.ephemerals))
    return slack_text(next(said for said in slack.ephemerals if said["user"] == user))


def test_approval(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """A click, a comment, and the version holds its stage: decided by the person, told by the worker."""
    decide(slack, "UBEN0001", "approve", "Looks fine.")
    assert "is production now" in whispered(slack, "UBEN0001")
    assert registry.resolve(f"{MODEL}:production").number == 0
    (made,) = registry.list_requests(status="committed")
    (word,) = made.approvals
    assert (word.person, word.comment, word.actor) == ("ben", "Looks fine.", "podium-slack")


def test_message_shows_the_decision(worker: ApprovalWorker, slack: FakeSlack) -> None:
    """The message that asked says who decided and has no buttons any more."""
    decide(slack, "UBEN0001", "approve", "Looks fine.")
    whispered(slack, "UBEN0001")
    text = slack_text(asking(slack))
    assert "✅ Digits classifier v0 became production" in text
    assert "ben approved: Looks fine." in text
    assert "[Approve]" not in text


def test_message_names_all_who_approved(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """Where two had to agree, both are named in the end, to the channel and to who clicks too late."""
    registry.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 2}}]})
    old = asking(slack)
    registry.approve(registry.list_requests()[0].id, on_behalf_of="eve")
    decide(slack, "UBEN0001", "approve")
    assert "is production now" in whispered(slack, "UBEN0001")
    wait(lambda: "Approved by eve and ben." in slack_text(asking(slack)))
    SlackPerson(slack, "UEVE0001").click(old, "podium_approve")
    assert "Approved by eve and ben." in whispered(slack, "UEVE0001")


def test_rejection(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """A rejection ends the request with its comment."""
    decide(slack, "UBEN0001", "reject", "The digit 8 is worse.")
    assert "is rejected" in whispered(slack, "UBEN0001")
    (made,) = registry.list_requests(status="rejected")
    assert made.approvals[0].comment == "The digit 8 is worse."


def test_rejection_needs_words(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """A comment of blanks is sent back into the modal, and nothing is decided."""
    answer = decide(slack, "UBEN0001", "reject", "   ")
    assert answer["payload"]["response_action"] == "errors"
    assert "comment" in answer["payload"]["errors"]
    assert [made.status for made in registry.list_requests()] == ["pending"]


def test_person_by_address(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """A member of the workspace is known by a confirmed e-mail address too, whatever its case."""
    decide(slack, "UEVE0001", "approve")
    whispered(slack, "UEVE0001")
    assert registry.list_requests(status="committed")[0].approvals[0].person == "eve"


def test_unknown_person(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """Somebody whom the file does not have is told what to add, sees no form, and decides nothing."""
    slack.people["UMAX0001"] = {"profile": {"email": "max@example.com"}}
    SlackPerson(slack, "UMAX0001").click(asking(slack), "podium_approve")
    assert "UMAX0001: YOUR_NAME" in whispered(slack, "UMAX0001")
    assert slack.views == ()
    assert [made.status for made in registry.list_requests()] == ["pending"]


def test_guest_of_another_workspace(worker: ApprovalWorker, slack: FakeSlack) -> None:
    """Who clicks from another workspace is not even looked up by address."""
    SlackPerson(slack, "UEVE0001", team="T99999999").click(asking(slack), "podium_approve")
    assert "does not know who you are" in whispered(slack, "UEVE0001")
    assert not any(request.path.endswith("users.info") for request in slack.requests)


def test_author_may_not_approve(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """The registry's refusal is shown to the person alone, and the request waits still."""
    decide(slack, "UANNA001", "approve")
    assert "may not approve" in whispered(slack, "UANNA001")
    assert [made.status for made in registry.list_requests()] == ["pending"]
    assert "[Approve]" in slack_text(asking(slack))


def test_role_is_needed(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """Who lacks the role that the policy asks for is refused by the registry."""
    registry.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"roles": ["lead"]}}]})
    decide(slack, "UBEN0001", "approve")
    assert "may not approve" in whispered(slack, "UBEN0001")
    assert [made.status for made in registry.list_requests()] == ["pending"]


def test_click_on_what_is_decided(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """Where a decision came from elsewhere and the message still has buttons, a click says so and mends the message."""
    old = asking(slack)
    slack.fail("message_not_found", times=1, method="chat.update")
    registry.approve(registry.list_requests()[0].id, on_behalf_of="eve")
    SlackPerson(slack, "UBEN0001").click(old, "podium_approve")
    assert "Approved by eve" in whispered(slack, "UBEN0001")
    wait(lambda: "became production" in slack_text(asking(slack)))


def test_same_envelope_twice(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """An envelope that Slack sends again is acknowledged again, and decides nothing again."""
    person = SlackPerson(slack, "UBEN0001")
    person.click(asking(slack), "podium_approve")
    wait(lambda: len(slack.views) > 0)
    for _ in range(2):
        assert person.submit(slack.views[-1], {"comment": "Fine."}, envelope="e-1")["envelope_id"] == "e-1"
    whispered(slack, "UBEN0001")
    (made,) = registry.list_requests(status="committed")
    assert len(made.approvals) == 1
    threading.Event().wait(1)  # for what must not come
    assert len(slack.ephemerals) == 1


def test_modal_sent_off_twice(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """Two windows with the same form count as one approval."""
    decide(slack, "UBEN0001", "approve", "Fine.")
    SlackPerson(slack, "UBEN0001").submit(slack.views[-1], {"comment": "Fine."})
    wait(lambda: len(slack.ephemerals) == 2)
    assert len(registry.list_requests(status="committed")[0].approvals) == 1


def test_new_people_need_no_restart(worker: ApprovalWorker, people: Path, slack: FakeSlack) -> None:
    """Whoever is added to the file can click at once."""
    people.write_text(PEOPLE + "UMAX0001: max\n", encoding="utf-8")
    decide(slack, "UMAX0001", "approve")
    assert "is production now" in whispered(slack, "UMAX0001")


def test_faults_are_for_whoever_runs_it(
    worker: ApprovalWorker, people: Path, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of people that broke is no business of who clicks: they read that it did not work, the log says why."""
    people.write_text("ben: ben\n", encoding="utf-8")
    SlackPerson(slack, "UBEN0001").click(asking(slack), "podium_approve")
    assert "did not work (settings)" in whispered(slack, "UBEN0001")
    assert str(people) not in str(slack.ephemerals)
    assert "neither a Slack user id nor" in caplog.text


def test_connection_that_slack_renews(worker: ApprovalWorker, slack: FakeSlack) -> None:
    """Slack ends each connection after some hours; the worker comes back and serves the next click."""
    slack.socket.disconnect()
    slack.socket.wait_for_connection(2)
    decide(slack, "UBEN0001", "approve")
    assert "is production now" in whispered(slack, "UBEN0001")


def test_a_lost_connection_and_its_return_are_said(
    worker: ApprovalWorker, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it is gone, at once; one for what is in the way, however often it is tried; one when it is back."""
    caplog.set_level(logging.INFO)
    slack.fail("internal_error", times=3, method="apps.connections.open")
    slack.socket.disconnect()
    wait(lambda: "is lost" in caplog.text, 2)
    wait(lambda: "Connected to Slack again" in caplog.text, 15)
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOGGER]
    lost, why, back = (each for each in said if each != ("INFO", "Connected to Slack."))
    assert [level for level, _ in (lost, why, back)] == ["WARNING", "WARNING", "INFO"]
    assert "internal_error" in why[1]


def test_a_connection_that_ends_without_a_word_is_noticed(
    worker: ApprovalWorker, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy or a network that drops the connection costs a moment, not the SDK's twenty seconds."""
    caplog.set_level(logging.INFO)
    slack.socket.drop()
    wait(lambda: "is lost" in caplog.text and "Connected to Slack again" in caplog.text, 5)
    decide(slack, "UBEN0001", "approve")
    assert "is production now" in whispered(slack, "UBEN0001")


class Flapping(connection.Connection):
    """A connection that Slack takes and ends at once."""

    def __init__(self) -> None:
        self.asked = 0
        self.up = False

    def is_connected(self) -> bool:
        was, self.up = self.up, False
        return was

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        self.asked += 1
        self.up = True


def test_a_connection_that_ends_at_once_each_time_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try waits longer each time, as it does where none succeeds."""
    monkeypatch.setattr(connection, "_POLL", 0.02)
    flapping, stop = Flapping(), threading.Event()
    timer = threading.Timer(2.5, stop.set)
    timer.start()
    flapping.keep_up(stop)
    timer.join()
    assert 1 < flapping.asked <= 3


def test_a_token_that_is_revoked_while_it_runs(
    registry: Registry,
    people: Path,
    slack: FakeSlack,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each refusal is an error in the log, with what to do; after a while the worker ends with it."""
    monkeypatch.setattr(connection, "_PATIENCE", 2.0)
    monkeypatch.setattr(connection, "_FIRST_PAUSE", 0.5)
    made, ends = ApprovalWorker(registry, Access(APP, BOT, slack.base_url), people), []

    def listen() -> None:
        with pytest.raises(SettingsError) as caught:
            made.listen(threading.Event())
        ends.append(str(caught.value))

    thread = threading.Thread(target=listen)
    thread.start()
    slack.socket.wait_for_connection()
    slack.fail("token_revoked", method="apps.connections.open")
    slack.socket.disconnect()
    thread.join(30)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) >= 2
    assert all("app token: token_revoked" in said and "connections:write" in said for said in errors)
    assert len(ends) == 1
    assert "app token: token_revoked" in ends[0]
    assert APP not in caplog.text + ends[0]


def test_form_that_slack_does_not_show(worker: ApprovalWorker, slack: FakeSlack) -> None:
    """If the form comes too late, the person is asked to click again."""
    slack.fail("expired_trigger_id", times=1, method="views.open")
    SlackPerson(slack, "UBEN0001").click(asking(slack), "podium_approve")
    assert "Please click again" in whispered(slack, "UBEN0001")


def test_envelopes_of_others(worker: ApprovalWorker, slack: FakeSlack) -> None:
    """Whatever else Slack sends is acknowledged and left alone."""
    others = [{}, {"type": "block_actions"}, {"type": "view_submission", "view": {}}, {"type": 3}]
    for kind, payload in [*(("interactive", other) for other in others), ("events_api", {}), ("slash_commands", {})]:
        assert slack.socket.deliver({"type": kind, "envelope_id": "e-2", "payload": payload}) == {"envelope_id": "e-2"}
    assert slack.ephemerals == ()


def test_hostile_words_reach_nobody_as_markup(worker: ApprovalWorker, registry: Registry, slack: FakeSlack) -> None:
    """What people wrote stands in forms, whispers and decisions as letters."""
    decide(slack, "UBEN0001", "reject", "<!channel> *bold* <https://evil.example|docs>")
    whispered(slack, "UBEN0001")
    wait(lambda: "was rejected" in str(slack.updates))
    sent = [*slack.ephemerals, *slack.updates, *slack.messages]
    assert not any("<" in payload["text"] for payload in sent)
    assert "'mrkdwn'" not in str([payload["blocks"] for payload in sent] + [view["blocks"] for view in slack.views])


def test_hostile_name_in_a_whisper(worker: ApprovalWorker, registry: Registry, people: Path, slack: FakeSlack) -> None:
    """A name that is told back to a person makes no mention."""
    people.write_text("UBEN0001: '<!channel> *ben*'\n", encoding="utf-8")
    registry.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"roles": ["lead"]}}]})
    decide(slack, "UBEN0001", "approve")
    assert "<!channel> *ben* may not approve" in whispered(slack, "UBEN0001")
    assert slack.ephemerals[0]["text"].startswith("&lt;!channel&gt; *ben* may not")


def test_wrong_tokens(registry: Registry, people: Path, slack: FakeSlack) -> None:
    """A token that Slack does not take ends the worker at once, with words about which one, and without the token."""
    with pytest.raises(SettingsError, match="bot token: invalid_auth") as caught:
        ApprovalWorker(registry, Access(APP, "xoxb-wrong", slack.base_url), people)
    assert "xoxb-wrong" not in str(caught.value)
    worker = ApprovalWorker(registry, Access("xapp-wrong", BOT, slack.base_url), people)
    with pytest.raises(SettingsError, match="app token: invalid_auth"):
        worker.listen(threading.Event())
