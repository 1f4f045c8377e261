"""Make .bench/from-mlflow-venv: Podium beside MLflow, as `pip install 'podium[mlflow]'` gives it to a user.

Podium's own tests run beside Airflow and Prefect, whose pins and MLflow's do not go together. A second run finds its
stamp and does nothing; two at the same time wait for each other. It prints the Python that has both.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".bench" / "from-mlflow-venv"
PYTHON = HOME / "bin" / "python"
STAMP = HOME / "podium-ready"
PINS = ROOT / "constraints.txt"
# The newest release whose three distributions the package index in use had together; MLFLOW_VERSION asks for another.
VERSION = os.environ.get("MLFLOW_VERSION", "3.17.2")


def environment() -> Path:
    """Return the Python of the environment, made at first use.

    Raises:
        subprocess.CalledProcessError: pip found no set of packages that go together, or could not reach its index.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME.parent / "from-mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _fingerprint()):
            STAMP.unlink(missing_ok=True)
            print(f"Making an environment with Podium and MLflow {VERSION}: one to two minutes, once.", file=sys.stderr)
            _install()
            STAMP.write_text(_fingerprint(), encoding="utf-8")
    return PYTHON


def _install() -> None:
    venv.create(HOME, with_pip=True)
    # Without the pins of constraints.txt: they follow Airflow, and MLflow cannot (importlib-metadata, to begin with).
    pip = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "VIRTUAL_ENV")}
    subprocess.run([*pip, "--upgrade", "pip"], check=True, env=clean, stdout=sys.stderr)
    wanted = ["--build-constraint", str(PINS), "--editable", f"{ROOT}[mlflow,postgres]", f"mlflow=={VERSION}"]
    subprocess.run([*pip, *wanted], check=True, env=clean, stdout=sys.stderr)


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{HOME} {sys.version_info[:2]} {VERSION}".encode())
    for path in (PINS, Path(__file__), ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(environment())
