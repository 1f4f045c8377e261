"""MLflow's words in Podium's: names, tags, stages, settings. Pure rules; what cannot be said here is never repaired."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from podium.domain.names import check_artifact, check_label, check_model
from podium.domain.plain import iso
from podium.errors import InvalidNameError
from podium.moving.mlflow.source import LoggedModel, SourceModel, SourceRun, SourceVersion

STAGES = {"Staging": "staging", "Production": "production"}
STAGE_TAGS = frozenset({"mlflow-staging", "mlflow-production", "mlflow-archived"})
TAGS = "mlflow.tags."
MODEL_TAGS = "mlflow.model_tags."
PARAMS = "mlflow.params."
_LABEL = re.compile(r"[^A-Za-z0-9._-]+")


def artifact_name(model: str) -> str:
    """Return the name of the artifact that holds the files of a model, which MLflow has no name for.

    It is the model's own, or where an artifact cannot be called so, something like it that no other model gives.
    """
    try:
        return check_artifact(model)
    except InvalidNameError:
        plain = unicodedata.normalize("NFKD", model).encode("ascii", "ignore").decode()
        stem = _LABEL.sub("-", plain).strip("-._")[:100] or "model"
        return f"{stem}-{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def proposed_model(name: str) -> str:
    """Return a legal name of a registered model like the one given, for a person to accept."""
    text = unicodedata.normalize("NFC", name)
    kept = "".join(char if char in " ._-()+" or unicodedata.category(char)[0] in "LNM" else "-" for char in text)
    proposal = re.sub(r"-{2,}", "-", kept)[:128].strip(" -") or "model"
    return check_model(proposal)


def proposed_alias(name: str) -> str:
    """Return a legal alias like the one given, for a person to accept."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _LABEL.sub("-", plain).strip("-._")[:64] or "alias"


def labels(tags: Mapping[str, str]) -> set[str]:
    """Return the tags of Podium for MLflow's pairs: the key of what is true or has no value, else ``key-value``.

    A pair that gives no legal tag, and what MLflow itself wrote (``mlflow.*``), is found in the metadata only.
    """
    found = set()
    for key, value in tags.items():
        label = key if value.strip().lower() in ("", "true") else f"{key}-{value}"
        if not key.startswith("mlflow."):
            found.add(label)
    return {label for label in found if _legal(label)}


def stage_labels(version: SourceVersion, holders: Mapping[str, int]) -> set[str]:
    """Return the tag that says an MLflow stage which the version does not hold here: archived, or a newer one does."""
    if version.stage is None or holders.get(STAGES.get(version.stage, "")) == version.number:
        return set()
    return {f"mlflow-{version.stage.lower()}"} & STAGE_TAGS


def stage_holders(versions: Iterable[SourceVersion]) -> dict[str, int]:
    """Return who holds each stage here: of several versions in one of MLflow's the one that was changed last."""
    newest: dict[str, SourceVersion] = {}
    for version in versions:
        stage = STAGES.get(version.stage or "")
        other = newest.get(stage or "")
        if stage and (other is None or (version.updated, version.number) > (other.updated, other.number)):
            newest[stage] = version
    return {stage: version.number for stage, version in newest.items()}


def version_facts(source: str, model: SourceModel, version: SourceVersion) -> dict[str, Any]:
    """Return what MLflow says about a version, as metadata under ``mlflow.``; what it leaves open is not there."""
    facts: dict[str, Any] = {
        "mlflow.registry": source,
        "mlflow.model": version.model,
        "mlflow.version": version.number,
        "mlflow.creation_time": iso(version.created),
        "mlflow.last_updated_time": iso(version.updated),
        "mlflow.status": version.status,
        "mlflow.status_message": version.status_message,
        "mlflow.stage": version.stage,
        "mlflow.description": version.description,
        "mlflow.user": version.user,
        "mlflow.source": version.source,
        "mlflow.run_id": version.run,
        "mlflow.run_link": version.run_link,
        "mlflow.model_id": version.logged_model,
        **{TAGS + key: value for key, value in version.tags.items()},
        **{MODEL_TAGS + key: value for key, value in model.tags.items()},
    }
    return {key: value for key, value in facts.items() if value is not None}


def logged_facts(logged: LoggedModel | None) -> dict[str, Any]:
    """Return the settings of a logged model as metadata."""
    return {PARAMS + key: setting(value) for key, value in logged.params.items()} if logged is not None else {}


def run_config(run: SourceRun, renumbered: Iterable[str]) -> dict[str, Any]:
    """Return the configuration of a run: its parameters under their own names, MLflow's facts under ``mlflow.``."""
    facts: dict[str, Any] = {
        "mlflow.experiment": run.experiment,
        "mlflow.status": run.status,
        "mlflow.user": run.user,
        "mlflow.start_time": iso(run.started) if run.started else None,
        "mlflow.end_time": iso(run.ended) if run.ended else None,
        "mlflow.renumbered_metrics": sorted(renumbered) or None,
        **{TAGS + key: value for key, value in run.tags.items()},
    }
    kept = {key: value for key, value in facts.items() if value is not None}
    return kept | {key: setting(value) for key, value in run.params.items()}


def run_environment(run: SourceRun) -> dict[str, Any]:
    """Return where a run ran, as far as MLflow noted it."""
    git = {"commit": "mlflow.source.git.commit", "branch": "mlflow.source.git.branch"}
    git |= {"remote": "mlflow.source.git.repoURL"}
    known = {name: run.tags[tag] for name, tag in git.items() if tag in run.tags}
    command = run.tags.get("mlflow.source.name")
    return {"imported_from": "MLflow"} | ({"git": known} if known else {}) | ({"command": [command]} if command else {})


def setting(text: str) -> Any:
    """Return a parameter, which MLflow keeps as text, as the number or truth that it spells, if it spells it exactly.

    ``str()`` of the answer is the text again, so nothing is lost, and numbers compare as numbers.
    """
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            continue
        if str(value) == text and text not in ("nan", "inf", "-inf") and abs(value) < 2**53:
            return value
    return text


def _legal(label: str) -> bool:
    try:
        return bool(check_label(label, "tag"))
    except InvalidNameError:
        return False
