"""What a search's pruner is to the training that it may end early."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cclcc_cli.runs.records import ValidationRecord


class RunPruner(Protocol):
    """Sees every validation of a training, and may end the training early."""

    def resumed(self, records: Sequence[ValidationRecord]) -> str | None:
        """Called before the first step of a session with the validations so far.

        Returns:
            Why training is to end here; None to continue.
        """

    def validated(
        self, record: ValidationRecord, images: Sequence[Mapping[str, float]]
    ) -> str | None:
        """Called after each validation but the last.

        Args:
            record: the validation.
            images: each image's scores.

        Returns:
            Why training is to end here; None to continue.
        """

    def completed(self, records: Sequence[ValidationRecord]) -> None:
        """Called with all validations when training has reached its end, now or before."""


class Pruned(Exception):
    """A pruner has ended the training; its state is saved, and another start continues it."""
