"""The verbs that set an installation up and take its schema back."""

from __future__ import annotations

from podium.domain.health import Installation
from podium.errors import SchemaOutdatedError, SettingsError
from podium.registry.base import Joint
from podium.sql.schema import HEAD, losses
from podium.usecases import records


class SetupVerbs(Joint):
    """What can be done before a registry has anything in it."""

    def set_up(self) -> Installation:
        """Make Podium's folder, the schema of an empty database, and the content location, which is recorded.

        Doing it again changes nothing and says where all is. A database that has tables already, of an older Podium or
        of another program, is left alone.

        Raises:
            DatabaseUnavailableError: The database cannot be reached.
            SchemaOutdatedError: The schema is older or newer than this Podium's.
            SettingsError: The folder cannot be made, the database holds tables of another program, another content
                location is recorded than this process is configured for, or none is given for a server: a folder on
                this machine would be recorded for all the others, too.
            StorageError: The content location cannot be used.
        """
        made, bare = self._make_home()
        if self._database.current() is None:
            made += ["home"] if bare else []
            self._require_empty()
            self._require_place()
            self._database.upgrade()
            made.append("schema")
        with self._read() as unit:  # refuses a schema that does not fit
            recorded = records.read_setting(unit, "content")
        if recorded is None:
            self._require_place()
            made.append("content")
        return Installation(str(self.settings.home), self.url, HEAD, self.content, tuple(made))

    def downgrade(self, revision: str) -> tuple[str | None, str | None]:
        """Take the schema back to an older revision, ``base`` for an empty database.

        What the newer revisions keep is lost; `downgrade_losses` says what.

        Returns:
            The revisions before and after.

        Raises:
            InvalidValueError: The database is older than that already.
            NotFoundError: There is no such revision.
            SchemaOutdatedError: The database is newer than this Podium.
        """
        return self._database.downgrade(revision)

    def downgrade_losses(self, revision: str) -> dict[str, str]:
        """Return the revisions that a downgrade would undo, newest first, each with what that does; see `downgrade`."""
        return losses(self._database.current(), revision)

    def _make_home(self) -> tuple[list[str], bool]:
        """Make the folder; return what that made, and whether a folder that was there is bare.

        To read the settings may have made it a moment ago.
        """
        home = self.settings.home
        try:
            made = [] if home.is_dir() else ["home"]
            home.mkdir(parents=True, exist_ok=True)
            return made, not made and not any(home.iterdir())
        except OSError as error:
            raise SettingsError(
                f"The folder {home} cannot be used: {error.strerror}.",
                hint="Set PODIUM_HOME to a folder you may write.",
            ) from error

    def _require_place(self) -> None:
        if not self._database.is_sqlite and self.settings.content is None:
            raise SettingsError(
                "It is not said where content is kept, and machines that share a database must agree on it.",
                hint="Give a shared folder or s3://BUCKET/PREFIX by --content or PODIUM_CONTENT; it is recorded once.",
            )

    def _require_empty(self) -> None:
        if self._database.is_empty():
            return
        if self._database.is_sqlite:
            raise SettingsError(
                f"The file of {self.url} holds tables of another program.",
                hint="Name a file that does not exist yet in PODIUM_URL.",
            )
        raise SchemaOutdatedError(
            f"The database {self.url} is not empty and does not have Podium's schema.",
            hint="Use a database of its own, or run 'podium db upgrade' to put Podium's tables beside those.",
            found=None,
            needed=HEAD,
        )
