"""The contract of all that a plug-in offers: methods, networks and losses by training, scores."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import torch
from pydantic import BaseModel
from torch import Tensor

from cclcc_cli.config.load import parse_recipe
from cclcc_cli.config.plugins import load_plugin
from cclcc_cli.config.recipes import METHODS, example_of, method_of
from cclcc_cli.config.schema import PluginSource
from cclcc_cli.errors import CclccError
from cclcc_cli.methods.contract import CheckResult, require, run_check, run_contract
from cclcc_cli.metrics.scores import Score


def run_plugin_contract(source: PluginSource) -> Iterator[tuple[str, CheckResult]]:
    """What is checked and what came of it, for everything that a plug-in offers.

    A network or a loss is checked by supervised training with it at its defaults.
    """
    plugin, supervised = load_plugin(source), METHODS["supervised"]
    named: dict[str, Any] = {"plugins": [source.model_dump()]}
    for recipe in plugin.methods:
        yield from _train(f"method {method_of(recipe)}", example_of(recipe, **named))
    for network in plugin.networks:
        kind = _kind(network)
        raw = example_of(supervised, model={"kind": kind}, **named)
        yield from _train(f"network {kind}", raw)
    for loss in plugin.losses:
        kind = _kind(loss)
        raw = example_of(supervised, supervised_loss={"kind": kind}, **named)
        yield from _train(f"loss {kind}", raw)
    for row, function in plugin.scores.items():
        yield f"score {row.key}", _check_score(row, function)
    if not (plugin.methods or plugin.networks or plugin.losses or plugin.scores):
        yield "plug-in", CheckResult("It offers something.", "its PLUGIN is empty")


def _train(subject: str, raw: dict[str, Any]) -> Iterator[tuple[str, CheckResult]]:
    title = "Its example is a valid recipe."
    try:
        recipe = parse_recipe(raw, "example")
    except CclccError as error:
        yield subject, CheckResult(title, " ".join(str(error).split()))
        return
    yield subject, CheckResult(title)
    for finding in run_contract(recipe):
        yield subject, finding


def _check_score(row: Score, function: Callable[[Tensor, Tensor, Tensor], Tensor]) -> CheckResult:
    title = "One bounded float64 per image, best where the mask is the truth."
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(3, 1, 32, 32, generator=generator) > 0.6
    probs = torch.rand(3, 1, 32, 32, generator=generator)

    def check() -> None:
        some, best, worst = (function(p, p > 0.5, target) for p in (
            probs, target.float(), 1 - target.float()))
        require(some.shape == (3,) and some.dtype == torch.float64,
                f"it gives {some.dtype} of shape {tuple(some.shape)}; it must be float64 of (3,)")
        for values in (some, best, worst):
            require(bool(values.isfinite().all()), f"it gives {values.tolist()}")
            within = (values >= row.low) & (values <= (row.high or float("inf")))
            require(bool(within.all()), f"it gives {values.tolist()}, which is not from {row.low} "
                    f"to {row.high}")
        sign = 1 if row.more_is_better else -1
        require(bool((sign * best > sign * worst).all()),
                f"it gives {best.tolist()} to the truth and {worst.tolist()} to its opposite")

    return run_check(title, check)


def _kind(section: type[BaseModel]) -> str:
    kind: str = get_args(section.model_fields["kind"].annotation)[0]
    return kind
