"""Three classifiers of handwritten digits, trained on the data set that ships with scikit-learn.

The data: 1,797 grey images of 8 x 8 pixels, values 0 to 16, ten classes (UCI "Optical Recognition of Handwritten
Digits"). 60 % train, 20 % measure, 20 % are held out for the checks. Every split and seed is fixed, so that training
again gives the same bytes, and logging them again adds nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

CANDIDATES = ("naive_bayes", "logistic_regression", "support_vectors")
_SAMPLES = 20


@dataclass(frozen=True)
class Split:
    """One part of the data.

    Attributes:
        images: ``(n, 64)`` floats, 0 to 16.
        labels: ``(n,)`` integers, 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray


def load_splits() -> dict[str, Split]:
    """Return the parts ``train``, ``validation`` and ``held_out``."""
    images, labels = load_digits(return_X_y=True)
    rest, held_images, rest_labels, held_labels = train_test_split(
        images, labels, test_size=0.2, random_state=7, stratify=labels
    )
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=0.25, random_state=7, stratify=rest_labels
    )
    return {
        "train": Split(train, train_labels),
        "validation": Split(validation, validation_labels),
        "held_out": Split(held_images, held_labels),
    }


def write_dataset(folder: Path) -> Path:
    """Write the data set as one CSV file per part and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, split in load_splits().items():
        rows = np.column_stack([split.labels, split.images]).astype(int)
        _write_csv(folder / f"{name}.csv", ["label", *(f"pixel_{i}" for i in range(64))], rows.tolist())
    return folder


def write_model(candidate: str, folder: Path) -> dict[str, float]:
    """Train a candidate; write the model, its confusion matrix and sample predictions; return its metrics.

    Args:
        candidate: One of `CANDIDATES`.
        folder: Where ``model.joblib``, ``confusion_matrix.csv`` and ``predictions.csv`` go.

    Returns:
        ``accuracy``, ``f1_macro`` and ``log_loss`` on the validation part.
    """
    splits = load_splits()
    model = _estimator(candidate).fit(splits["train"].images, splits["train"].labels)
    truth = splits["validation"].labels
    probabilities = model.predict_proba(splits["validation"].images)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    matrix = confusion_matrix(truth, predicted)
    _write_csv(folder / "confusion_matrix.csv", [f"predicted_{i}" for i in range(10)], matrix.tolist())
    samples = zip(truth[:_SAMPLES], predicted[:_SAMPLES], probabilities[:_SAMPLES].max(axis=1), strict=True)
    rows = [(int(true), int(guess), round(float(sure), 4)) for true, guess, sure in samples]
    _write_csv(folder / "predictions.csv", ["label", "predicted", "confidence"], rows)
    return {
        "accuracy": round(float(accuracy_score(truth, predicted)), 6),
        "f1_macro": round(float(f1_score(truth, predicted, average="macro")), 6),
        "log_loss": round(float(log_loss(truth, probabilities)), 6),
    }


def held_out_accuracy(folder: Path) -> float:
    """Return the share of held-out images that the model in a folder gets right."""
    model = joblib.load(folder / "model.joblib")  # our own bytes: Podium hashed them on the way out
    held_out = load_splits()["held_out"]
    return float(accuracy_score(held_out.labels, model.predict(held_out.images)))


def artifact_name(candidate: str) -> str:
    """Return the artifact that a candidate is logged as: ``support-vectors``."""
    return candidate.replace("_", "-")


def _estimator(candidate: str) -> Any:
    makers = {
        "naive_bayes": GaussianNB,
        "logistic_regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500)),
        "support_vectors": lambda: make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(C=4.0), ensemble=False)),
    }
    return makers[candidate]()


def _write_csv(path: Path, header: list[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
