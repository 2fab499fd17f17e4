"""The recipe of interpolation consistency training."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.student_teacher import StudentTeacherOptions, teacher_clause
from cclcc_cli.config.schema import Positive


class IctOptions(StudentTeacherOptions):
    """Consistency on a mixture of two images: the mixture of the teacher's two answers."""

    mix_alpha: Positive = 0.2
    """Of the Beta distribution that shares are drawn from."""


class IctRecipe(TwoStreamRecipe):
    """On a mixture of two images, the mixture of the teacher's two answers."""

    source: ClassVar[str] = "ICT, Verma et al., IJCAI 2019, arXiv:1903.03825; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("consistency_weight",)

    method: Literal["ict"]
    """Interpolation consistency training."""
    ict: IctOptions = IctOptions()
    """Its term."""

    @property
    def fewest_images(self) -> int:
        return self._fewest(self.batch.unlabeled // 2)

    @property
    def clause(self) -> str:
        options = self.ict
        if not options.consistency_weight:
            return NOTHING
        share = f"Beta({options.mix_alpha:g}, {options.mix_alpha:g})"
        return ("on mixtures of two unlabelled images the mean squared difference to the same "
                "mixture of a teacher's probabilities "
                f"({rising(options.consistency_weight, options.ramp_up)}) was added, shares being "
                f"drawn from {share}; {teacher_clause(options.teacher_decay, options.predictor)}")

    @model_validator(mode="after")
    def _has_partners(self) -> Self:
        self.check_partners("ict mixes two images")
        return self
