"""``podium deliver`` and ``deliveries``: what waits for what, and how it is let go."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def line(ok, model, monkeypatch) -> list[str]:
    """The ids of three messages of a channel that wants order, of which the first fails."""
    ok("notify", "add", "me", "--channel", "console", "--event", "alias.set")
    monkeypatch.setattr("podium.plugins.console.ConsoleChannel.ordered", True)
    with monkeypatch.context() as patch:
        patch.setattr("podium.plugins.console.ConsoleChannel.send", lambda *_: 1 / 0)
        for alias in ("one", "two", "three"):
            ok("alias", "set", f"{model}:v0", alias)
    return sorted(item["id"] for item in json.loads(ok("deliveries", "ls", "--json")))


def test_what_waits_is_marked(ok, answer, line) -> None:
    """``ls`` names what each waits for, ``show`` says why, and ``deliver`` how many wait: not that nothing is due."""
    first, second, third = line
    listed = "".join(ok("deliveries", "ls").split())
    assert listed.count(f"waitsfor{first}") == 2
    shown = ok("deliveries", "show", second)
    assert "Next try" not in shown
    assert f"{first} (ZeroDivisionError" in shown
    assert "Waits for" not in ok("deliveries", "show", first)
    assert ok("deliver") == f"2 waiting for {first} (podium deliveries show)\n"
    assert answer("deliver")["waiting"] == {first: 2}
    assert answer("deliveries", "show", third)["delivery"]["waits_for"]["id"] == first


def test_what_waits_is_let_go(ok, line) -> None:
    """The first one is dropped with a reason, which ``show`` says; the others go out, and a retry brings it back."""
    first, *_ = line
    dropped = ok("deliveries", "drop", first, "--reason", "old token")
    assert dropped == "1 given up; to bring back: podium deliveries retry\n"
    assert "Given up by ann: old token" in ok("deliveries", "show", first)
    assert ok("deliver") == "2 sent\n"
    assert ok("deliveries", "retry", first) == "1 due now; send with: podium deliver\n"
    assert ok("deliver") == "1 sent\n"


def test_drop_of_what_does_not_fit(ok, run, line) -> None:
    """No id and no filter is refused; a filter that fits nothing says so, and leads to the name that was meant."""
    refused = run("deliveries", "drop")
    assert (refused.exit_code, "Everything that waits" in refused.stderr) == (2, True)
    assert "Did you mean 'me'?" in ok("deliveries", "drop", "--subscription", "mee")
    assert ok("deliveries", "drop", "--channel", "slack") == "Nothing fits\n"
    assert ok("deliveries", "drop", "--channel", "console").startswith("3 given up")


def test_a_worker_that_stays_says_once_that_something_waits(ok, line, monkeypatch) -> None:
    """Not at every look, which may be thousands."""
    monkeypatch.setattr("podium.cli.deliveries._INTERVAL", 0.05)
    monkeypatch.setattr("podium.plugins.console.ConsoleChannel.send", lambda *_: 1 / 0)
    said = ok("deliver", "--watch", "--seconds", "0.5")
    assert said.splitlines() == [f"2 waiting for {line[0]} (podium deliveries show)"]
