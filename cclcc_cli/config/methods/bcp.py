"""The recipe of BCP."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, first_part
from cclcc_cli.config.methods.ssl4mis import RAMP
from cclcc_cli.config.methods.student_teacher import teacher_clause
from cclcc_cli.config.schema import Decay, NotNegative, Section, Share, SupervisedLoss


class BcpOptions(Section):
    """A box of a labelled image pasted into an unlabelled one, and the other way round."""

    unlabeled_weight: NotNegative = 0.5
    """Of pixels whose label is the teacher's; at 0 nothing is pasted at all."""
    box: Annotated[float, Field(gt=0, lt=1)] = 2 / 3
    """Side of the pasted box as a share of the image's."""
    pretraining: Share = RAMP
    """Share of the budget that pastes labelled images into each other first."""
    teacher_decay: Decay = 0.99
    """Of the moving average that makes labels."""
    largest_component: bool = False
    """Keep the largest region of the teacher's mask, as published; costs a wait for the device."""
    predictor: Literal["student", "teacher"] = "student"
    """Which of the two is validated, tested and kept."""


class BcpRecipe(TwoStreamRecipe):
    """Copy-paste both ways between labelled and unlabelled images, labels by a teacher."""

    source: ClassVar[str] = "BCP, Bai et al., CVPR 2023, arXiv:2305.00673"
    weights: ClassVar[tuple[str, ...]] = ("unlabeled_weight",)
    vanishing: ClassVar[tuple[str, ...]] = ()  # it mixes labelled images whatever its weight
    example: ClassVar[dict[str, Any]] = {"pretraining": 0.0}

    method: Literal["bcp"]
    """Bidirectional copy-paste."""
    bcp: BcpOptions = BcpOptions()
    """Its terms."""

    @property
    def fewest_images(self) -> int:
        return self.batch.labeled // 2

    @property
    def clause(self) -> str:
        options = self.bcp
        if not options.unlabeled_weight:
            return NOTHING
        first = (f"in {first_part(options.pretraining)} of the budget labelled images were pasted "
                 "into each other, then labelled and unlabelled ones both ways"
                 if options.pretraining else
                 "labelled and unlabelled images were pasted into each other both ways")
        largest = ", of which only the largest region was kept" if options.largest_component else ""
        return (f"the supervised loss was taken on mixed images alone: {first}, the box having "
                f"{options.box:.3g} of the image's side; unlabelled pixels (weight "
                f"{options.unlabeled_weight:g}) had a teacher's mask as their truth{largest}; "
                f"{teacher_clause(options.teacher_decay, options.predictor)}")

    @model_validator(mode="after")
    def _has_pairs(self) -> Self:
        labeled, unlabeled = self.batch.labeled, self.batch.unlabeled
        if labeled != unlabeled or labeled % 2:
            raise ValueError(
                f"batch = {labeled} labelled + {unlabeled} unlabelled: bcp pairs them both ways; "
                "give the same even number of each"
            )
        if self.batch_norm == "joint":
            raise ValueError(
                "batch_norm = joint: every image that bcp trains on mixes labelled and unlabelled "
                "pixels, so there is one stream; leave the key out"
            )
        if not isinstance(self.supervised_loss, SupervisedLoss):
            raise ValueError(
                "supervised_loss.kind: bcp takes BCE + Dice of parts of images, which no other "
                "loss gives; leave the key out"
            )
        return self
