"""A real MLflow registry comes over: complete, once, and again for what is new."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from podium.errors import NotFoundError
from podium.registry import Registry
from tests.from_mlflow.comparing import differences, rows
from tests.from_mlflow.conftest import Imported, Mlflow, Worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Bring = Callable[..., Imported]
Env = Callable[[Registry], dict[str, str]]
ONE = """
folder = side.folder / "files"
folder.mkdir(exist_ok=True)
(folder / "model.bin").write_bytes(b"one")
client.create_registered_model("churn")
for number in (1, 2, 3):
    client.create_model_version("churn", str(folder), tags={"data": f"d{number}", "checked": "true"})
client.set_registered_model_alias("churn", "champion", "1")
client.transition_model_version_stage("churn", "1", "Production")
"""


@pytest.fixture(scope="module")
def full(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mlflow, object]:
    """A registry of 50 models that an old client filled, and one of MLflow 3's logged models; and what is in it."""
    folder = tmp_path_factory.mktemp("full")
    source = Mlflow(worker, f"sqlite:///{folder / 'mlflow.db'}", folder)
    return source, source.do("side.fill(50); side.log_model('logged one'); answer = side.tell()")


@pytest.fixture
def one(mlflow: Mlflow) -> Mlflow:
    """A registry of one model with three versions of the same file; v1 is champion and in Production."""
    mlflow.do(ONE)
    return mlflow


def test_fifty_models_come_over_complete(full: tuple[Mlflow, object], registry: Registry, bring: Bring) -> None:
    """Each file by SHA-256, each number, alias, stage, tag, text, parameter and metric; again, not a row changes."""
    source, told = full
    before = hashlib.sha256((source.folder / "mlflow.db").read_bytes()).hexdigest()
    first = bring(source, registry)
    assert (first.code, first.report["complete"], len(first.report["models"])) == (0, True, 51), first.stderr
    assert differences(told, registry) == []
    assert registry.verify().ok
    there = rows(registry)
    again = bring(source, registry)
    assert (again.code, again.report["changed"]) == (0, False)
    assert rows(registry) == there
    assert hashlib.sha256((source.folder / "mlflow.db").read_bytes()).hexdigest() == before


def test_an_import_that_is_killed_goes_on(
    full: tuple[Mlflow, object], lite: Registry, bring: Bring, podium_env: Env
) -> None:
    """SIGKILL at several places, then once more: all is there, and nothing twice."""
    source, told = full
    env = {**os.environ, **podium_env(lite)}
    command = [str(source.worker.python), "-m", "podium.cli.main", "import-mlflow", source.uri]
    for wanted in (3, 30):
        process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while process.poll() is None and len(lite.models()) < wanted:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert bring(source, lite).code == 0
    assert differences(told, lite) == []


def test_a_dry_run_tells_and_changes_nothing(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """It names what would come and where aliases would go, and not a row changes."""
    there = rows(lite)
    (model,) = bring(one, lite, "--dry-run").report["models"]
    assert (model["created"], model["moved"]) == ([1, 2, 3], {"champion": 1, "production": 1})
    assert rows(lite) == there


def test_what_is_new_since_comes_over(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """A new version, moved aliases and stages, changed tags and texts; an alias that is gone goes."""
    bring(one, lite)
    told = one.do("""
client.create_model_version("churn", str(side.folder / "files"), tags={"data": "d4", "checked": "true"})
client.set_registered_model_alias("churn", "champion", "4")
client.transition_model_version_stage("churn", "4", "Production")
client.transition_model_version_stage("churn", "1", "Archived")
client.set_registered_model_alias("churn", "trial", "2")
client.set_model_version_tag("churn", "2", "data", "d2b")
client.delete_model_version_tag("churn", "3", "data")
client.delete_model_version_tag("churn", "3", "checked")
client.update_model_version("churn", "2", description="Better")
client.update_registered_model("churn", description="A card")
client.set_registered_model_tag("churn", "core", "true")
answer = side.tell()
""")
    done = bring(one, lite)
    (model,) = done.report["models"]
    assert (done.code, model["created"], model["present"]) == (0, [4], 3)
    assert model["moved"] == {"champion": 4, "production": 4, "trial": 2}
    assert differences(told, lite) == []
    one.do("client.delete_registered_model_alias('churn', 'trial')")
    one.do("client.transition_model_version_stage('churn', '4', 'Archived')")
    assert bring(one, lite).report["models"][0]["moved"] == {"trial": None, "production": None}
    assert lite.model("model-registry/churn").aliases == {"latest": 4, "champion": 4}
    assert bring(one, lite).report["changed"] is False


def test_what_was_changed_here_stays(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """An alias, a stage and a text that people changed here are conflicts, until --overwrite."""
    bring(one, lite)
    lite.set_alias("model-registry/churn:v2", "champion")
    lite.promote("model-registry/churn:v2", "production")
    lite.edit("model-registry/churn:v1", description="Ours")
    one.do("client.set_registered_model_alias('churn', 'champion', '3')")
    one.do("client.update_model_version('churn', '1', description='Theirs')")
    kept = bring(one, lite)
    assert kept.code == 1
    assert [problem["what"] for problem in kept.report["problems"]] == ["v1", "stage production", "alias champion"]
    assert lite.model("model-registry/churn").aliases == {"latest": 3, "champion": 2, "production": 2}
    assert bring(one, lite, "--overwrite").code == 0
    assert lite.model("model-registry/churn").aliases == {"latest": 3, "champion": 3, "production": 1}
    assert lite.resolve("model-registry/churn:v1").description == "Theirs"


def test_what_was_taken_out_here_stays_out(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """A version that was unlinked does not come back, nor a deleted model, nor a tag that was taken away."""
    bring(one, lite)
    lite.unlink("model-registry/churn:v2")
    lite.untag("model-registry/churn:v3", "checked")
    again = bring(one, lite)
    assert (again.code, again.report["changed"]) == (0, False)
    assert [version.number for version in lite.versions("model-registry/churn")] == [3, 1]
    assert lite.resolve("model-registry/churn:v3").tags == ("data-d3",)
    lite.delete_collection("model-registry/churn", force=True, reason="obsolete")
    gone = bring(one, lite)
    assert (gone.code, gone.report["problems"][0]["message"]) == (1, "The model 'churn' was deleted here.")


def test_files_that_are_missing_are_reported_and_come_later(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """A version without files is left out and its number stays free; when they are back, it comes under its number."""
    mlflow.do("""
client.create_registered_model("churn")
for number in (1, 2, 3):
    folder = side.folder / f"v{number}"
    folder.mkdir()
    (folder / "model.bin").write_text(str(number)) if number != 3 else None
    client.create_model_version("churn", str(folder))
client.set_registered_model_alias("churn", "champion", "1")
""")
    shutil.move(mlflow.folder / "v1", mlflow.folder / "elsewhere")
    first = bring(mlflow, lite)
    assert (first.code, first.report["models"][0]["left_out"]) == (1, 2)
    assert {(item["kind"], item["what"]) for item in first.report["problems"]} == {
        ("left_out", "v1"), ("left_out", "v3"), ("left_out", "alias champion"),
    }  # fmt: skip
    shutil.move(mlflow.folder / "elsewhere", mlflow.folder / "v1")
    second = bring(mlflow, lite)
    assert (second.report["models"][0]["created"], second.code) == ([1], 1)
    assert lite.model("model-registry/churn").aliases == {"latest": 2, "champion": 1}
    with pytest.raises(NotFoundError):
        lite.resolve("model-registry/churn:v3")


def test_names_that_cannot_be_used_are_left_out_with_a_proposal(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """Nothing is repaired silently; --rename and --rename-alias take the proposals."""
    mlflow.do(
        ONE
        + """
for name in ("fraud@eu", "Churn", "its 'own' \\"name\\""):
    client.create_registered_model(name)
    client.create_model_version(name, str(folder))
client.set_registered_model_alias("churn", "_old", "1")
"""
    )
    first = bring(mlflow, lite)
    assert first.code == 1
    hints = {item["model"] + " " + item["what"]: item["hint"] for item in first.report["problems"]}
    assert "--rename 'fraud@eu=fraud-eu'" in hints["fraud@eu name"]
    assert "--rename 'churn=churn (MLflow)'" in hints["churn name"]
    assert [model.ref for model in lite.models()] == ["model-registry/Churn"]
    renamed = ("--rename", "fraud@eu=fraud-eu", "--rename", "churn=churn 2", "--rename", "its 'own' \"name\"=own")
    assert "--rename-alias '_old=old'" in bring(mlflow, lite, *renamed).report["problems"][0]["hint"]
    assert bring(mlflow, lite, *renamed, "--rename-alias", "_old=old").code == 0
    assert lite.model("model-registry/churn 2").aliases == {"latest": 3, "champion": 1, "old": 1, "production": 1}
    assert lite.resolve("model-registry/own:v1").source.startswith("mlflow/own:")


def test_a_model_of_somebody_else_is_left_alone(
    one: Mlflow, lite: Registry, bring: Bring, model_file: Callable[[str], Path]
) -> None:
    """A number that names another version here is left out, and that version stays as it is."""
    for number in range(2):
        lite.log("digits/mlp", model_file(f"ours {number}"))
        lite.link("digits/mlp", "model-registry/churn")
    done = bring(one, lite)
    assert (done.code, done.report["models"][0]["created"]) == (1, [2, 3])
    assert lite.resolve("model-registry/churn:v1").source == "digits/mlp:v1"


def test_a_gate_is_not_walked_around(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """Where the registry requires a check, the stage is left out and the refusal is on record."""
    lite.set_policy("model-registry", {"stages": [{"name": "staging"}, {"name": "production", "checks": ["accuracy"]}]})
    done = bring(one, lite)
    assert done.code == 1
    assert [(item["kind"], item["what"]) for item in done.report["problems"]] == [("left_out", "stage production")]
    assert "production" not in lite.model("model-registry/churn").aliases


def test_approvals_are_waited_for(one: Mlflow, lite: Registry, bring: Bring) -> None:
    """A stage that needs a second person is left out with what it waits for; asking again makes no second request."""
    lite.set_policy("model-registry", {"stages": [{"name": "production", "approvals": {"count": 1}}]})
    for _ in range(2):
        done = bring(one, lite)
        assert (done.code, done.report["problems"][0]["what"]) == (1, "stage production")
        assert "is pending" in done.report["problems"][0]["message"]
    assert len(lite.explain("model-registry/churn")) == 1


def test_a_run_that_goes_on_is_followed(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """What a run logs after it came over comes with the next import, until it has ended."""
    steps = (
        ONE
        + """
run = client.create_run(client.create_experiment("e"), run_name="long").info.run_id
client.log_metric(run, "loss", 1.0, step=0)
client.create_model_version("churn", str(folder), run_id=run)
answer = run
"""
    )
    run = mlflow.do(steps)
    bring(mlflow, lite)
    assert bring(mlflow, lite).report["changed"] is False
    mlflow.do(f"client.log_metric({run!r}, 'loss', 0.5, step=1); client.set_terminated({run!r}, 'FINISHED')")
    assert bring(mlflow, lite).report["models"][0]["runs"] == 1
    assert [point.value for point in lite.metrics(run, "loss")] == [1.0, 0.5]
    assert lite.run(run).status == "finished"


def test_texts_of_strangers_do_not_move_the_cursor(mlflow: Mlflow, lite: Registry, podium_env: Env) -> None:
    """Names with control characters and markup are printed as their numbers."""
    hostile = "[red]a\x1b[2Jb\u202ec"
    mlflow.do(f"client.create_registered_model({hostile!r}, tags={{'a': {hostile!r}}}, description={hostile!r})")
    command = [str(mlflow.worker.python), "-m", "podium.cli.main", "import-mlflow", mlflow.uri]
    env = {**os.environ, **podium_env(lite)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 1, done.stderr
    assert "[red]a\\x1b[2Jb\\u202ec" in done.stdout
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())


def test_a_folder_of_mlruns_comes_over(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """The way MLflow kept registries before it had databases."""
    old = replace(mlflow, uri=str(mlflow.folder / "mlruns"))
    told = old.do("import os; os.environ['MLFLOW_ALLOW_FILE_STORE'] = 'true'\n" + ONE + "answer = side.tell()")
    assert bring(old, lite).code == 0
    assert differences(told, lite) == []


def test_prompts_are_no_models(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """MLflow keeps them in the same tables."""
    mlflow.do("client.register_prompt('greeting', 'Hello {{name}}')")
    done = bring(mlflow, lite)
    assert (done.code, done.report["models"]) == (0, [])


def test_an_mlflow_server_comes_over_by_http(
    mlflow: Mlflow, lite: Registry, bring: Bring, server: Callable[[Mlflow], str]
) -> None:
    """A real server on loopback that serves registry, runs and files."""
    remote = replace(mlflow, uri=server(mlflow))
    told = remote.do("side.fill(5, location='mlflow-artifacts:/'); answer = side.tell()")
    done = bring(remote, lite)
    assert (done.code, done.report["complete"]) == (0, True), done.stderr
    assert differences(told, lite) == []
    assert bring(remote, lite).report["changed"] is False


def test_a_server_that_is_away_is_one_line(mlflow: Mlflow, lite: Registry, bring: Bring) -> None:
    """Exit code 5, what to check, and nothing here."""
    away = bring(replace(mlflow, uri="http://127.0.0.1:9"), lite)
    assert away.code == 5
    assert "Check the URI" in away.stderr
    assert lite.models() == []
