"""Secrets: stored as references, resolved when they are used, and never in a text that is kept."""

from __future__ import annotations

import pytest

from podium.errors import InvalidNameError, InvalidValueError, PluginError

SECRET = "xoxb-very-secret-4711"


@pytest.mark.parametrize(
    "value", [SECRET, "", "env:", "file:", ":x", "http://x", "ENV:x", None, 3, b"env:X", ["env:X"]], ids=repr
)
def test_a_secret_in_clear_is_refused(with_channels, probe, value) -> None:
    """A secret that is no reference is refused without being repeated, and nothing is stored."""
    registry = with_channels(probe())
    with pytest.raises(InvalidValueError) as caught:
        registry.subscribe("s", "probe", settings={"token": value})
    assert SECRET not in f"{caught.value} {caught.value.to_json()}"
    assert "env:" in caught.value.hint
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


def database(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("podium.db*"))
