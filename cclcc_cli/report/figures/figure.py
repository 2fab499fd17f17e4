"""What a drawn figure is to those who write or embed it; loads nothing heavy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure, ready to be written or embedded.

    Attributes:
        name: file stem, such as ``label-efficiency``.
        title: a few words.
        caption: what is seen, in words a paper could use, with numbers of seeds and images.
        png: at print size, 200 dots per inch.
        pdf: the same with embedded fonts.
    """

    name: str
    title: str
    caption: str
    png: bytes
    pdf: bytes


@dataclass(frozen=True)
class Drawn:
    """All figures that the runs at hand allow, and in words why others are missing."""

    figures: Sequence[Figure]
    notes: Sequence[str]
