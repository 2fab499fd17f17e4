"""Semi-supervised medical image segmentation with CLCC, from a folder of images to a table.

In a notebook::

    import cclcc_cli as cclcc

gives the names of ``__all__``, each loaded when it is first used; ``cclcc_cli.api`` has them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cclcc_cli.api import (
        CclccError,
        Prediction,
        Predictor,
        compare,
        evaluate,
        gather_runs,
        load_predictor,
        load_recipe,
        open_store,
        prepare,
        train,
    )

__version__ = "0.1.0"
__all__ = [
    "CclccError",
    "Prediction",
    "Predictor",
    "compare",
    "evaluate",
    "gather_runs",
    "load_predictor",
    "load_recipe",
    "open_store",
    "prepare",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cclcc_cli import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
