"""The W&B-shaped face: a script written for ``wandb.init`` and artifacts runs with its import changed."""

from __future__ import annotations

from podium.sdk.artifact import Artifact
from podium.sdk.images import Image
from podium.sdk.media import Table
from podium.sdk.run import Run, init

__all__ = ["Artifact", "Image", "Run", "Table", "init"]
