"""An example of a plug-in: a method, in one file, beside the package.

On unlabelled images each prediction is pulled to its own sharpened version. Check it with

    cclcc check-plugin recipes/plugins/sharpen.py
"""

from fractions import Fraction
from typing import ClassVar, Literal

import torch

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.plugins import Plugin
from cclcc_cli.config.schema import NotNegative, Positive, Section, Share
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.methods import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod


class SharpenOptions(Section):
    """How strongly, and how sharp."""

    weight: NotNegative = 0.1
    """Of the difference to the sharpened prediction."""
    temperature: Positive = 0.5
    """Divides the target's logits: the lower, the sharper."""
    ramp_up: Share = Fraction(1, 3)
    """Share of the budget over which the weight rises."""


class SharpenRecipe(TwoStreamRecipe):
    """Predictions on unlabelled images are pulled to sharpened copies of themselves."""

    source: ClassVar[str] = "this example; sharpening as in MixMatch, arXiv:1905.02249"
    weights: ClassVar[tuple[str, ...]] = ("weight",)

    method: Literal["sharpen"]
    """Self-sharpening."""
    sharpen: SharpenOptions = SharpenOptions()
    """Its term."""


class Sharpen(TwoStreamMethod[SharpenOptions]):
    """Supervised loss plus squared difference to the sharpened prediction."""

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        weight = self.options.weight * info.ramp_up(self.options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        supervised = self.supervised_loss(labeled, batch)
        target = torch.sigmoid(unlabeled.detach().float() / self.options.temperature)
        sharp = consistency_loss(unlabeled.float(), target)
        return Loss(supervised + weight * sharp,
                    {"supervised": supervised.detach(), "sharpen": sharp.detach()})


PLUGIN = Plugin(methods={SharpenRecipe: Sharpen})
