"""Names, paths and references: one verdict, always the same; rejected, never repaired."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.names import (
    Reference,
    check_alias,
    check_artifact,
    check_label,
    check_model,
    check_path,
    check_paths,
    check_project,
    check_type,
    model_key,
    parse_reference,
)
from podium.errors import InvalidNameError

GOOD_PLAIN = ["a", "A9", "0", "digits-mlp", "a.b_c-d", "v3", "latest", "x" * 64, "CON", "a..b"]
BAD_PLAIN = ["", " ", "a b", ".a", "-a", "_a", "a/b", "a:b", "a\n", "a\0", "ä", "\u0661", "../a", "a\\b", None, 3, b"a"]

GOOD_ALIASES = ["candidate", "best", "v", "v3x", "3", "va1", "latest2", "x" * 64]
BAD_ALIASES = ["v3", "V3", "v007", "v" + "9" * 40, "latest", "Latest", "LATEST", "x" * 65, "a b", "", None]

GOOD_MODELS = [
    "Digits classifier",
    "数字分類器",
    "Классификатор",
    "مصنف الأرقام",
    "a",
    "x" * 128,
    "Churn (EU) 1.0+beta_2-x",
    "é",
    "..",
    "हिन्दी",
    "v3",
    "²",
]
BAD_MODELS = [
    "",
    " a",
    "a ",
    "x" * 129,
    "a/b",
    "a:b",
    "a\tb",
    "a\u00a0b",
    "a\u2003b",
    "e\u0301",
    "a\u200bb",
    "a\u202eb",
    "a\0",
    "a\n",
    "<b>",
    "a'b",
    'a"b',
    "a;b",
    "a%b",
    "😀",
    "a\\b",
    "\ud800",
    "\ufeffa",
    None,
    7,
]

GOOD_PATHS = [
    "model.pkl",
    "a/b/c.bin",
    "weights/数字.npy",
    ".git/hooks",
    "$HOME",
    "~x/y",
    "%2e%2e/x",
    "%252e%252e%252fx",
    "%c0%af",
    "a b/c d",
    "...x",
    "x..",
    "x" * 255,
    "/".join(["a"] * 300),
    "é",
    "CONSOLE",
    "com0",
    "x.con",
    "-rf",
    "\uff0e\uff0e/x",
]
GOOD_PATHS.remove("x..")  # a part that ends in a dot; it stands below
BAD_PATHS = [
    "",
    "../x",
    "a/../../x",
    "a/..",
    "./a",
    "a/./b",
    "/etc/passwd",
    "//h/x",
    "a//b",
    "a/",
    "C:x",
    "C:\\x",
    "..\\x",
    "a\\b",
    "..%5c/../x",
    ";/../",
    "#/../",
    "?/../",
    "a\0b",
    "a\r\nb",
    "a\tb",
    "\x7f",
    "\x85",
    "file:",
    "file:///etc/passwd",
    "a:stream",
    "~/",
    "MLmodel/../..",
    "x" * 256,
    "é" * 128,
    "/".join(["abc"] * 1100),
    "CON",
    "con.txt",
    "dir/AUX",
    "NUL .txt",
    "com1",
    "LPT9.log",
    "com\u00b9",
    "CONIN$",
    "x..",
    "a.",
    "a ",
    "dir./a",
    "dir /a",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\ufeffb",
    "a\u2028b",
    "e\u0301",
    "\ud800",
    "\udc80x",
    "\ue000",
    None,
    5,
    b"a",
]


@pytest.mark.parametrize("check", [check_project, check_artifact, check_type, check_label])
@pytest.mark.parametrize("name", GOOD_PLAIN)
def test_good_plain_names_pass_unchanged(check, name) -> None:
    """A project, artifact, type or label of the plain alphabet is returned as it is."""
    assert check(name) is name


@pytest.mark.parametrize("check", [check_project, check_artifact, check_type, check_label])
@pytest.mark.parametrize("name", BAD_PLAIN, ids=repr)
def test_bad_plain_names_are_rejected(check, name) -> None:
    """Anything else is rejected with the name and a rule."""
    with pytest.raises(InvalidNameError) as caught:
        check(name)
    assert caught.value.name == name
    assert caught.value.hint


@pytest.mark.parametrize(("check", "length"), [(check_project, 128), (check_artifact, 128), (check_label, 64)])
def test_plain_names_have_a_longest_length(check, length) -> None:
    """One character more than allowed is rejected."""
    assert check("x" * length)
    with pytest.raises(InvalidNameError):
        check("x" * (length + 1))


@pytest.mark.parametrize("name", GOOD_ALIASES)
def test_good_aliases(name) -> None:
    """An alias is any plain word that is no version number."""
    assert check_alias(name) is name


@pytest.mark.parametrize("name", BAD_ALIASES, ids=repr)
def test_bad_aliases(name) -> None:
    """Version numbers and `latest` are Podium's, in any case of letters."""
    with pytest.raises(InvalidNameError):
        check_alias(name)


@pytest.mark.parametrize("name", GOOD_MODELS)
def test_good_model_names(name) -> None:
    """A model name has letters, digits and marks of any script."""
    assert check_model(name) is name


@pytest.mark.parametrize("name", BAD_MODELS, ids=ascii)
def test_bad_model_names(name) -> None:
    """Markup, controls, separators, decomposed text and spaces at the ends are rejected."""
    with pytest.raises(InvalidNameError):
        check_model(name)


@pytest.mark.parametrize("path", GOOD_PATHS, ids=lambda path: ascii(path)[:30])
def test_good_paths(path) -> None:
    """A path is taken literally: nothing is decoded, expanded or folded."""
    assert check_path(path) is path


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: ascii(path)[:30])
def test_bad_paths(path) -> None:
    """A path that could leave its folder, or that some system cannot hold, is rejected."""
    with pytest.raises(InvalidNameError):
        check_path(path)


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "A"],
        ["a", "a"],
        ["stra\u00dfe", "STRASSE"],
        ["x/\u00e9", "x/\u00c9"],
        ["a", "a/b"],
        ["A/b", "a"],
        ["d/x/y", "D/X"],
    ],
)
def test_paths_that_clash(paths) -> None:
    """Two paths that are one file on some system, or a file and a folder, are rejected."""
    with pytest.raises(InvalidNameError):
        check_paths(paths)


def test_paths_that_stand_together() -> None:
    """Neighbours with common beginnings do not clash."""
    check_paths(["a", "ab", "b/a", "b/ab", "c/a/b", "c/ab"])


ALPHABET = st.one_of(st.characters(), st.sampled_from("./\\: ~%\u0301\u202e\u200b\uff0e" + string.ascii_letters))


@given(st.text(ALPHABET, max_size=40))
def test_what_check_path_accepts_is_safe(path: str) -> None:
    """Every accepted path is relative, NFC, without `..`, controls, backslash or an end in dot or space."""
    try:
        check_path(path)
    except InvalidNameError:
        return
    parts = path.split("/")
    assert not path.startswith("/")
    assert "\\" not in path
    assert unicodedata.normalize("NFC", path) == path
    assert all(part not in ("", ".", "..") and part[-1] not in ". " and ":" not in part for part in parts)
    assert len(path.encode("utf-8")) <= 4096
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in path)


@given(st.text(ALPHABET, max_size=40))
def test_the_verdict_is_stable(path: str) -> None:
    """The same path gets the same verdict twice."""

    def verdict() -> bool:
        try:
            check_path(path)
        except InvalidNameError:
            return False
        return True

    assert verdict() == verdict()


PLAIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(PLAIN, PLAIN, PLAIN)
def test_references_round_trip(namespace: str, name: str, selector: str) -> None:
    """A reference printed and parsed is the same reference."""
    ref = Reference(namespace, name, selector)
    assert parse_reference(str(ref)) == ref
    assert parse_reference(ref.collection) == Reference(namespace, name, "latest")


@pytest.mark.parametrize(
    "text",
    ["a", "a/b/c", "a/b:", "/b", "a/", "a/b:c:d", "a/b:c d", "a/b:\u0661", "", " a/b", "a/b ", None, 3, "a/b:v3/x"],
    ids=repr,
)
def test_bad_references(text) -> None:
    """A text of another shape is no reference, and the hint shows one."""
    with pytest.raises(InvalidNameError):
        parse_reference(text)


@pytest.mark.parametrize(
    ("selector", "number"),
    [("v0", 0), ("v12", 12), ("V1", None), ("v", None), ("best", None), ("v" + "9" * 19, None)],
)
def test_the_number_of_a_reference(selector, number) -> None:
    """Only `v` and a number that a database can hold is a version number."""
    assert Reference("a", "b", selector).number == number


def test_model_names_of_one_key() -> None:
    """Names that differ only by case have one key, in every script."""
    assert model_key("STRASSE") == model_key("Stra\u00dfe")
    assert model_key("ΣΑΣ") == model_key("σας")
    assert model_key("a") != model_key("b")


EASY = st.text(alphabet="abCON.-_/1 x~:é", min_size=1, max_size=24)


@given(EASY)
def test_the_short_way_gives_the_same_verdict(path: str) -> None:
    """Most paths are accepted by one match; it never accepts what the long way refuses."""
    from podium.domain import names

    def verdict() -> bool:
        try:
            return check_path(path) == path
        except InvalidNameError:
            return False

    with pytest.MonkeyPatch.context() as patch:
        quick = verdict()
        patch.setattr(names, "_EASY_PATH", names.re.compile(r"(?!)"))
        assert verdict() == quick
