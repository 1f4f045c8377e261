"""What Airflow lists of Podium: the connection type with its form, the hook and the operators.

Every Airflow process calls this, the command line included; it imports nothing.
"""

from __future__ import annotations

from typing import Any

_NAME = "Podium"
_OPERATORS = ("podium.airflow.operators", "podium.airflow.promotion", "podium.airflow.approval")


def get_provider_info() -> dict[str, Any]:
    """Return the provider metadata; its shape is Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "podium",
        "name": _NAME,
        "description": "Model registry: log, link, test, approve and promote models from DAGs.",
        "integrations": [{"integration-name": _NAME, "tags": ["software"]}],
        "hooks": [{"integration-name": _NAME, "python-modules": ["podium.airflow.hook"]}],
        "operators": [{"integration-name": _NAME, "python-modules": list(_OPERATORS)}],
        "sensors": [{"integration-name": _NAME, "python-modules": ["podium.airflow.sensors"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": ["podium.airflow.triggers"]}],
        "connection-types": [_connection_type()],
    }


def _connection_type() -> dict[str, Any]:
    text = {"type": ["string", "null"]}
    return {
        "connection-type": "podium",
        "hook-class-name": "podium.airflow.hook.PodiumHook",
        "hook-name": _NAME,
        # Airflow reads these two with a dash and ignores them with an underscore, without a word.
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database", "login": "User"},
            "placeholders": {
                "host": "postgres.example.com (leave empty with a database URL below)",
                "port": "5432",
                "schema": "podium",
            },
        },
        "conn-fields": {
            # Airflow hides a value by the name of its key: 'dsn' is on its list, 'url' and 'database_url' are not.
            "dsn": {
                "label": "Database URL",
                "description": "SQLAlchemy URL in place of host, user and database: sqlite:////srv/podium/podium.db",
                "schema": {**text, "format": "password"},
            },
            "content": {
                "label": "Content folder",
                "description": "Where files are kept; what the database records if empty.",
                "schema": text,
            },
            "actor": {
                "label": "Actor",
                "description": "Who changes are recorded for; PODIUM_ACTOR, else the user of the worker, if empty.",
                "schema": text,
            },
        },
    }
