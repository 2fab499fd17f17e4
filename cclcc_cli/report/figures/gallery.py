"""All figures of a report."""

from collections.abc import Sequence
from pathlib import Path

from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.figures.cases import NO_MASKS
from cclcc_cli.report.figures.cases_plot import draw_cases
from cclcc_cli.report.figures.efficiency import draw_efficiency
from cclcc_cli.report.figures.figure import Drawn, Figure
from cclcc_cli.report.figures.forest import draw_forest
from cclcc_cli.report.figures.learning import draw_learning
from cclcc_cli.report.figures.names import place_text
from cclcc_cli.report.figures.paired import draw_paired
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.runs.folder import RunFolder

MOST_PLACES = 6
"""Data sets and numbers of labels that get figures of their own."""


def draw_figures(
    evidence: Sequence[Evidence], scores: RunScores, split: Split,
    data_root: Path,
) -> Drawn:
    """Draw what the runs at hand can show; what they cannot is said in the notes.

    Args:
        evidence: of every group, in the table's order.
        scores: the primary score of their images, by run folder.
        split: whose images.
        data_root: where stores lie; only the cases' images are read from there.
    """
    figures: list[Figure] = []
    notes: list[str] = []
    forest, why = draw_forest(evidence, split)
    figures += [forest] if forest else []
    notes += why
    sets = list(dict.fromkeys(found.group.first.data for found in evidence))
    for data in sets:
        here = [found for found in evidence if found.group.first.data == data]
        suffix = f"-{data.replace(' ', '-')}" if len(sets) > 1 else ""
        efficiency, why = draw_efficiency(here, scores, split, suffix)
        figures += [efficiency] if efficiency else []
        notes += why
    places = list(dict.fromkeys(found.group.place for found in evidence))
    any_masks = any(RunFolder(run.path).test_masks.exists()
                    for found in evidence for run in found.group.runs)
    for place in places[:MOST_PLACES]:
        here = [found for found in evidence if found.group.place == place]
        suffix = f"-{place[0].replace(' ', '-')}-{place[1]}" if len(places) > 1 else ""
        words = place_text(place)
        figures += draw_paired(here, scores, split, suffix, words)
        drawn, why = draw_learning(here, suffix, words)
        figures += drawn
        notes += why
        if split == "test" and any_masks:
            drawn, why = draw_cases(here, scores, data_root, suffix, words)
            figures += drawn
            notes += why
    if split == "test" and not any_masks:
        notes.append(f"no cases: {NO_MASKS}")
    if split != "test":
        notes.append("no cases: predicted masks are kept of the test split alone")
    if len(places) > MOST_PLACES:
        notes.append(f"curves, pairs and cases are drawn for the first {MOST_PLACES} of "
                     f"{len(places)} data sets and numbers of labels")
    return Drawn(figures, notes)
