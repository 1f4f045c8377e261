"""What the contract looks at: what arrived, what shows a secret, what changed in this process, what an import does."""

from __future__ import annotations

import base64
import importlib.util
import inspect
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
from collections.abc import Iterator, Mapping, Sequence
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


def shown(secret: str, *things: object) -> list[str]:
    """Return where a secret shows: in the text or representation of a thing, in any of its usual encodings."""
    forms = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
    texts = [text for thing in things for text in _texts(thing)]
    return [text for text in texts if any(form in text for form in forms)]


def _texts(thing: object) -> Iterator[str]:
    yield str(thing)
    yield repr(thing)
    if isinstance(thing, BaseException):  # with its causes, as a log shows them, and what a value of Podium carries
        yield "".join(line for line in traceback.TracebackException.from_exception(thing).format() if ": " in line)
        yield repr(getattr(thing, "facts", None))
        yield repr(getattr(thing, "to_json", dict)())


def process_state() -> dict[str, Any]:
    """Return what all code of a process shares and no channel may change."""
    root = logging.getLogger()
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "default time limit of sockets": socket.getdefaulttimeout(),
        "class of sockets": socket.socket,
        "resolver": socket.getaddrinfo,
        "opener of urllib": getattr(urllib.request, "_opener", None),
        "root logger": (root.level, tuple(root.handlers)),
        "streams": (sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, threading.excepthook),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)},
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


def secrets_of(names: Sequence[str], settings: Mapping[str, str]) -> list[str]:
    """Return the secrets that the settings of a test hold."""
    return [settings[name] for name in sorted(names) if settings.get(name)]
