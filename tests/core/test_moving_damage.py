"""A bundle that was cut, altered or made up is refused, and nothing is written: bytes, framing, and what it says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from podium.content.bundle import BundleReader, header_of, padding_of
from podium.content.bundle_writer import BundleWriter, write_head
from podium.domain.bundle import CONTENTS, MANIFEST, BundleManifest, Member
from podium.domain.bundle_records import RECORDS, record_member
from podium.domain.plain import canonical
from podium.errors import IntegrityError, InvalidValueError
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry
from tests.core.moved import MODEL, fill

Edit = Callable[[dict[str, list[dict[str, Any]]]], None]
BLOCK = 512
QUIET = PluginHost(discover=False)
SEED = int(os.environ.get("PODIUM_TEST_SEED", "20261124"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a bundle with something of every kind; made once, since nobody changes them."""
    folder = tmp_path_factory.mktemp("source")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PODIUM_HOME", str(folder / "home"))
        registry = open_registry(f"sqlite:///{folder / 'a.db'}", content=folder / "content", actor="ann", host=QUIET)
        stack.callback(registry.close)
        fill(registry, folder / "files")
        registry.export_bundle(MODEL, to=folder / "b.podium")
    return (folder / "b.podium").read_bytes()


@pytest.fixture
def refused(tmp_path: Path, open_at: Callable[..., Registry], rows: Any) -> Iterator[Callable[..., Any]]:
    """Import bytes that must be refused, and return the error; in the end nothing may have been written."""
    other = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "other")
    before = rows(other)

    def refuse(data: bytes, kind: type[Exception] = IntegrityError) -> Any:
        path = tmp_path / "altered.podium"
        path.write_bytes(data)
        with pytest.raises(kind) as caught:
            other.import_bundle(path)
        return caught.value

    yield refuse
    assert rows(other) == before
    assert not (tmp_path / "other").exists()
    assert list((tmp_path / "home" / "staging").iterdir()) == []


def test_cut_anywhere(data, refused) -> None:
    """At both sides of every block, and at 100 other places."""
    dice = random.Random(SEED)
    places = {place + step for place in range(0, len(data), 4 * BLOCK) for step in (-1, 0, 1)}
    places |= {dice.randrange(len(data)) for _ in range(100)} | {1, BLOCK, len(data) - BLOCK, len(data) - 1}
    for place in sorted(places & set(range(len(data)))):
        assert refused(data[:place]).member


def test_each_byte_of_the_framing(data, refused) -> None:
    """Headers, padding and the end: each byte of a header of every sort of member, altered in one bit."""
    dice = random.Random(SEED)
    names = ["SHA256SUMS", MANIFEST, record_member("events"), CONTENTS, "contents/"]
    for name in names:
        start = data.index(name.encode() + (b"" if name.endswith("/") else b"\0"))
        for place in range(start, start + BLOCK, 3):
            assert refused(flipped(data, place, dice)).member
    for place in range(len(data) - 2 * BLOCK, len(data), 16):
        assert refused(flipped(data, place, dice)).member


def test_1500_flipped_bits(data, refused) -> None:
    """Wherever a bit is altered, in names, numbers, records, contents or zeros, the bundle is refused."""
    dice = random.Random(SEED)
    for _ in range(1500):
        assert refused(flipped(data, dice.randrange(len(data)), dice)).member


def flipped(data: bytes, place: int, dice: random.Random) -> bytes:
    return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]


def test_what_follows_the_end(data, refused) -> None:
    """One byte, more zeros, or a second bundle behind the first."""
    for more in (b"x", bytes(BLOCK), data):
        assert refused(data + more).member == "its end"


def test_members_that_are_too_much(data, refused) -> None:
    """A member put in, one that stands twice, two that changed places, and one whose name leads out of the folder."""
    end = len(data) - 2 * BLOCK
    trick = header_of("../../etc/passwd", 4) + b"evil" + padding_of(4)
    first = data.index(b"contents/")
    last = data[first:end]
    for altered in (data[:end] + trick, data[:first] + trick + last, data[:end] + last, data[:BLOCK] + data):
        refused(altered + data[end:])


def test_a_member_renamed_to_lead_out(data, refused) -> None:
    """No name of a member is ever used as a path; one that is not the expected one is refused."""
    first = data.index(b"contents/")
    evil = header_of("../../../../tmp/evil", int(data[first + 124 : first + 135], 8))
    assert refused(data[:first] + evil + data[first + BLOCK :]).member.startswith("contents/")


def test_a_header_that_says_more_than_there_is(data, refused) -> None:
    """A size of gigabytes takes no memory: it is compared with the file first."""
    start = data.index(MANIFEST.encode() + b"\0")
    for size in (2**33 - 1, 2**30):
        refused(data[:start] + header_of(MANIFEST, size) + data[start + BLOCK :])


def test_nothing_and_noise(refused) -> None:
    """An empty file, zeros, random bytes, and another archive."""
    noise = random.Random(SEED).randbytes(20_000)
    for data in (b"", bytes(20_000), noise, header_of("model.bin", 3) + b"abc" + bytes(509)):
        refused(data)


def test_a_newer_format(data, refused) -> None:
    """A bundle of a later Podium says so, whatever else is in it."""
    altered = rewritten(data, lambda _: None, version=2, colour="blue")
    error = refused(altered, InvalidValueError)
    assert (error.found, error.needed) == (2, 1)


def forged(what: str, edit: Edit) -> Any:
    return pytest.param(edit, id=what)


def set_in(of: str, /, **values: Any) -> Edit:
    return lambda records: records[of][0].update(values)


FORGERIES = [
    forged("an event edited", set_in("events", created_by="eve")),
    forged("an event left out", lambda records: records["events"].pop(3)),
    forged("the last event left out", lambda records: records["events"].pop()),
    forged("two events swapped", lambda records: records["events"].insert(2, records["events"].pop(3))),
    forged("a head moved", set_in("collections", head="0" * 64)),
    forged("an event of another stream", set_in("events", stream="01a20ed2-c416-74cb-808c-9a85e36391eb")),
    forged("a content that leads out", set_in("manifest_entries", sha256="../../../etc/passwd")),
    forged("a file that leads out", set_in("manifest_entries", path="../../etc/passwd")),
    forged("other files under a digest", set_in("manifest_entries", sha256="0" * 64)),
    forged("a manifest too few", lambda records: records["manifests"].pop()),
    forged("a manifest without files", lambda records: records["manifest_entries"].clear()),
    forged("a size that is none", set_in("manifests", size=-1)),
    forged("a name that breaks the rules", set_in("namespaces", name="../x")),
    forged("a kind that is none", set_in("namespaces", kind="folder")),
    forged("a key that is another's", set_in("collections", name_key="other")),
    forged("a collection of no namespace", set_in("collections", namespace_id="01a20ed2-c416-74cb-808c-9a85e36391eb")),
    forged("a version of no run", set_in("versions", run_id="nobody")),
    forged("a place of no version", set_in("memberships", version_id="01a20ed2-c416-74cb-808c-9a85e36391eb")),
    forged("an alias of no version", set_in("aliases", number=77)),
    forged("an alias that breaks the rules", set_in("aliases", name="a b")),
    forged("a NUL character", set_in("versions", description="a\0b")),
    forged("half a letter", set_in("versions", description="\ud800")),
    forged("a time that is none", set_in("versions", created_at="yesterday")),
    forged("a number that is a text", set_in("version_metrics", value="12")),
    forged("a number that no column holds", set_in("versions", number=2**63)),
    forged("a field too much", set_in("runs", secret="x")),
    forged("a field too few", lambda records: records["runs"][0].pop("config")),
    forged("an edge to nowhere", set_in("run_versions", direction="sideways")),
    forged("a check of no version", set_in("checks", number=77)),
    forged("an id that stands twice", lambda records: records["versions"].append(records["versions"][0])),
]


@pytest.mark.parametrize("edit", FORGERIES)
def test_a_forgery_with_right_hashes(data, refused, edit) -> None:
    """Somebody who can compute hashes still cannot bring in records that do not fit together."""
    error = refused(rewritten(data, edit))
    assert error.member.startswith("records/")


def test_a_content_that_nothing_needs(data, refused) -> None:
    """Nothing is carried along unseen, and nothing that is needed may be missing."""
    for edit in (lambda known: known | {hashlib.sha256(b"extra").hexdigest(): b"extra"}, lambda known: {}):
        assert refused(rewritten(data, lambda _: None, contents=edit)).member == CONTENTS


def test_the_untouched_bundle_is_not_refused(data, tmp_path, open_at) -> None:
    """What the forgeries are made with gives the same bytes when nothing is forged."""
    assert rewritten(data, lambda _: None) == data


def rewritten(data: bytes, edit: Edit, *, contents: Any = None, **more: Any) -> bytes:
    """Take a bundle apart, change its records, and write it with right hashes."""
    raw = io.FileIO(os.memfd_create("bundle"), "w+")
    raw.write(data)
    with raw:
        reader = BundleReader(raw, "here")  # type: ignore[arg-type]  # a raw file reads and seeks, too
        records = {kind: [json.loads(line) for line in reader.lines(record_member(kind))] for kind in RECORDS}
        known = {sha: b"".join(reader.read(start, size, sha)) for sha, size, start in reader.contents()}
        old = reader.manifest
    edit(records)
    known = contents(known) if contents is not None else known
    lines = {record_member(kind): [as_line(record) for record in found] for kind, found in records.items()}
    lines[CONTENTS] = [as_line({"sha256": sha, "size": len(known[sha])}) for sha in sorted(known)]
    members = tuple(as_member(name, b"".join(found), len(found)) for name, found in lines.items())
    plain = old.to_json() | {"members": [member.to_json() for member in members], **more}
    plain |= {"contents": len(known), "content_size": sum(map(len, known.values()))}
    return written(plain, members, lines, known)


def as_line(record: dict[str, Any]) -> bytes:
    try:
        return canonical(record).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def as_member(name: str, data: bytes, lines: int) -> Member:
    return Member(name, len(data), hashlib.sha256(data).hexdigest(), lines)


def written(plain: dict[str, Any], members: Any, lines: Any, known: dict[str, bytes]) -> bytes:
    class Manifest(BundleManifest):
        def write(self) -> bytes:
            return canonical(plain).encode() + b"\n"

    file = io.BytesIO()
    writer = BundleWriter(file)
    write_head(writer, Manifest("", "", "", (), members, 0, 0, 0), lines.__getitem__)
    for sha256, data in sorted(known.items()):
        writer.add_content(sha256, len(data), [data])
    writer.end()
    return file.getvalue()
