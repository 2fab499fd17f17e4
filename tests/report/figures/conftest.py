"""Groups with the scores of their images, weighed as a report does, and what a drawing shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from cclcc_cli.metrics.scores import MAIN, Metric
from cclcc_cli.report.evidence.weigh import Evidence, weigh
from cclcc_cli.report.figures.canvas import house_style
from cclcc_cli.report.gather.groups import group_runs
from cclcc_cli.report.gather.images import ImageValues


@dataclass(frozen=True)
class Weighed:
    evidence: list[Evidence]
    scores: dict[Path, ImageValues]

    def group(self, name: str, labeled: int = 80) -> Evidence:
        (found,) = [e for e in self.evidence
                    if e.group.recipe == name and e.group.first.labeled == labeled]
        return found


@pytest.fixture
def weighed(make_run: Any, tmp_path: Path) -> Callable[..., Weighed]:
    """From ``{(method, recipe, labels): scores (seeds, images)}``; ``stems`` by recipe."""

    def build(
        table: Mapping[tuple[str, str, int], Any],
        stems: Mapping[str, list[str]] | None = None,
        baseline: str | None = None,
        metric: Metric = MAIN,
        **changes: Any,
    ) -> Weighed:
        runs, scores = [], {}
        for n, ((method, recipe, labeled), values) in enumerate(table.items()):
            rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
            for seed, row in enumerate(rows):
                path = tmp_path / "polyps-64" / f"{method}-{recipe}-{labeled}-{seed}"
                run = make_run(float(row.mean()), seed=seed, method=method, name=recipe,
                               labeled=labeled, path=path, **changes)
                run = type(run)(**{**vars(run), "group": f"{n:08d}" * 8})
                names = (stems or {}).get(recipe) or [f"image{i}" for i in range(len(row))]
                scores[path] = ImageValues(tuple(names), row, metric=metric)
                runs.append(run)
        return Weighed(weigh(group_runs(runs), scores, baseline, metric), scores)

    return build


@pytest.fixture
def noise() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def styled() -> Any:
    """Draw as a report does, without writing."""
    with house_style():
        yield


@pytest.fixture
def by_gid() -> Callable[[Any, str], list[Any]]:
    """Artists of an axes that stand for the same thing."""

    def find(axes: Any, gid: str) -> list[Any]:
        return [artist for artist in axes.findobj() if artist.get_gid() == gid]

    return find


@pytest.fixture
def overlapping() -> Callable[[Drawing], list[tuple[str, str]]]:
    """Pairs of texts that lie over each other, and texts that leave the figure."""

    def find(drawing: Drawing) -> list[tuple[str, str]]:
        drawing.canvas.draw()
        renderer = drawing.canvas.get_renderer()  # type: ignore[attr-defined]
        texts = _drawn_texts(drawing)
        placed = [(t.get_text(), t.get_window_extent(renderer).padded(-1)) for t in texts]
        page = drawing.bbox.padded(1)
        return [(one, other) for (one, box), (other, more) in combinations(placed, 2)
                if box.overlaps(more)] + [
            (one, "the figure's edge") for one, box in placed
            if not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))]

    return find


def _drawn_texts(drawing: Drawing) -> list[Text]:
    """Without ticks beyond an axis, which matplotlib keeps and does not draw."""
    ticks: set[Text] = set()
    drawn: set[Text] = set()
    hidden: set[Text] = set()
    for axes in drawing.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            if not axes.axison:
                hidden |= set(axis.findobj(Text))
            ticks |= {label for tick in [*axis.majorTicks, *axis.minorTicks]
                      for label in (tick.label1, tick.label2)}
            drawn |= {label for tick in axis._update_ticks()
                      for label in (tick.label1, tick.label2)}
        if not axes.get_visible():
            hidden |= set(axes.findobj(Text))
    return [text for text in drawing.findobj(Text)
            if text.get_visible() and text.get_text().strip() and text not in hidden
            and (text not in ticks or text in drawn)]
