"""Tab completion: names from the registry, and never an error."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def complete(process):
    """Ask as a shell does, and return the values offered."""

    def complete(*words: str, shell: str = "fish", **env: str) -> list[str]:
        asked = {"_PODIUM_COMPLETE": f"{shell}_complete", **env}
        if shell == "fish":
            asked |= {"COMP_WORDS": " ".join(["podium", *words]), "COMP_CWORD": words[-1]}
        else:
            asked |= {"COMP_WORDS": "\n".join(["podium", *words]), "COMP_CWORD": str(len(words))}
        done = process(env=asked)
        assert done.stderr == ""
        return [line.partition(",")[2].partition("\t")[0] for line in done.stdout.splitlines() if line]

    return complete


def test_commands(complete):
    """Commands complete, with what they do."""
    assert complete("pro") == ["promote"]


def test_names(complete, model):
    """A reference completes to artifacts and models."""
    assert complete("show", "dig") == ["digits/mlp"]


def test_versions_and_aliases(complete, model):
    """After the colon stand aliases and versions."""
    assert complete("show", "digits/mlp:") == [f"digits/mlp:{name}" for name in ("latest", "candidate", "v1", "v0")]


def test_namespaces(complete, model):
    """``ls`` completes namespaces and names."""
    assert complete("ls", "digits") == ["digits", "digits/mlp"]


def test_stages_of_the_model(complete, strict):
    """``--to`` completes the stages of the policy."""
    assert complete("promote", "digits/mlp", "--to", "st") == ["staging"]


def test_registries(complete, model):
    """``registry show`` completes registries."""
    assert complete("registry", "show", "mod") == ["model-registry"]


def test_projects(complete, model):
    """``expire`` completes projects and registries."""
    assert complete("expire", "") == ["digits", "model-registry"]


def test_deleted_versions(complete, ok, model):
    """``restore`` completes what can be brought back."""
    ok("unlink", f"{model}:v0")
    ok("log", "p/a", __file__)
    ok("delete", "p/a:v0", "--yes")
    assert complete("restore", "p/a:") == ["p/a:v0"]


def test_tags(complete, ok, model):
    """Tags of the model and its versions complete."""
    ok("tag", "add", "digits/mlp:v0", "audited")
    ok("tag", "add", "digits/mlp", "vision")
    assert complete("tag", "rm", "digits/mlp", "") == ["audited", "vision"]


def test_settings_of_a_channel_or_an_action(complete, model):
    """``--setting`` completes the keys of what stands before it, and nothing where that is not known yet."""
    promote = ("automation", "add", "x", "--action", "podium.promote", "--event", "tag.added")
    assert complete(*promote, "--setting", "") == ["to=", "ref=", "reason="]
    assert complete(*promote, "--setting", "to=staging", "--setting", "re") == ["ref=", "reason="]
    assert complete("automation", "add", "x", "--action", "webhook", "--setting", "ur") == ["url="]
    assert complete("automation", "add", "x", "--setting", "") == []
    slack = ("notify", "add", "x", "--channel", "slack", "--setting", "")
    assert {"channel=", "token="} <= set(complete(*slack, PODIUM_PLUGINS_ALLOW="slack"))
    assert complete("notify", "add", "x", "--channel", "console", "--setting", "") == []


def test_what_deliveries_go_by(complete, model):
    """``--channel`` of deliveries completes channels and actions."""
    for command in ("ls", "retry"):
        assert complete("deliveries", command, "--channel", "con") == ["console"]
        assert complete("deliveries", command, "--channel", "podium.p") == ["podium.promote"]


def test_bash_takes_words_apart_at_colons(complete, model):
    """In bash only the part after the colon is replaced, and spaces are quoted."""
    assert complete("show", "model-reg", shell="bash") == ["model-registry/Digits\\ classifier"]
    assert complete("show", "digits/mlp", ":", shell="bash") == ["latest", "candidate", "v1", "v0"]
    assert complete("show", "digits/mlp", ":", "c", shell="bash") == ["candidate"]


def test_no_registry_offers_nothing_and_makes_nothing(complete, tmp_path):
    """Pressing Tab before anything exists does not make a database."""
    assert complete("show", "dig") == []
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("url", ["nonsense", "postgresql://u@127.0.0.1:1/x", "sqlite:////no/such.db"])
def test_a_broken_registry_offers_nothing(complete, url):
    """A database that cannot be used is silence, soon."""
    start = time.monotonic()
    assert complete("show", "dig", PODIUM_URL=url) == []
    assert time.monotonic() - start < 15


def test_automations(complete, ok, model):
    """Actions, events, models and the names of automations complete."""
    add = ("automation", "add", "note")
    ok(*add, "--action", "podium.set_alias", "--event", "tag.added", "--setting", "alias=x")
    assert complete("automation", "test", "") == ["note"]
    assert complete(*add, "--action", "podium.") == ["podium.promote", "podium.set_alias", "podium.test"]
    assert complete(*add, "--event", "tag.") == ["tag.added", "tag.removed", "tag.*"]
    assert complete(*add, "--model", "dig") == ["digits", "digits/mlp"]
