"""Words of users made harmless, and the time limit over a conversation."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from podium.plugins.deadline import Deadline
from podium.plugins.words import unlinked, visible, web_link


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\u2028", "\ud800"])
def test_hidden_characters_become_visible(hidden: str) -> None:
    """What turns a line, hides in it or breaks it is shown by its number."""
    assert visible(f"a{hidden}b", 100) == f"a\\u{ord(hidden):04x}b"


def test_line_breaks() -> None:
    """One line, unless lines are wanted."""
    assert visible("a\r\nb\tc", 100) == "a  b c"
    assert visible("a\nb", 100, lines=True) == "a\nb"


def test_scripts_and_emoji_that_need_joiners_stay_whole() -> None:
    """A Persian word with its joiner, and an emoji of a family, are not hostile."""
    whole = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d👧"
    assert visible(whole, 100) == whole


@pytest.mark.parametrize("text", ["x" * 50, "\u202e" * 50, "a " * 50])
def test_a_cut_is_marked(text: str) -> None:
    """Never longer than was said, what was made visible included."""
    assert len(visible(text, 20)) <= 20
    assert visible(text, 20).endswith("…")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("see https://x.example", "see https[:]//x.example"),
        ("FTP://x and //y", "FTP[:]//x and //y"),
        ("WWW.x.example", "WWW[.]x.example"),
        ("model.v2: 3/4", "model.v2: 3/4"),
    ],
)
def test_addresses_are_broken(text: str, safe: str) -> None:
    """Nobody makes a link of it any more, and a person can still read it."""
    assert unlinked(text) == safe


@pytest.mark.parametrize("link", ["http://localhost:8080/a_b", "https://x.example/d?a=1&b=%3A2+c#d", "https://[::1]/x"])
def test_links(link: str) -> None:
    """A page of an orchestrator is one; brackets, which end a link in Markdown, are none but of an address."""
    assert web_link(link) == (None if "[" in link else link)


@pytest.mark.parametrize("link", [None, "", "javascript:x", "https://", "https://a b", "https://u@x/", "https://x/)"])
def test_no_links(link: str | None) -> None:
    """Anything else is none."""
    assert web_link(link) is None


def test_deadline_is_over_all_reads() -> None:
    """A sender that drips for ever is read no longer than was said."""
    left, right = socket.socketpair()
    with left, right:
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                right.send(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        try:
            with pytest.raises(TimeoutError):
                Deadline(0.5).reader(left).readline()
            assert time.monotonic() - started < 5
        finally:
            stop.set()
            thread.join()


def test_deadline_that_is_over() -> None:
    """Nothing is left after it, and never a zero, which a socket takes for no waiting at all."""
    deadline = Deadline(0.05)
    assert 0 < deadline.left() <= 0.05
    time.sleep(0.06)
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        deadline.left()
