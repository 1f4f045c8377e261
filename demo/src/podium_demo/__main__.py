"""The demo: the main job three times on one registry, as a script, as an Airflow DAG and as a Prefect flow.

    make demo

It needs no configuration and no network. Everything it makes lies in ``.demo``; remove the folder to start afresh.
Running it again works, and adds only what really is new.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podium_demo.stage import chapter, command, indented, say, tool

REPOSITORY = Path(__file__).resolve().parents[3]
FEW = ["naive_bayes", "logistic_regression"]
ALL = [*FEW, "support_vectors"]
SLACK = "PODIUM_DEMO_SLACK_URL"


def main() -> None:
    """Tell the story three times."""
    start = time.monotonic()
    home = Path(os.environ.get("PODIUM_DEMO_HOME") or ".demo").absolute()
    say(f"Podium demo. Everything lies in {home}.")
    with _alone(home):
        _environment(home)
        _tell(home)
    _what_next(home, time.monotonic() - start)


def _tell(home: Path) -> None:
    from podium.testing import LoopbackReceiver

    with LoopbackReceiver() as slack:
        os.environ[SLACK] = f"{slack.url}/services/T0/B0/demo"
        setting = f"webhook_url=env:{SLACK}"
        command([tool("podium"), "notify", "add", "team", "--channel", "slack", "--setting", setting])
        seen = 0
        for number, (title, model, run) in enumerate(
            [
                ("Plain Python", "model-registry/Digits classifier", _as_script),
                ("Apache Airflow", "model-registry/Digits classifier (Airflow)", _as_dags),
                ("Prefect", "model-registry/Digits classifier (Prefect)", _as_flows),
            ],
            start=1,
        ):
            chapter(number, title)
            run(home, model)
            _look(model, everything=number == 1)
            requests = slack.requests
            _show_slack([request.json() for request in requests[seen:]])
            seen = len(requests)
        # The receiver ends with the demo; what you try next should not wait for it.
        command([tool("podium"), "notify", "remove", "team"])


def _as_script(home: Path, model: str) -> None:
    say("demo/src/podium_demo/script.py trains classifiers of handwritten digits on scikit-learn's own data set.")
    from podium_demo.script import refuse_and_roll_back, train_and_promote

    say(f"\nLast month there were two candidates: {', '.join(FEW)}.")
    say(f"In production: {train_and_promote('digits', model, FEW)}")
    say("\nToday a third one joins. The best is linked, tested on held-out data and promoted:")
    say(f"In production: {train_and_promote('digits', model, ALL)}")
    say("\nNow naive_bayes tries to take production, and production is rolled back to the holder before:")
    for reason in refuse_and_roll_back("digits", model):
        say(f"  refused: {reason}")


def _as_dags(home: Path, model: str) -> None:
    say("dags/*.py run through Airflow itself, with a metadata database of its own.")
    log = home / "logs" / "airflow.log"
    airflow = tool("airflow")
    command([airflow, "db", "migrate"], log=log)
    where = {"project": "digits-airflow", "model": model}
    for dag, more in _steps():
        command([airflow, "dags", "test", dag, "--conf", json.dumps({**where, **more})], log=log)


def _as_flows(home: Path, model: str) -> None:
    say("flows/*.py run through Prefect itself, with a server that Prefect starts for the time of the flows.")
    where = {"project": "digits-prefect", "model": model}
    steps = [[name, {**where, **more}] for name, more in _steps()]
    words = [sys.executable, "-m", "podium_demo.run_flows", str(REPOSITORY / "flows"), json.dumps(steps)]
    shown = "python flows/train_and_promote.py (twice), python flows/refuse_and_roll_back.py"
    command(words, log=home / "logs" / "prefect.log", shown=shown)


def _steps() -> list[tuple[str, dict[str, object]]]:
    return [
        ("train_and_promote", {"candidates": FEW}),
        ("train_and_promote", {"candidates": ALL}),
        ("refuse_and_roll_back", {}),
    ]


def _look(model: str, *, everything: bool) -> None:
    podium = tool("podium")
    versions = [f"{model}:v{number}" for number in range(3)]
    command([podium, "compare", *versions, "--baseline", versions[0]])
    if everything:
        command([podium, "show", model])
        command([podium, "policy", "show", model])
    command([podium, "history", model])
    if everything:
        say("\nWhy was the worse one refused? A year later the audit log still tells, gate by gate:")
        command([podium, "history", model, "--explain", "--stage", "production", "--limit", "2"])


def _show_slack(payloads: list[dict[str, object]]) -> None:
    from podium.testing import slack_text

    say(f"\nSlack received {len(payloads)} messages. The last two, as a person reads them:")
    for payload in payloads[-2:]:
        say("\n" + indented(slack_text(payload)))


def _what_next(home: Path, seconds: float) -> None:
    registry = home / "registry"
    say(f"\n{'=' * 100}\nDone in {seconds:.0f} s. The registry is {registry / 'podium.db'}, its content is beside it.")
    say("Logs of Airflow and Prefect are in " + str(home / "logs") + ". What to try next:\n")
    say(f"  export PODIUM_HOME={registry} PATH={Path(sys.executable).parent}:$PATH")
    for line in (
        "podium ls",
        "podium ls 'model-registry/Digits classifier'",
        "podium promote 'model-registry/Digits classifier:v2' --to production --dry-run   # every gate",
        "podium promote 'model-registry/Digits classifier:v2' --to production   # refused, exit code 1",
        "podium promote 'model-registry/Digits classifier:candidate' --to production",
        "podium rollback 'model-registry/Digits classifier'",
        "podium verify",
        "podium plugins",
    ):
        say(f"  {line}")


def _environment(home: Path) -> None:
    """Give registry, Airflow and Prefect a home below the demo's folder, whatever the user's own settings are."""
    for name in [name for name in os.environ if name.startswith(("PODIUM_", "AIRFLOW", "PREFECT_"))]:
        del os.environ[name]
    os.environ |= {
        "PODIUM_HOME": str(home / "registry"),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
        "PYTHONWARNINGS": "ignore",
        "COLUMNS": os.environ.get("COLUMNS", "100"),
    }


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep a second demo in the same folder waiting."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another demo runs in this folder; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
