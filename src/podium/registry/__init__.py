"""The registry: every verb of Podium as a method, one transaction each."""

from __future__ import annotations

import functools
import os

from podium.plugins.host import PluginHost
from podium.registry.approvals import ApprovalVerbs
from podium.registry.audit import AuditVerbs
from podium.registry.automations import AutomationVerbs
from podium.registry.catalog import CatalogVerbs
from podium.registry.comparing import CompareVerbs
from podium.registry.deliveries import DeliveryVerbs
from podium.registry.doctor import DoctorVerbs
from podium.registry.governance import GovernanceVerbs
from podium.registry.imports import ImportVerbs
from podium.registry.lineage import LineageVerbs
from podium.registry.models import ModelVerbs
from podium.registry.moving import MovingVerbs
from podium.registry.notify import NotifyVerbs
from podium.registry.policies import PolicyVerbs
from podium.registry.promotion import PromotionVerbs
from podium.registry.reporting import ReportVerbs
from podium.registry.runs import RunVerbs
from podium.registry.search import SearchVerbs
from podium.registry.setup import SetupVerbs
from podium.registry.testing import CheckVerbs
from podium.settings import PluginChoice, read_plugin_choice, read_settings

__all__ = ["Registry", "open_registry"]


class Registry(
    ReportVerbs,
    CheckVerbs,
    PromotionVerbs,
    ApprovalVerbs,
    PolicyVerbs,
    GovernanceVerbs,
    ModelVerbs,
    CompareVerbs,
    CatalogVerbs,
    AuditVerbs,
    RunVerbs,
    LineageVerbs,
    SearchVerbs,
    NotifyVerbs,
    DeliveryVerbs,
    AutomationVerbs,
    DoctorVerbs,
    SetupVerbs,
    ImportVerbs,
    MovingVerbs,
):
    """A model registry on a database and a content store.

    Synchronous, thread-safe, safe across forks. Every method is one transaction and returns frozen values with a
    ``to_json()``. Open it with `open_registry`.
    """

    def __repr__(self) -> str:
        return f"Registry({self.url!r})"


def open_registry(
    url: str | None = None,
    *,
    content: str | os.PathLike[str] | None = None,
    actor: str | None = None,
    host: PluginHost | None = None,
) -> Registry:
    """Open a registry; nothing is touched before the first call.

    Args:
        url: SQLAlchemy URL of the database, SQLite or PostgreSQL; ``PODIUM_URL``, else ``~/.podium/podium.db``.
        content: Where files are kept, a folder or ``s3://, gs://, az://``; ``PODIUM_CONTENT``, else what the database
            records, else the folder ``content`` beside the SQLite file.
        actor: Who makes changes; ``PODIUM_ACTOR``, else the user of this process.
        host: The plugins; those installed in this environment if None.

    Raises:
        SettingsError: The URL or the content location cannot be used.
    """
    return Registry(read_settings(url, content, actor), host if host is not None else installed_plugins())


def installed_plugins() -> PluginHost:
    """Return the host of the plugins that are installed and that the environment allows, one per process and choice."""
    return _host_for(read_plugin_choice())


@functools.cache
def _host_for(choice: PluginChoice) -> PluginHost:
    """Return the one host of this process for a choice."""
    return PluginHost(choice=choice)
