"""Who may end a training before its time: what a search's pruner is to the training it watches."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Judge(Protocol):
    """Looks on at each validation, and may end a training before its time."""

    def goes_on_from(self, records: Sequence[Mapping[str, Any]]) -> str | None:
        """Called before the first step of a session with the records so far.

        Returns:
            Why the training is to end here; None: it is to go on.
        """

    def after(self, record: Mapping[str, Any], images: Sequence[Mapping[str, float]]) -> str | None:
        """Called after each validation but the last with its record and each image's scores.

        Returns:
            As ``goes_on_from``.
        """

    def complete(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Called when training has come to its end, or had before."""


class Pruned(Exception):
    """A judge has ended the training; its state is saved, and another start goes on with it."""
