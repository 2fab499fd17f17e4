"""Where initial weights come from if not from the seed: pretrained weights, another run.

Planning runs without any needs no torch, so it loads where it is first needed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cclcc_cli.config.model import AnyModel, TimmModel
from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cclcc_cli.methods.base import Method

_KEY = "model.init"


def describe_start(model: AnyModel) -> dict[str, Any]:
    """What determines the initial weights, by the key that asks for them.

    A file counts by its content and a run by its digest and its weights, wherever they lie;
    timm's own weights count by their name.

    Raises:
        RunError: a file, a run or an encoder's weights are missing, or the run is unfinished.
    """
    start: dict[str, Any] = {}
    if isinstance(model, TimmModel) and model.weights != "none":
        start["weights"] = _describe_weights(model)
    if model.init is not None:
        start["init"] = _describe_run(Path(model.init), model)
    return start


def _describe_weights(model: TimmModel) -> dict[str, Any]:
    if model.weights == "imagenet":
        from cclcc_cli.models.timm import describe_pretrained

        return describe_pretrained(model.encoder)
    from cclcc_cli.models.weights import file_digest

    return {"sha256": file_digest(Path(model.weights), "model.weights")}


def _describe_run(path: Path, model: AnyModel) -> dict[str, Any]:
    from cclcc_cli.models.weights import file_digest

    folder = RunFolder(path)
    run = folder.trained_run(f"{_KEY} = ")
    theirs, own = (one.get("normalization") for one in (
        run.recipe.model, model.model_dump(mode="json")))
    if theirs != own:  # the weights alone would not show it
        raise RunError(f"{_KEY} = {path}: that run normalised images by {theirs or 'the default'}, "
                       f"this one by {own or 'the default'}; set model.normalization to the same")
    return {"run": run.digest, "sha256": file_digest(folder.best_checkpoint, _KEY)}


def start_from_run(method: "Method", path: Path) -> None:
    """Give a method's student, and a teacher that copies it, the best weights of another run.

    A second network that learns beside the student, as in CPS, keeps its random weights: the two
    must differ.

    Raises:
        RunError: the weights belong to another network; names the first that does not fit.
    """
    from cclcc_cli.models.ema import EmaTeacher
    from cclcc_cli.training.checkpoint import load_checkpoint

    given = load_checkpoint(RunFolder(path).best_checkpoint)["network"]
    own = method.student.state_dict()
    for name in sorted(own.keys() | given.keys()):
        shapes = [tuple(one[name].shape) if name in one else "missing" for one in (given, own)]
        if shapes[0] != shapes[1]:
            raise RunError(f"{_KEY} = {path}: belongs to another network: {name} is {shapes[0]} "
                           f"there and {shapes[1]} here; use the model: block of that run")
    method.student.load_state_dict(given)
    for module in method.modules():
        if isinstance(module, EmaTeacher):
            module.start_from(method.student)
