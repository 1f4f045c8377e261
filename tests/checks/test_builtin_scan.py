"""Pickles are found wherever they hide, and what cannot be looked at is no pass."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from podium import checks
from podium.checks import TestSubject, run_check

pytest.importorskip("picklescan")
Make = Callable[..., TestSubject]


class Evil:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> Any:
        return os.system, ("true",)


def zipped(content: bytes, name: str = "data.pkl") -> bytes:
    """Put content into an archive, as PyTorch does."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(*contents: bytes, mode: Any = "w:gz") -> bytes:
    """Put contents into an archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for number, content in enumerate(contents):
            info = tarfile.TarInfo(f"data-{number}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def array(descr: str, content: bytes) -> bytes:
    """Return an array in the format of NumPy."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


EVIL = pickle.dumps(Evil())
TEXT = b"cos\nsystem\n(S'true'\ntR"
HIDDEN = {
    "model": EVIL,
    "m.sav": EVIL,
    "m.txt": EVIL,
    "protocol-0": pickle.dumps(Evil(), protocol=0),
    "without-an-end": TEXT,
    "behind-a-long-text": b"X" + struct.pack("<I", 100_000) + b"a" * 100_000 + b"0" + TEXT + b".",
    "mark-of-0.bin": b"\x80\x00" + TEXT + b".",
    "m.pkl.gz": gzip.compress(EVIL),
    "second-of-two.gz": gzip.compress(b"") + gzip.compress(EVIL),
    "comp.joblib": zlib.compress(EVIL),
    "second-of-two.z": zlib.compress(b"") + zlib.compress(EVIL),
    "xz.joblib": lzma.compress(EVIL),
    "alone.lzma": lzma.compress(EVIL, format=lzma.FORMAT_ALONE),
    "bz.joblib": bz2.compress(EVIL),
    "t.tar.gz": tarred(b"harmless", EVIL),
    "t.tar": tarred(b"harmless", EVIL, mode="w"),
    "torch.bin": zipped(EVIL),
    "zip-in-zip": zipped(zipped(EVIL)),
    "tar.gz-in-zip": zipped(tarred(EVIL)),
    "zip-in-tar.gz": tarred(zipped(EVIL)),
    "gzip-in-gzip": gzip.compress(gzip.compress(EVIL)),
    "objects.npy": array("'|O'", EVIL),
    "structure.npy": array("[('a', '<f4'), ('b', 'O')]", EVIL),
    "objects.npz": zipped(array("'object'", EVIL), "a.npy"),
    "second-pickle": pickle.dumps(1) + EVIL,
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_a_hidden_pickle_is_found(subject: Make, check: Any, name: str) -> None:
    """Whatever the file is called, behind compression, in archives of archives, and in arrays."""
    result = run_check(check(), subject({name: HIDDEN[name]}), None)
    assert (result.status, name in result.message) == ("fail", True)


def test_the_scan_says_what_is_called(subject: Make) -> None:
    """The message names the function and where its pickle lies."""
    found = run_check(checks.scan_pickles(), subject({"a.zip": zipped(tarred(EVIL), "b.tar.gz")}), None)
    assert found.message == f"Pickles call what is dangerous: {os.name}.system (a.zip > b.tar.gz > data-0)."


CLOSED = {
    "half.zip": zipped(b"harmless" * 1000)[:60],
    "half.gz": gzip.compress(os.urandom(1000))[:500],
    "half.tar": tarred(b"harmless" * 1000, mode="w")[:2000],
    "damaged.tar": tarred(b"a", mode="w")[:1024] + b"x" * 512 + tarred(EVIL, mode="w"),
    "m.zst": b"\x28\xb5\x2f\xfd" + b"x" * 50,
    "m.lz4": b"\x04\x22\x4d\x18" + b"x" * 50,
    "m.7z": b"7z\xbc\xaf\x27\x1c" + b"x" * 50,
    "old.joblib": b"ZF0x1a                " + zlib.compress(b"x"),
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_what_cannot_be_looked_at_is_an_error(subject: Make, check: Any, name: str) -> None:
    """Damaged archives and compression that nobody here unpacks do not pass, unless they are allowed."""
    result = run_check(check(), subject({name: CLOSED[name]}), None)
    assert (result.status, name in result.message) == ("error", True)
    assert run_check(check(allow=name), subject({name: CLOSED[name]}), None).status == "pass"


@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_a_bomb_is_an_error(subject: Make, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to far more than its size is left alone."""
    monkeypatch.setattr("podium.checks.builtin.unpacking._ROOM", 1024**2)
    bomb = gzip.compress(gzip.compress(bytes(20 * 1024**2)))
    result = run_check(check(), subject({"bomb.gz": bomb}), None)
    assert (result.status, "unpacks to more than" in result.message) == ("error", True)


@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_archives_are_not_opened_for_ever(subject: Make, check: Any) -> None:
    """Behind eight levels nobody looks."""
    content = b"harmless"
    for _ in range(9):
        content = gzip.compress(content)
    result = run_check(check(), subject({"deep.gz": content}), None)
    assert (result.status, "packed more than 8 times" in result.message) == ("error", True)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"a": 1})[:-1],
        pickle.dumps([1]) + b"junk",
        b"\x80\x04\x82\x01.",
        pickle.dumps(1) + b"I010\n0" + TEXT,
    ],
)
def test_a_pickle_that_is_not_understood_is_an_error(subject: Make, content: bytes) -> None:
    """Cut off, with something behind it, or with a number of an extension: it is not called harmless."""
    assert run_check(checks.scan_pickles(), subject({"model.pkl": content}), None).status in ("error", "fail")


PLAIN = {
    "labels.txt": b"cat\ndog\nhorse\nR\n",
    "zip-like.txt": b"x^2 + y",
    "old.bin": b"\x5d\x00" + bytes(range(256)) * 9,
    "int16.bin": b"\x80\x00\x4e\x00" * 50,
    "numbers.npy": array("'<f8'", bytes(8)),
    "structure.npy": array("[('a', '<f4', (2,)), ('b', [('c', '|S7')])]", bytes(15)),
    "model.safetensors": struct.pack("<Q", 640)
    + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(640)
    + bytes(4),
    "a.zip": zipped(zipped(b"harmless")),
    "a.tar.gz": tarred(b"harmless", gzip.compress(b"harmless")),
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_what_is_no_pickle_passes(subject: Make, check: Any, name: str) -> None:
    """Words, numbers, safetensors and archives of them are let through."""
    result = run_check(check(), subject({name: PLAIN[name]}), None)
    assert result.status == "pass", result.message


def test_nothing_is_called_while_scanning(subject: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a call nor an import of the pickle happens."""
    content = b"\x80\x04X\x04\x00\x00\x00thisX\x01\x00\x00\x00d\x93.cbuiltins\nprint\n(S'called'\ntR."
    assert run_check(checks.scan_pickles(), subject({"m": content}), None).status == "fail"
    assert capsys.readouterr().out == ""


def test_known_classes_may_be_named(subject: Make) -> None:
    """``calls=`` lets through what picklescan does not know."""
    version = subject({"m.pkl": pickle.dumps(Evil.__mro__[0])})
    assert run_check(checks.scan_pickles(), version, None).status == "fail"
    assert run_check(checks.scan_pickles(calls=f"{__name__}.*"), version, None).status == "pass"


@pytest.mark.parametrize(
    ("calls", "status"), [("*", "fail"), ([f"{os.name}.*"], "fail"), ([f"{os.name}.system"], "pass")]
)
def test_what_is_dangerous_is_allowed_by_its_full_name_only(subject: Make, calls: Any, status: str) -> None:
    """No pattern lets through what picklescan calls dangerous."""
    assert run_check(checks.scan_pickles(calls=calls), subject({"m": EVIL}), None).status == status


def test_a_pattern_does_not_reach_through_a_module(subject: Make) -> None:
    """``json.*`` does not allow ``json.codecs.open``, which is of another module."""
    content = b"\x80\x04X\x04\x00\x00\x00jsonX\x0b\x00\x00\x00codecs.open\x93."
    assert run_check(checks.scan_pickles(calls="json.*"), subject({"m": content}), None).status == "fail"


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_a_model_of_scikit_learn_is_scanned(subject: Make, tmp_path: Any, compress: Any) -> None:
    """The arrays that joblib writes into a pickle are stepped over, and what comes behind them is seen."""
    numpy, joblib = pytest.importorskip("numpy"), pytest.importorskip("joblib")
    good = {"weights": numpy.arange(1e5), "labels": numpy.array(["a", {}], dtype=object), "names": numpy.array(["a"])}
    for name, content in (("good", good), ("bad", {**good, "last": Evil()})):
        joblib.dump(content, tmp_path / name, compress=compress)
    results = [
        run_check(
            checks.scan_pickles(calls=["numpy.*"]), subject({name: (tmp_path / name).read_bytes()}, number=n), None
        )
        for n, name in enumerate(("good", "bad"))
    ]
    assert [result.status for result in results] == ["pass", "fail"], results


def test_bytes_of_an_array_are_read_as_plain_pickles_too(subject: Make, tmp_path: Any) -> None:
    """A load without joblib takes the bytes of an array for operations; a call hidden there is found."""
    numpy, joblib = pytest.importorskip("numpy"), pytest.importorskip("joblib")
    hidden = numpy.frombuffer((b"N" * 20 + TEXT + b".").ljust(64, b"N"), dtype="u1")
    joblib.dump(hidden, tmp_path / "m.joblib")
    content = (tmp_path / "m.joblib").read_bytes()
    before, behind = content.split(hidden.tobytes())
    content = (
        before.rstrip(b"\xff")[:-1] + b"N" * (1 + ord("N")) + hidden.tobytes() + behind
    )  # padding that is operations
    assert joblib.load(io.BytesIO(content)).tolist() == hidden.tolist()
    found = run_check(checks.scan_pickles(calls="numpy.*"), subject({"m.joblib": content}), None)
    assert (found.status, "os.system" in found.message) == ("fail", True)


def test_a_hostile_name_breaks_no_message(subject: Make) -> None:
    """A module whose name is made of control characters is a failure that can be recorded."""
    content = b"\x80\x04X\x05\x00\x00\x00\x1b[2J\x00X\x02\x00\x00\x00\n\r\x93)R."
    assert run_check(checks.scan_pickles(calls="numpy.*"), subject({"m": content}), None).status == "fail"


def nested(levels: int) -> bytes:
    """Return a pickle whose tuple holds itself twice, level by level, and is the key of a dict."""
    return b"\x80\x04})" + b"2\x86" * levels + b"Ns."


@pytest.mark.parametrize("check", [checks.scan_pickles, checks.forbidden_files])
def test_a_key_that_takes_for_ever_to_hash_is_not_hashed(subject: Make, check: Any) -> None:
    """Sixty levels of pairs are 2 to the power of 60 parts; the scan goes by as if they were one."""
    result = run_check(check(timeout=60), subject({"m.bin": nested(60)}), None)
    assert result.status == ("pass" if check is checks.scan_pickles else "fail")


def test_a_file_of_one_line_is_not_kept_in_memory(subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that no pickler writes is an error, not all of the memory."""
    monkeypatch.setattr("podium.checks.builtin.pickle_reader._LINE", 1000)
    result = run_check(checks.scan_pickles(), subject({"m.bin": b"c" + b"a" * 5000}), None)
    assert (result.status, "a line of more than" in result.message) == ("error", True)


def test_a_frame_that_no_pickler_writes_is_an_error(subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of C goes on in it as if it were not there."""
    monkeypatch.setattr("podium.checks.builtin.pickle_reader._FRAME", 100)
    content = b"\x95" + struct.pack("<Q", 500) + (TEXT + b".").ljust(500)
    assert run_check(checks.scan_pickles(), subject({"m.bin": content}), None).status == "error"
