"""A student beside its moving average: what the methods with a teacher share."""

from abc import ABC
from typing import Generic, Literal, Protocol, TypeVar

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.ema import EmaTeacher
from cclcc_cli.models.network import Network


class TaughtConfig(Protocol):
    """The options of every method with a teacher."""

    @property
    def teacher_decay(self) -> float: ...
    @property
    def predictor(self) -> Literal["student", "teacher"]: ...


Config = TypeVar("Config", bound=TaughtConfig)


class Taught(TwoStreamMethod[Config], ABC, Generic[Config]):
    """A student whose teacher follows it after each step; either may be the predictor.

    Args:
        student: the network.
        config: the method's own section.
        recipe: the rest.
    """

    def __init__(self, student: Network, config: Config, recipe: TwoStreamRecipe) -> None:
        super().__init__(student, config, recipe)
        self.teacher = EmaTeacher(student, config.teacher_decay)

    def after_step(self) -> None:
        self.teacher.follow(self.student)

    @property
    def predictor(self) -> Network:
        return self.student if self._config.predictor == "student" else self.teacher.network
