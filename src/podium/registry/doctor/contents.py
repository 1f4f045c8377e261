"""What the content store says: whether it is the right one, whether all is there, and what nobody needs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice

from podium.content.local import LocalStore
from podium.content.opening import open_store, same_place
from podium.content.store import ContentStore
from podium.domain.health import Finding
from podium.domain.manifest import Entry
from podium.errors import PodiumError
from podium.registry.doctor.case import Case, amount, fault, fine, size_text, told, warning
from podium.usecases import records

_SHOWN = 3
_BATCH = 500
_RESTORE = "Restore it from a backup, or log the same files again; 'podium verify' lists every version."


def reach_content(case: Case) -> tuple[list[Finding], ContentStore | None]:
    """Look whether the recorded location is the configured one and can be used; nothing is made."""
    asked = case.settings.content
    if case.place is None:
        place = asked or case.settings.default_content
        return [fine("content", f"No content is stored yet; the first will go to {place}.")], None
    if asked is not None and not same_place(asked, case.place):
        message = f"The content of this database lies in {case.place}, but this process is configured for {asked}."
        hint = "Set PODIUM_CONTENT to the recorded place, or leave it out."
        return [fault("content", message, hint, recorded=case.place, asked=asked)], None
    try:
        store = open_store(case.place)
        found = _usable(store)
    except PodiumError as error:
        return [told("content", error)], None
    return [found], store if found.level == "ok" else None


def check_contents(case: Case) -> Iterator[Finding]:
    """Look whether each content is there with its size; with ``deep``, read all of them and all references."""
    store = case.store
    assert store is not None
    with case.unit() as unit:
        found = list(records.list_contents(unit))
    stored = [(holder, entry) for holder, entry in found if not entry.is_reference]
    elsewhere = [(holder, entry) for holder, entry in found if entry.is_reference]
    if case.deep:
        yield _judge_contents(stored, _read_all(case, store, stored), how="hashed and as it was logged")
        if elsewhere:
            yield from _judge_references(elsewhere, case)
    else:
        yield _judge_contents(stored, _look_at_all(store, stored), how="there with its size")
        if elsewhere:
            message = (
                f"{amount(len(elsewhere), 'reference')} not looked at: 'podium doctor --deep' reads what they name."
            )
            yield fine("references", message)


def check_orphans(case: Case) -> Iterator[Finding]:
    """Look what garbage collection would remove."""
    assert case.garbage is not None
    report = case.garbage()
    facts = report.to_json()
    parts = [f"{amount(report.blobs, 'content')} ({size_text(report.size)}) that nothing refers to"] * bool(
        report.blobs
    )
    if report.leftovers:
        parts.append(f"{amount(report.leftovers, 'file')} ({size_text(report.leftover_size)}) of killed writers")
    if report.versions:
        parts.append(f"{amount(report.versions, 'version')} deleted more than 30 days ago")
    if parts:
        hint = "Run 'podium gc' now and then, from cron for example; '--dry-run' only looks."
        yield warning("orphans", f"There are {', '.join(parts)}.", hint, **facts)
    else:
        yield fine("orphans", "Nothing is stored that nobody needs.", **facts)


def _usable(store: ContentStore) -> Finding:
    hint = "Check that the disk is mounted, and its rights."
    if not isinstance(store, LocalStore):
        store.prepare()
        return fine("content", f"{store.location} can be written.")
    if not store.root.is_dir():
        return fault("content", f"The content folder {store.location} is not there.", hint, path=store.location)
    for folder in (store.location, os.path.join(store.location, "incoming"), os.path.join(store.location, "blobs")):
        try:
            if os.path.isdir(folder):
                with tempfile.NamedTemporaryFile(dir=folder, prefix=".podium-doctor-"):
                    pass
        except OSError as error:
            return fault("content", f"The folder {folder} cannot be written: {error.strerror}.", hint, path=folder)
    return fine("content", f"{store.location} can be written.")


def _look_at_all(store: ContentStore, stored: Iterable[tuple[str, Entry]]) -> dict[str, str]:
    """Return the SHA-256 of what is missing or has another size."""
    bad: dict[str, str] = {}
    several = iter(stored)
    while batch := list(islice(several, _BATCH)):
        gone = store.missing((entry.sha256, entry.size) for _, entry in batch)
        bad |= dict.fromkeys(gone, "missing or of another size")
    return bad


def _read_all(case: Case, store: ContentStore, stored: Iterable[tuple[str, Entry]]) -> dict[str, str]:
    bad: dict[str, str] = {}
    for _, entry in stored:
        state = store.state(entry.sha256, entry.size)
        if state != "ok":
            bad[entry.sha256] = state
        if case.progress is not None:
            case.progress(entry)
    return bad


def _judge_contents(stored: list[tuple[str, Entry]], bad: dict[str, str], *, how: str) -> Finding:
    size = size_text(sum(entry.size for _, entry in stored))
    if not bad:
        return fine("contents", f"{amount(len(stored), 'content')} ({size}): each is {how}.", contents=len(stored))
    wrong = [f"{entry.path} of {holder} is {bad[entry.sha256]}" for holder, entry in stored if entry.sha256 in bad]
    message = f"Damaged or missing: {len(bad):,} of {amount(len(stored), 'content')}; {_some(wrong)}."
    return fault("contents", message, _RESTORE, damaged=sorted(bad), contents=len(stored))


def _judge_references(elsewhere: list[tuple[str, Entry]], case: Case) -> Iterator[Finding]:
    from podium.content.references import state_of  # brings the clients of object storage

    drifted, silent, unchecked = [], [], 0
    for holder, entry in elsewhere:
        try:
            state = state_of(entry)
        except PodiumError as error:
            silent.append(f"{entry.uri} ({error.message})")
            continue
        finally:
            if case.progress is not None:
                case.progress(entry)
        unchecked += state == "unchecked"
        if state in ("missing", "changed"):
            drifted.append(f"{entry.uri}, {entry.path} of {holder}, is {state}")
    if drifted:
        hint = "Restore what was there, or log a new version that refers to what is there now."
        yield fault(
            "references", f"{amount(len(drifted), 'reference')} drifted: {_some(drifted)}.", hint, drifted=drifted
        )
    if silent:
        hint = "Check the network and the credentials, then look again."
        yield warning("references", f"{amount(len(silent), 'reference')} cannot be read: {_some(silent)}.", hint)
    if not drifted and not silent:
        more = f"; {unchecked} promise nothing that could be checked" if unchecked else ""
        yield fine("references", f"{amount(len(elsewhere), 'reference')} looked at, none drifted{more}.")


def _some(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
