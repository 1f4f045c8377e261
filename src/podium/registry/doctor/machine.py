"""What this machine gives: folders, room, file systems, plugins. Nothing here needs the database."""

from __future__ import annotations

import fnmatch
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence

from podium.domain.expressions import near_names
from podium.domain.health import Finding, file_system_of, is_network, judge_space
from podium.plugins.dropins import writable_by_all
from podium.plugins.loading import NO_FOLDER, NO_HOOK
from podium.plugins.web.addresses import VARIABLE, AllowList
from podium.registry.doctor.case import Case, fault, fine, size_text, told, warning
from podium.settings import PluginChoice, read_plugin_choice


def check_home(case: Case) -> Iterator[Finding]:
    """Look whether Podium's own folders can be written."""
    home = str(case.settings.home)
    yield _folder("home", home, "Set PODIUM_HOME to a folder that this user may write, or mend its rights.")
    for name, path in (("staging", os.path.join(home, "staging")), ("cache", os.path.join(home, "cache"))):
        if os.path.lexists(path):
            yield _folder(name, path, f"Mend the rights of {path}, or remove it: it holds nothing that must be kept.")


def check_database_file(case: Case) -> Iterator[Finding]:
    """Look whether the file of an embedded database, its companions and its folder can be written."""
    path = case.database_file
    if path is None:
        return
    folder = os.path.dirname(path)
    found = _folder("database file", folder, "SQLite makes files beside the database: mend the rights of the folder.")
    if found.level != "ok":
        yield found
        return
    if not os.path.exists(path):
        yield warning(
            "database file", f"There is no database {path} yet.", "Run 'podium init'; the first use does, too."
        )
        return
    for name in (path, f"{path}-wal", f"{path}-shm"):
        if os.path.exists(name) and not os.access(name, os.R_OK | os.W_OK):
            hint = "Mend its owner and rights; all users of one SQLite file need to write all of its files."
            yield fault("database file", f"{name} cannot be read and written by this user.", hint, path=name)
            return
    yield fine("database file", f"The file {path} can be read and written.")


def check_file_system(case: Case) -> Iterator[Finding]:
    """Look whether an embedded database lies on a file system that several machines share."""
    path = case.database_file
    if path is None or not case.mounts:
        return
    kind, point = file_system_of(os.path.realpath(path), case.mounts)
    if is_network(kind):
        yield fault(
            "file system",
            f"The SQLite file {path} is on {kind} (mounted at {point}), where its locks and its WAL are not reliable.",
            "Move it to a local disk, or use PostgreSQL; contents may stay on such a file system.",
            kind=kind,
            mounted=point,
        )
    elif kind:
        yield fine("file system", f"The SQLite file is on a local file system ({kind}).")


def check_room(case: Case) -> Iterator[Finding]:
    """Look whether the disks have room, each once."""
    seen: set[int] = set()
    content = case.place or case.settings.content or case.settings.default_content
    folder = [] if "://" in content else [content]
    file = [os.path.dirname(case.database_file)] if case.database_file else []
    for path in [*folder, *file, str(case.settings.home)]:
        there = _nearest(path)
        device = os.stat(there).st_dev
        if device in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(there)
        level = judge_space(usage.free, usage.total)
        message = f"The disk of {path} has {size_text(usage.free)} free of {size_text(usage.total)}."
        hint = (
            "" if level == "ok" else "Make room: 'podium gc' removes what nothing needs, 'podium cache prune' as well."
        )
        yield Finding("room", level, message, hint, {"path": path, "free": usage.free, "total": usage.total})


def check_plugins(case: Case) -> Iterator[Finding]:
    """Look which plugins are not in use; those that the environment leaves out are meant to be."""
    found = case.host.examine()
    for item in found:
        leave_out = f"PODIUM_PLUGINS_BLOCK={shlex.quote(item.name)} leaves it out."
        hint = f"Repair or remove it ({item.source}); {leave_out}"
        if sum(other.name == item.name for other in found) > 1:  # to leave out the name would leave out both
            hint = f"Give it a name of its own ({item.source})."
        why = (item.error or "").rstrip(".")
        if item.name == NO_FOLDER:
            yield fault("plugins", f"Drop-ins of {item.source}: {why}.", "Make it, or mend PODIUM_PLUGINS_DIR.")
        elif item.state == "failed":
            yield fault("plugins", f"The plugin {item.name!r} is not in use: {why}.", hint, plugin=item.name)
        elif item.state == "loading":
            message = (
                f"The plugin {item.name!r} takes more than {case.host.seconds:g} s to load; promotions are refused."
            )
            hint = f"Let it import less ({item.source}); {leave_out}"
            yield warning("plugins", message, hint, plugin=item.name)
        for wrong in item.faults:
            message = f"The plugin {item.name!r} does not offer what it wants to: {wrong.rstrip('.?')}."
            if wrong == NO_HOOK:
                message = f"The plugin {item.name!r} has {wrong}"
            yield warning("plugins", message, hint, plugin=item.name)
    choice = case.host.choice or read_plugin_choice()
    yield from _unfit(choice, [item.name for item in found]) if case.host.discover else ()
    open_to_all = list(writable_by_all(choice.folders)) if case.host.discover else []
    for path in open_to_all:
        hint = f"chmod o-w {path}: whoever may write there runs code in every process that uses Podium."
        yield warning("plugins", f"{path}, where PODIUM_PLUGINS_DIR has drop-ins, can be written by all.", hint)
    if not open_to_all and not any(item.state in ("failed", "loading") or item.faults for item in found):
        names = ", ".join(item.name for item in found if item.state == "active")
        yield fine("plugins", f"All plugins load: {names or 'none is in use'}.")


def check_allowed_addresses(case: Case) -> Iterator[Finding]:
    """Look whether the list of internal addresses that may be reached can be read."""
    listed = AllowList.of_environment()
    wrong = list(listed.problems())
    for error in wrong:
        yield told("allowed addresses", error)
    if listed.text.strip() and not wrong:
        yield fine("allowed addresses", f"{VARIABLE} can be read: {' '.join(listed.text.replace(',', ' ').split())}.")


def _unfit(choice: PluginChoice, names: Sequence[str]) -> Iterator[Finding]:
    """Look for patterns that fit no plugin: a slip in them takes a plugin out, or lets one in, without a word."""
    lists = (("PODIUM_PLUGINS_ALLOW", choice.allow or ()), ("PODIUM_PLUGINS_BLOCK", choice.block))
    for variable, patterns in lists:
        for pattern in patterns:
            if fnmatch.filter(names, pattern):
                continue
            near = near_names(pattern, names)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            hint = f"{meant}Names are joined by commas; 'podium plugins' lists them."
            yield warning("plugins", f"{variable} names {pattern!r}, which no plugin here is called.", hint)


def _folder(check: str, path: str, hint: str) -> Finding:
    """Try to write a file; rights alone do not tell about read-only disks, quotas, and root."""
    there = _nearest(path)
    if not os.path.isdir(there):
        return fault(check, f"{there} is no folder.", hint, path=there)
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".podium-doctor-") as probe:
            probe.write(b"podium")
            probe.flush()
    except OSError as error:
        return fault(check, f"The folder {there} cannot be written: {error.strerror}.", hint, path=there)
    if there != path:
        return fine(check, f"{path} does not exist yet and can be made.")
    return fine(check, f"{path} can be written.")


def _nearest(path: str) -> str:
    """Return the path itself, or what exists above it."""
    while not os.path.lexists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path
