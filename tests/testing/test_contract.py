"""The contract catches what it is for: a channel with one fault fails the test of that name, and a good one none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
import json, os, socket, http.client
from urllib.parse import urlsplit
from podium.plugins import Channel, DeliveryFailedError
from podium.plugins.words import unlinked, visible
from podium.testing import Arrived, ChannelContract

PLAIN = str.maketrans({"@": "(at)", "<": "(", ">": ")"})

class Good(Channel):
    name = "good"
    required = ("url",)
    optional = ("token",)
    secrets = frozenset({"token"})
    seconds = 1.0

    def text(self, message):
        lines = [message.title, *message.lines, message.model, *(part.title for part in message.digest)]
        return "\\n".join(unlinked(visible(line, 300)).translate(PLAIN) for line in lines)

    def headers(self, message, settings):
        return {"Authorization": "Bearer " + settings["token"]}

    def id(self, message):
        return message.id

    def failure(self, status, wait):
        if status == 429:
            return DeliveryFailedError("later", retry_after=int(wait))
        return DeliveryFailedError(f"answered {status}", permanent=status in (401, 404, 410))

    def connect(self, settings):
        return http.client.HTTPConnection(urlsplit(settings["url"]).netloc, timeout=self.seconds)

    def send(self, message, settings):
        connection = self.connect(settings)
        body = json.dumps({"id": self.id(message), "text": self.text(message)})
        try:
            connection.request("POST", "/", body, self.headers(message, settings))
            answer = connection.getresponse()
            if answer.status != 200:
                raise self.failure(answer.status, answer.headers.get("Retry-After"))
            return self.receipt(settings)
        finally:
            connection.close()

    def receipt(self, settings):
        return "taken"

class Contract(ChannelContract):
    most_seconds = 3.0

    def make_settings(self, receiver):
        return {"url": receiver.url, "token": "a-secret-token"}

    def read(self, receiver):
        return [Arrived(got.json()["id"], got.json()["text"], got.headers) for got in receiver.requests]

class TestGood(Contract):
    def make_channel(self):
        return Good()
"""
# A fault, and the test that must fail of it.
FAULTS = {
    "test_has_a_name": "name = 'has a space'",
    "test_declares_its_settings": "optional = ()",
    "test_takes_secrets_by_reference_only": "secrets = frozenset()",
    "test_tells_every_event": "receipt = lambda self, settings: None",
    "test_tells_a_digest": "text = lambda self, message: message.title + message.model",
    "test_the_same_message_has_the_same_id": "id = lambda self, message: os.urandom(8).hex()",
    "test_serves_several_threads": (
        "def send(self, message, settings):\n        self.now = message\n        __import__('time').sleep(0.05)\n"
        "        return super().send(self.now, settings)"
    ),
    "test_waits_for_a_slow_receiver": "seconds = 0.2",
    "test_a_receiver_that_fails": (
        "def failure(self, status, wait):\n        return DeliveryFailedError('no', permanent=True)"
    ),
    "test_a_receiver_that_hangs": "seconds = None",
    "test_a_receiver_that_limits_the_rate": "failure = lambda self, status, wait: DeliveryFailedError('no')",
    "test_what_trying_again_cannot_help": "failure = lambda self, status, wait: DeliveryFailedError('no')",
    "test_an_answer_that_is_none": (
        "def send(self, message, settings):\n        try:\n            return super().send(message, settings)\n"
        "        except http.client.HTTPException:\n            return 'perhaps'"
    ),
    "test_nobody_listens": (
        "def send(self, message, settings):\n        try:\n            return super().send(message, settings)\n"
        "        except ConnectionRefusedError:\n            return 'perhaps'"
    ),
    "test_follows_no_redirect": (
        "def send(self, message, settings):\n        import urllib.request\n"
        "        return str(urllib.request.urlopen(settings['url'], b'{}', 1).status)"
    ),
    "test_words_stay_words": "text = lambda self, message: message.as_text()",
    "test_shows_no_secret": "receipt = lambda self, settings: 'with ' + settings['token']",
    "test_changes_nothing_in_the_process": (
        "def connect(self, settings):\n        socket.setdefaulttimeout((socket.getdefaulttimeout() or 5) + 1)\n"
        "        return super().connect(settings)"
    ),
    "test_from_a_change_to_the_receiver": (
        "def send(self, message, settings):\n        raise ValueError('no') if message.event.actor != 'anna' or "
        "message.event.type == 'artifact_version.logged' and message.model == 'digits/svm' else ValueError"
    ),
}


FAILING = "def send(self, message, settings):\n        try:\n            return super().send(message, settings)\n"
ANSWERED = "def failure(self, status, wait):\n        found = super().failure(status, wait)\n"
TEXT = "def text(self, message):\n        lines = [message.title, *message.lines, message.model]\n"
# What a channel may do in one case only, the tests that see it, and what they say.
MORE_FAULTS = {
    "a secret when it hangs": (
        FAILING + "        except TimeoutError as error:\n            raise ValueError(settings['token']) from None",
        ("test_shows_no_secret[hanging]", "test_a_receiver_that_hangs"),
        "The secret setting 'token' shows in the error: a-secret-token",
    ),
    "a secret when nobody listens": (
        FAILING
        + "        except ConnectionRefusedError as error:\n            raise ValueError('no') from KeyError(settings)",
        ("test_shows_no_secret[absent]", "test_nobody_listens"),
        "The secret setting 'token' shows in the error, in its causes: ",
    ),
    "a secret when it is limited": (
        ANSWERED + "        return DeliveryFailedError('a-secret-token', **found.facts) if status == 429 else found",
        ("test_shows_no_secret[limited]", "test_a_receiver_that_limits_the_rate"),
        "The secret setting 'token' shows in the error: a-secret-token",
    ),
    "a secret when it is gone": (
        ANSWERED + "        return DeliveryFailedError('a-secret-token', **found.facts) if status == 410 else found",
        ("test_shows_no_secret[gone]", "test_what_trying_again_cannot_help"),
        "The secret setting 'token' shows in the error: a-secret-token",
    ),
    "a secret when it is sent elsewhere": (
        ANSWERED + "        return DeliveryFailedError('no', sent='a-secret-token') if 300 <= status < 400 else found",
        ("test_shows_no_secret[redirect]", "test_follows_no_redirect"),
        "The secret setting 'token' shows in the error, in its facts: ",
    ),
    "a secret of Basic authentication": (
        "def receipt(self, settings):\n        import base64\n"
        "        return base64.b64encode(b'user:' + settings['token'].encode()).decode()",
        ("test_shows_no_secret[]", "test_waits_for_a_slow_receiver"),
        "The secret setting 'token' shows in the receipt: dXNlcjphLXNlY3JldC10b2tlbg==",
    ),
    "a secret in the log when it hangs": (
        FAILING + "        except TimeoutError as error:\n            import logging\n"
        "            logging.getLogger('x').info('no', exc_info=KeyError(settings['token']))\n            raise",
        ("test_shows_no_secret[hanging]",),
        "The secret setting 'token' shows in a log: ",
    ),
    "a time limit that stays": (
        "def connect(self, settings):\n        socket.setdefaulttimeout(3)\n        return super().connect(settings)",
        ("test_changes_nothing_in_the_process",),
        "default time limit of sockets",
    ),
    "a variable that stays": (
        "def connect(self, settings):\n        os.environ['NO_PROXY'] = '*'\n        return super().connect(settings)",
        ("test_changes_nothing_in_the_process",),
        "environment",
    ),
    "a line break of a user": (
        TEXT + "        kept = (visible(line, 300, lines=True) for line in lines)\n"
        "        return '\\n'.join(unlinked(line).translate(PLAIN) for line in kept)",
        ("test_words_stay_words[line]", "test_words_stay_words[lines]"),
        "A line break makes a line of its own.",
    ),
    "a line break of a user in a list": (
        TEXT + "        kept = '\\n'.join(visible(line, 300, lines=True) for line in lines).split('\\n')\n"
        "        return '\\n'.join('- ' + unlinked(line).translate(PLAIN) for line in kept)",
        ("test_words_stay_words[lines]",),
        "A line break makes a line of its own.",
    ),
}


def bad_channel(fault: str) -> str:
    """Return the tests of the good channel with one fault."""
    bad = f"class Bad(Good):\n    {fault}\n"
    tests = "class TestBad(Contract):\n    def make_channel(self):\n        return Bad()\n"
    return f"{GOOD.partition('class TestGood')[0]}\n{bad}\n{tests}"


def run(folder: Path, source: str, *options: str) -> tuple[int, str]:
    """Run a file of tests in a process of its own and return how it ended and what it said."""
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *options, "test_it.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_good_channel_passes(tmp_path) -> None:
    """The channel that the others are made from keeps the contract, every test of it."""
    code, said = run(tmp_path, GOOD, "-x")
    assert code == 0, said
    assert "skipped" not in said


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(tmp_path, name) -> None:
    """A channel with one fault fails the test that is about it."""
    code, said = run(tmp_path, bad_channel(FAULTS[name]), "-x", "-k", name)
    assert code == 1, said
    assert f"TestBad::{name}" in said


@pytest.mark.parametrize("what", MORE_FAULTS)
def test_a_fault_in_one_case_is_caught(tmp_path, what) -> None:
    """What a channel does wrong in one case only is seen there, and the message says what it is."""
    fault, names, words = MORE_FAULTS[what]
    wanted = " or ".join(name.partition("[")[0] for name in names)
    code, said = run(tmp_path, bad_channel(fault), "-k", wanted, "-vv")
    assert code == 1, said
    assert [name for name in names if f"FAILED test_it.py::TestBad::{name}" not in said] == []
    assert words in said


def test_a_change_that_an_earlier_test_made_is_caught(tmp_path) -> None:
    """What only the first attempt of a process changes is seen, though that was in another test."""
    fault = MORE_FAULTS["a time limit that stays"][0]
    code, said = run(tmp_path, bad_channel(fault), "-k", "test_tells_a_digest or test_changes_nothing", "-vv")
    assert code == 1, said
    assert "1 failed, 1 passed" in said
    assert "default time limit of sockets" in said


def test_a_quoted_line_is_none_of_the_channel(tmp_path) -> None:
    """A channel may show what somebody wrote in their lines, each marked as quoted."""
    quoted = TEXT + (
        "        kept = (visible(line, 300, lines=True).replace('\\n', '\\n| ') for line in lines)\n"
        "        return '\\n'.join(unlinked(line).translate(PLAIN) for line in kept)"
    )
    code, said = run(tmp_path, bad_channel(quoted), "-k", "test_words_stay_words")
    assert code == 0, said


IMPORTS = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9), 0.1)",
    "a name": "import socket; socket.getaddrinfo('localhost', 80)",
    "a file": "open(__file__ + '.log', 'w').close()",
    "a process": "import subprocess; subprocess.run(['true'])",
    "a thread": "import threading; threading.Thread(target=threading.Event().wait, args=(2,)).start()",
    "an error": "raise RuntimeError('no')",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_what_an_import_does_is_caught(tmp_path, what) -> None:
    """A module that does something at import fails the test about that."""
    guarded = f"import sys\nif 'pytest' not in sys.modules:\n    {IMPORTS[what]}\n"
    code, said = run(tmp_path, guarded + GOOD, "-k", "test_does_nothing_at_import")
    assert code == 1, said
    assert "TestGood::test_does_nothing_at_import" in said


def test_what_was_not_said_is_asked_for(tmp_path) -> None:
    """An author who forgot a method is told which."""
    code, said = run(tmp_path, "from podium.testing import ChannelContract\nclass TestIt(ChannelContract): pass\n")
    assert code == 1
    assert "Override make_channel(): return the channel under test." in said
