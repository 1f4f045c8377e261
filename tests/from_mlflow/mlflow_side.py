"""What the tests have MLflow do, in the environment that has it: fill a registry, tell what is in it, change it."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
warnings.filterwarnings("ignore")  # MLflow calls its stages deprecated at each use
mlflow: Any = importlib.import_module("mlflow")  # by name: the environment that checks the types has none
entities: Any = importlib.import_module("mlflow.entities")

NAMES = ("churn", "Digits classifier", "prix-été", "顧客", "fraud (EU)", "it_s.v2+beta")


class Side:
    """One MLflow registry, reached through its client."""

    def __init__(self, uri: str, folder: str) -> None:
        mlflow.set_tracking_uri(uri)
        self.client: Any = mlflow.MlflowClient(uri)
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def fill(self, models: int = 50, location: str | None = None) -> None:
        """Fill the registry: gaps in the numbers, equal files, shared stages, odd steps, versions without a run."""
        place = location or (self.folder / "artifacts").as_uri()
        self.experiment = self.client.create_experiment("training", artifact_location=place)
        for index in range(models):
            self._fill_model(index, f"{NAMES[index % len(NAMES)]} {index}")

    def _fill_model(self, index: int, name: str) -> None:
        tags = {"team": f"team-{index % 3}", "core": "true"} if index % 2 else {}
        self.client.create_registered_model(name, tags=tags, description=f"# {name}\nA *card*." if index % 3 else None)
        count = 1 + index % 5
        for number in range(1, count + 1):
            self.add_version(index, name, number)
        if count > 3:
            self.client.delete_model_version(name, "2")
        self.client.set_registered_model_alias(name, "champion", "1")
        if count > 2:
            self.client.set_registered_model_alias(name, "challenger", str(count))
            self._stage(name, 1, "Archived")
            self._stage(name, count, "Production")
        if index % 5 == 4:
            self._stage(name, 3, "Production")  # shared, and changed last
            self._stage(name, 4, "Staging")

    def add_version(self, index: int, name: str, number: int) -> None:
        """Register one more version, most of them from a run."""
        run = self._run(index, number)
        files = self.folder / "made" / f"{index}-{number}"
        same = index % 4 == 0 and number == 2
        self._write_files(files, f"{index}-1" if same else f"{index}-{number}")
        self.client.log_artifacts(run, str(files), "model")
        source = f"{self.client.get_run(run).info.artifact_uri}/model"
        made = self.client.create_model_version(
            name,
            source,
            run_id=None if index % 9 == 8 else run,
            tags={"checked": "true", "Quality gate": "10 %", "data": f"2024-0{number}", "weird/key": "a b"},
            description=f"Version {number}" if number % 2 else None,
        )
        assert int(made.version) >= number

    def _stage(self, name: str, number: int, stage: str) -> None:
        self.client.transition_model_version_stage(name, str(number), stage)

    def _run(self, index: int, number: int) -> str:
        run = self.client.create_run(self.experiment, run_name=f"train {index}.{number}", tags={"git": "abc"})
        metric, param = entities.Metric, entities.Param
        points = [metric("loss", 1 / (step + 1), 1000 + step, step) for step in range(20)]
        points += [metric("accuracy", 0.5 + step / 100, 2000 + step, 0) for step in range(5)]  # step 0 each time
        points += [metric("drift", float(step), 3000, step) for step in (-2, 0, 7)]
        points += [metric("unknown", math.nan, 4000, 0)] if index % 10 == 0 else []
        params = [param("depth", str(index)), param("lr", "0.1"), param("zip", "00123"), param("bias", "True")]
        self.client.log_batch(run.info.run_id, points, params)
        self.client.set_terminated(run.info.run_id, "FAILED" if index % 11 == 10 else "FINISHED")
        return str(run.info.run_id)

    def _write_files(self, folder: Path, word: str) -> None:
        (folder / "data" / "deep").mkdir(parents=True)
        (folder / "MLmodel").write_text(f"model_uuid: {word}\n")
        (folder / "data" / "weights.bin").write_bytes(word.encode() * 5000)
        (folder / "data" / "deep" / "a file (1).txt").write_text(word)
        (folder / "data" / "empty").touch()

    def log_model(self, name: str) -> None:
        """Log and register a model the way MLflow 3 does: it is a logged model with metrics of its own."""
        mlflow.set_experiment(experiment_id=self.experiment)
        with mlflow.start_run():
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=_double,
                registered_model_name=name,
                params={"kind": "twice"},
                pip_requirements=[],
                input_example=None,
            )
            mlflow.log_metric("of_model", 0.25, model_id=info.model_id)

    def tell(self) -> dict[str, Any]:
        """Return everything that is in the registry, files by their hash."""
        models = self.client.search_registered_models(max_results=1000)
        versions = list(self.client.search_model_versions(max_results=10_000))
        found = {m.name: self._tell_model(m.name, [v for v in versions if v.name == m.name]) for m in models}
        runs = {v["run"] for model in found.values() for v in model["versions"].values() if v["run"]}
        return {"models": found, "runs": {run: self._tell_run(run) for run in runs}}

    def _tell_model(self, name: str, versions: list[Any]) -> dict[str, Any]:
        model = self.client.get_registered_model(name)
        return {
            "description": model.description,
            "tags": dict(model.tags),
            "aliases": {alias: int(number) for alias, number in model.aliases.items()},
            "versions": {v.version: self._tell_version(v) for v in versions},
        }

    def _tell_version(self, version: Any) -> dict[str, Any]:
        place = unquote(urlsplit(self.client.get_model_version_download_uri(version.name, version.version)).path)
        root = (
            self.folder / "served" / place.lstrip("/")
            if version.source.startswith("mlflow-artifacts:")
            else Path(place)
        )
        files = {
            str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()
        }
        return {
            "description": version.description,
            "tags": dict(version.tags),
            "stage": version.current_stage,
            "run": version.run_id,
            "created": version.creation_timestamp,
            "updated": version.last_updated_timestamp,
            "files": files,
        }

    def _tell_run(self, run: str) -> dict[str, Any]:
        found = self.client.get_run(run)
        history = {
            key: sorted([p.step, p.timestamp, p.value] for p in self.client.get_metric_history(run, key))
            for key in found.data.metrics
        }
        return {
            "params": found.data.params,
            "latest": found.data.metrics,
            "history": history,
            "status": found.info.status,
        }


def _double(model_input: list[float]) -> list[float]:
    return [2 * number for number in model_input]


def do_steps(uri: str, folder: str, steps: str) -> Any:
    """Do what a program says, with ``side`` and its ``client`` at hand, and return what it calls ``answer``."""
    side = Side(uri, folder)
    names: dict[str, Any] = {"side": side, "client": side.client, "answer": None}
    exec(compile(steps, "steps", "exec"), names)
    return names["answer"]


def run_podium(args: list[str], env: dict[str, str]) -> dict[str, Any]:
    """Run the command in this process: importing MLflow takes longer than all the rest."""
    from click.testing import CliRunner

    from podium.cli.main import cli

    result = CliRunner().invoke(cli, args, env=env, prog_name="podium")
    return {"code": result.exit_code, "stdout": result.stdout, "stderr": result.stderr}


def main() -> None:
    """Answer one line of JSON after the other."""
    works = {"steps": do_steps, "podium": run_podium}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"answer": works[asked["work"]](*asked["given"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print("ANSWER" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
