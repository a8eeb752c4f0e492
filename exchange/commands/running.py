"""Running a command line: one table from error to exit code. It imports nothing of the hub, so that a small command starts at once.

Exit codes: 0 done; 1 unforeseen; 2 wrong usage; 3 not set up; 5 refused by an agreement; 6 not acceptable as it is; 9 refused for
another reason; 10 a signature, digest or proof does not hold; 130 interrupted. ``protect`` and ``attack`` have their own.
"""

from collections.abc import Sequence

import click
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from agreements.errors import AgreementError, InvalidDocument
from exchange.errors import ExchangeError, Misconfigured, RefusedByAgreement, Unacceptable
from exchange.releases.errors import ReleaseError
from keys.errors import BadProof, BadSignature, KeysError

_NO_RIGHT = "42501"  # PostgreSQL's insufficient_privilege (its manual, appendix A)
OUR_ERRORS = (ExchangeError, AgreementError, KeysError, ReleaseError)
_CODES: Sequence[tuple[type[Exception], int]] = (
    (Misconfigured, 3),
    (RefusedByAgreement, 5),
    (Unacceptable, 6),
    (InvalidDocument, 6),
    (ReleaseError, 6),
    (BadSignature, 10),
    (BadProof, 10),
    (AgreementError, 6),
    (KeysError, 3),
    (ExchangeError, 9),
)


def run(command: click.Command) -> int:
    """Run a command line; every error of ours, the database's and the machine's is one message and a code, never a traceback."""
    try:
        found = command.main(standalone_mode=False)
        return found if isinstance(found, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except OUR_ERRORS as error:
        click.echo(f"Error: {error}", err=True)
        return next((code for kind, code in _CODES if isinstance(error, kind)), 1)
    except (SQLAlchemyError, OSError, UnicodeEncodeError) as error:
        click.echo(f"Error: {_machine(error)}", err=True)
        return 2 if isinstance(error, UnicodeEncodeError) else 1


def _machine(error: SQLAlchemyError | OSError | UnicodeEncodeError) -> str:
    """What the machine's own trouble means: never the statement that met it, whose values would be quoted."""
    match error:
        case UnicodeEncodeError():
            return "what was given is not UTF-8 text. Give it again."
        case OSError():
            return f"{error.strerror or type(error).__name__}: {error.filename}." if error.filename else f"{error.strerror or error}."
        case OperationalError() | InterfaceError() | NoConnection():
            return "the database is busy, cannot be reached or is not what it should be; nothing was changed. Look at it, and try again."
        case DataError():
            return "something that was given is longer, or holds other characters, than any such value. Give it again."
        case ProgrammingError() if getattr(error.orig, "sqlstate", "") == _NO_RIGHT:
            return "the database does not let its role do this; nothing was changed. Let the role own the database (ALTER DATABASE … OWNER TO …)."
        case _:
            return f"the database failed ({type(error).__name__}); nothing was changed. Look at it, and try again."
