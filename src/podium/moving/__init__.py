"""Rooms that move what others hold into a registry."""
