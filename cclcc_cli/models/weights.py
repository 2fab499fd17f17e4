"""Weights from files: read without running code, and put under an encoder's own names."""

import hashlib
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cclcc_cli.errors import RunError

_WRAPPERS = ("state_dict", "model", "network")
"""Keys below which training scripts keep the weights; the last is that of our best.pt."""


def file_digest(path: Path, key: str) -> str:
    """The sha256 of a file that a recipe names under a key.

    Raises:
        RunError: there is no such file.
    """
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise RunError(f"{key} = {path}: cannot be read ({error.strerror})") from None


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(path: Path, key: str) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth or .pt file, in its order, on the CPU.

    Raises:
        RunError: it is missing or damaged, holds more than tensors and plain values, or no tensors.
    """
    where = f"{key} = {path}"
    try:
        content = _read(path)
    except ModuleNotFoundError:
        raise RunError(f"{where}: needs safetensors; pip install 'cclcc[timm]'") from None
    except OSError as error:
        raise RunError(f"{where}: cannot be read ({error.strerror or error})") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError,
            zipfile.BadZipFile) as error:
        if "GLOBAL" in str(error):  # torch's word for a class or function in a pickle
            raise RunError(f"{where}: holds objects besides tensors, which could run code; save "
                           "the weights alone: torch.save(model.state_dict(), FILE)") from None
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(f"{where}: is damaged ({reason})") from None
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    tensors = content.items() if isinstance(content, Mapping) else ()
    found = {str(name): value for name, value in tensors if isinstance(value, Tensor)}
    if not found:
        raise RunError(f"{where}: holds no weights by name; save model.state_dict()")
    return found


def _read(path: Path) -> Any:
    if path.suffix != ".safetensors":
        return torch.load(path, map_location="cpu", weights_only=True)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def match_weights(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], where: str
) -> dict[str, Tensor]:
    """A file's tensors under an encoder's own names.

    By the same names; or with a prefix before them; or, where the names are of another kind, by
    order, if the file begins with tensors of the same shapes. What a file has beyond the encoder,
    its classifier, is left out. BatchNorm's counters of batches serve nothing and are not read.

    Args:
        own: what the encoder has.
        given: what the file has, in its order.
        where: which file, for the message.

    Raises:
        RunError: they do not fit; names the first that does not.
    """
    wanted = {name: value for name, value in own.items() if not _is_counter(name)}
    there = {name: value for name, value in given.items() if not _is_counter(name)}
    names = _by_name(list(wanted), list(there))
    if names is None:
        names = dict(zip(wanted, there, strict=False))
        if any(wanted[mine].shape != there[theirs].shape for mine, theirs in names.items()):
            names.clear()
        if len(names) < len(wanted):
            raise RunError(f"{where}: does not fit the encoder: {_first_difference(wanted, there)}")
    for mine, theirs in names.items():
        if wanted[mine].shape != there[theirs].shape:
            raise RunError(
                f"{where}: does not fit the encoder: {theirs} has the shape "
                f"{_shape(there[theirs])}, the encoder's {mine} {_shape(wanted[mine])}"
            )
    return {mine: there[theirs] for mine, theirs in names.items()}


def _by_name(wanted: Iterable[str], there: Iterable[str]) -> dict[str, str] | None:
    """Own name to the file's, with or without a prefix; None where one is missing."""
    # Where it gives features, timm writes stages_0 for stages.0, and model.norm for norm.
    plain = {name.replace(".", "_"): name for name in there}
    mine = {name: name.replace(".", "_").removeprefix("model_") for name in wanted}
    first = next(iter(mine.values()))
    ends = [name for name in plain if name == first or name.endswith(f"_{first}")]
    for prefix in sorted((name.removesuffix(first) for name in ends), key=len):
        if all(prefix + name in plain for name in mine.values()):
            return {name: plain[prefix + key] for name, key in mine.items()}
    return None


def _first_difference(wanted: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> str:
    """Where two lists of tensors part, in order."""
    for position, (mine, theirs) in enumerate(zip_longest(wanted, there), start=1):
        if mine is None or theirs is None or wanted[mine].shape != there[theirs].shape:
            has = "nothing" if theirs is None else f"{theirs} {_shape(there[theirs])}"
            needs = "nothing" if mine is None else f"{mine} {_shape(wanted[mine])}"
            return (f"its names are others, and in order tensor {position} is {has} where the "
                    f"encoder has {needs}")
    return "its names are others"


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
