"""Secrets: stored as references, resolved when they are used, and never in a text that is kept."""

from __future__ import annotations

import json

import pytest

from podium.errors import InvalidNameError, InvalidValueError, PluginError
from podium.plugins import hookimpl

SECRET = "xoxb-very-secret-4711"


@pytest.mark.parametrize(
    "value",
    [
        *(SECRET, "", "env:", "file:", ":x", "http://x", "ENV:x", None, 3, b"env:X", ["env:X"]),
        *(f"env:{SECRET}", "env:$TOKEN", "env:A=B", "file:~/x", "file:x", "file:/a\nb"),
    ],
    ids=repr,
)
def test_a_secret_in_clear_is_refused(with_channels, probe, value) -> None:
    """A secret that is no reference is refused without being repeated, and nothing is stored."""
    registry = with_channels(probe())
    with pytest.raises(InvalidValueError) as caught:
        registry.subscribe("s", "probe", settings={"token": value})
    assert SECRET not in f"{caught.value} {caught.value.to_json()}"
    assert "env:" in caught.value.hint
    assert registry.subscriptions() == []


@pytest.mark.parametrize("name", ["file:/run/secrets/token", "env:THE_REAL_TOKEN", "airflow:slack_default"])
def test_what_a_variable_names_too_is_a_reference(with_channels, probe, monkeypatch, name) -> None:
    """``SLACK_TOKEN_FILE=/run/secrets/slack`` beside ``file:/run/secrets/slack`` is a habit of containers."""
    monkeypatch.setenv("SAYS_WHERE", name.partition(":")[2])
    monkeypatch.setenv("THE_REAL_TOKEN", SECRET)
    made = with_channels(probe()).subscribe("s", "probe", settings={"token": name})
    assert made.settings == {"token": name}


@pytest.mark.parametrize("scheme", ["env", "file"])
def test_a_secret_that_a_shell_filled_in_is_refused(with_channels, probe, monkeypatch, scheme) -> None:
    """``token=env:$THE_TOKEN`` puts the secret itself behind the colon: it is refused, not stored and not repeated."""
    monkeypatch.setenv("THE_TOKEN", "averysecrettoken")
    registry = with_channels(probe())
    with pytest.raises(InvalidValueError) as caught:
        registry.subscribe("s", "probe", settings={"token": f"{scheme}:averysecrettoken"})
    assert "averysecret" not in f"{caught.value} {caught.value.to_json()}"
    assert registry.subscriptions() == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"rom": "x"}, "no setting 'rom'"), ({"token": "env:X"}, "needs the setting room"), ({}, "needs the setting")],
)
def test_settings_that_do_not_fit(with_channels, probe, settings, words) -> None:
    """A setting that the channel does not know, or one it cannot do without, is said."""
    registry = with_channels(probe(required=("room",), optional=("token",)))
    with pytest.raises(InvalidValueError, match=words):
        registry.subscribe("s", "probe", settings=settings)


@pytest.mark.parametrize(
    ("name", "channel", "events", "error"),
    [
        ("a b", "probe", ["*"], InvalidNameError),
        ("s", "nosuch", ["*"], PluginError),
        ("s", "probe", ["nosuch.event"], InvalidValueError),
        ("s", "probe", ["model_version.*", "model_version.linkd"], InvalidValueError),
    ],
)
def test_subscriptions_that_are_refused(with_channels, probe, name, channel, events, error) -> None:
    """A bad name, an unknown channel, or an event that never happens is a typed error."""
    registry = with_channels(probe())
    with pytest.raises(error) as caught:
        registry.subscribe(name, channel, events=events)
    assert caught.value.hint
    assert registry.subscriptions() == []


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_reference_is_resolved_when_it_is_used(with_channels, probe, model_file, monkeypatch, tmp_path, kind) -> None:
    """The channel gets the secret; the database keeps only the reference."""
    monkeypatch.setenv("THE_TOKEN", SECRET)
    (tmp_path / "token").write_text(SECRET + "\n")
    reference = "env:THE_TOKEN" if kind == "env" else f"file:{tmp_path / 'token'}"
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"], settings={"token": reference})
    registry.log("p/a", model_file("a"))
    registry.close()
    assert channel.settings == [{"token": SECRET}]
    assert registry.subscriptions()[0].settings == {"token": reference}
    assert SECRET.encode() not in database(tmp_path)


@pytest.mark.parametrize("reference", ["env:NOT_SET", "file:/no/such/file", "file:{tmp}/binary", "file:{tmp}/empty"])
def test_a_secret_that_is_not_there(with_channels, probe, model_file, tmp_path, reference) -> None:
    """A variable or file that is missing, empty or no text is a failed attempt that says which; the change stands."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_text("\n")
    channel = probe()
    registry = with_channels(channel)
    settings = {"token": reference.format(tmp=tmp_path)}
    registry.subscribe("s", "probe", events=["artifact_version.*"], settings=settings)
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert delivery.error.startswith("The ")
    assert channel.sent == []


def test_a_secret_is_taken_out_of_what_is_kept(with_channels, probe, model_file, monkeypatch, tmp_path) -> None:
    """When a channel puts the secret into its error or its receipt, neither is stored with it."""
    monkeypatch.setenv("THE_TOKEN", SECRET)

    def act(message, settings) -> str:
        if message.event.type == "artifact_version.logged":
            raise RuntimeError(f"bad token {settings['token']} at https://x/{settings['token']}/y")
        return f"sent with {settings['token']}"

    registry = with_channels(probe(act=act))
    registry.subscribe("s", "probe", events=["*"], settings={"token": "env:THE_TOKEN"})
    registry.log("p/a", model_file("a"))
    registry.close()
    texts = [f"{item.error} {item.receipt}" for item in registry.deliveries()]
    assert any("bad token *** at https://x/***/y" in text for text in texts)
    assert not any(SECRET in text for text in texts)
    assert SECRET.encode() not in database(tmp_path)


@pytest.mark.parametrize("before", [*range(460, 500, 4), 5000])
def test_a_secret_at_the_end_of_what_is_kept_of_an_error(with_channels, probe, monkeypatch, before) -> None:
    """It is taken out before the text is cut: half of it would not be known again."""
    monkeypatch.setenv("THE_TOKEN", SECRET)

    def act(message: object, settings: dict[str, str]) -> str:
        raise ValueError("x" * before + settings["token"])

    registry = with_channels(probe(act=act))
    registry.subscribe("s", "probe", settings={"token": "env:THE_TOKEN"})
    error = registry.test_subscription("s").error
    assert "xxx" in error
    assert SECRET[:3] not in error


def test_a_secret_that_an_error_quotes_is_not_kept(with_channels, probe, model_file, monkeypatch, tmp_path) -> None:
    """Neither with the end of its line, nor as ``repr`` or JSON write it, nor one line of several."""
    secret = 'first-line-of-it"\nsecond-line-of-it\n'

    def act(message: object, settings: dict[str, str]) -> str:
        token = settings["token"]
        raise ValueError(f"bad header {token.encode()!r} or {token!r} or {json.dumps(token)}, not {token.split()[1]}")

    monkeypatch.setenv("THE_TOKEN", secret)
    registry = with_channels(probe(act=act))
    registry.subscribe("s", "probe", events=["artifact_version.logged"], settings={"token": "env:THE_TOKEN"})
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries()
    assert "bad header" in delivery.error
    assert "line-of-it" not in delivery.error


def database(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("podium.db*"))


class Vault:
    """A plugin that looks secrets up under ``vault:``."""

    sealed = False

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = secrets

    @hookimpl
    def podium_resolve_secret(self, scheme: str, name: str) -> str | None:
        if scheme != "vault":
            return None
        if self.sealed:
            raise RuntimeError(f"vault is sealed, but I had {SECRET}")
        return self.secrets.get(name)


@pytest.fixture
def with_vault(with_channels, probe, model_file):
    """A registry with a channel and a vault."""
    channel = probe()
    registry = with_channels(channel)
    registry.host.register(Vault({"slack/token": SECRET}), "vault")
    registry.log("p/a", model_file("a"))
    return registry, channel


def test_a_plugin_resolves_what_podium_does_not_know(with_vault) -> None:
    """The channel gets the secret of the vault; the subscription keeps the reference."""
    registry, channel = with_vault
    registry.subscribe("s", "probe", events=["alias.set"], settings={"token": "vault:slack/token"})
    registry.set_alias("p/a", "best")
    registry.close()
    assert channel.settings == [{"token": SECRET}]
    assert registry.subscriptions()[0].settings == {"token": "vault:slack/token"}


@pytest.mark.parametrize("reference", ["vault:nothing", "user:password", "https:x"])
def test_what_no_plugin_resolves_is_no_reference(with_vault, reference) -> None:
    """What merely looks like a reference may be a secret in clear, and is refused."""
    registry, _ = with_vault
    with pytest.raises(InvalidValueError, match="is a secret and is never stored"):
        registry.subscribe("s", "probe", settings={"token": reference})


@pytest.mark.parametrize("reference", ["airflow:slack_default", "prefect:secret/slack"])
def test_references_of_the_adapters_are_taken_anywhere(with_vault, reference) -> None:
    """The host that resolves it need not be installed where a subscription is made; without it the attempt fails."""
    registry, channel = with_vault
    registry.subscribe("s", "probe", events=["alias.set"], settings={"token": reference})
    registry.set_alias("p/a", "best")
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert delivery.error.startswith(f"No plugin of this process knows the secret {reference}.")
    assert channel.sent == []


def test_a_vault_that_fails_shows_nothing(with_vault, monkeypatch) -> None:
    """The attempt fails and says which plugin did; its words, which may hold a secret, are not kept in it."""
    registry, _ = with_vault
    registry.subscribe("s", "probe", events=["alias.set"], settings={"token": "vault:slack/token"})
    monkeypatch.setattr(Vault, "sealed", True)
    registry.set_alias("p/a", "best")
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert "the plugin 'vault' failed (RuntimeError)" in delivery.error
    assert SECRET not in delivery.error


def test_the_fault_of_a_vault_shows_nothing(with_vault, monkeypatch, caplog) -> None:
    """Neither the log nor the list of faults keeps the words of a vault that fails, which may hold a secret."""
    registry, _ = with_vault
    registry.subscribe("s", "probe", events=["alias.set"], settings={"token": "vault:slack/token"})
    monkeypatch.setattr(Vault, "sealed", True)
    registry.set_alias("p/a", "best")
    registry.close()
    (fault,) = registry.plugin_faults()
    assert (fault.plugin, fault.error) == ("vault", "RuntimeError")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("allowed", "reference", "fine"),
    [
        ("env:THE_*, file:/run/*", "env:THE_TOKEN", True),
        ("env:OTHER", "env:THE_TOKEN", False),
        ("", "env:THE_TOKEN", False),
        ("file:{tmp}/*", "file:{tmp}/token", True),
        ("file:{tmp}/open/*", "file:{tmp}/open/../token", False),
        ("vault:slack/*", "vault:slack/token", True),
        ("env:*", "vault:slack/token", False),
    ],
)
def test_a_process_looks_up_what_it_may(with_vault, monkeypatch, tmp_path, allowed, reference, fine) -> None:
    """PODIUM_SECRETS_ALLOW bounds what a subscription can make a process read; a refusal says which setting it was."""
    registry, channel = with_vault
    (tmp_path / "token").write_text(SECRET)
    (tmp_path / "open").mkdir()
    monkeypatch.setenv("THE_TOKEN", SECRET)
    monkeypatch.setenv("PODIUM_SECRETS_ALLOW", allowed.format(tmp=tmp_path))
    settings = {"token": reference.format(tmp=tmp_path)}
    registry.subscribe("s", "probe", events=["alias.set"], settings=settings)
    registry.set_alias("p/a", "best")
    registry.close()
    (delivery,) = registry.deliveries()
    assert (delivery.status == "sent", len(channel.sent)) == (fine, int(fine))
    assert fine or "The setting 'token' names" in delivery.error
