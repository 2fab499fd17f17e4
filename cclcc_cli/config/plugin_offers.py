"""What a plug-in says that it offers, and whether a recipe can name it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

from pydantic import BaseModel

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.model import AnyModel, Init, NetworkSection, NumClasses
from cclcc_cli.config.recipes import METHODS, method_of
from cclcc_cli.config.schema import LossSection, SupervisedLoss
from cclcc_cli.errors import RecipeError
from cclcc_cli.metrics.scores import SCORES, Score


class PluginNetwork(NetworkSection):
    """What the section of a plug-in's network holds beside its ``kind`` and its own keys.

    One whose network is an ``EncoderDecoder`` sets ``has_inner_maps`` to True.
    """

    has_inner_maps: ClassVar[bool] = False

    num_classes: NumClasses = 1
    """Logits per pixel."""
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


@dataclass(frozen=True)
class Plugin:
    """What a plug-in offers: what a recipe may say, and what is built from it.

    Attributes:
        methods: recipe class to the ``Method`` that is made of such a recipe.
        networks: section (a ``PluginNetwork`` with its ``kind``) to the ``Network`` made of it.
        losses: section (a ``LossSection`` with its ``kind``) to a function of logits
            ``(L, 1, H, W)``, targets like them and the section, which gives a scalar.
        scores: row of the table of scores to a function of probabilities ``(B, 1, H, W)``, masks
            and targets (both bool, like them), which gives float64 ``(B,)``.
    """

    methods: Mapping[type[BaseRecipe], Callable[[Any], Any]] = field(default_factory=dict)
    networks: Mapping[type[PluginNetwork], Callable[[Any], Any]] = field(default_factory=dict)
    losses: Mapping[type[LossSection], Callable[[Any, Any, Any], Any]] = field(
        default_factory=dict)
    scores: Mapping[Score, Callable[[Any, Any, Any], Any]] = field(default_factory=dict)

    def implements(self, section: object) -> Callable[..., Any] | None:
        """What is built from a recipe or section of this plug-in; None for another's."""
        offers: dict[Any, Callable[..., Any]] = {**self.methods, **self.networks, **self.losses}
        return next((offers[kind] for kind in type(section).__mro__ if kind in offers), None)


_OFFERED: dict[str, tuple[type, str]] = {
    "methods": (BaseRecipe, "a recipe class"), "networks": (PluginNetwork, "a PluginNetwork class"),
    "losses": (LossSection, "a LossSection class"), "scores": (Score, "a Score"),
}
"""What each offer maps from."""


def _check_shape(plugin: Plugin, where: str) -> None:
    for offer, (kind, said) in _OFFERED.items():
        given = getattr(plugin, offer)
        if not isinstance(given, Mapping):
            raise RecipeError(f"plugins: {where}: {offer} must be a mapping from {said} to what is "
                              f"built from it, not a {type(given).__name__}")
        for key, built in given.items():
            is_kind = (isinstance(key, kind) if kind is Score
                       else isinstance(key, type) and issubclass(key, kind))
            if not is_kind or not callable(built):
                raise RecipeError(f"plugins: {where}: {offer} must map {said} to something that "
                                  f"can be called; {key!r} does not")


def check_offers(plugin: Plugin, where: str) -> None:
    """Make sure that a recipe can name what a plug-in offers, and that nothing else has its names.

    Raises:
        RecipeError: one line per problem; begins with where.
    """
    _check_shape(plugin, where)
    problems = []
    for recipe in plugin.methods:
        if not (recipe.__doc__ or "").strip():
            problems.append(f"{recipe.__name__}: has no docstring, whose first line says what the "
                            "method does")
        if not isinstance(getattr(recipe, "source", None), str):
            problems.append(f"{recipe.__name__}: source is missing; say where the method is from")
        problems += _check_tag(recipe, "method", METHODS)
        if not problems and method_of(recipe) not in recipe.model_fields:
            problems.append(f"{recipe.__name__}: has no section {method_of(recipe)} for its "
                            "options")
    kinds = [get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(AnyModel)]
    for network in plugin.networks:
        problems += _check_tag(network, "kind", kinds)
    for loss in plugin.losses:
        problems += _check_tag(loss, "kind", [SupervisedLoss().kind])
    problems += [f"score {row.key}: the package has it already; take another name"
                 for row in plugin.scores if row.key in SCORES]
    if problems:
        raise RecipeError("\n".join(f"plugins: {where}: {problem}" for problem in problems))


def _check_tag(section: type[BaseModel], key: str, taken: Iterable[str]) -> list[str]:
    """What is wrong with the key that distinguishes a section from others of its sort."""
    given = section.model_fields.get(key)
    names = get_args(given.annotation) if given is not None else ()
    if len(names) != 1 or not isinstance(names[0], str):
        return [f'{section.__name__}: {key} must be declared as Literal["its name"]']
    if names[0] in taken:
        return [f"{section.__name__}: {key} {names[0]}: the package has it already; take another "
                "name"]
    return []
