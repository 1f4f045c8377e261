"""MLflow's words in Podium's, without MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.names import check_artifact, check_label, check_model
from podium.errors import InvalidValueError, NotFoundError, StorageError
from podium.moving.mlflow.naming import (
    artifact_name,
    labels,
    proposed_alias,
    proposed_model,
    setting,
    stage_holders,
    stage_labels,
)
from podium.moving.mlflow.places import place_to_read, public_uri
from podium.moving.mlflow.source import SourceVersion


def _version(number: int, stage: str | None, updated: int) -> SourceVersion:
    time = datetime.fromtimestamp(updated, UTC)
    texts = dict.fromkeys(("description", "status_message", "run", "run_link", "source", "user", "logged_model"))
    return SourceVersion("m", number, tags={}, stage=stage, status="READY", created=time, updated=time, **texts)


@given(st.text(min_size=1, max_size=300))
def test_proposals_are_legal(name: str) -> None:
    """Whatever MLflow calls it, what is proposed can be used."""
    assert check_model(proposed_model(name))
    assert check_artifact(artifact_name(name))
    assert check_label(proposed_alias(name))


@given(st.sets(st.text(min_size=1, max_size=20), min_size=2, max_size=20))
def test_two_models_never_share_an_artifact(names: set[str]) -> None:
    """An artifact holds the numbers of one model."""
    assert len({artifact_name(name) for name in names}) == len(names)


def test_a_name_that_an_artifact_can_have_stays() -> None:
    """Only what cannot be kept changes."""
    assert artifact_name("churn.v2") == "churn.v2"
    assert artifact_name("Digits classifier").startswith("Digits-classifier-")


@pytest.mark.parametrize(
    ("key", "value", "label"),
    [
        ("checked", "true", {"checked"}),
        ("checked", "True", {"checked"}),
        ("checked", "", {"checked"}),
        ("checked", "false", {"checked-false"}),
        ("team", "risk", {"team-risk"}),
        ("team", "risk and fraud", set()),
        ("weird/key", "", set()),
        ("mlflow.source.type", "", set()),
        ("long", "x" * 64, set()),
    ],
)
def test_pairs_become_tags(key: str, value: str, label: set[str]) -> None:
    """What is true is its key, else both; what is no legal tag is none."""
    assert labels({key: value}) == label


def test_the_newest_of_a_shared_stage_holds_it() -> None:
    """By the last change, then by number; the others and the archived get a tag."""
    several = [
        _version(1, "Production", 9),
        _version(2, "Production", 5),
        _version(3, "Archived", 9),
        _version(4, None, 1),
    ]
    holders = stage_holders(several)
    assert holders == {"production": 1}
    tags = [stage_labels(version, holders) for version in several]
    assert tags == [set(), {"mlflow-production"}, {"mlflow-archived"}, set()]


@pytest.mark.parametrize("text", ["1", "-3", "0.1", "1e-05", "True", "False"])
def test_exact_numbers_become_numbers(text: str) -> None:
    """What spells a number exactly is one, and gives the text again."""
    value = setting(text)
    assert not isinstance(value, str)
    assert str(value) == text


@pytest.mark.parametrize(
    "text", ["00123", "1.10", "1_000", " 1", "nan", "inf", "true", "None", "", "9" * 5000, "\uff11"]
)
def test_other_settings_stay_text(text: str) -> None:
    """Nothing is lost by guessing."""
    assert setting(text) == text


def test_no_secret_is_kept() -> None:
    """User, password and options of a URI are for nobody's eyes."""
    assert public_uri("http://ann:secret@host:5000/x?token=secret") == "http://host:5000/x"
    assert public_uri("postgresql://ann:sec@ret@host/db") == "postgresql://host/db"


def test_mlflow_is_not_pointed_at_what_is_not_there(tmp_path: Path) -> None:
    """It would make an empty registry."""
    for uri in (
        f"sqlite:///{tmp_path / 'no.db'}",
        str(tmp_path / "mlruns"),
        (tmp_path / "mlruns").as_uri(),
        str(tmp_path),
    ):
        with pytest.raises(NotFoundError):
            place_to_read(uri, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A database of something else would get MLflow's tables; a file is no folder."""
    other, text = tmp_path / "other.db", tmp_path / "text"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE things (id)")
    text.write_text("x" * 5000)
    with pytest.raises(InvalidValueError, match="no database of MLflow's"):
        place_to_read(f"sqlite:///{other}", tmp_path)
    with pytest.raises(StorageError, match="cannot be read as an SQLite database"):
        place_to_read(f"sqlite:///{text}", tmp_path)
    with pytest.raises(InvalidValueError, match="write 'sqlite:///"):
        place_to_read(str(other), tmp_path)
