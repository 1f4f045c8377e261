"""The package is cheap to import, and its names are exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

import podium.airflow


def test_the_face_gives_what_it_names() -> None:
    """Every public name loads, and no other does."""
    assert {name: getattr(podium.airflow, name).__name__ for name in podium.airflow.__all__} == {
        name: name for name in podium.airflow.__all__
    }
    assert dir(podium.airflow) == sorted(podium.airflow.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'PodiumSensor'"):
        _ = podium.airflow.PodiumSensor


def test_what_every_process_imports_imports_no_airflow() -> None:
    """The face, the plugin and the provider info leave Airflow out, and the plugin has no answer outside Airflow."""
    code = (
        "import sys, podium.airflow, podium.airflow.provider_info as info, podium.airflow.plugin as plugin\n"
        "assert info.get_provider_info() and plugin.podium_origin() is None\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('airflow', 'sqlalchemy')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "[]"
