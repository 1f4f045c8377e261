"""What ``podium import-mlflow`` says at its end, without MLflow."""

from __future__ import annotations

import pytest

from podium.cli.import_mlflow import _summary
from podium.moving.mlflow.report import ImportReport, ModelReport, Problem


def summary(*models: ModelReport, problems: tuple[Problem, ...] = (), dry_run: bool = False) -> str:
    """The last line for such an import."""
    return _summary(ImportReport("sqlite://", "model-registry", "mlflow", dry_run, models, problems))


GOOD = [ModelReport(f"good {at}", f"model-registry/good {at}", None, versions=2, created=(1, 2)) for at in range(4)]
BAD = [ModelReport(f"bad/{at}", None, None, versions=2, left_out=2) for at in range(4)]
NAMES = tuple(Problem("left_out", model.name, "name", "No name.") for model in BAD)


def test_versions_are_counted_with_their_models():
    """Four names that cannot be used leave out eight versions."""
    said = "8 versions of 4 models came over; 8 versions of 4 models left out"
    assert summary(*GOOD, *BAD, problems=NAMES) == said


@pytest.mark.parametrize(
    ("model", "problems", "said"),
    [
        (
            ModelReport("m", "r/m", None, versions=3, present=3),
            (),
            "Nothing new; 3 versions of 1 model here already",
        ),
        (
            ModelReport("m", "r/m", None, versions=3, created=(3,), present=2),
            (Problem("left_out", "m", "alias v1", "No alias."), Problem("conflict", "m", "alias a", "Moved.")),
            "1 version of 1 model came over; 2 versions of 1 model here already; 1 alias or stage left out; 1 conflict",
        ),
    ],
)
def test_what_else_is_said(model, problems, said):
    """What is here already, aliases that stayed behind, and conflicts each have their part."""
    assert summary(model, problems=problems) == said
