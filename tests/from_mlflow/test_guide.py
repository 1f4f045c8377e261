"""docs/from-mlflow.md holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.from_mlflow.conftest import Mlflow

PAGE = Path(__file__).parents[2] / "docs" / "from-mlflow.md"


@pytest.mark.slow
def test_the_python_of_the_guide_runs(mlflow: Mlflow) -> None:
    """Where MLflow is, on a registry with one model."""
    (block,) = re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    answer = mlflow.do(f"""
import os
os.chdir(side.folder)
os.environ["PODIUM_HOME"] = str(side.folder / "podium")
(side.folder / "model.bin").write_bytes(b"a model")
client.create_registered_model("churn")
client.create_model_version("churn", str(side.folder / "model.bin"))
{block}
answer = report.to_json()
""")
    assert [(model["ref"], model["created"]) for model in answer["models"]] == [("model-registry/churn", [1])]
