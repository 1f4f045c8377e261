"""What the contract looks at: what arrived, what shows a secret, what changed in this process, what an import does."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import traceback
import unicodedata
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

# What a reader of plain text, Markdown, Slack's or HTML's markup would take for more than words.
_ACTIVE = (
    re.compile(r"<[!@#][^>\s]*>"),
    re.compile(r"(?<![\w.@])@(?:everyone|here|channel|all)\b", re.IGNORECASE),
    re.compile(r"\bhttps?://[^\s)>\]]+", re.IGNORECASE),
    re.compile(r"\bwww\.[^\s)>\]]+", re.IGNORECASE),
    re.compile(r"\bjavascript:\S+", re.IGNORECASE),
    re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE),
)
SECRETIVE = re.compile(r"token|passw|secret|(?:^|_)(?:api_?|access_?)?key$|credential", re.IGNORECASE)
SHORTEST_SECRET = 8
"""A shorter one could stand anywhere by chance."""

_FOR_ADDRESSES = str.maketrans("+/", "-_")
_SIGNS_OF_LISTS = " \t-*•·\u2013\u2014"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NEEDED = frozenset("\n\t\r\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the receiver got it.

    Attributes:
        id: What tells that it is the same message when it comes twice: `Message.id`, or what was made of it.
        text: All that a person reads of it, as it is shown: entities decoded, tags taken away.
        headers: Those of the medium, by name in small letters.
        payload: Whatever `ChannelContract.active` wants to look at.
    """

    id: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Any = None


def active_parts(text: str) -> list[str]:
    """Return what in a text is more than words: mentions, links, tags."""
    return [found for pattern in _ACTIVE for found in pattern.findall(text)]


def hidden_characters(text: str) -> list[str]:
    """Return the characters that cannot be seen, or that turn the direction of a line."""
    return [ascii(char) for char in text if char not in _NEEDED and unicodedata.category(char) in _HIDDEN]


def forged_lines(text: str, words: str) -> list[str]:
    """Return the lines of a text that begin with such words, also after the sign of a list, but not quoted ones."""
    return [line for line in text.splitlines() if line.lstrip(_SIGNS_OF_LISTS).startswith(words)]


def shown(secret: str, *things: object) -> list[str]:
    """Return where a secret shows: in the text or representation of a thing, in any of its usual encodings."""
    forms = _forms(secret)
    texts = [text for thing in things for _, text in _texts(thing)]
    return [text for text in texts if any(form in text for form in forms)]


def leaks(secrets: Mapping[str, str], places: Mapping[str, object]) -> list[str]:
    """Return a sentence for each setting of `secrets` and each of the places that it shows in, with what stands there.

    Args:
        secrets: The secrets by the names of their settings.
        places: What to look at, by what it is called in the sentence: ``{"the error": error}``.
    """
    found = []
    for name, secret in secrets.items():
        forms = _forms(secret)
        for place, thing in places.items():
            seen = [(part, text) for part, text in _texts(thing) if any(form in text for form in forms)]
            found += [f"The secret setting {name!r} shows in {place}{part}: {text}" for part, text in seen[:1]]
    return found


def _forms(secret: str) -> set[str]:
    """Return what a secret looks like: as it is, quoted, in base64, also with a user's name before it."""
    # Of an address that is a secret, clients quote what follows the host.
    rest = secret.partition("://")[2].partition("/")[2]
    plain = {secret, *(part for part in (rest, rest.partition("?")[0]) if len(part) >= SHORTEST_SECRET)}
    quoted = {form for text in plain for form in (quote(text, safe=""), repr(text)[1:-1], json.dumps(text)[1:-1])}
    return plain | quoted | set(_base64_forms(secret.encode()))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Return what base64 makes of it, wherever in the encoded bytes it stands, without what its neighbours are in."""
    for before, first in enumerate((0, 2, 3)):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        own = encoded[first : (before + len(secret)) * 8 // 6]
        yield from (own, own.translate(_FOR_ADDRESSES))


def _texts(thing: object) -> Iterator[tuple[str, str]]:
    """Return what a thing shows, each with the part of it that shows it."""
    yield "", str(thing)
    yield "", repr(thing)
    if isinstance(thing, BaseException):  # with its causes, as a log shows them, and what a value of Podium carries
        lines = traceback.TracebackException.from_exception(thing).format()
        yield ", in its causes", "".join(line for line in lines if ": " in line)
        yield ", in its facts", repr(getattr(thing, "facts", None))
        yield ", in its facts", repr(getattr(thing, "to_json", dict)())


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Return the names of what is another in two states."""
    return {name for name in before if before[name] != after[name]}


def process_state() -> dict[str, Any]:
    """Return what all code of a process shares, and no channel may change."""
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "default time limit of sockets": socket.getdefaulttimeout(),
        "class of sockets": socket.socket,
        "resolver": socket.getaddrinfo,
        "streams": (sys.stdout, sys.stderr),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)},
    }


def import_state() -> dict[str, Any]:
    """Return what is shared as well, and may be set up once, by what a channel imports at first use."""
    root = logging.getLogger()
    return {
        "opener of urllib": getattr(urllib.request, "_opener", None),
        "root logger": (root.level, tuple(root.handlers)),
        "hooks": (sys.excepthook, threading.excepthook),
    }


_AUDIT = """
import importlib, importlib.util, sys, threading
done = []
WATCHED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen",
           "os.system", "os.fork", "os.exec", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename", "os.putenv")
def watch(event, arguments):
    if event in WATCHED:
        done.append(f"{event} {arguments!r}")
    elif event == "open" and isinstance(arguments[1], str) and set("wax+") & set(arguments[1]):
        done.append(f"open for writing {arguments[0]!r}")
name, path = sys.argv[1:]
import podium.plugins
sys.addaudithook(watch)
if path:
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
else:
    importlib.import_module(name)
done += [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
print("\\n".join(done))
"""


def import_effects(kind: type) -> list[str]:
    """Import the module of a class in a process of its own and return what that did beyond importing."""
    name, path = kind.__module__, ""
    try:
        known = importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        known = False
    if not known:
        path = str(Path(inspect.getfile(kind)).absolute())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _AUDIT, name, path]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)  # noqa: S603 - this Python, on code of the author's own
    if done.returncode:
        return [f"importing {name} failed: {done.stderr.strip().splitlines()[-1:]}"]
    return [line for line in done.stdout.splitlines() if line]


def secrets_of(names: Iterable[str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that the settings of a test hold, by the names of the settings."""
    return {name: settings[name] for name in sorted(names) if settings.get(name)}
