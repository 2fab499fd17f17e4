"""Checkpoints: whole on the disk or not there."""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values; the same content gives the same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU without running any code that it may hold.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such checkpoint; train the run first") from None
    except (OSError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path}: is damaged ({reason}); start again with --fresh"
        ) from None
    return content
