"""Built-in checks of files: their size, which must be there, which must not, and what is in them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podium import checks
from podium.checks import TestSubject, run_check
from podium.checks.builtin.contents import kind_of

Make = Callable[..., TestSubject]


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        (1500, "pass"),
        (1499, "fail"),
        ("1.5 kB", "pass"),
        ("1 KiB", "fail"),
        ("1.4kb", "fail"),
        ("2 MB", "pass"),
        (0, "fail"),
    ],
)
def test_the_size_has_a_limit(subject: Make, limit, status) -> None:
    """All files together, in units of a thousand or of 1,024."""
    version = subject({"a": "x" * 1000, "b/c": "y" * 500})
    assert run_check(checks.max_size(limit), version, None).status == status


@pytest.mark.parametrize(
    ("patterns", "status"),
    [
        ("model.onnx", "pass"),
        ("*.onnx", "pass"),
        (["*.onnx", "config/*.json"], "pass"),
        ("*.json", "pass"),
        ("MODEL.*", "fail"),
    ],
)
def test_files_are_required(subject: Make, patterns, status) -> None:
    """Each pattern is met by a file, with folders and with the case of letters."""
    version = subject({"model.onnx": "x", "config/a.json": "{}"})
    assert run_check(checks.required_files(patterns), version, None).status == status


class Evil:
    """Calls something when it is loaded."""

    def __reduce__(self) -> Any:
        return print, ("loaded",)


def zipped(content: bytes) -> bytes:
    """Put content into an archive, as PyTorch does."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", content)
    return stream.getvalue()


def tarred(content: bytes) -> bytes:
    """Put content into an archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo("data")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


PICKLES = {
    **{f"protocol {number}": pickle.dumps({"weights": [1.5] * 9}, protocol=number) for number in range(6)},
    **{f"evil {number}": pickle.dumps(Evil(), protocol=number) for number in range(6)},
    "large": pickle.dumps([float(n) for n in range(100_000)], protocol=4),
    "large text": pickle.dumps([[n] for n in range(50_000)], protocol=0),
    "gzip": gzip.compress(pickle.dumps(Evil())),
    "bz2": bz2.compress(pickle.dumps(Evil())),
    "xz": lzma.compress(pickle.dumps(Evil())),
    "zlib": zlib.compress(pickle.dumps(Evil())),
    "zip": zipped(pickle.dumps(Evil())),
    "tar": tarred(pickle.dumps(Evil())),
}
PROGRAMS = {
    "elf": b"\x7fELF\x02\x01",
    "pe": b"MZ\x90\x00",
    "mach-o": b"\xcf\xfa\xed\xfe",
    "script": b"#!/bin/sh\nrm -rf x\n",
}
HARMLESS = {
    "empty": b"",
    "text": b"The model was trained on 60,000 images.\n",
    "dots": b"...",
    "json": b'{"a": [1, 2, 3]}',
    "yaml": b"b: 1\nc: 2\n",
    "csv": b"I1,F2\n1,2\n.",
    "numbers": b"0\n1\n2\n",
    "markdown": b"# R. Model\n",
    "letters": b"R. A. Fisher, 1936\n",
    "gzip of text": gzip.compress(b"harmless " * 100),
    "zip of text": zipped(b"harmless"),
    "random": random.Random(3).randbytes(4096),
    "floats": b"\x00\x00\x80\x3f" * 1000,
}


@pytest.mark.parametrize("case", [*PICKLES, *PROGRAMS, *HARMLESS])
def test_files_are_known_by_their_contents(tmp_path: Path, case: str) -> None:
    """A pickle of any protocol, behind compression or in an archive, and a program; and what is neither."""
    content = {**PICKLES, **PROGRAMS, **HARMLESS}[case]
    (tmp_path / "weights.bin").write_bytes(content)
    expected = "pickle" if case in PICKLES else "program" if case in PROGRAMS else None
    found = kind_of(tmp_path / "weights.bin")
    assert (found or "None").split(" ")[0] == str(expected)


def test_an_array_of_objects_is_a_pickle(tmp_path: Path) -> None:
    """NumPy's own format holds a pickle where the array is of objects, and none where it is of numbers."""
    numpy = pytest.importorskip("numpy")
    numpy.save(tmp_path / "objects.npy", numpy.array([{}], dtype=object))
    numpy.savez(tmp_path / "objects.npz", objects=numpy.array([{}], dtype=object))
    numpy.save(tmp_path / "numbers.npy", numpy.arange(9))
    found = {path.name: kind_of(path) for path in tmp_path.iterdir() if path.is_file()}
    assert found["numbers.npy"] is None
    assert {(name or "")[:6] for name in (found["objects.npy"], found["objects.npz"])} == {"pickle"}


@pytest.mark.parametrize(
    ("name", "content", "options", "status"),
    [
        ("model.PKL", b"x", {}, "fail"),
        ("model.bin", pickle.dumps(1), {}, "fail"),
        ("model.bin", pickle.dumps(1), {"kinds": ["program"]}, "pass"),
        ("old/model.pkl", pickle.dumps(1), {"allow": "old/*"}, "pass"),
        ("notes.txt", b"x", {"suffixes": [".txt"]}, "fail"),
        ("notes.pkl", b"x", {"suffixes": []}, "pass"),
        ("model.onnx", b"x", {}, "pass"),
        ("tool", b"\x7fELF", {"kinds": []}, "pass"),
    ],
)
def test_files_are_forbidden(subject: Make, name, content, options, status) -> None:
    """By the end of their names and by their contents, but for those that are allowed."""
    found = run_check(checks.forbidden_files(**options), subject({name: content}), None)
    assert found.status == status
    assert (name in found.message) == (status == "fail")


class Unknown:
    """A class that picklescan has never heard of."""


@pytest.mark.parametrize(
    ("content", "status"),
    [(pickle.dumps({"a": 1}), "pass"), (pickle.dumps(Unknown()), "fail"), (b"cos\nsystem\n(S'true'\ntR.", "fail")],
)
def test_pickles_are_scanned(subject: Make, content, status) -> None:
    """What is dangerous fails, what nobody knows fails, too."""
    pytest.importorskip("picklescan")
    assert run_check(checks.scan_pickles(), subject({"model.pkl": content}), None).status == status
