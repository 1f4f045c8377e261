"""The expression language on plain values: what it means, and what it says of mistakes."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.event_fields import EVENTS
from podium.domain.expressions import (
    ExpressionError,
    Field,
    Found,
    Type,
    Vocabulary,
    evaluate,
    near_names,
    parse,
    read_expression,
    read_field,
    written,
)
from podium.errors import InvalidValueError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VOCABULARY = Vocabulary(
    "things",
    (
        Field("name", Type.TEXT),
        Field("number", Type.NUMBER, synonyms=("version",)),
        Field("created", Type.TIME),
        Field("open", Type.TRUTH),
        Field("tag", Type.TEXT, many=True),
        Field("metric", Type.NUMBER, family=True),
        Field("metadata", Type.ANY, family=True),
        Field("check", Type.TEXT, family=True, choices=("pass", "fail")),
        Field("run.status", Type.TEXT),
    ),
)
VALUES: dict[str, Any] = {
    "name": "a%b\nc",
    "number": 3,
    "created": NOW - timedelta(days=3),
    "open": True,
    "tag": ["x", "y"],
    "metric.acc": 0.97,
    "metric.val/acc": 0.5,
    "metadata.list": [1, "a", True],
    "metadata.n": 5,
    "check.smoke": "pass",
}


WORDS = ["number", "=", "3", "(", ")", "and", "or", "not", "tag", "'x'", "in", "like", "is", "null", ",", "-", "+"]


def ask(text: str) -> bool | None:
    def lookup(found: Found) -> Any:
        return VALUES.get(found.field.name if found.key is None else f"{found.field.name}.{found.key}")

    return evaluate(read_expression(text, VOCABULARY, NOW).condition, lookup)


def refused(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, VOCABULARY, NOW)
    return caught.value


def mistake_in(text: str) -> ExpressionError | None:
    try:
        read_expression(text, VOCABULARY, NOW)
    except ExpressionError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", True),
        ("  \n ", True),
        ("metric.acc > 0.9 AND tag = 'x'", True),
        ("metric.acc > 0.9 and tag = 'z' or number = 3", True),
        ("metric.acc > 0.9 and (tag = 'z' or number = 4)", False),
        ("not tag = 'z' and not number = 4", True),
        ("0.9 < metric.acc", True),
        ("number == 3 and number <> 4", True),
        ("version = 'v3'", True),
        ("metric.acc >= metric.`val/acc` + 0.4", True),
        ("number - 1 - 1 = 1", True),
        ("2 + number * 2 = 8", True),
        ("-number = -3", True),
        ("number / 0 = 1", None),
        ("number / 2 = 1.5", True),
        ("metadata.list = 1", True),
        ("metadata.list = 2", False),
        ("metadata.list != 2", True),
        ("metadata.list = 'a' and metadata.list = true", True),
        ("metadata.list + 1 > 0", None),
        ("metadata.n * 2 = 10", True),
        ("metadata.n = '5'", None),
        ("not metadata.n = '5'", None),
        ("metadata.missing != 1", None),
        ("metadata.missing != 1 or number = 3", True),
        ("metadata.missing != 1 and number = 4", False),
        ("metadata.missing is null", True),
        ("tag != 'z' and tag is not null", True),
        ("tag not in ('x', 'q')", False),
        (r"name like 'a\%b_c' and name not like 'A%'", True),
        ("open = true and open != false", True),
        ("created >= ago('4d') and created < ago('2d')", True),
        ("created > '2026-11-20' and created < '2026-11-22T00:00+01:00' and created < now()", True),
        ("check.smoke in ('pass')", True),
        ("run.status is null", True),
        ("""name = "it's" or name = 'it''s'""", False),
    ],
)
def test_meaning(text: str, result: bool | None) -> None:
    """An expression is true, false, or unknown where a value that it needs is missing."""
    assert ask(text) is result


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("metric.acc >", 13, "ends too early"),
        ("name = 'x", 8, "no end"),
        ("(number = 1", 12, "ends too early"),
        ("number = 1)", 11, "never opened"),
        ("number = 1 && open = true", 12, "'and' or 'or'"),
        ("number = 1 number = 2", 12, "'and' or 'or'"),
        ("number", 1, "no condition"),
        ("name = null", 8, "is null"),
        ("number between 1 and 2", 8, ">= and <="),
        ("name like number", 11, "pattern in quotes"),
        (r"name like 'x\'", 11, "backslash"),
        ("number = 1e999", 10, "too large"),
        ("number = 'x'", 10, "a number"),
        ("name = 3", 8, "a text"),
        ("created > '2026-13-01'", 11, "a time"),
        ("created > ago('7x')", 11, "no time ago"),
        ("created > agoo('7d')", 11, "ago"),
        ("open > true", 8, "no order"),
        ("tag + 1 > 2", 1, "no number"),
        ("name > number", 8, "one type"),
        ("metadata.a = metadata.b", 14, "unknown type"),
        ("number > 1 / 0", 10, "divides by zero"),
        ("1 = 1", 1, "Two constants"),
        ("name in ('a', 1)", 15, "a text"),
        ("metadata.a in ('a', 1)", 21, "several types"),
        ("tag = prod", 7, "needs quotes: 'prod'"),
        ("number in ()", 12, "not expected"),
        ("name = 'a\x00b'", 10, "NUL"),
        ("name = '\ud800'", 9, "not valid text"),
        ("number + 1 + 1 + 1 + 1 + 1 + 1 + 1 + number > 0", 1, "at most 8"),
    ],
)
def test_a_mistake_points_at_its_column(text: str, column: int, says: str) -> None:
    """An error carries the column of the mistake, and its text says what to do."""
    error = refused(text)
    assert error.column == column
    assert says in str(error)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("nmae = 'x'", "name"),
        ("metrics.acc > 1", "metric.acc"),
        ("run_status = 'x'", "run.status"),
        ("Created > '2026-01-01'", "created"),
        ("check.smoke = 'pas'", "pass"),
    ],
)
def test_a_mistake_proposes_the_nearest_name(text: str, near: str) -> None:
    """A name that is spelled wrong gets the nearest known one."""
    error = refused(text)
    assert error.near[0] == near
    assert f"Did you mean {near}" in str(error)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("stage = 'production'", "after.stage"),
        ("stag = 'production'", "after.stage"),
        ("alias = 'best'", "after.alias"),
        ("version = 3", "after.number"),
        ("metric.accuracy > 0.9", "after.metrics.accuracy"),
        ("model = 'model-registry/Digits'", "stream"),
        ("creatd_by = 'ann'", "actor"),
    ],
)
def test_what_an_event_says_is_proposed(text: str, near: str) -> None:
    """Somebody who leaves ``after`` out is led to it, and each name that is proposed is one of the fields."""
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, EVENTS)
    assert caught.value.near[0] == near
    assert near.partition(".")[0] in {field.name for field in EVENTS.fields}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("after.stage = production", "'production'"),
        ("after.stage in (production, 'staging')", "'production'"),
        ("type = model_version.promotd", "'model_version.promoted'"),
        ("type = promoted", "'promoted'"),
    ],
)
def test_a_word_without_quotes_is_a_text(text: str, quoted: str) -> None:
    """Where a field is compared with a word that names none, the quotes are missing, and no field is proposed."""
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, EVENTS)
    assert (f"A text needs quotes: {quoted}." in str(caught.value), caught.value.near) == (True, [])


def test_the_caret_stands_below_the_mistake() -> None:
    """The text of an error shows the expression and a caret below the column, wide characters counted as two."""
    lines = str(refused("name = '模型' and nme = 'x'")).splitlines()
    assert lines[1] == "  name = '模型' and nme = 'x'"
    assert lines[2] == " " * 20 + "^"


def test_the_error_shows_nothing_that_moves_the_cursor() -> None:
    """Line ends, control characters and marks of writing direction of an expression do not reach the terminal."""
    lines = str(refused("name = '\u202e\x1b[2J' and\n\tnme = 1")).splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_a_long_expression_is_cut_around_the_mistake() -> None:
    """Of a long expression the error shows the part around the mistake."""
    error = refused("number = 1 or " * 50 + "nme = 'x'" + " or number = 1" * 50)
    line, caret = str(error).splitlines()[1:3]
    assert len(line) < 100
    assert line[caret.index("^") :].startswith("nme")


def test_an_error_crosses_processes() -> None:
    """Hosts pickle errors; column and hint survive."""
    error = pickle.loads(pickle.dumps(refused("nme = 1")))
    assert (error.column, error.near[0]) == (1, "name")


def test_limits() -> None:
    """What is too long or nested too deep is refused, and what is not deep is read however long its chain is."""
    assert "nested" in str(refused("not " * 100 + "number = 1"))
    assert "at most" in str(refused("number = 1 or " * 800 + "number = 1"))
    assert ask("(" * 1000 + "number = 3" + ")" * 1000) is True
    assert ask("number = 1 or " * 300 + "number = 3") is True


def test_what_is_no_text_is_refused() -> None:
    """An expression is text."""
    with pytest.raises(InvalidValueError, match="text"):
        parse(3)  # type: ignore[arg-type]  # that is the point


def test_a_field_alone() -> None:
    """A field is read alone, for an order; anything else is refused."""
    assert read_field("metric.`val/acc`", VOCABULARY).path == "metric.`val/acc`"
    for text in ("", "number > 1", "number is null or name", "'x'", "nmae"):
        with pytest.raises(ExpressionError):
            read_field(text, VOCABULARY)


def test_the_fields_that_an_expression_names() -> None:
    """Each field once, in the order of the text."""
    fields = read_expression("metric.b > metric.a and tag = 'x' or metric.b < 1", VOCABULARY).fields
    assert [found.path for found in fields] == ["metric.b", "metric.a", "tag"]


@given(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), min_size=1, max_size=30))
def test_any_name_can_be_written(name: str) -> None:
    """Whatever a metric is called, `written` gives how an expression names it."""
    found = read_expression(f"metric.{written(name)} > 1", VOCABULARY).fields
    assert [item.key for item in found] == [name]


@given(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=40))
def test_any_text_can_be_quoted(text: str) -> None:
    """A text between quotes, with its quotes doubled, is that text and nothing else."""
    for quote in "'\"":
        node: Any = parse(f"name = {quote}{text.replace(quote, quote * 2)}{quote}")
        assert node.right.value == text


@given(st.text(max_size=60))
def test_any_input_is_an_expression_or_a_mistake(text: str) -> None:
    """No input breaks the parser: it is read, or an error points into it."""
    error = mistake_in(text)
    assert error is None or (1 <= error.column <= len(text) + 1 and str(error))


@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_row_of_words_is_an_expression_or_a_mistake(words: list[str]) -> None:
    """No order of the language's own words breaks the parser."""
    text = " ".join(words)
    error = mistake_in(text)
    assert error is None or 1 <= error.column <= len(text) + 1


def test_near_names_ignore_case_and_marks() -> None:
    """``Val-Acc`` is near ``val_acc``."""
    assert near_names("Val-Acc", ["val_acc", "loss"]) == ["val_acc"]


def test_arithmetic_never_leaves_the_range_of_a_double() -> None:
    """Numbers of extreme size count as missing where something is computed with them, and compare as they are."""
    VALUES["metric.huge"] = 1e300
    assert ask("metric.huge * metric.huge > 1") is None
    assert ask("metric.huge > 1e299") is True


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("metric.val/loss < 1", "metric.`val/loss`"),
        ("metric.val/loss/top-1 < 1", "metric.`val/loss/top-1`"),
        ("1 > metric.val-f1 and open = true", "metric.`val-f1`"),
        ("metric.eval/name > 1", "metric.`eval/name`"),
        ("tags.team = 'x'", "metadata.team"),
        ("summary_metrics.loss < 1", "metric.loss"),
        ("version_number = 1", "number"),
        ("creation_timestamp > '2026-01-01'", "created"),
        ("attributes.name = 'x'", "name"),
        ("attributes.creation_timestamp > '2026-01-01'", "created"),
    ],
)
def test_what_is_written_as_elsewhere(text: str, near: str) -> None:
    """A name as W&B or MLflow write it is answered with the one here."""
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, VOCABULARY)
    assert (caught.value.near, f"Did you mean {near}?" in str(caught.value)) == ([near], True)


@pytest.mark.parametrize(
    "text", ["metric.a/2 < 1", "metric.a/metric.b < 1", "metric.a/number < 1", "number/metadata.x < 1"]
)
def test_a_division_stays_one(text: str) -> None:
    """A slash between what are fields or numbers divides, without spaces too."""
    assert read_expression(text, VOCABULARY).condition is not None


def test_an_order_by_a_name_with_a_slash() -> None:
    """The name of a field alone is answered in the same way."""
    with pytest.raises(ExpressionError, match=r"Did you mean metric\.`val/loss`"):
        read_field("metric.val/loss", VOCABULARY)
