"""Bring the models of an MLflow registry over.

``podium import-mlflow`` does it, or Python::

    from podium.moving.mlflow import MlflowSource, Options, import_models

    with MlflowSource("http://mlflow:5000") as source:
        report = import_models(podium.open_registry(), source, Options(project="churn"))

MLflow itself is imported when a source is opened, not before.
"""

from podium.moving.mlflow.importing import import_models
from podium.moving.mlflow.job import Options
from podium.moving.mlflow.report import ImportReport, ModelReport, Problem
from podium.moving.mlflow.source import MlflowSource

__all__ = ["ImportReport", "MlflowSource", "ModelReport", "Options", "Problem", "import_models"]
