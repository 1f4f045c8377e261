"""What is loaded when: object storage costs nothing to who does not use it."""

from __future__ import annotations

import subprocess
import sys


def test_a_folder_does_not_load_the_library() -> None:
    """Everything about content in a folder works without loading obstore."""
    script = (
        "import sys, podium.content.transfer, podium.content.references, podium.content.cache\n"
        "from podium.content.opening import open_store\n"
        "open_store('/tmp/nothing')\n"
        "print('obstore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
