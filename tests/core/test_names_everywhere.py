"""The same 150 names and paths through every verb that takes one: the same verdict on both databases and both stores.

No error of a driver or an SDK reaches the caller, and nothing outside the roots is read or written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from podium.errors import AlreadyExistsError, ConflictError, InvalidNameError, InvalidValueError, NotFoundError
from podium.registry import Registry
from tests.content.conftest import s3, s3_server  # noqa: F401 - fixtures
from tests.core.conftest import MODEL

pytestmark = pytest.mark.slow

GOOD = [
    *["a", "A9", "0", "digits-mlp", "a.b_c-d", "a..b", "a-", "x" * 63, "CON", "MLmodel", "null", "None", "true"],
    *["candidate", "v", "va1", "v3x", "latest2", "1.0.0", "2026-11-24", "con.txt"],
]
MODELS = [
    *["Digits classifier", "数字分類器", "Классификатор", "مصنف الأرقام", "Churn (EU) 1.0+beta_2-x", "é", "हिन्दी"],
    *["ﬁ", "²", "ß", "İ", "\U0001d518\U0001d52b", "a b c", "(", "+", "..", "."],
]
TEXTS = [  # what breaks out of SQL, HTML, Slack, shells, templates, logs
    *["'; DROP TABLE runs; --", '" OR 1=1', "a' || 'b", "%", "_%", "a%b", "$1", "?", ":x", "\\", "\\x00", "`id`"],
    *["$(id)", "{{7*7}}", "${7*7}", "%s%n", "{0.__class__}", "<img src=x onerror=alert(1)>", "</script>", "&amp;"],
    *["<!channel>", "<https://x.org|y>", "[a](javascript:alert(1))", "!!python/object", "=cmd()", "a\r\nX: y", "a;b"],
    *[
        "a|b",
        "a&b",
        "a,b",
        "a=b",
        "a@b",
        "a#b",
        "~a",
        "-rf",
        "--help",
        "*",
        "[a]",
        "a\tb",
        "\x1b[31m",
        "\x7f",
        "a\x85b",
    ],
    *[
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a\0",
        "\ud800",
        "\u202eabc",
        "a\u200bb",
        "\ufeffa",
        "a\u00a0b",
        "e\u0301",
        "x" * 5000,
    ],
    *["x" * 65, "x" * 129, "é" * 129, "😀", "\U000e0001", "\ue000", "\uff41", "\u0661"],
]
PATHS = [  # list P of the notes on reliability
    *["../x", "a/../../x", "a/..", "..", ".", "./a", "a/./b", "/etc/passwd", "//h/x", "a//b", "a/", "C:x", "C:\\x"],
    *["..\\x", "a\\b", "%2e%2e/x", "%252e%252e%252fx", "..%5cx", "%c0%af", "\uff0e\uff0e/x", "\u2025/x", ";/../x"],
    *["#/../x", "?/../x", "a\0b", "a\r\nb", "file:x", "file:///etc/passwd", "~/x", "$HOME/x", ".git/hooks/x"],
    *[
        "MLmodel/../../x",
        "p" * 300,
        "/".join("d" * 300),
        "a/" * 3000 + "b",
        "CON",
        "con.txt",
        "a/NUL/b",
        "COM1",
        "LPT9.x",
    ],
    *["a.", "a ", "a./b", "a\u202eb", "a\u200bb", "\ufeffa", "cafe\u0301", "caf\u00e9", "-a", "a b", ".hidden"],
    *["数字/分類", "a:b", "aux", "a\x7fb", "\ud800", "incoming/lock", "blobs/sha256/ab", "podium.db", "p" * 255],
]
NAMES = list(dict.fromkeys([*GOOD, *MODELS, *TEXTS]))
REFUSALS = (InvalidNameError, InvalidValueError, NotFoundError, AlreadyExistsError, ConflictError)


LEAKS = re.compile(r"INSERT INTO|SELECT .* FROM|psycopg|sqlite3|Traceback")


def ask(registry: Registry, file: Path) -> dict[str, Callable[[str], Any]]:
    """Every verb that takes a name, as a function of that name."""
    return {**ask_to_make(registry, file), **ask_to_change(registry), **ask_to_show(registry, file)}


def ask_to_make(registry: Registry, file: Path) -> dict[str, Callable[[str], Any]]:
    ref, version = "p/a", f"{MODEL}:v0"
    return {
        "log project": lambda name: registry.log(f"{name}/a", file),
        "log artifact": lambda name: registry.log(f"p/{name}", file),
        "log type": lambda name: registry.log(f"q/t{NAMES.index(name)}", file, type=name),
        "log alias": lambda name: registry.log(ref, file, aliases=[name]),
        "log tag": lambda name: registry.log(ref, file, tags=[name]),
        "log reference": lambda name: registry.log(name, file),
        "link registry": lambda name: registry.link(ref, f"{name}/M"),
        "link model": lambda name: registry.link(ref, f"model-registry/{name}"),
        "link alias": lambda name: registry.link(ref, MODEL, aliases=[name]),
        "set_alias": lambda name: registry.set_alias(version, name),
        "set_alias ref": lambda name: registry.set_alias(name, "best"),
        "set_alias expected": lambda name: registry.set_alias(version, "expected", expected=name),
        "remove_alias": lambda name: registry.remove_alias(MODEL, name),
    }


def ask_to_change(registry: Registry) -> dict[str, Callable[[str], Any]]:
    version = f"{MODEL}:v0"
    return {
        "tag": lambda name: registry.tag(version, [name]),
        "untag": lambda name: registry.untag(version, [name]),
        "tag whole": lambda name: registry.tag(name, ["gold"]),
        "edit": lambda name: registry.edit(name, metadata={"k": 1}),
        "edit_collection": lambda name: registry.edit_collection(f"model-registry/{name}", owner="ann"),
        "create_registry": registry.create_registry,
        "create_registry types": lambda name: registry.create_registry(f"r{NAMES.index(name)}", types=[name]),
        "edit_registry": lambda name: registry.edit_registry(name, description="x"),
        "registry": registry.registry,
        "rename model": lambda name: registry.rename("model-registry/Renamed", name),
        "rename artifact": lambda name: registry.rename("q/renamed", name),
        "unlink": lambda name: registry.unlink(f"model-registry/{name}:v9"),
        "delete": lambda name: registry.delete(f"p/{name}:v9"),
        "delete by alias": lambda name: registry.delete(f"p/nothing:{name}"),
        "restore": lambda name: registry.restore(f"{name}:v9"),
        "delete_collection": lambda name: registry.delete_collection(f"nothing/{name}"),
        "restore_collection": lambda name: registry.restore_collection(f"nothing/{name}"),
        "promote": lambda name: registry.promote(version, name),
        "record_check": lambda name: registry.record_check(version, name, "pass"),
        "start_run": registry.start_run,
        "subscribe": lambda name: registry.subscribe(name, "console"),
    }


def ask_to_show(registry: Registry, file: Path) -> dict[str, Callable[[str], Any]]:
    return {
        "expire": registry.expire,
        "resolve": registry.resolve,
        "resolve name": lambda name: registry.resolve(f"q/{name}"),
        "resolve alias": lambda name: registry.resolve(f"{MODEL}:{name}"),
        "files": lambda name: registry.files(f"q/{name}"),
        "versions": lambda name: registry.versions(f"q/{name}"),
        "verify": lambda name: registry.verify(f"q/{name}"),
        "download": lambda name: registry.download(f"q/{name}", file.parent / "got"),
        "collection": lambda name: registry.collection(f"q/{name}"),
        "history": lambda name: registry.history(MODEL, name),
        "events": lambda name: registry.events(f"q/{name}"),
        "models": registry.models,
        "artifacts": registry.artifacts,
        "run": registry.run,
    }


# An independent statement of DESIGN 4.1: which verbs refuse which names as names.
PLAIN, LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
RULES = {
    "log artifact": lambda name: re.fullmatch(PLAIN, name),
    "log type": lambda name: re.fullmatch(PLAIN, name),
    "log tag": lambda name: re.fullmatch(LABEL, name),
    "tag": lambda name: re.fullmatch(LABEL, name),
    "set_alias": lambda name: re.fullmatch(LABEL, name) and not re.fullmatch(r"v\d+|latest", name, re.IGNORECASE),
    "create_registry": lambda name: re.fullmatch(PLAIN, name),
    "link model": lambda name: (
        1 <= len(name) <= 128
        and name == name.strip(" ")
        and all(char in " ._-()+" or unicodedata.category(char)[0] in "LNM" for char in name)
        and unicodedata.is_normalized("NFC", name)
    ),
}


def verdict(call: Callable[[str], Any], name: str) -> str:
    """How a verb takes a name; only errors of Podium may come, and none shows what is behind it."""
    try:
        call(name)
    except REFUSALS as error:
        shown = str(error).replace(name, "")
        return "leaks" if LEAKS.search(shown) else type(error).__name__
    return "accepted"


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files beside the roots that no verb may read, change or add to."""
    for folder in ("outside", "work"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text("canary")
    (tmp_path / "x").write_text("canary")
    monkeypatch.chdir(tmp_path / "work")
    roots = {"content", "home", "podium.db", "podium.db-wal", "podium.db-shm", "given", "got", "files"}

    def look() -> dict[str, str]:
        inside = [path for path in tmp_path.iterdir() if path.name not in roots]
        paths = [below for path in inside for below in [path, *path.rglob("*")] if below.is_file()]
        return {str(path): path.read_text() for path in paths}

    before = look()
    yield
    assert look() == before
    assert {path.name for path in tmp_path.iterdir()} <= roots | {"outside", "work", "x"}


def all_verdicts(registry: Registry, file: Path) -> dict[tuple[str, str], str]:
    for name in ("p/a", "q/renamed"):
        registry.log(name, file)
    registry.link("p/a", MODEL)
    registry.link("q/renamed", "model-registry/Renamed")
    verbs = ask(registry, file)
    return {(verb, name): verdict(call, name) for verb, call in verbs.items() for name in NAMES}


@pytest.mark.postgres
def test_names_get_one_verdict(
    lite: Registry, new_pg_url: Callable[[], str], open_at: Callable[..., Registry], tmp_path: Path, outside: None
) -> None:
    """Each of some hundred names gets the same answer from each verb on both databases, the one that DESIGN says."""
    file = tmp_path / "given" / "model.bin"
    file.parent.mkdir()
    file.write_text("model")
    verdicts = [
        all_verdicts(registry, file)
        for registry in (lite, open_at(new_pg_url(), content=tmp_path / "home" / "content"))
    ]
    assert verdicts[0] == verdicts[1]
    assert "leaks" not in verdicts[0].values()
    for verb, rule in RULES.items():
        for name in NAMES:
            refused = verdicts[0][verb, name] in ("InvalidNameError", "InvalidValueError")
            assert refused != bool(rule(name)), (verb, name, verdicts[0][verb, name])
    assert lite.verify().problems == ()


def path_verdicts(registry: Registry, folder: Path) -> dict[str, str]:
    """Log a file under each path, and download what was accepted."""
    file, found = folder / "given" / "model.bin", {}
    for number, path in enumerate(PATHS):
        found[path] = verdict(lambda name, n=number: registry.log(f"paths/p{n}", {name: file}), path)
        if found[path] == "accepted":
            got = registry.download(f"paths/p{number}", folder / "got" / f"{number}")
            inside = [below.relative_to(got).as_posix() for below in got.rglob("*") if below.is_file()]
            assert inside == [path]
            assert (got / path).read_text() == "model"
    return found


@pytest.mark.postgres
def test_paths_get_one_verdict(
    lite: Registry,
    new_pg_url: Callable[[], str],
    open_at: Callable[..., Registry],
    s3: str,  # noqa: F811 - the fixture
    tmp_path: Path,
    outside: None,
) -> None:
    """Each of some fifty paths gets the same answer on both databases and both stores, and stays below its folder."""
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "model.bin").write_text("model")
    stores = [
        lite,
        open_at(new_pg_url(), content=tmp_path / "home" / "content"),
        open_at(new_pg_url(), content=f"{s3}/prefix"),
    ]
    verdicts = [path_verdicts(registry, tmp_path) for registry in stores]
    assert verdicts[0] == verdicts[1] == verdicts[2]
    good = {"%2e%2e/x", "%252e%252e%252fx", "..%5cx", "%c0%af", "\uff0e\uff0e/x", "\u2025/x", "~/x", "$HOME/x"}
    good |= {".git/hooks/x", "-a", "a b", ".hidden", "caf\u00e9", "数字/分類", "incoming/lock", "blobs/sha256/ab"}
    good |= {"podium.db", "p" * 255, "/".join("d" * 300)}
    assert {path for path, answer in verdicts[0].items() if answer == "accepted"} == good
    assert {answer for answer in verdicts[0].values()} == {"accepted", "InvalidNameError"}


def test_there_are_enough() -> None:
    """At least 150 different names and paths."""
    assert len(set(NAMES) | set(PATHS)) >= 150
