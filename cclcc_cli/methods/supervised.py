"""The labelled images alone."""

from typing import final

from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo


@final
class Supervised(Method):
    """Learns from labelled images; the bound every semi-supervised method must beat."""

    def loss(self, batch: Batch, info: StepInfo) -> Loss:  # noqa: ARG002
        return self.labeled_loss(batch)


METHOD = Supervised
