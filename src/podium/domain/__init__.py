"""Frozen values and pure rules. Nothing here reads a clock, a file, a database or the environment."""
