"""The face and the plugin cost nothing to a process without Prefect."""

import subprocess
import sys

import podium.prefect

IMPORTS_PREFECT = "print(*sorted(name for name in sys.modules if name.partition('.')[0] == 'prefect'))"


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


def test_the_plugin_imports_no_prefect():
    """A script that uses Podium never pays for Prefect, although the plugin is loaded and asked."""
    used = "import os, sys, podium; podium.open_registry().log('p/a', os.__file__)"
    loaded = "assert 'podium.prefect.plugin' in sys.modules"
    assert run(f"{used}; {loaded}; {IMPORTS_PREFECT}") == ""


def test_the_face_imports_no_prefect_before_a_task_is_named():
    """`import podium.prefect` is cheap; the first task loads Prefect."""
    assert run(f"import sys, podium.prefect; {IMPORTS_PREFECT}") == ""
    assert "prefect.tasks" in run(f"import sys; from podium.prefect import log_model; {IMPORTS_PREFECT}")


def test_the_face_is_exact():
    """Each public name exists, sorted, and nothing else does."""
    assert podium.prefect.__all__ == sorted(podium.prefect.__all__)
    assert dir(podium.prefect) == podium.prefect.__all__
    assert all(getattr(podium.prefect, name) is not None for name in podium.prefect.__all__)
    assert not hasattr(podium.prefect, "no_such_name")


def test_podium_lists_the_plugin(registry):
    """The entry point works: the plugin is loaded without error and offers what it has."""
    (found,) = [plugin for plugin in registry.plugins() if plugin.name == "prefect"]
    assert found.hooks == ("podium_actions", "podium_origin", "podium_resolve_secret")
    assert found.error is None


def test_prefect_finds_the_collection():
    """Prefect loads the package as one of its collections."""
    from prefect.plugins import load_prefect_collections

    assert load_prefect_collections()["podium"] is podium.prefect


def test_outside_a_run_there_is_no_origin():
    """With Prefect imported but no run active, a script stays a script."""
    import prefect.context  # noqa: F401 - it must be in the process for this test

    from podium.prefect.plugin import podium_origin

    assert podium_origin() is None
