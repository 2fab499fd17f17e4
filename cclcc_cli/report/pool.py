"""What runs of one group share over seeds, folds and labelled subsets, from their cell.json."""

import hashlib
import json

from cclcc_cli.report.values import Values

_OWN = ("digest", "arm", "split_digest", "splits", "leaked", "labeled")
"""Parts in which runs of one group may differ, or that follow from the others."""


def read_label_seed(cell: Values) -> int | str | None:
    """As the recipe says: a number, ``run``, or ``contiguous``."""
    selection = cell.take(dict, "recipe", "data").get("selection")
    if not isinstance(selection, dict):
        return None
    if selection.get("kind") == "contiguous":
        return "contiguous"
    seed = selection.get("seed")
    return seed if isinstance(seed, int | str) else None


def pool_digest(cell: Values) -> str:
    """The digest of what runs of one group share over folds, labelled subsets and seeds."""
    content = cell.take(dict)
    recipe = {key: value for key, value in cell.take(dict, "recipe").items()
              if key not in ("name", "seed")}
    data = {key: value for key, value in recipe["data"].items() if key != "fold"}
    if isinstance(read_label_seed(cell), int):
        data["selection"] = {**data["selection"], "seed": None}
    if cell.find("recipe", "data", "fold") is None:  # elsewhere a share is another number by fold
        data["labeled"] = cell.count("labeled", "count")
    shared = {
        **{key: value for key, value in content.items() if key not in _OWN},
        "recipe": {**recipe, "data": data}, "data": cell.take(str, "data", "digest"),
        "runtime": {key: value for key, value in cell.take(dict, "runtime").items()
                    if key not in ("threads", "processes")},
    }
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()
