"""The one table of scores: what each is called, measured in, and which way is better.

Loads nothing, so that a recipe, a command or a table's heading can ask it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cclcc_cli.wording import instead

NSD_TOLERANCE = 0.01
"""Of the normalised surface dice, as a share of the image's diagonal; ``surface`` says why."""

Size = Literal["working", "own"]
Metric = tuple[str, str]
"""Size (``working`` or ``own``, the image's original one) and key of a score."""


@dataclass(frozen=True)
class Score:
    """A score of one image.

    Attributes:
        key: in files and on the command line.
        title: in headings and sentences.
        unit: as shown; a share of 1 is shown in %, a distance in pixels as it is.
        more_is_better: False for errors and distances.
        low: the least it can be, in files (shares of 1, pixels).
        high: the most; None where only the image's size bounds it.
        from_outlines: it needs the masks' outlines, and is computed at the end of a run alone.
    """

    key: str
    title: str
    unit: Literal["%", "px"] = "%"
    more_is_better: bool = True
    low: float = 0.0
    high: float | None = 1.0
    from_outlines: bool = False

    @property
    def factor(self) -> float:
        """From files to what is shown."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def difference_unit(self) -> str:
        """Of a difference of two, in sentences: points are hundredths of a share."""
        return "points" if self.unit == "%" else "px"


TABLE: tuple[Score, ...] = (
    Score("dice", "Dice"),
    Score("iou", "IoU"),
    Score("precision", "precision"),
    Score("recall", "recall"),
    Score("specificity", "specificity"),
    Score("accuracy", "accuracy"),
    Score("mae", "MAE", more_is_better=False),
    Score("hd95", "HD95", "px", more_is_better=False, high=None, from_outlines=True),
    Score("assd", "ASSD", "px", more_is_better=False, high=None, from_outlines=True),
    Score("nsd", f"NSD@{NSD_TOLERANCE:.0%}", from_outlines=True),
)
SCORES: tuple[str, ...] = tuple(score.key for score in TABLE)
OVERLAP_SCORES: tuple[str, ...] = tuple(s.key for s in TABLE if not s.from_outlines)
SIZES: tuple[Size, ...] = ("working", "own")
MAIN: Metric = ("working", "dice")
"""The primary score where nobody asks for another, and what chooses the best checkpoint."""
ALL_METRICS: tuple[Metric, ...] = tuple((size, key) for size in SIZES for key in SCORES)

_BY_KEY: Mapping[str, Score] = {score.key: score for score in TABLE}
_ORIGINAL = "_original"


def score(key: str) -> Score:
    """The row of a key.

    Raises:
        KeyError: there is no such score.
    """
    return _BY_KEY[key]


def score_of(metric: Metric) -> Score:
    """The row of a metric, whatever its size."""
    return _BY_KEY[metric[1]]


def metric_name(metric: Metric) -> str:
    """As the command line and records have it: ``dice``, or ``dice_original``."""
    size, key = metric
    return key if size == "working" else f"{key}{_ORIGINAL}"


def file_column(metric: Metric) -> str:
    """A metric's column in a run's tables of images."""
    size, key = metric
    return key if size == "working" else f"own_{key}"


def parse_metric(name: str) -> Metric:
    """The metric of a name.

    Raises:
        ValueError: there is none; says which there are.
    """
    key = name.removesuffix(_ORIGINAL)
    if key not in _BY_KEY:
        raise ValueError(f"unknown score; {instead(key, SCORES, 'there are')}; each may end in "
                         f"{_ORIGINAL}, for the image's own size")
    return ("working" if key == name else "own"), key


def metric_title(metric: Metric) -> str:
    """A metric in a sentence: ``Dice``, or ``Dice (original size)``."""
    size, key = metric
    return _BY_KEY[key].title + ("" if size == "working" else " (original size)")


def heading(metric: Metric) -> str:
    """A metric's column, with its unit: ``Dice %``, ``HD95 px (original size)``."""
    size, key = metric
    row = _BY_KEY[key]
    return f"{row.title} {row.unit}{'' if size == 'working' else ' (original size)'}"


def in_unit(value: float, metric: Metric) -> float:
    """A value of the files as it is shown: a share of 1 in %, a distance in pixels as it is."""
    return score_of(metric).factor * value


def gain(value: float, metric: Metric) -> float:
    """A difference turned so that above 0 is better."""
    return value if score_of(metric).more_is_better else -value
