"""What several tests need: golden inputs, a tiny store, a tiny recipe."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Two threads on tiny tensors wait for each other more than they compute, and pytest-xdist
# fills the cores already. Set before torch loads, and inherited by the commands tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["COLUMNS"] = "300"  # tables in one piece: most tests look for what they say
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# timm must be importable in processes that tests start, too, and what tests give to workers.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent / "timm_shim"), str(Path(__file__).parents[1]),
     *filter(None, [os.environ.get("PYTHONPATH")])]
)

import pytest
import torch
from hypothesis import settings
from torch import Tensor

import tests.timm_shim.sitecustomize  # noqa: F401, and in this one
from cclcc_cli.config import METHODS
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import store_path

pytest_plugins = ["tests.services"]

# Laws with many cases ask for more.
settings.register_profile("suite", max_examples=25, deadline=None)
settings.load_profile("suite")

Wave = Callable[..., Tensor]


@pytest.fixture(scope="session")
def wave() -> Wave:
    """The inputs of the golden numbers: ``sin(k*i + 0.3*cos(0.017*i))`` over a shape, float64."""

    def build(shape: tuple[int, ...], k: float) -> Tensor:
        i = torch.arange(math.prod(shape), dtype=torch.float64)
        return torch.sin(k * i + 0.3 * torch.cos(0.017 * i)).reshape(shape)

    return build


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root that holds 30 synthetic scenes of 32 pixels: 24 train, 3 val, 3 test."""
    root = tmp_path_factory.mktemp("data")
    prepare(store_path(root, "synthetic", 32), SyntheticSource(count=30, seed=0), SplitRule())
    return root


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's SQLite file, made once: its migrations take seconds."""
    from cclcc_cli.tracking.tracker import create_database

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    create_database(path)
    return path


@pytest.fixture(scope="session")
def make_database(_empty_database: Path) -> Callable[[Path], str]:
    """Puts MLflow's empty SQLite file at a path, and its folders; returns its address."""

    def make(path: Path) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_empty_database, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def tiny_recipe() -> Callable[..., dict[str, Any]]:
    """A recipe for ``tiny_data`` as plain values, 12 steps long; keys replace sections."""

    def build(method: str = "clcc", **keys: Any) -> dict[str, Any]:
        recipe: dict[str, Any] = {
            "name": "tiny", "method": method,
            "data": {"name": "synthetic", "size": 32, "labeled": 4},
            "weak": {"flips": True, "quarter_turns": True, "color": 0.5, "affine": 0.5},
            "model": {"widths": [4, 8, 8, 8, 8]},
            "budget": {"steps": 12}, "validation": {"every": 4},
            "optimizer": {"lr": 0.003, "clip_norm": 1.0}, "schedule": {"warmup": 0.25},
            "batch": {"labeled": 2},
        }
        if method != "supervised":
            recipe["batch"]["unlabeled"] = 2
        if "grid" in METHODS[method].example:
            recipe[method] = {"grid": 2, "projector_widths": [8, 8, 8]}
        return {**recipe, **keys}

    return build
