# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, as one tree.

BeastError
    ArchiveError              a backup is not whole, or not what it says it is
    CommandError              a command ended badly
    DatabaseError             a database of ours cannot be used
        DatabaseClosedError   a database was used after it was closed
        DatabaseDamagedError  a database is damaged; a backup has to take its place
        DatabaseNewerError    a newer version of this program made the database
    DocumentError             one document could not be read; the others go on
    ModelError                a file is no model, damaged, or not the one it should be
    PreflightError            this machine cannot carry what was asked; nothing was changed
    ServiceError              a service answered, and refused
    TransientError            it may work if tried again
        BusyError             another operation holds the installation
        DatabaseBusyError     others hold a database, or all its connections, for too long
        DatabaseFullError     there is no room for what a database should keep
        LeaseLostError        a job went on in other hands; stop without writing
        UnavailableError      a service did not answer in time
            RestingError      a service failed so often that nobody asks it for a while
            SlowError         a service took longer than anybody waits
    UsageError                wrong usage or configuration
        CardError             a service card, or services.json, does not make sense
        ConflictError         what was named is not in a state in which this can be done
        MissingError          what was named does not exist
        NotDeployedError      there is no running installation under this root
        SettingsError         a setting is unknown or has a wrong value
"""


class BeastError(Exception):
    """Something the operator can act on; shown as one paragraph, without a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, subject: str = "", hint: str = "") -> None:
        """Say what failed (`message`), on what (`subject`), and what to do next (`hint`)."""
        super().__init__(message)
        self.subject = subject
        self.hint = hint

    def paragraph(self) -> str:
        """Return the error as the paragraph an operator reads."""
        where = f" ({self.subject})" if self.subject else ""
        sentence = f"{str(self).rstrip('.')}{where}."
        return f"{sentence} {self.hint}".rstrip()


class ArchiveError(BeastError):
    """A backup is not whole, or not what it says it is."""


class CommandError(BeastError):
    """A command ended badly."""


class DatabaseError(BeastError):
    """A database of ours cannot be used."""


class DatabaseClosedError(DatabaseError):
    """A database was used after it was closed."""


class DatabaseDamagedError(DatabaseError):
    """A database is damaged; a backup has to take its place."""


class DatabaseNewerError(DatabaseError):
    """A newer version of this program made the database."""


class DocumentError(BeastError):
    """One document could not be read; the others go on."""


class ModelError(BeastError):
    """A file is no model, damaged, or not the one it should be."""


class PreflightError(BeastError):
    """This machine cannot carry what was asked; nothing was changed."""


class ServiceError(BeastError):
    """A service answered, and refused."""


class TransientError(BeastError):
    """It may work if tried again."""

    exit_code = 75


class BusyError(TransientError):
    """Another operation holds the installation."""


class DatabaseBusyError(TransientError):
    """Others hold a database, or all its connections, for too long."""


class DatabaseFullError(TransientError):
    """There is no room for what a database should keep."""


class LeaseLostError(TransientError):
    """A job went on in other hands; stop without writing."""


class UnavailableError(TransientError):
    """A service did not answer in time."""

    def __init__(
        self, message: str, *, subject: str = "", hint: str = "", after: float | None = None
    ) -> None:
        """Say what `BeastError` says, and *after* how many seconds to ask again, if known."""
        super().__init__(message, subject=subject, hint=hint)
        self.after = after


class RestingError(UnavailableError):
    """A service failed so often that nobody asks it for a while."""


class SlowError(UnavailableError):
    """A service took longer than anybody waits."""


class UsageError(BeastError):
    """Wrong usage or configuration."""

    exit_code = 64


class CardError(UsageError):
    """A service card, or services.json, does not make sense."""


class ConflictError(UsageError):
    """What was named is not in a state in which this can be done."""


class MissingError(UsageError):
    """What was named does not exist."""


class NotDeployedError(UsageError):
    """There is no running installation under this root."""


class SettingsError(UsageError):
    """A setting is unknown or has a wrong value."""
