"""The verbs about who may what, and when nothing moves: roles and freezes."""

from __future__ import annotations

from datetime import datetime

from podium.domain.transitions import FreezeInfo, RoleGrant
from podium.registry.base import Joint
from podium.usecases import access, freezes


class GovernanceVerbs(Joint):
    """What can be done with roles and freezes."""

    def freeze(
        self, target: str, stage: str | None = None, *, reason: str, until: datetime | None = None
    ) -> FreezeInfo:
        """Close a stage for promotions; rollbacks and demotions stay possible with a reason, and force with an admin.

        A freeze of the same target and stage that is in force is replaced; the same one again changes nothing.

        Args:
            target: ``REGISTRY/MODEL``, or ``REGISTRY`` for all its models.
            stage: The stage; None for all of them.
            reason: Why.
            until: When it ends by itself, with a time zone; None for not before `unfreeze`.

        Raises:
            InvalidNameError, InvalidValueError: There is no reason, or ``until`` is no time to come.
            NotFoundError: There is no such model, registry or stage.
            PermissionDeniedError: The registry has admins, and the actor is none of them.
        """
        command = freezes.FreezeStage(target, stage, reason, until)
        return self._change(lambda unit: freezes.freeze_stage(unit, command))

    def unfreeze(self, target: str, stage: str | None = None, *, reason: str | None = None) -> FreezeInfo:
        """End the freeze of exactly this target and stage; one that has ended already is returned as it is.

        Raises:
            InvalidNameError, InvalidValueError: The target or the reason cannot be used.
            NotFoundError: There is no such model or registry, or it was never frozen so.
            PermissionDeniedError: The registry has admins, and the actor is none of them.
        """
        return self._change(lambda unit: freezes.unfreeze_stage(unit, target, stage, reason))

    def list_freezes(self, target: str | None = None, *, ended: bool = False) -> list[FreezeInfo]:
        """Return the freezes that are in force, oldest first.

        Args:
            target: Those that this model or registry is under; None for all.
            ended: Those that are over as well.

        Raises:
            InvalidNameError: The target is none.
            NotFoundError: There is no such model or registry.
        """
        with self._read() as unit:
            return freezes.list_freezes(unit, target, ended=ended)

    def grant_role(self, registry: str, person: str, role: str, *, reason: str | None = None) -> RoleGrant:
        """Give a person a role in a registry, such as ``admin``, or ``lead`` for a policy that asks for it.

        A new registry is open: everybody may do everything. Its first ``admin`` closes it: from then on policies,
        freezes, roles and forced promotions need that role, and so does an approval where the policy names no other.
        Who somebody is, is what the process says (``PODIUM_ACTOR``); access to the database is the real boundary.

        Args:
            registry: The registry.
            person: As `Registry` knows actors; upper and lower case are the same person.
            role: A word by the rule of aliases.
            reason: Why.

        Raises:
            InvalidNameError, InvalidValueError: The role or the person has no proper name.
            NotFoundError: There is no such registry.
            PermissionDeniedError: The registry has admins, and the actor is none of them.
        """
        return self._change(lambda unit: access.grant_role(unit, registry, person, role, reason))

    def revoke_role(self, registry: str, person: str, role: str, *, reason: str | None = None) -> bool:
        """Take a role away, and return whether the person had it.

        Raises:
            InvalidNameError, NotFoundError, PermissionDeniedError: As `grant_role`.
            InvalidValueError: The person is the last admin.
        """
        return self._change(lambda unit: access.revoke_role(unit, registry, person, role, reason))

    def list_roles(self, registry: str) -> list[RoleGrant]:
        """Return who has which role in a registry, by role and person.

        Raises:
            NotFoundError: There is no such registry.
        """
        with self._read() as unit:
            return access.list_roles(unit, registry)
