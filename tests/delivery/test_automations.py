"""Automations: an action follows on an event, at least once, in a name of its own, and that is an event."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from podium.errors import InvalidValueError, NotFoundError, PermissionDeniedError, PluginError, PromotionRefusedError
from podium.plugins import DeliveryFailedError
from podium.registry import Registry
from tests.delivery.acting import MODEL, Act, drain, host_of, soon, told


@pytest.fixture
def with_actions(open_at: Callable[..., Registry], database_url: str) -> Callable[..., Registry]:
    """Open the registry of this test with actions."""
    return lambda *actions, **more: open_at(database_url, host=host_of(*actions), **more)


def link(registry: Registry, model_file, text: str = "a") -> str:
    registry.log("p/a", model_file(text))
    return registry.link("p/a", MODEL).ref


def test_templates_are_filled_in_with_the_event(with_actions, model_file) -> None:
    """Each text of the settings says what the event is about; one expression alone keeps its type."""
    act = Act()
    registry = with_actions(act)
    deep = {"n": "{{ number }}", "all": ["{{ after.source }}", 7], "by": "{{ actor }} at {{ origin.kind }}"}
    registry.automate("a", "act", events=["model_version.linked"], settings={"text": "{{ ref }}!", "deep": deep})
    link(registry, model_file)
    drain(registry)
    filled = {"n": 0, "all": ["p/a:v0", 7], "by": "ann at script"}
    assert act.settings == [{"text": f"{MODEL}:v0!", "deep": filled}]
    assert (act.calls[0].automation, act.calls[0].chain, act.calls[0].event.actor) == ("a", ("a",), "ann")


def test_a_firing_is_an_event(with_actions, model_file) -> None:
    """What was done is told in the stream of the event, by the automation, with the receipt."""
    registry = with_actions(Act(do=lambda call, settings: "run 7"))
    registry.automate("a", "act", events=["model_version.linked"])
    ref = link(registry, model_file)
    drain(registry)
    fired = registry.events(MODEL)[-1]
    (delivery,) = registry.deliveries()
    assert (fired.type, fired.subject, fired.actor) == ("automation.fired", ref, "automation a")
    assert (fired.after["receipt"], fired.after["action"], fired.after["number"]) == ("run 7", "act", 0)
    assert (fired.after["delivery"], fired.after["event"]) == (delivery.id, delivery.event)
    assert (fired.origin.kind, fired.origin.details["automations"]) == ("automation", ["a"])


def test_an_attempt_that_fails_is_tried_again_and_told_once(with_actions, model_file) -> None:
    """The same id each time; only the end is an event."""
    answers = iter([RuntimeError("no"), RuntimeError("not yet")])

    def do(call, settings) -> str:
        error = next(answers, None)
        if error:
            raise error
        return "done"

    act = Act(do=do)
    registry = with_actions(act)
    registry.automate("a", "act", events=["model_version.linked"])
    link(registry, model_file)
    drain(registry)
    assert told(registry) == []
    for _ in range(2):
        soon(registry)
        drain(registry)
    assert told(registry) == [("automation.fired", "a")]
    assert len({call.id for call in act.calls}) == 1
    assert registry.events(MODEL)[-1].after["attempts"] == 3


def test_what_is_given_up_is_an_event(with_actions, model_file) -> None:
    """A permanent failure is told with its error, and a retry by hand can still do it."""

    def do(call, settings) -> str:
        raise DeliveryFailedError("no such DAG", permanent=True)

    act = Act(do=do)
    registry = with_actions(act)
    registry.automate("a", "act", events=["model_version.linked"])
    link(registry, model_file)
    drain(registry)
    failed = registry.events(MODEL)[-1]
    assert (failed.type, failed.after["error"]) == ("automation.failed", "DeliveryFailedError: no such DAG")
    act.do = lambda call, settings: "now"
    registry.retry(registry.deliveries("dead")[0].id)
    drain(registry)
    assert told(registry) == [("automation.failed", "a"), ("automation.fired", "a")]


def test_a_template_that_the_event_cannot_fill_is_given_up(with_actions, model_file) -> None:
    """The event will never say more, so the action is not run and nothing is tried again."""
    act = Act()
    registry = with_actions(act)
    registry.automate("a", "act", events=["model_version.linked"], settings={"text": "{{ stage }}"})
    link(registry, model_file)
    drain(registry)
    assert (act.calls, told(registry)) == ([], [("automation.failed", "a")])
    assert "'stage' is undefined" in registry.events(MODEL)[-1].after["error"]


def test_a_template_that_takes_long_holds_up_nobody(with_actions, model_file, monkeypatch) -> None:
    """It is given up; the others are done."""
    monkeypatch.setattr("podium.delivery.actions._FILL_SECONDS", 0.02)
    act = Act()
    registry = with_actions(act)
    # Long enough to be noticed, and over before the tests are: templates know nothing that never ends.
    many = "+".join(["[" + "0," * 500 + "]"] * 4)
    loops = f"{{% for a in {many} %}}{{% for b in {many} %}}{{% endfor %}}{{% endfor %}}"
    registry.automate("endless", "act", events=["model_version.linked"], settings={"text": loops})
    registry.automate("other", "act", events=["model_version.linked"])
    link(registry, model_file)
    drain(registry)
    assert [call.automation for call in act.calls] == ["other"]
    assert sorted(told(registry)) == [("automation.failed", "endless"), ("automation.fired", "other")]


def test_changes_of_an_action_are_the_automations(with_actions, model_file) -> None:
    """Actor and origin say which automation it was, and after which event."""
    registry = with_actions(Act(do=lambda call, settings: call.registry.set_alias(call.event.subject, "best")))
    registry.automate("a", "act", events=["model_version.linked"])
    link(registry, model_file)
    drain(registry)
    (move,) = [move for move in registry.history(MODEL, "best")]
    (delivery,) = [item for item in registry.deliveries() if item.event_type == "model_version.linked"]
    assert (move.actor, move.origin.label) == ("automation a", "automation a")
    assert move.origin.identity == f"automation:{delivery.id}"
    assert (move.origin.details["event"], registry.set_alias(MODEL, "mine").actor) == (delivery.event, "ann")


def test_nobody_asks_through_an_automation_to_approve_by_themselves(with_actions, model_file) -> None:
    """Who added it or let it fire, and who made the change that it followed on, count as those who asked."""
    bob, cy, dee, eve = (with_actions(actor=actor) for actor in ("bob", "cy", "dee", "eve"))
    link(bob, model_file)
    rule = {"count": 1, "not_author": True}
    bob.set_policy("model-registry", {"stages": [{"name": "production", "approvals": rule}]})
    cy.automate("mine", "podium.promote", events=["tag.added"], settings={"to": "production"}, model=MODEL)
    kay = with_actions(actor="kay")
    kay.disable_automation("mine")
    kay.enable_automation("mine")
    eve.rename(MODEL, "Renamed")
    eve.rename("model-registry/Renamed", MODEL.partition("/")[2])
    dee.tag(f"{MODEL}:v0", "go")
    drain(dee)
    (request,) = eve.list_requests(MODEL)
    changed = "added or changed the automation 'mine'"
    for registry, words in ((bob, "logged"), (cy, changed), (kay, changed), (dee, "'mine' followed on")):
        with pytest.raises(PermissionDeniedError, match=words):
            registry.approve(request.id)
    assert eve.approve(request.id).status == "committed"


def test_an_alias_that_a_person_moved_since_stays(with_actions, model_file) -> None:
    """An attempt whose answer was lost is made again, and does not undo what somebody did meanwhile."""
    registry = with_actions()
    registry.automate("a", "podium.set_alias", events=["model_version.linked"], settings={"alias": "cand"})
    link(registry, model_file)
    drain(registry)
    registry.log("p/a", model_file("other"))
    registry.link("p/a", MODEL)
    registry.set_alias(f"{MODEL}:v0", "cand")
    fired = registry.deliveries()
    registry.set_alias(f"{MODEL}:v1", "cand")
    for delivery in fired:
        registry.retry(delivery.id, sent=True)
    drain(registry)
    assert registry.resolve(f"{MODEL}:cand").number == 1


def test_a_promotion_is_repeated_harmlessly(with_actions, model_file) -> None:
    """An attempt whose answer was lost finds what it did, and does not take the stage back from a later holder."""
    registry = with_actions()
    registry.automate("a", "podium.promote", events=["model_version.linked"], settings={"to": "staging"})
    link(registry, model_file)
    drain(registry)
    registry.stop_automation("a")
    link(registry, model_file, "b")
    registry.promote(f"{MODEL}:v1", "staging")
    with registry._database.write() as connection:
        connection.exec_driver_sql("update deliveries set status = 'pending', next_at = '2020-01-01 00:00:00'")
    drain(registry)
    assert registry.model(MODEL).aliases["staging"] == 1
    assert [move.after for move in registry.history(MODEL, "staging")] == [0, 1]


@pytest.mark.parametrize(
    ("action", "settings", "alias"),
    [("podium.promote", {"to": "staging"}, "staging"), ("podium.set_alias", {"alias": "newest"}, "newest")],
)
def test_a_late_attempt_undoes_nothing(with_actions, model_file, action, settings, alias) -> None:
    """What waited for long leaves alone what the same automation did for a later event."""
    registry = with_actions()
    registry.automate("a", action, events=["model_version.linked"], settings=settings)
    registry.host.action(action).__dict__["run"] = None  # the first attempt fails
    link(registry, model_file)
    registry.close()
    del registry.host.action(action).__dict__["run"]
    link(registry, model_file, "b")
    registry.close()
    assert registry.model(MODEL).aliases[alias] == 1
    soon(registry)
    drain(registry)
    assert registry.model(MODEL).aliases[alias] == 1
    assert "later event" in registry.events(MODEL)[-1].after["receipt"]


def test_a_refused_promotion_is_a_failure_that_is_not_repeated(with_actions, model_file) -> None:
    """Gates count for automations too: their reasons are in the event, and there is one refusal."""
    registry = with_actions()
    registry.set_policy("model-registry", {"stages": [{"name": "staging", "checks": ["tested"]}]})
    registry.automate("a", "podium.promote", events=["model_version.linked"], settings={"to": "staging"})
    ref = link(registry, model_file)
    drain(registry)
    kinds = [event.type for event in registry.events(MODEL)]
    assert kinds.count("model_version.promotion_refused") == 1
    assert "tested" in registry.events(MODEL)[-1].after["error"]
    with pytest.raises(PromotionRefusedError):
        registry.promote(ref, "staging")


def test_a_promotion_that_waits_says_for_what(with_actions, model_file) -> None:
    """Approvals are asked of people, and the automation is the one who asked."""
    registry = with_actions()
    policy = {"stages": [{"name": "staging", "approvals": {"count": 1}}]}
    registry.set_policy("model-registry", policy)
    registry.automate("a", "podium.promote", events=["model_version.linked"], settings={"to": "staging"})
    link(registry, model_file)
    drain(registry)
    (request,) = registry.list_requests(MODEL)
    assert (request.actor, request.origin.details["automations"]) == ("automation a", ["a"])
    assert request.id in registry.events(MODEL)[-1].after["receipt"]
    registry.reject(request.id, "not this one", on_behalf_of="eve")
    (fired,) = registry.deliveries("sent")
    registry.retry(fired.id, sent=True)
    drain(registry)
    assert "was rejected for staging" in registry.events(MODEL)[-1].after["receipt"]
    assert "staging" not in registry.model(MODEL).aliases


def test_only_what_fits_fires_it(with_actions, model_file) -> None:
    """Type, model and filter choose; a disabled automation rests until it is enabled."""
    act = Act()
    registry = with_actions(act)
    registry.automate("a", "act", events=["model_version.*"], model="model-registry/M*", filter="after.number > 0")
    link(registry, model_file)
    registry.link("p/a", "model-registry/Other")
    registry.disable_automation("a")
    link(registry, model_file, "b")
    registry.enable_automation("a")
    ref = link(registry, model_file, "c")
    drain(registry)
    assert [call.event.subject for call in act.calls] == [ref]


def test_what_takes_long_is_left_to_a_worker(with_actions, model_file) -> None:
    """It is not run in the process of the change, uses up no attempt there, and gets its time from `deliver`."""
    act = Act(seconds=120.0)
    registry = with_actions(act)
    registry.automate("slow", "act", events=["model_version.linked"])
    link(registry, model_file)
    registry.close()
    assert (act.calls, [item.attempts for item in registry.deliveries()]) == ([], [0])
    assert registry.deliver().sent == 1
    assert act.calls[0].seconds > 100


def test_an_action_that_is_not_installed_here_is_left(with_actions, model_file) -> None:
    """A process without the plugin uses up no attempt; one that has it does it."""
    act = Act()
    having = with_actions(act)
    having.automate("a", "act", events=["model_version.linked"])
    lacking = with_actions()
    link(lacking, model_file)
    drain(lacking)
    assert [(item.status, item.attempts) for item in having.deliveries()] == [("pending", 0)]
    drain(having)
    assert len(act.calls) == 1


def test_a_hanging_action_holds_up_nobody(with_actions, model_file, monkeypatch) -> None:
    """The change is done in the time that messages may take; the attempt counts as failed."""
    monkeypatch.setattr("podium.registry.base._DELIVERY_SECONDS", 1.2)
    registry = with_actions(Act(do=lambda call, settings: time.sleep(30)))
    registry.automate("a", "act", events=["model_version.linked"])
    registry.log("p/a", model_file("a"))
    began = time.monotonic()
    registry.link("p/a", MODEL)
    assert time.monotonic() - began < 8
    while (error := registry.deliveries()[0].error) is None:
        assert time.monotonic() - began < 20
        time.sleep(0.1)
    assert error.startswith("gave no answer within")


def test_secrets_are_references_and_never_shown(with_actions, model_file, monkeypatch) -> None:
    """The action gets the secret; settings, receipts and errors on record have none of it."""
    monkeypatch.setenv("TOKEN", "t0p-s3cret")
    act = Act(do=lambda call, settings: f"used {settings['token']}")
    registry = with_actions(act)
    with pytest.raises(InvalidValueError, match="never stored"):
        registry.automate("a", "act", events=["model_version.linked"], settings={"token": "t0p-s3cret"})
    registry.automate("a", "act", events=["model_version.linked"], settings={"token": "env:TOKEN"})
    link(registry, model_file)
    drain(registry)
    assert act.settings[0]["token"] == "t0p-s3cret"
    assert registry.events(MODEL)[-1].after["receipt"] == "used ***"


def test_trying_one_shows_what_it_would_do(with_actions, model_file) -> None:
    """The newest event that fires it fills in the settings; nothing is run or written."""
    act = Act()
    registry = with_actions(act)
    registry.automate("a", "act", events=["model_version.linked"], settings={"text": "{{ ref }}"}, enabled=False)
    ref = link(registry, model_file)
    registry.tag(ref, "x")
    before = registry.count_events()
    tried = registry.test_automation("a")
    assert (tried.subject, tried.settings, tried.ran, tried.fires) == (ref, {"text": ref}, False, False)
    assert tried.why_not == "It is disabled."
    assert (act.calls, registry.count_events()) == ([], before)


def test_trying_one_for_real(with_actions, model_file) -> None:
    """It is run once at once, and that is an event, which says who asked."""
    act = Act(do=lambda call, settings: "run 7")
    registry = with_actions(act)
    link(registry, model_file)
    registry.automate("a", "act", events=["model_version.linked"])
    tried = registry.test_automation("a", run=True)
    assert (tried.ran, tried.receipt, len(act.calls)) == (True, "run 7", 1)
    assert registry.events(MODEL)[-1].after["asked_by"] == "ann"


def test_trying_one_with_nothing_to_try(with_actions) -> None:
    """Without an event, an action or an automation there is an error that says what to do."""
    registry = with_actions()
    registry.automate("a", "podium.promote", events=["model_version.linked"], settings={"to": "staging"})
    with pytest.raises(NotFoundError, match="Nothing has happened lately"):
        registry.test_automation("a")
    with pytest.raises(NotFoundError, match="no event"):
        registry.test_automation("a", "nonsense")
    with pytest.raises(NotFoundError, match="no automation 'b'"):
        registry.test_automation("b")
    with pytest.raises(PluginError, match="no action 'other'"):
        registry.automate("b", "other", events=["model_version.linked"])


def test_observers_are_told_of_firings(with_actions, model_file, open_at, database_url) -> None:
    """A firing is an event like any other for the plugins of the process that made it."""
    from podium.plugins import hookimpl

    seen: list[str] = []

    class Observer:
        @hookimpl
        def podium_on_event(self, event) -> None:
            seen.append(event.type)

    host = host_of(Act())
    host.register(Observer(), "observer")
    registry = open_at(database_url, host=host)
    registry.automate("a", "act", events=["model_version.linked"])
    link(registry, model_file)
    drain(registry)
    assert "automation.fired" in seen
