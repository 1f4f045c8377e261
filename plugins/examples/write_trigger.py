"""An action: a file for whoever watches a folder, such as a Make, an rsync or a systemd path unit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from podium.plugins import Action, ActionCall, hookimpl


class WriteTrigger(Action):
    """Writes ``CALL.json`` into the folder that the setting ``folder`` names; a second attempt writes it over."""

    name = "file.trigger"
    required = ("folder",)

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Write the file, whole or not at all; see `Action.run`."""
        path = Path(settings["folder"]) / f"{call.id}.json"
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps({"event": call.event.to_json(), "podium": call.to_hand_on()}), encoding="utf-8")
        os.replace(draft, path)
        return path.name


@hookimpl
def podium_actions() -> Sequence[Action]:
    """Offer the action."""
    return [WriteTrigger()]
