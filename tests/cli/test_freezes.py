"""``podium freeze``, ``unfreeze`` and ``role``."""

from __future__ import annotations

import pytest

NASTY = "[red]x[/red] \x1b[31m \u202eevil \x07"


def test_a_freeze_refuses_until_it_ends(run, ok, model):
    """It is said with its end and the command that ends it; the reason reaches whoever is refused."""
    said = ok("freeze", model, "--stage", "production", "--reason", "Audit", "--until", "3d")
    assert "is frozen until" in said
    assert f"podium unfreeze '{model}' --stage production" in said
    assert "Audit" in run("promote", f"{model}:v0", "--to", "production").stderr
    assert "is open again" in ok("unfreeze", model, "--stage", "production", "--reason", "passed")
    assert "nothing changed" in ok("unfreeze", model, "--stage", "production")
    assert "is production now" in ok("promote", f"{model}:v0", "--to", "production")


def test_a_rollback_goes_through_a_freeze_with_a_reason(run, ok, model):
    """Without one it says what is missing."""
    for version in ("v0", "v1"):
        ok("promote", f"{model}:{version}", "--to", "production")
    ok("freeze", "--reason", "Holidays", "model-registry")
    assert "--reason" in run("rollback", model).stderr
    assert "v0 is production now" in ok("rollback", model, "--reason", "slow")


def test_ls_shows_what_is_in_force(ok, answer, model):
    """A model is under the freezes of its registry, too; --all shows ended ones."""
    ok("freeze", model, "--stage", "staging", "--reason", NASTY)
    ok("freeze", "add", "model-registry", "--reason", "Holidays", "--until", "2999-01-01")
    text = ok("freeze", "ls", model)
    assert max(map(len, text.splitlines())) <= 80
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    ok("unfreeze", model, "--stage", "staging")
    assert [item["reason"] for item in answer("freeze", "ls")] == ["Holidays"]
    assert [item["reason"] for item in answer("freeze", "ls", "--all")] == [NASTY, "Holidays"]
    assert "in force" in ok("freeze", "ls", "--all")


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("2999-01-01", "2999-01-02T00:00:00.000000Z"),
        ("2999-01-01T00:00", "2999-01-01T00:00:00.000000Z"),
        ("2999-01-01T18:00+02:00", "2999-01-01T16:00:00.000000Z"),
        ("9999-12-31", None),
        ("9999-12-31T23:59-05:00", None),
        ("999999w", None),
    ],
)
def test_a_date_belongs_to_the_freeze(answer, model, until, end):
    """As in the window of a policy; a time is the end itself, and the end of all times is for ever."""
    assert answer("freeze", model, "--reason", "Holidays", "--until", until)["until"] == end


def test_ls_of_nothing(ok, model):
    """It says so."""
    assert (ok("freeze", "ls"), ok("freeze", "ls", "--all")) == ("Nothing is frozen\n", "Nothing was ever frozen\n")


@pytest.mark.parametrize(
    ("code", "args", "words"),
    [
        (2, ("freeze", "{model}"), "A freeze needs a reason"),
        (2, ("freeze", "{model}", "--reason", "x", "--until", "tomorrow"), "how long it lasts"),
        (2, ("freeze", "{model}", "--reason", "x", "--until", "2020-01-01"), "is over already"),
        (2, ("freeze", "{model}:v0", "--reason", "x"), "names one version"),
        (3, ("freeze", "{model}", "--stage", "prodution", "--reason", "x"), "Did you mean 'production'"),
        (3, ("freeze", "nowhere", "--reason", "x"), "nowhere"),
        (2, ("freeze", "model-registry/D*", "--reason", "x"), "model-registry/D*"),
        (3, ("unfreeze", "{model}"), "is not frozen"),
        (2, ("role", "grant", "model-registry", "bob", "no role"), "role"),
        (2, ("role", "grant", "model-registry", " ", "lead"), "name"),
        (3, ("role", "grant", "nowhere", "bob", "lead"), "nowhere"),
    ],
)
def test_mistakes(code, args, words, run, model):
    """Each mistake is one line that says what is wrong."""
    result = run(*(part.format(model=model) for part in args))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (code, "", 1)
    assert words in result.stderr


def test_without_arguments_there_is_help(run):
    """``podium freeze`` says how it is used."""
    result = run("freeze")
    assert (result.exit_code, "freeze TARGET" in result.stderr) == (2, True)


def test_roles(run, ok, answer, model):
    """Granted, listed and revoked; the first admin closes the registry, and the last one stays."""
    assert "everybody may do everything" in ok("role", "ls")
    ok("role", "grant", "model-registry", "bob", "lead")
    assert "already" in ok("role", "grant", "model-registry", "BOB", "lead")
    assert "is closed from now on" in ok("role", "grant", "model-registry", "ann", "admin")
    assert [(item["person"], item["role"]) for item in answer("role", "ls")] == [("ann", "admin"), ("bob", "lead")]
    assert run("role", "revoke", "model-registry", "ann", "admin").exit_code == 2
    for args in (("freeze", model, "--reason", "x"), ("role", "revoke", "model-registry", "bob", "lead")):
        assert run(*args, "--actor", "eve").exit_code == 1
    assert "not lead of model-registry any more" in ok("role", "revoke", "model-registry", "bob", "lead")
    assert "nothing changed" in ok("role", "revoke", "model-registry", "bob", "lead")
