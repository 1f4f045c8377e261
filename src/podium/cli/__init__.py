"""The command ``podium``: the registry from a terminal, for people and, with ``--json``, for scripts."""
