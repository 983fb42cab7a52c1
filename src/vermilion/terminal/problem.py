"""Telling a person at the terminal what stands in the way, in one line."""

EXIT_FAILED = 1
EXIT_EXISTS = 3
EXIT_INTERRUPTED = 130


class Problem(Exception):
    """Something expected went wrong; the message is the line, `exit_code` what the process ends with."""

    def __init__(self, line: str, *, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(line)
        self.exit_code = exit_code


def problem_from(error: Exception) -> Problem | None:
    """The line for an error of another room; None for what nobody expected, which deserves its traceback."""
    from pydantic import ValidationError
    from sqlalchemy.exc import DatabaseError

    from vermilion.catalog import CatalogBroken
    from vermilion.db.lock import HouseIsRunning
    from vermilion.db.schema import SchemaProblem
    from vermilion.kit import AppError
    from vermilion.kit.sealed import KeyFileBroken

    match error:
        case Problem():
            return error
        case AppError():
            return Problem(error.detail, exit_code=EXIT_EXISTS if error.status == 409 else EXIT_FAILED)
        case HouseIsRunning() | SchemaProblem() | KeyFileBroken():
            return Problem(str(error))
        case CatalogBroken():
            return Problem(f"The catalog cannot be loaded: {error}")
        case ValidationError():
            return Problem("; ".join(_setting(each["loc"], each["msg"]) for each in error.errors()))
        case DatabaseError():
            told = " ".join(str(error.orig or error).split())
            return Problem(f"The database says no: {told[:300]}")
        case PermissionError() | FileNotFoundError() | NotADirectoryError() | IsADirectoryError() | FileExistsError():
            return Problem(f"{error.filename or 'A file'}: {error.strerror}")
        case ValueError() if "VERMILION_" in str(error):
            return Problem(str(error))
    return None


def _setting(place: tuple[int | str, ...], message: str) -> str:
    name = "_".join(str(part) for part in place).upper()
    words = message.removeprefix("Value error, ")
    return f"VERMILION_{name}: {words[:1].lower()}{words[1:]}"
