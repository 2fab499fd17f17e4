"""What a table's differences are differences of: over which repetitions their gain is meant."""

from collections.abc import Sequence

from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.prose.numbers import margin_text
from cclcc_cli.wording import few

THIS_SET = "the gain with this labelled set"
DRAWS = "the gain over draws of labelled sets"


def caption_text(compared: Sequence[tuple[Group, Comparison]]) -> str:
    """What a caption says of differences: their estimand and the margin; empty without any.

    Args:
        compared: groups and how each differs from a baseline.
    """
    if not compared:
        return ""
    return (f"{estimand_text([group for group, _ in compared])}; "
            f"margin {margin_text(compared[0][1])}")


def estimand_text(groups: Sequence[Group]) -> str:
    """As ``; differences estimate the gain with this labelled set``.

    Groups that label all images have no say; empty where no run tells how labels were chosen.
    """
    found: dict[str, list[str]] = {}
    for group in groups:
        if group.first.labeled < group.first.train_images and (text := _of_group(group)):
            found.setdefault(text, []).append(group.recipe)
    if not found:
        return ""
    if len(found) == 1:
        return f"; differences estimate {next(iter(found))}"
    return "; differences estimate " + ", ".join(
        f"{text} ({few(list(dict.fromkeys(names)))})" for text, names in found.items())


def _of_group(group: Group) -> str:
    over = f" over {len(group.folds)} folds" if group.folds else ""
    if group.subsets:
        return f"{DRAWS} ({len(group.subsets)} subsets){over}"
    if group.first.label_seed == "run":
        return f"{DRAWS}{over}"
    if over:  # each fold has a labelled set of its own
        return f"the gain{over}"
    return "" if group.first.label_seed is None else THIS_SET
