"""Calls are known again by the next attempt."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from podium.prefect import identity
from podium.prefect.identity import Call, call_key


@pytest.fixture
def call(request):
    return Call(flow_run=request.node.name, attempt=1, task_key="train-1", task_run="first")


def test_a_retry_of_the_task_is_the_same_call(call):
    """The task run id stays, and with it the name."""
    assert call_key(call, {"x": 1}) == call_key(call, {"x": 1})


def test_a_retry_of_the_flow_makes_the_same_calls(call):
    """Task runs get new ids, but the same inputs in the same order."""
    first = [call_key(replace(call, task_run=f"a{i}"), {"x": i % 2}) for i in range(4)]
    again = [call_key(replace(call, attempt=2, task_run=f"b{i}"), {"x": i % 2}) for i in range(4)]
    assert first == again
    assert len(set(first)) == 4


def test_equal_calls_are_numbered_per_task(call):
    """Calling one task twice with equal inputs makes two calls; another task counts for itself."""
    keys = [call_key(replace(call, task_run=str(i)), {"x": 1}) for i in range(2)]
    other = call_key(replace(call, task_key="other-1", task_run="2"), {"x": 1})
    assert [key.rpartition(".")[2] for key in [*keys, other]] == ["0", "1", "0"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, 2),
        (1, "1"),
        (True, 1),
        (0.1, 0.2),
        ("a", "b"),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 2}),
        ([], [[]]),
        (Path("/data/a"), Path("/data/b")),
        (None, "None"),
    ],
)
def test_other_inputs_make_another_call(call, one, two):
    """Mapped tasks are told apart by what they are given."""
    keys = {call_key(replace(call, task_run=str(i)), {"x": value}) for i, value in enumerate([one, two])}
    assert {key.rpartition(".")[2] for key in keys} == {"0"}
    assert len(keys) == 2


def test_temporary_folders_do_not_count(call):
    """An attempt writes to a folder of its own."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert call_key(call, {"folder": Path(one)}) == call_key(call, {"folder": Path(two)})
        assert call_key(call, {"folder": one}) == call_key(call, {"folder": two})


def test_what_is_not_plain_counts_by_its_type(call):
    """A parameter may be huge, change while it is looked at, or refuse to be printed."""

    class Rude:
        def __getattr__(self, name):
            raise RuntimeError(name)

        __repr__ = __str__ = __getattr__

    loop = []
    loop.append(loop)
    values = {
        "rude": Rude(),
        "loop": loop,
        "surrogate": "\ud800",
        "long": "x" * 10**7,
        "big": 10**9999,
        "wide": list(range(10**5)),
    }
    assert call_key(call, values) == call_key(call, {**values, "rude": Rude()})


def test_memory_is_bounded(call):
    """A process that serves for weeks forgets old flow runs."""
    for number in range(identity._FLOW_RUNS * 2):
        call_key(replace(call, flow_run=f"{call.flow_run}-{number}"), {})
    assert len(identity._orders) <= identity._FLOW_RUNS
