"""What a bundle says of itself: its manifest, the same for writer and readers.

A bundle is a ``.tar.xz`` of a runs folder's records, laid out as they lie there, behind
``manifest.sha256`` and ``manifest.json``.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_FILE_BYTES = 2**26
"""Of one file, unpacked; the per-image scores of 100,000 images take less."""
MOST_BYTES = 2**30
"""Of all files, unpacked; some 10,000 runs."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
Unit = Annotated[str, Field(pattern=rf"^{_NAME}/{_NAME}$", max_length=150)]
"""A folder below the runs folder that is written or refused as a whole: ``<data set>/<run>``,
``ablations/<name>`` or ``searches/<name>``."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BundledFile(_Part):
    """One file and what it must be."""

    path: Annotated[str, Field(pattern=rf"^{_NAME}/{_NAME}/{_NAME}$", max_length=200)]
    """Below the runs folder, with ``/`` between its three parts."""
    size: Annotated[int, Field(ge=0, le=MOST_FILE_BYTES)]
    """In bytes."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of its content."""

    @property
    def unit(self) -> str:
        return self.path.rpartition("/")[0]


class LeftOut(_Part):
    """A run that was not finished when the bundle was made."""

    run: Unit
    """``<data set>/<run>``."""
    state: Annotated[str, Field(pattern="^[a-z ]+$", max_length=40)]
    """How far it was, as ``cclcc ls`` says it."""


class Manifest(_Part):
    """The content of ``manifest.json``."""

    format: Literal["cclcc-bundle"] = "cclcc-bundle"
    """So that no other project's archive passes for one."""
    version: Literal[1] = 1
    """Of this layout."""
    cclcc: str
    """The version that wrote it."""
    files: list[BundledFile]
    """Sorted by path."""
    left_out: list[LeftOut] = []
    """Runs that the bundle would hold if they had been finished."""

    @model_validator(mode="after")
    def _each_once_and_not_too_large(self) -> Self:
        paths = [file.path for file in self.files]
        if any(one >= other for one, other in pairwise(paths)):
            raise ValueError("its files are not sorted, or one is there twice")
        total = sum(file.size for file in self.files)
        if total > MOST_BYTES:
            raise ValueError(f"its files have {total} bytes together; the limit is {MOST_BYTES}")
        return self

    @property
    def units(self) -> dict[str, dict[str, str]]:
        """Each unit's files, name to sha256."""
        units: dict[str, dict[str, str]] = {}
        for file in self.files:
            units.setdefault(file.unit, {})[file.path.rpartition("/")[2]] = file.sha256
        return units
