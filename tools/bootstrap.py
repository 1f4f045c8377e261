"""Make .venv: everything that `make demo`, `make test` and `make check` need, in pinned versions.

Runs on any Python 3.11 or newer with nothing installed. A second run finds its stamp and does nothing; two at the same
time wait for each other; one that is killed half way is simply run again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "podium-ready"
PINS = ROOT / "constraints.txt"
CHANNELS = [ROOT / "plugins" / f"podium-{name}" for name in ("apprise", "email", "slack", "webhook")]
PROJECTS = [ROOT, *CHANNELS, ROOT / "demo"]


def main() -> None:
    """Bring .venv up to date with the files that describe it."""
    if sys.version_info < (3, 11):
        sys.exit(f"Podium needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12")
    if _ready():
        return
    VENV.mkdir(exist_ok=True)
    with (VENV / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _ready():
            return
        STAMP.unlink(missing_ok=True)
        print("Setting up .venv (Airflow, Prefect, scikit-learn, ...): two to four minutes, once.", flush=True)
        _install()
        STAMP.write_text(_fingerprint(), encoding="utf-8")


def _ready() -> bool:
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _fingerprint()


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{VENV} {sys.version_info[:2]}".encode())
    for path in [PINS, Path(__file__), *(project / "pyproject.toml" for project in PROJECTS)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install() -> None:
    python = VENV / "bin" / "python"
    if _run([sys.executable, "-m", "venv", str(VENV)], check=False):
        sys.exit("python -m venv failed. On Debian and Ubuntu: apt-get install python3-venv")
    pins = ["--constraint", str(PINS)]
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *pins]
    _run([*pip, "pip"])  # the pip of an old Python knows no dependency groups
    editable = [word for project in PROJECTS for word in ("--editable", f"{project}")]
    editable[1] += "[airflow,prefect,postgres]"
    groups = [word for name in ("joint", "lint", "test") for word in ("--group", name)]
    _run([*pip, "--build-constraint", str(PINS), *editable, *groups])


def _run(command: list[str], *, check: bool = True) -> int:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "VIRTUAL_ENV")}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if check and code:
        sys.exit(f"This failed: {' '.join(command)}")
    return code


if __name__ == "__main__":
    main()
