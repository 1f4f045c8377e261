"""The plugin host: each plugin loaded and called on its own, so that one fault stays one plugin's."""

from __future__ import annotations

import threading
import time

import pytest

from podium.domain.origin import Origin
from podium.plugins import Channel, PluginHost, hookimpl
from podium.plugins.guard import call_here, call_within


class Named(Channel):
    """A channel that takes its name when made."""

    def __init__(self, name: object) -> None:
        self.name = name  # type: ignore[misc]  # a class variable for everybody else

    def send(self, message: object, settings: object) -> str:
        return "sent"


class Listener:
    """Hears events and keeps them."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    @hookimpl
    def podium_on_event(self, event: object) -> None:
        self.heard.append(event)


class Silent:
    """Takes no argument at all."""

    def __init__(self) -> None:
        self.calls = 0

    @hookimpl
    def podium_on_event(self) -> None:
        self.calls += 1


class Broken:
    """Raises what it was made with, in every hook."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @hookimpl
    def podium_on_event(self, event: object) -> None:
        raise self.error

    @hookimpl
    def podium_channels(self) -> None:
        raise self.error

    @hookimpl
    def podium_origin(self) -> None:
        raise self.error


class Misspelt:
    @hookimpl
    def podium_on_evnt(self, event: object) -> None:
        """Never called."""


class WrongArgument:
    @hookimpl
    def podium_on_event(self, evnet: object) -> None:
        """Never called."""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.fixture
def host() -> PluginHost:
    return PluginHost(seconds=0.3, discover=False)


def only(host: PluginHost, name: str):
    (info,) = [info for info in host.plugins() if info.name == name]
    return info


def test_console_and_actions_are_built_in(host) -> None:
    """Without any plugin there are the console and Podium's own actions, listed like plugins."""
    found = [(info.name, info.hooks, info.error) for info in host.plugins()]
    assert found == [("console", ("podium_channels",), None), ("actions", ("podium_actions",), None)]
    assert list(host.channels()) == ["console"]
    assert sorted(host.actions()) == ["podium.promote", "podium.set_alias", "podium.test", "webhook"]


def test_a_plugin_takes_only_what_it_wants(host) -> None:
    """A hook without arguments is called without any."""
    silent, listener = Silent(), Listener()
    host.register(silent, "silent")
    host.register(listener, "listener")
    host.call("podium_on_event", event="happened")
    assert (silent.calls, listener.heard) == (1, ["happened"])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("boom"), "RuntimeError: boom"),
        (SystemExit(3), "SystemExit: 3"),
        (RuntimeError(), "RuntimeError"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (Mute(), "Mute: it cannot be put in words"),
        (RuntimeError("\ud800\0"), "RuntimeError: ?\ufffd"),
        (GeneratorExit(), "GeneratorExit"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_that_raises_does_not_stop_the_others(host, error, words) -> None:
    """Whatever a plugin raises, the others are called, and the fault is one line in its name."""
    before, after = Listener(), Listener()
    for plugin, name in ((before, "before"), (Broken(error), "broken"), (after, "after")):
        host.register(plugin, name)
    host.call("podium_on_event", event=1)
    assert (before.heard, after.heard) == ([1], [1])
    assert [(fault.plugin, fault.hook, fault.error) for fault in host.take_faults()] == [
        ("broken", "podium_on_event", words)
    ]
    assert host.take_faults() == []


def test_one_that_hangs_is_left_behind(host) -> None:
    """After the time limit the next plugin has its turn."""

    class Hanging:
        @hookimpl
        def podium_on_event(self) -> None:
            threading.Event().wait(20)

    listener, start = Listener(), time.monotonic()
    host.register(listener, "listener")
    host.register(Hanging(), "hanging")
    host.call("podium_on_event", event=1)
    assert time.monotonic() - start < 5
    assert listener.heard == [1]
    assert host.take_faults()[0].error == "gave no answer within 0.3 s"


@pytest.mark.parametrize(
    ("plugin", "words"),
    [(Misspelt(), "podium_on_evnt"), (WrongArgument(), "evnet")],
    ids=["misspelt", "argument"],
)
def test_a_plugin_that_does_not_fit_is_listed_with_its_error(host, plugin, words) -> None:
    """A hook that does not exist, or an argument that it does not have, is an answer and not silence."""
    host.register(plugin, "odd")
    info = only(host, "odd")
    assert (info.hooks, words in info.error) == ((), True)
    listener = Listener()
    host.register(listener, "fine")
    host.call("podium_on_event", event=1)
    assert listener.heard == [1]
    assert only(host, "fine").error is None


def test_a_name_is_taken_once(host) -> None:
    """The second plugin of a name is listed with an error, and the first one works on."""
    first, second = Listener(), Listener()
    host.register(first, "same")
    host.register(second, "same")
    host.register(Listener(), "console")
    host.call("podium_on_event", event=1)
    assert (first.heard, second.heard) == ([1], [])
    assert [bool(info.error) for info in host.plugins() if info.name == "same"] == [False, True]
    assert "console" in host.channels()


def offering(*channels: object) -> object:
    class Offering:
        @hookimpl
        def podium_channels(self) -> object:
            return channels[0] if len(channels) == 1 and not isinstance(channels[0], Channel) else list(channels)

    return Offering()


def test_the_first_channel_of_a_name_counts(host) -> None:
    """A channel whose name is taken, or that is none, is a fault; the others of the same plugin work."""
    host.register(offering(Named("mine"), Named("mine"), Named("console"), "text", Named("other")), "offers")
    assert sorted(host.channels()) == ["console", "mine", "other"]
    assert [fault.plugin for fault in host.take_faults()] == ["offers"] * 3


@pytest.mark.parametrize("name", ["", "a b", None, 3, "v" * 65], ids=repr)
def test_a_channel_without_a_proper_name(host, name) -> None:
    """A channel that cannot be named in a subscription is a fault and spoils nothing."""
    host.register(offering(Named(name), Named("fine")), "offers")
    assert sorted(host.channels()) == ["console", "fine"]
    assert len(host.take_faults()) == 1


def test_a_channel_class_without_a_name(host) -> None:
    """Forgetting the name is a fault too."""

    class Nameless(Channel):
        def send(self, message: object, settings: object) -> str:
            return ""

    host.register(offering(Nameless(), Named("fine")), "offers")
    assert sorted(host.channels()) == ["console", "fine"]


def generator():
    yield Named("one")
    raise RuntimeError("halfway")


@pytest.mark.parametrize("answer", [3, generator(), {"a": 1}], ids=["int", "generator", "dict"])
def test_channels_that_are_no_list(host, answer) -> None:
    """Any other answer is a fault, and the channels of others stand."""
    host.register(offering(answer), "offers")
    assert list(host.channels()) == ["console"]
    assert host.take_faults()


def test_channels_of_one_that_raises(host) -> None:
    """A plugin that raises instead of offering is a fault."""
    host.register(Broken(RuntimeError("boom")), "broken")
    assert list(host.channels()) == ["console"]
    assert host.take_faults()[0].hook == "podium_channels"


def answering(answer: object) -> object:
    class Answering:
        @hookimpl
        def podium_origin(self) -> object:
            return answer

    return Answering()


def test_the_first_origin_counts(host) -> None:
    """A plugin that knows nothing says None; the next is asked."""
    origin = Origin("airflow", "DAG x", identity="x")
    host.register(answering(None), "does not")
    host.register(Broken(RuntimeError("boom")), "broken")
    host.register(answering(origin), "knows")
    host.register(answering(Origin("late", "late")), "late")
    assert host.origin() == origin
    assert [fault.plugin for fault in host.take_faults()] == ["broken"]


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        {"kind": "x"},
        Origin("x", "x", details={"a": object()}),
        Origin("x", "x", details={"a": "\ud800"}),
        Origin("x", "a\0"),
        Origin("x", "x", identity=3),
        Origin(3, "x"),
    ],
    ids=lambda answer: ascii(answer)[:30],
)
def test_an_origin_that_cannot_be_kept(host, answer) -> None:
    """A wrong answer counts as none and is a fault: it must not fail the change."""
    host.register(answering(answer), "odd")
    assert host.origin() == Origin()
    assert [fault.hook for fault in host.take_faults()] == ["podium_origin"]


def test_every_hook_says_what_it_promises() -> None:
    """Each hook has the same sections: when, arguments if any, returns, errors."""
    from podium.plugins import hookspecs

    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("podium_")}
    assert len(hooks) == 6
    for hook in hooks.values():
        for section in ("When:", "Returns:", "Errors:"):
            assert section in hook.__doc__
        assert ("Args:" in hook.__doc__) == bool(hook.__code__.co_argcount)


def test_the_face_is_sorted_and_exact() -> None:
    """What plugin authors import is listed, sorted, and there."""
    import podium.plugins

    assert podium.plugins.__all__ == sorted(podium.plugins.__all__)
    assert all(getattr(podium.plugins, name).__doc__ for name in podium.plugins.__all__)


def test_ctrl_c_goes_through_a_guarded_call() -> None:
    """What a person asks for in the main thread is no fault of a plugin."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_here(interrupted)
    assert call_within(interrupted, 5).error == "KeyboardInterrupt"
