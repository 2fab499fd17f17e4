"""Values of a run folder's JSON files, each checked as it is taken."""

import math
from typing import Any, TypeVar

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder

_Kind = TypeVar("_Kind")


class Values:
    """A JSON file of a run folder; each value is checked as it is taken.

    Raises:
        RunError: the file or the value is missing, or is not what it should be.
    """

    def __init__(self, folder: RunFolder, name: str) -> None:
        self._file = folder.path / name
        self._content = folder.read_json(name)
        if self._content is None:
            raise self._error("is missing")

    def take(self, kind: type[_Kind], *keys: str) -> _Kind:
        value = self.find(*keys)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self._error(f"{'.'.join(keys)} is {value!r}, not of type {kind.__name__}")
        return value

    def count(self, *keys: str) -> int:
        value = self.take(int, *keys)
        if value <= 0:
            raise self._error(f"{'.'.join(keys)} is {value}, not above 0")
        return value

    def number(self, *keys: str) -> float:
        value = self.find(*keys)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            found = float(value) if number else math.nan
        except OverflowError:  # a whole number beyond all floats
            found = math.nan
        if not math.isfinite(found):
            raise self._error(f"{'.'.join(keys)} is {value!r}, not a finite number")
        return found

    def number_if_any(self, *keys: str) -> float | None:
        """None where the file does not say."""
        return self.number(*keys) if self.holds(*keys) else None

    def text_if_any(self, *keys: str) -> str | None:
        """None where the file does not say."""
        return self.take(str, *keys) if self.holds(*keys) else None

    def holds(self, *keys: str) -> bool:
        """Whether it says so; what an older run lacks is no damage."""
        value = self._content
        for key in keys:
            if not isinstance(value, dict) or value.get(key) is None:
                return False
            value = value[key]
        return True

    def find(self, *keys: str) -> Any:
        value = self._content
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise self._error(f"{'.'.join(keys)} is missing")
            value = value[key]
        return value

    def _error(self, reason: str) -> RunError:
        return RunError(f"{self._file}: {reason}; cclcc train --fresh trains it again")
