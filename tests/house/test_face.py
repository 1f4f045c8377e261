"""The face: cheap to import, sorted, exact, and every name with its words."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import podium
from podium.registry import Registry

HEAVY = ("airflow", "prefect", "slack_sdk", "sqlalchemy", "alembic", "pluggy", "click", "rich", "psycopg", "numpy")


def fresh(code: str) -> object:
    """Run code in a fresh process and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def test_importing_podium_is_cheap() -> None:
    """A fresh process that imports podium has loaded no host, no SDK and no database."""
    loaded = fresh("import sys, json, podium; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))")
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("module", ["podium.sdk", "podium.registry", "podium.plugins", "podium.delivery.worker"])
def test_the_core_imports_no_host(module) -> None:
    """What every process uses, with a registry opened and used, loads neither host, CLI nor channel."""
    code = (
        f"import sys, json, tempfile, {module}, podium\n"
        "from podium.plugins.host import PluginHost\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    registry = podium.open_registry(f'sqlite:///{folder}/x.db', host=PluginHost(discover=False))\n"
        "    with podium.init('p', registry=registry) as run: run.log({'a': 1})\n"
        "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
    )
    loaded = fresh(code)
    assert [name for name in ("airflow", "prefect", "slack_sdk", "click", "rich") if name in loaded] == []


def test_importing_a_name_does_what_it_says() -> None:
    """`from podium import *` gives exactly the face."""
    names = fresh(
        "import json; before = set(dir()); from podium import *; print(json.dumps(sorted(set(dir()) - before)))"
    )
    assert [name for name in names if name != "before"] == sorted(podium.__all__)


def test_the_face_is_sorted_and_exact() -> None:
    """Each name once, in order, at the place that the lazy table says, and nothing else."""
    assert podium.__all__ == sorted(set(podium.__all__))
    assert sorted(podium._HOME_OF) == podium.__all__
    assert dir(podium) == sorted([*podium.__all__, "__version__"])
    with pytest.raises(AttributeError):
        _ = podium.nothing


def test_type_checkers_see_the_same_face() -> None:
    """The imports for type checkers are those of the lazy table."""
    tree = ast.parse(Path(podium.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == podium._HOME_OF


@pytest.mark.parametrize("name", podium.__all__)
def test_every_name_has_its_words(name) -> None:
    """Each public name is there, and says in a docstring what it is."""
    value = getattr(podium, name)
    assert value.__doc__
    assert not value.__doc__.startswith(f"{name}(")  # the signature that a dataclass gets by itself
    if inspect.isclass(value):
        methods = [item for key, item in vars(value).items() if not key.startswith("_") and inspect.isfunction(item)]
        assert [method.__name__ for method in methods if not method.__doc__] == []


VERBS = sorted(name for name in dir(Registry) if not name.startswith("_") and callable(getattr(Registry, name)))
SILENT = {
    "close",
    "plugins",
    "plugin_faults",
    "subscriptions",
    "automations",
    "deliver",
    "registries",
    "doctor",
}  # raise only what every call may raise


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_raises(verb) -> None:
    """Each verb of the registry has a docstring, with the errors of its own or a pointer to them."""
    words = inspect.getdoc(getattr(Registry, verb)) or ""
    assert words
    assert verb in SILENT or "Raises:" in words or re.search(r"see `\w+`", words)
    raised = re.findall(r"\b([A-Z]\w+Error)\b", words.partition("Raises:")[2])
    assert [name for name in raised if name not in podium.__all__] == []


SOURCE = Path(podium.__file__).parent
CORE = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in ("airflow", "prefect")]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_host_outside_its_room(path) -> None:
    """No module outside an adapter names a host in an import, not even inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.partition(".")[0] in ("airflow", "prefect", "slack_sdk")]
