"""An observer: every event as a line of JSON, in the file that PODIUM_EVENT_LOG names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from podium.plugins import Event, hookimpl


@hookimpl
def podium_on_event(event: Event) -> None:
    """Write the event down; without the variable, nothing is."""
    path = os.environ.get("PODIUM_EVENT_LOG")
    if path:
        line = json.dumps(event.to_json()) + "\n"
        # One write of one line: the kernel keeps lines of several processes apart.
        with Path(path).open("ab", buffering=0) as file:
            file.write(line.encode())
