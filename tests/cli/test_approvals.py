"""Promotions that wait for people, on the command line: who may do what about them, and which one is meant."""

from __future__ import annotations

import pytest

TWO = {
    "stages": [
        {"name": "staging", "approvals": {"count": 1}},
        {"name": "production", "approvals": {"count": 2, "roles": ["lead", "risk"], "expires": "3d"}},
    ]
}


@pytest.fixture
def asked(run, ok, model, answer):
    """The id of a request for production: it needs two of bob, a lead, and of cy, who looks at risks."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, TWO)
    registry.close()
    ok("role", "grant", "model-registry", "bob", "lead")
    ok("role", "grant", "model-registry", "cy", "risk")
    assert run("promote", f"{model}:v0", "--to", "production", "--reason", "for May").exit_code == 6
    return answer("requests", "ls")[0]["id"]


def test_a_request_says_who_may_approve_and_how(ok, run, asked, model):
    """Whoever asks again gets the same request, with what is missing, by whom, until when, and the command for it."""
    result = run("promote", f"{model}:v0", "--to", "production")
    assert result.exit_code == 6
    assert f"{model}:v0 waits to become production; nothing moved yet" in result.stdout
    assert "It needs 2 approvals of lead or risk; nobody approved yet." in " ".join(result.stdout.split())
    assert "bob (lead), cy (risk); not who asked" in " ".join(result.stdout.split())
    assert f"podium approve {asked}\n" in result.stdout


def test_a_role_that_nobody_has_is_said(run, ok, model, asked):
    """Where nobody can approve, the command that changes that is named."""
    ok("role", "revoke", "model-registry", "bob", "lead")
    ok("role", "revoke", "model-registry", "cy", "risk")
    text = " ".join(ok("requests", "show", asked).split())
    assert "nobody has the role lead or risk; podium role grant model-registry PERSON lead" in text


def test_two_people_approve(ok, asked, model):
    """The first approval waits with exit code 0, the last one moves the stage and shows every gate."""
    assert "still waits" in ok("approve", asked, "--actor", "bob", "--comment", "fine")
    assert "You approved it already" in ok("approve", asked, "--actor", "BOB")
    done = ok("approve", f"{model}:v0", "--actor", "cy")
    assert done.startswith(f"{model}:v0 is production now\n")
    assert "Approved by bob and cy" in done
    assert ok("requests", "ls") == "Nothing waits for approvals\n"


@pytest.mark.parametrize(
    ("code", "args", "words"),
    [
        (1, ("approve", "{id}", "--actor", "ann"), "ann asked for this promotion"),
        (1, ("approve", "{id}", "--actor", "dan"), "does not have the role lead or risk"),
        (1, ("approve", "{id}", "--on-behalf-of", "ANN"), "asked for this promotion"),
        (2, ("reject", "{id}", "--actor", "bob"), "A rejection needs a comment"),
        (2, ("withdraw", "{id}", "--actor", "dan"), "neither asked"),
        (2, ("approve", "{id}", "--stage", "production"), "--stage goes with a version"),
        (3, ("approve", "00000000-0000-0000-0000-000000000000"), "podium requests ls"),
        (3, ("approve", "zz"), "There is no promotion request 'zz'"),
        (3, ("approve", "{model}:v1"), "These wait: v0 for 'production'"),
        (3, ("approve", "{model}:v0", "--stage", "prod"), "There is no stage 'prod'"),
        (3, ("requests", "show", "{model}:v1"), "Nobody tried to give a stage"),
        (3, ("requests", "ls", "model-registry/None"), "None"),
        (2, ("requests", "ls", "--all", "--status", "refused"), "not both"),
    ],
)
def test_mistakes(code, args, words, run, asked, model):
    """Each mistake is one line that says what is wrong, and the request stays as it was."""
    result = run(*(part.format(id=asked, model=model) for part in args))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (code, "", 1)
    assert words in result.stderr


def test_the_beginning_of_an_id_is_enough(run, ok, asked, model):
    """As much of it as a list shows; where too little is given, those are listed that might be meant."""
    run("promote", f"{model}:v1", "--to", "production")
    both = run("requests", "show", asked[:6])
    assert (both.exit_code, asked in both.stderr) == (2, True)
    assert "is too short to name a request" in both.stderr
    short = ok("requests", "ls").split()[0]
    assert asked.startswith(short)
    assert asked in ok("requests", "show", short)


def test_a_version_that_is_asked_for_two_stages_needs_the_stage(run, ok, asked, model):
    """Without --stage the stages are named, with it the right one is meant."""
    run("promote", f"{model}:v0", "--to", "staging")
    result = run("approve", f"{model}:v0", "--actor", "bob")
    assert (result.exit_code, "production, staging" in result.stderr) == (2, True)
    assert "is staging now" in ok("approve", f"{model}:v0", "--stage", "staging", "--actor", "bob")


def test_reject_and_withdraw_end_a_request(run, ok, asked, model):
    """Both say so, are on the list of all attempts, and nobody can approve afterwards."""
    assert "is rejected. Rejected by bob: no" in ok("reject", asked, "--actor", "bob", "--comment", "no")
    run("promote", f"{model}:v0", "--to", "production")
    assert "is cancelled. Withdrawn by ann" in ok("withdraw", f"{model}:v0")
    assert run("approve", asked, "--actor", "bob").exit_code == 4
    assert [line.split()[1] for line in ok("requests", "ls", model, "--all").splitlines() if line[0] != " "] == [
        "rejected",
        "cancelled",
    ]
    assert "Rejected by bob: no" in ok("requests", "ls", "--status", "rejected")


def test_an_approval_can_be_taken_back(ok, asked):
    """Then as many are missing as before."""
    ok("approve", asked, "--actor", "bob")
    assert "nobody approved yet" in ok("withdraw", asked, "--actor", "bob")


def test_a_process_that_tells_is_on_record_with_the_person(ok, answer, asked):
    """``--on-behalf-of`` names the person; the actor is the process."""
    made = answer("approve", asked, "--on-behalf-of", "bob", "--actor", "slack-bot")
    assert [(word["person"], word["actor"]) for word in made["approvals"]] == [("bob", "slack-bot")]
    assert "bob approved (told by slack-bot" in " ".join(ok("requests", "show", asked).split())


def test_a_refusal_by_the_last_approval_says_why(ok, run, asked, model):
    """A gate that fails meanwhile refuses with exit code 1, and each reason stands there."""
    ok("approve", asked, "--actor", "bob")
    ok("freeze", model, "--reason", "audit")
    result = run("approve", asked, "--actor", "cy")
    assert result.exit_code == 1
    assert "was refused for 'production'" in result.stderr
    assert "is frozen until somebody ends it (by ann): audit" in result.stderr
    assert "Passed: approvals lead+risk" in result.stderr


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])
def test_hostile_comments_do_no_harm(form, ok, run, asked, model):
    """No control character of a comment or reason reaches the output."""
    nasty = "[red]x[/red] \x1b[31m \u202eevil \x07\nnew line"
    shown = ok("approve", asked, "--actor", "bob", "--comment", nasty, *form)
    run("promote", f"{model}:v1", "--to", "staging", "--reason", nasty)
    for args in (("requests", "ls"), ("requests", "show", asked), ("history", model, "--explain")):
        shown += ok(*args, *form)
    assert [char for char in shown if not char.isprintable() and char != "\n"] == []
    assert max(map(len, shown.splitlines())) <= 80 or form


def test_completion_of_requests(process, ok, asked, model):
    """Versions that wait are offered, and ids once there are digits; stages are those of the version's policy."""
    for words, wanted in ((("approve", "model"), f"{model}:v0"), (("reject", asked[:4]), asked)):
        env = {"_PODIUM_COMPLETE": "fish_complete", "COMP_WORDS": f"podium {words[0]} ", "COMP_CWORD": words[1]}
        assert wanted in process(env=env).stdout


def _asked_at(registry, ref: str, millisecond: int, last: int):
    """Ask for production with an id of our choice: of this millisecond, with this at its end."""
    from uuid import UUID

    import podium.usecases.transitions as transitions

    made = UUID(int=(millisecond << 80) | (0x7 << 76) | (0b10 << 62) | last)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "new_id", lambda: made)
        return registry.promote(ref, "production").id


@pytest.mark.parametrize("length", [8, 11, 13])
def test_what_was_noted_of_a_decided_request_approves_no_other(run, model, length):
    """A beginning that another attempt has too, or that is too short for one moment, is refused with both versions."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, {"stages": [{"name": "production", "approvals": {"count": 1, "not_author": False}}]})
    first = _asked_at(registry, f"{model}:v0", 0x1A20F9D3ECF, 1)
    registry.reject(first, "no", on_behalf_of="cy")
    second = _asked_at(registry, f"{model}:v1", 0x1A20F9D3ECF, 2)
    result = run("approve", first[:length], "--actor", "bob")
    assert (result.exit_code, registry.list_requests()[0].id) == (2, second)
    assert f"{first} ({model}:v0 for 'production', rejected)" in result.stderr
    assert f"{second} ({model}:v1 for 'production', pending)" in result.stderr
    registry.close()


def test_the_time_of_an_id_names_its_request(ok, run, asked, model):
    """Twelve digits that no other attempt has are enough, with the dash and without; fewer are not."""
    assert model in ok("requests", "show", asked[:13])
    assert model in ok("requests", "show", asked[:13].replace("-", "").upper())
    result = run("approve", asked[:4], "--actor", "bob")
    assert (result.exit_code, f"'{asked[:4]}' is too short to name a request" in result.stderr) == (2, True)


def test_who_asked_is_not_named_among_those_who_may_approve(ok, run, model):
    """Nobody approves what they asked for, whatever role they have."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, {"stages": [{"name": "production", "approvals": {"roles": ["lead"]}}]})
    registry.grant_role("model-registry", "ann", "lead")
    said = run("promote", f"{model}:v0", "--to", "production", "--actor", "ANN").stdout
    assert "nobody yet: only who asked has the role lead" in " ".join(said.split())
    registry.grant_role("model-registry", "bob", "lead")
    registry.close()
    said = run("promote", f"{model}:v0", "--to", "production", "--actor", "ANN").stdout
    assert "May approve bob (lead); not who asked" in " ".join(said.split())
