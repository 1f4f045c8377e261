"""Names of checks made of node ids: unique, stable, and readable where they can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.check_names import fitting, name_of_case, name_of_test, suite_of_test
from podium.domain.names import check_label

NODES = {
    "test_a.py::test_b": "test_a-test_b",
    "tests/test_quality.py::TestDigits::test_accuracy[small]": "tests.test_quality-TestDigits-test_accuracy.small",
    "a/test_a.py::test_b[1-x]": "a.test_a-test_b.1-x",
    "test_a.py::test_b[two words]": "test_a-test_b-two-words-922d1e5e",
    "my-tests/test_a.py::test_b": "my-tests.test_a-test_b-fe0e5e5c",
}


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_this_name(node) -> None:
    """Written down, because policies name them: a change of the rule would break every policy."""
    assert name_of_test(node) == NODES[node]


def test_a_long_name_keeps_the_test_and_not_the_folders() -> None:
    """Of what is too long, the part in the file stays."""
    name = name_of_test(f"tests/{'deep/' * 20}test_a.py::TestA::test_{'x' * 20}[{'y' * 80}]")
    assert name.startswith("TestA-test_xxxx")
    assert len(name) == 64


PART = st.text("ab_-. /:[]é", min_size=1, max_size=6)
NODE = st.builds("{}.py::{}[{}]".format, PART, PART, PART) | st.builds("{}.py::{}".format, PART, PART)


@given(st.lists(NODE, min_size=2, max_size=2, unique=True))
def test_two_nodes_never_have_one_name(nodes) -> None:
    """Different tests are different checks, and every name fits the rule of checks."""
    first, second = (check_label(name_of_test(node)) for node in nodes)
    assert first != second


@given(st.text(max_size=200))
def test_every_text_becomes_a_name(text) -> None:
    """Whatever a file, a metric or a case is called, its name fits the rule."""
    for name in (fitting(text), name_of_test(text), suite_of_test(text), name_of_case("name", text)):
        assert check_label(name) == name


def test_what_fits_stays() -> None:
    """A name that is one already is not changed."""
    assert fitting("val.accuracy-1") == "val.accuracy-1"
    assert (name_of_case("fast", None), name_of_case("fast", "small")) == ("fast", "fast.small")
