"""Records on disk: JSON files, each a typed model that its writer and its readers share."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic
from cclcc_cli.wording import instead


class Record(BaseModel):
    """The content of a JSON file, or a part of it.

    What an older version did not write is None. What a newer one writes in addition is kept.
    Where the key on disk differs from the field's name, it is the field's alias.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", validate_by_name=True,
                              validate_by_alias=True, serialize_by_alias=True, loc_by_alias=False)

    def plain(self) -> dict[str, Any]:
        """The record as JSON holds it: keys as on disk, without fields that were never set."""
        return self.model_dump(exclude_unset=True)


R = TypeVar("R", bound=Record)


def load_record(kind: type[R], path: Path, advice: str) -> R | None:
    """A file's record, or None where the file does not exist.

    Args:
        kind: the record's type.
        path: the file.
        advice: what to do about a damaged file; ends the error message.

    Raises:
        RunError: the file is damaged; names the file, the key and the problem.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
    except ValidationError as error:
        reason = describe_damage(error)
    raise RunError(f"{path}: cannot be read ({reason}); {advice}")


def save_record(path: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    write_atomic(path, to_json(record.plain()))


def to_json(value: Any) -> bytes:
    """A value as all our JSON files are written."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def flatten(nested: Mapping[str, Any], prefix: str = "", separator: str = ".") -> dict[str, Any]:
    """Nested mappings as one: ``{"a": {"b": 1}}`` as ``{"a.b": 1}``; empty ones are dropped."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}{separator}", separator)
        else:
            flat[prefix + key] = value
    return flat


def describe_damage(error: ValidationError) -> str:
    """The first problem of a record in a few words: ``data.size = 'big': input should be ...``."""
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{where} is missing"
    if not where:
        return problem_text(problem)
    value = problem["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float | None) else ""
    return f"{where}{shown:.60}: {problem_text(problem)}"


def problem_text(problem: Mapping[str, Any]) -> str:
    """What pydantic says of one value, as the rest of a sentence; names the choice that was meant.

    Args:
        problem: one of ``ValidationError.errors()``.
    """
    message: str = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        choices = re.findall("'([^']*)'", problem["ctx"]["expected"])
        meant = instead(problem["input"], choices)
        message += f"; {meant}" if meant.endswith("?") else ""
    return f"{message[0].lower()}{message[1:]}"
