"""A student beside its moving average: what the methods with a teacher share."""

from abc import ABC
from typing import Generic, Literal, Protocol, TypeVar

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.ema import EmaTeacher
from cclcc_cli.models.network import Network


class TeacherOptions(Protocol):
    """The options of every method with a teacher."""

    @property
    def teacher_decay(self) -> float: ...
    @property
    def predictor(self) -> Literal["student", "teacher"]: ...


Options = TypeVar("Options", bound=TeacherOptions)


class StudentTeacherMethod(TwoStreamMethod[Options], ABC, Generic[Options]):
    """A student whose teacher follows it after each step; either may be the predictor.

    Args:
        recipe: resolved.
    """

    def __init__(self, recipe: TwoStreamRecipe) -> None:
        super().__init__(recipe)
        self.teacher = EmaTeacher(self.student, self.options.teacher_decay)

    def after_step(self) -> None:
        self.teacher.follow(self.student)

    @property
    def predictor(self) -> Network:
        return self.student if self.options.predictor == "student" else self.teacher.network
