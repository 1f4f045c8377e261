"""Run flows from files, one after the other in one process, so that Prefect starts its server once."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run ``[[name, parameters], ...]`` from a folder of flow files."""
    folder, steps = Path(sys.argv[1]), json.loads(sys.argv[2])
    for name, parameters in steps:
        runpy.run_path(str(folder / f"{name}.py"))[name](**parameters)


if __name__ == "__main__":
    main()
