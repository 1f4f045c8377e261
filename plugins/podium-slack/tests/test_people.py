"""Who is who: the file of people, and whom an address does not prove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podium_slack.buttons import Click
from podium_slack.people import find_person, read_people

from podium.errors import PermissionDeniedError, SettingsError

TEAM = "T00000000"
EVE: dict[str, Any] = {"team_id": TEAM, "is_email_confirmed": True, "profile": {"email": "Eve@Example.com"}}
PEOPLE = {"UBEN0001": "ben", "eve@example.com": "eve"}


def click(user: str = "UEVE0001", team: str = TEAM) -> Click:
    """A click of somebody."""
    return Click("approve", "0" * 32, user, team, "C1", "1.1")


def nobody(user: str) -> dict[str, Any]:
    """A Slack that must not be asked."""
    raise AssertionError(f"{user} was looked up.")


def write(tmp_path: Path, text: str) -> Path:
    """Write a file of people."""
    path = tmp_path / "people.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_ids_and_addresses(tmp_path: Path) -> None:
    """A line for each person; the case of an address does not count."""
    path = write(tmp_path, "# leads\nUBEN0001: ben\nEve@Example.com: 'eve'\nWMAX0001: 007\n")
    assert read_people(path) == {"UBEN0001": "ben", "eve@example.com": "eve", "WMAX0001": "007"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names nobody"),
        ("- UBEN0001", "names nobody"),
        ("UBEN0001: [ben]", "no name of a person in line 1"),
        ("UBEN0001:", "no name of a person in line 1"),
        ("UBEN0001: ben\n\n@ben: ben\n", "it is no YAML"),
        ("UBEN0001: ben\nben: ben\n", "in line 2 neither a Slack user id nor an e-mail address: 'ben'"),
        ("UBEN0001: ben\nUBEN0001: eve\n", "'UBEN0001' twice, again in line 2"),
        ("a@b.c: ben\nA@B.C: eve\n", "'A@B.C' twice, again in line 2"),
        ("a: !!python/object/apply:os.system [id]", "no name of a person in line 1"),
    ],
)
def test_says_what_is_wrong(text: str, says: str, tmp_path: Path) -> None:
    """A file that could be misread is refused, with its line."""
    with pytest.raises(SettingsError, match=says):
        read_people(write(tmp_path, text))


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is said to be not there."""
    with pytest.raises(SettingsError, match="No such file"):
        read_people(tmp_path / "people.yaml")


def test_id_needs_no_question() -> None:
    """Whoever stands in the file by id is not looked up, and may come from another workspace."""
    assert find_person(PEOPLE, click("UBEN0001", "T99999999"), TEAM, nobody) == "ben"


def test_address_of_a_member() -> None:
    """A confirmed address of a member of the workspace names a person."""
    assert find_person(PEOPLE, click(), TEAM, lambda user: EVE) == "eve"


@pytest.mark.parametrize(
    "profile",
    [
        {"team_id": "T99999999"},
        {"is_email_confirmed": False},
        {"deleted": True},
        {"is_bot": True},
        {"profile": {}},
        {"profile": None},
        {"profile": {"email": "max@example.com"}},
    ],
)
def test_address_that_proves_nothing(profile: dict[str, Any]) -> None:
    """An address of another workspace, one that nobody confirmed, or one of a bot makes nobody Eve."""
    with pytest.raises(PermissionDeniedError, match="UEVE0001: YOUR_NAME"):
        find_person(PEOPLE, click(), TEAM, lambda user: EVE | profile)


@pytest.mark.parametrize(("people", "team"), [(PEOPLE, "T99999999"), ({"UBEN0001": "ben"}, TEAM)])
def test_not_looked_up(people: dict[str, str], team: str) -> None:
    """Nobody is looked up who comes from elsewhere, or where the file has no addresses."""
    with pytest.raises(PermissionDeniedError):
        find_person(people, click(team=team), TEAM, nobody)
