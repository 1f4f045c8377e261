"""Names of checks made of other names: of tests of pytest, and of metrics.

The rule of check names is narrow: 64 of ``A-Z a-z 0-9 . _ -``. What fits is taken as it is. What does not is cut down
to what fits, and ends in the first eight hexadecimal digits of the SHA-256 of the whole, so that two different names
never meet and one name is the same in every run, whatever else stands beside it.
"""

from __future__ import annotations

import hashlib
import re

_LONGEST = 64
_DIGITS = 8
_CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OTHER = re.compile(r"[^A-Za-z0-9._]+")
# A test whose name can be told back from the check's: folders and the file are joined by dots, what is in the file
# begins with a hyphen, the parameters with the first dot after that.
_TEST = re.compile(
    r"(?P<file>[A-Za-z0-9]\w*(?:/\w+)*)\.py(?P<names>(?:::\w+)+)(?:\[(?P<parameters>[A-Za-z0-9_.-]+)\])?", re.ASCII
)


def fitting(text: str) -> str:
    """Return a text as the name of a check; the text itself where it is one already."""
    return text if _CLEAN.fullmatch(text) else _cut(text, text)


def name_of_test(node: str) -> str:
    """Return the name of the check that a test of pytest becomes.

    ``tests/model/test_quality.py::TestDigits::test_accuracy[small]`` becomes
    ``tests.model.test_quality-TestDigits-test_accuracy.small``.

    Args:
        node: Its node id.
    """
    found = _TEST.fullmatch(node)
    if found is not None:
        parameters = f".{found['parameters']}" if found["parameters"] else ""
        name = found["file"].replace("/", ".") + found["names"].replace("::", "-") + parameters
        if len(name) <= _LONGEST:
            return name
    return _cut(node.replace(".py::", "::", 1), node)


def name_of_case(name: str, parameters: str | None) -> str:
    """Return the name of one case of a parametrized test that was given a name.

    Args:
        name: What the test is called.
        parameters: What pytest calls the case; None for a test without cases.
    """
    return name if parameters is None else fitting(f"{name}.{parameters}")


def suite_of_test(node: str) -> str:
    """Return the name of the suite: the file of a test, as ``tests.model.test_quality``."""
    file = node.partition("::")[0]
    return fitting(file.removesuffix(".py").replace("/", "."))


def _cut(text: str, whole: str) -> str:
    """Keep all of it, or where that is too long, what stands in the file, which tells most."""
    room = _LONGEST - _DIGITS - 1
    plain = _plain(text)
    if len(plain) > room:
        plain = _plain(text.partition("::")[2] or text)[:room].rstrip("-._")
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain or 'test'}-{digest[:_DIGITS]}"


def _plain(text: str) -> str:
    return _OTHER.sub("-", text.replace("/", ".")).strip("-._")
