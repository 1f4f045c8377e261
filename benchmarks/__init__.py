"""Podium side by side with MLflow and with what the machine can do at most; `python -m benchmarks --help`."""
