"""``podium notify``, ``deliver`` and ``deliveries``: files, test messages, the log of attempts, a worker that stays."""

from __future__ import annotations

import json
import re
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from podium.domain.notification_schema import schema_text
from podium.errors import DatabaseUnavailableError
from podium.plugins import Channel, PluginHost, hookimpl
from podium.registry import Registry, open_registry

TEXT = """\
subscriptions:
  - {name: me, channel: console, events: ["model_version.*"], digest: 1h}
  - name: you
    channel: console
    filter: actor != 'ci'
    template: {title: "{{ model }} \\U0001F680"}
"""


@pytest.fixture
def file() -> Path:
    """A file of notifications in the working folder."""
    path = Path("notifications.yaml")
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_file_from_check_to_diff(ok, file) -> None:
    """Checked, tried, put in force, and then there is no difference."""
    assert ok("notify", "check", file) == "notifications.yaml: ok, 2 subscriptions\n"
    wanted = "+ subscription me\n+ subscription you\n"
    assert ok("notify", "apply", file, "--dry-run") == wanted + "Nothing was changed yet\n"
    assert "+- name: me" in ok("notify", "diff", file)
    assert ok("notify", "apply", file) == wanted
    assert ok("notify", "apply", file) == "Nothing changed\n"
    assert ok("notify", "diff", file, "--prune") == "No difference\n"


def test_a_difference_is_what_changes(ok) -> None:
    """The order of settings says nothing, so what only stands in another order is no line of the difference."""
    text = """\
automations:
  - name: deploy
    action: webhook
    events: [alias.set]
    settings: {url: https://example.com, payload: {b: 1, a: [{d: 1, c: 2}]}}
    filter: actor != 'ci'
"""
    Path("a.yaml").write_text(text, encoding="utf-8")
    ok("notify", "apply", "a.yaml")
    Path("b.yaml").write_text(text.replace("'ci'", "'me'"), encoding="utf-8")
    changes = [line for line in ok("notify", "diff", "b.yaml").splitlines() if line[:1] in "+-"]
    assert changes[2:] == ["-  filter: actor != 'ci'", "+  filter: actor != 'me'"]


def test_a_pipeline_sees_a_difference(run, file) -> None:
    """``diff --exit-code`` ends with 1 where the registry is not as the file says."""
    assert [run("notify", "diff", file, *more).exit_code for more in ([], ["--exit-code"])] == [0, 1]
    run("notify", "apply", file)
    assert run("notify", "diff", file, "--exit-code").exit_code == 0


def test_what_is_in_force_as_a_file(ok, file) -> None:
    """``show --yaml`` prints what ``apply`` takes, letters that are no ASCII included."""
    ok("notify", "apply", file)
    Path("again.yaml").write_text(ok("notify", "show", "--yaml"), encoding="utf-8")
    assert ok("notify", "apply", "again.yaml", "--prune") == "Nothing changed\n"
    assert "name: you" in ok("notify", "show", "you", "--yaml")


def test_prune_says_what_goes(ok, answer, file) -> None:
    """With --prune what the file does not name is removed, and that is said; JSON says it too."""
    ok("notify", "add", "old", "--channel", "console")
    assert "- subscription old" in ok("notify", "apply", file, "--prune", "--dry-run")
    found = answer("notify", "apply", file, "--prune")
    assert {(change["name"], change["what"]) for change in found["changes"]} == {
        ("me", "added"),
        ("you", "added"),
        ("old", "removed"),
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("digest: 1h", "digst: 1h", "Did you mean 'digest'?"),
        ("actor !=", "actr !=", "There is no field 'actr'"),
        ("{{ model }}", "{{ model", "The title of the template"),
        ("channel: console, events", "channel: console, settings: {x: y}, events", "has no setting 'x'"),
    ],
)
def test_a_file_with_a_mistake(run, file, old, new, words) -> None:
    """Exit code 2, and what is wrong; nothing is put in force."""
    file.write_text(TEXT.replace(old, new), encoding="utf-8")
    for command in ("check", "apply"):
        result = run("notify", command, file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr
    assert "Nobody is told yet" in run("notify", "ls").stdout


def test_the_place_of_a_mistake_is_shown(run, file) -> None:
    """The line stands there with a caret below the column."""
    file.write_text(TEXT.replace("name: you", "nmae: you"), encoding="utf-8")
    shown = run("notify", "check", file).stderr.splitlines()
    assert shown[0].startswith("podium: notifications.yaml, line 3, column 5: subscriptions[1].nmae: There is no key")
    assert shown[1:] == ["    3 |   - nmae: ...", "      |     ^"]


def test_all_mistakes_are_told_at_once(run, file) -> None:
    """Each with its line: nobody mends a file one mistake at a time. What is spelled wrong is not missing too."""
    file.write_text(TEXT.replace("name: you", "nmae: you").replace("digest: 1h", "digest: 1"), encoding="utf-8")
    shown = [line for line in run("notify", "check", file).stderr.splitlines() if line.startswith("podium: ")]
    assert [line.split(", column")[0] for line in shown] == [f"podium: notifications.yaml, line {n}" for n in (2, 3)]
    file.write_text(TEXT.replace("console", "console, settings: {x: y}", 1).replace("actor", "actr"), encoding="utf-8")
    first = json.loads(run("notify", "check", file, "--json").stdout)[0]["error"]
    places = [(error["facts"]["line"], error["facts"]["path"]) for error in (first, *first["facts"]["others"])]
    assert places == [(2, ["subscriptions", 0, "settings"]), (5, ["subscriptions", 1, "filter"])]


@pytest.mark.parametrize("flow", [True, False], ids=["flow", "block"])
def test_a_secret_in_a_file_is_not_shown(run, file, flow) -> None:
    """The line where it stands is told by its number: what CI prints, many read."""
    settings = "{url: 'https://x.example', secret: hunter2-hunter2}"
    block = "\n      url: https://x.example\n      secret: hunter2-hunter2"
    one = f"subscriptions:\n  - name: s\n    channel: console\n    settings: {settings if flow else block}\n"
    line = f"subscriptions: [{{nmae: s, channel: console, settings: {settings}}}]\n"
    high = "subscriptions:\n  - name: s\n    channel: console\n    secret: hunter2-hunter2\n"
    for text in (one, one.replace("name: s", "nmae: s"), one.replace("settings", "setings"), line, high):
        file.write_text(text, encoding="utf-8")
        for command in (("notify", "check", file), ("notify", "check", file, "--json"), ("notify", "apply", file)):
            result = run(*command)
            assert result.exit_code == 2
            assert "hunter2" not in result.stdout + result.stderr


def test_a_setting_given_twice_is_a_slip(run) -> None:
    """Neither of the two is taken."""
    twice = ("--setting", "a=1", "--setting", "a=2")
    for made in (("notify", "add", "me", "--channel", "console"), ("automation", "add", "me", "--action", "webhook")):
        result = run(*made, "--event", "alias.set", *twice)
        assert (result.exit_code, "'a' is given twice" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("notify rm", "remove"), ("automation delete", "remove"), ("deliveries replay", "retry"), ("list", "ls")],
)
def test_what_other_tools_call_it(run, given, meant) -> None:
    """Somebody with the habits of another tool is led to the word of this one."""
    result = run(*given.split())
    assert (result.exit_code, f"Did you mean {meant!r}?" in result.stderr) == (2, True)


def test_a_channel_that_is_not_installed_is_not_checked(ok, run, file) -> None:
    """``check`` needs no plugin and says what it could not look at; ``apply`` needs it."""
    file.write_text(TEXT.replace("console", "slack"), encoding="utf-8")
    assert "the channel slack is not here: its settings were not checked. " in ok("notify", "check", file)
    assert run("notify", "apply", file).exit_code == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("notify add me --channel Console", "There is no channel 'Console' here. Did you mean 'console'?"),
        ("notify add me --channel slack", "is installed, but not in use: not named in PODIUM_PLUGINS_ALLOW"),
        ("automation add me --action podium.promot --event alias.set", "Did you mean 'podium.promote'?"),
    ],
)
def test_a_channel_or_action_that_is_not_here(run, command, words) -> None:
    """What was meant, or why it is not in use, is said first."""
    result = run(*command.split())
    assert (result.exit_code, words in " ".join(result.stderr.split())) == (2, True)


def test_the_schema(ok) -> None:
    """``notify schema`` prints what editors complete by."""
    assert ok("notify", "schema") == schema_text()


def test_every_option_of_add(answer) -> None:
    """What is given stands in the subscription."""
    made = answer(
        *("notify", "add", "me", "--channel", "console", "--event", "alias.*", "--model", "model-registry/churn-*"),
        *("--filter", "actor != 'ci'", "--digest", "1d", "--deduplicate", "10m"),
        *("--template-title", "{{ model }}", "--template-lines", "by {{ actor }}"),
    )
    assert {key: made[key] for key in ("model", "filter", "digest", "deduplicate", "template")} == {
        "model": "model-registry/churn-*",
        "filter": "actor != 'ci'",
        "digest": "1d",
        "deduplicate": "10m",
        "template": {"title": "{{ model }}", "lines": "by {{ actor }}"},
    }


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("Digits classifier", "Did you mean 'model-registry/Digits classifier'?"),
        ("*classifier", "Did you mean 'model-registry/*classifier'?"),
        ("model-registry/churn-*", "Nothing is called 'model-registry/churn-*' yet."),
        ("no-such/x", "Nothing is called 'no-such/x' yet."),
        ("digits/mlp", None),
        ("model-registry", None),
        ("model-reg*", None),
        ("*/digits c*", None),
    ],
)
def test_a_model_that_is_not_there_yet(run, model, place, words) -> None:
    """It is taken, because models come later, and said, because it may be a slip; JSON stays JSON."""
    Path("places.yaml").write_text(
        json.dumps({"subscriptions": [{"name": "filed", "channel": "console", "model": place}]}), encoding="utf-8"
    )
    told = [
        run("notify", "add", "me", "--channel", "console", "--model", place, "--json"),
        run(
            *("automation", "add", "job", "--action", "podium.promote", "--event", "tag.added", "--model", place),
            *("--setting", "to=staging", "--json"),
        ),
        run("notify", "apply", "places.yaml", "--dry-run", "--json"),
        run("notify", "apply", "places.yaml", "--json"),
    ]
    for result in told:
        assert result.exit_code == 0
        assert json.loads(result.stdout)
        assert (words in result.stderr) if words is not None else (result.stderr == "")
    assert run("notify", "apply", "places.yaml").stderr == ""  # nothing changes, and it was said before


@pytest.mark.parametrize(
    "options",
    [
        ("--template-lines", "x"),
        ("--template-title", "{{"),
        ("--template-title", "{{ modle }}"),
        ("--digest", "hourly"),
        ("--filter", "nothing = 1"),
        ("--model", "a/b/c"),
    ],
)
def test_options_that_make_no_sense(run, options) -> None:
    """Exit code 2 with a hint, and nothing is stored."""
    result = run("notify", "add", "me", "--channel", "console", *options)
    assert result.exit_code == 2
    assert "Nobody is told yet" in run("notify", "ls").stdout


def test_where_messages_go_is_readable_in_80_columns(ok) -> None:
    """However many events there are, the list says where they go; ``show`` and JSON have all of them."""

    class Room(Channel):
        name = "room"
        required = ("channel", "token")
        secrets = frozenset({"token"})

        def send(self, message, settings) -> str:
            return "ok"

    host = PluginHost(discover=False)
    host.register(SimpleNamespace(podium_channels=hookimpl(lambda: [Room()])), "room")
    registry = open_registry(host=host)
    settings = {"channel": "#ml-models-production", "token": "env:SLACK_BOT_TOKEN"}
    registry.subscribe("team", "room", settings=settings)
    events = ["model_version.promotion_requested", "model_version.promotion_rejected", "stage.frozen", "tag.*"]
    registry.subscribe(
        "more", "room", settings=settings, events=events, model="model-registry/churn-*", filter="after.number > 1"
    )
    registry.close()
    shown = ok("notify", "ls")
    assert shown.count("channel=#ml-models-production,") == shown.count("token=env:SLACK_BOT_TOKEN") == 2
    words = " ".join(shown.split())
    assert "default events" in words
    for part in (*events[:2], "+2", "model-registry/churn-*", "after.number > 1"):
        assert part in words
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert ", ".join(events) in " ".join(ok("notify", "show", "more").split())


def test_a_test_message(run, ok, answer) -> None:
    """The message goes out at once and says what it is; the receipt is told."""
    ok("notify", "add", "me", "--channel", "console")
    result = run("notify", "test", "me", "--event", "model_version.promotion_refused")
    assert result.exit_code == 0
    assert "console accepted 'TEST: model-registry/Example model v2 was refused for production'" in result.stdout
    assert "This is a test of the subscription 'me'; nothing happened." in result.stderr
    assert answer("notify", "test", "me")["sent"] is True
    assert run("notify", "test", "nobody").exit_code == 3


def test_a_test_message_that_is_not_accepted(run, ok, monkeypatch) -> None:
    """Exit code 1, with what went wrong."""
    ok("notify", "add", "me", "--channel", "console")
    monkeypatch.setattr("podium.plugins.console.ConsoleChannel.send", lambda *_: 1 / 0)
    result = run("notify", "test", "me")
    assert result.exit_code == 1
    assert "console did not accept it: ZeroDivisionError" in result.stderr


@pytest.fixture
def failed(ok, model, monkeypatch) -> str:
    """The id of a delivery that failed once."""
    ok("notify", "add", "me", "--channel", "console", "--event", "alias.set")
    with monkeypatch.context() as patch:
        patch.setattr("podium.plugins.console.ConsoleChannel.send", lambda *_: 1 / 0)
        ok("alias", "set", f"{model}:v0", "best")
    return json.loads(ok("deliveries", "ls", "--json"))[0]["id"]


def test_the_list_says_when(ok, failed) -> None:
    """The time of the change stands below the status, and that of the next attempt below both."""
    first = [line[:17].strip() for line in ok("deliveries", "ls").splitlines()[1:4]]
    assert first[0] == "pending"
    assert re.fullmatch(r"[A-Z][a-z]{2} \d\d \d\d:\d\d", first[1])
    assert re.fullmatch(r"next [A-Z][a-z]{2} \d\d \d\d:\d\d", first[2])


def test_deliveries_of_what_there_is_not(ok, run, failed) -> None:
    """A type of event or a name that is nearly right is led to what was meant; one that merely has none is not."""
    for command in ("ls", "retry"):
        result = run("deliveries", command, "--event", "alias.sett")
        assert (result.exit_code, "Did you mean 'alias.set'?" in result.stderr) == (2, True)
    unknown = "no subscription or automation is called 'mee'. Did you mean 'me'?\n"
    assert ok("deliveries", "ls", "--subscription", "mee") == f"There is no delivery that fits: {unknown}"
    assert ok("deliveries", "retry", "--subscription", "mee") == f"Nothing fits: {unknown}"
    assert ok("deliveries", "ls", "--subscription", "me", "--event", "tag.*") == "There is no delivery that fits\n"


def test_a_delivery_with_its_attempts(ok, failed) -> None:
    """``show`` tells what it is about, how it stands, and what came of each attempt."""
    shown = ok("deliveries", "show", failed[:30])
    assert failed in shown
    assert "alias.set of" in shown
    assert json.loads(ok("deliveries", "ls", "--json"))[0]["event"] in shown
    assert "ZeroDivisionError" in shown
    assert "Next try" in shown
    ok("deliveries", "retry", failed)
    assert ok("deliver") == "1 sent\n"
    assert "receipt: printed" in ok("deliveries", "show", failed)


def test_filters_and_pages(ok, failed, answer) -> None:
    """Deliveries are narrowed and paged; what fits nothing is said."""
    assert len(answer("deliveries", "ls", "--subscription", "me", "--channel", "console", "--event", "alias.*")) == 1
    assert answer("deliveries", "ls", "--model", "elsewhere/*") == []
    assert ok("deliveries", "ls", "--late") == "There is no delivery that is late\n"
    assert ok("deliveries", "ls", "--since", "2999-01-01") == "There is no delivery that fits\n"
    assert f"--after {failed}" in ok("deliveries", "ls", "--limit", "1")
    assert answer("deliveries", "ls", "--after", failed) == []


def test_sending_again(ok, run, failed) -> None:
    """By filter, and of what was sent only with --sent; all that ever was sent needs a filter."""
    ok("deliveries", "retry", failed)
    ok("deliver")
    assert ok("deliveries", "retry", "--subscription", "me") == "Nothing fits\n"
    assert run("deliveries", "retry", failed).exit_code == 3
    assert run("deliveries", "retry", "--sent").exit_code == 2
    assert ok("deliveries", "retry", "--subscription", "me", "--sent") == "1 due now; send with: podium deliver\n"


def test_a_worker_that_stays_waits_for_the_database(ok, run, failed, monkeypatch) -> None:
    """A database that goes away is said once, and what is due is delivered when it is back."""
    ok("deliveries", "retry", failed)
    deliver, calls = Registry.deliver, iter(range(100))

    def away(self: Registry, *given: object, **named: object) -> object:
        if next(calls) in (1, 2):
            raise DatabaseUnavailableError("The database is away.")
        return deliver(self, *given, **named)

    monkeypatch.setattr(Registry, "deliver", away)
    monkeypatch.setattr("podium.cli.deliveries._INTERVAL", 0.05)
    result = run("deliver", "--watch", "--seconds", "2")
    assert result.exit_code == 0
    assert result.stdout == "1 sent\n"
    assert result.stderr.count("The database is away. Trying again") == 1
    assert result.stderr.count("The database answers again.") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_that_stays(run, model, number) -> None:
    """It ends with 0, and signals mean again what they meant."""
    before = signal.getsignal(number)
    threading.Timer(1.0, signal.raise_signal, (number,)).start()
    result = run("deliver", "--watch")
    assert (result.exit_code, result.stdout) == (0, "")
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("options", [("--interval", "5s"), ("--watch", "--interval", "0s"), ("--seconds", "0")])
def test_a_worker_that_makes_no_sense(run, options) -> None:
    """Options that do not go together are a usage error."""
    assert run("deliver", *options).exit_code == 2
