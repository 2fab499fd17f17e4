"""Checkpoints: whole on the disk or not there, and not believed where a bit has changed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from cclcc_cli.errors import RunError


class DamagedCheckpoint(RunError):
    """A checkpoint is not as it was written."""


def pack_checkpoint(content: dict[str, Any]) -> bytes:
    """A checkpoint file of tensors and plain values; the same content gives the same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU without running any code that it may hold.

    Raises:
        DamagedCheckpoint: a bit or more has changed, or the file is cut short.
        RunError: the file is missing or cannot be read.
    """
    try:
        file = io.BytesIO(path.read_bytes())
        with zipfile.ZipFile(file) as archive:  # torch itself does not compare the checksums
            if (part := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"the checksum of {part} differs")
        file.seek(0)
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such checkpoint; train the run first") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # zipfile and torch raise whatever the damage leads them to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedCheckpoint(
            f"{path}: is damaged ({reason}); start again with --fresh") from None
    return content
