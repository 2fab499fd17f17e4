"""Two finished runs of one group and of another size, and images to segment."""

import cv2
import pytest

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import resolve_runtime


@pytest.fixture(scope="session")
def trained_runs(tiny_data, tmp_path_factory):
    """A folder of runs: seeds 0 and 1 of a supervised recipe, at 32 pixels."""
    root = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        recipe = parse_recipe({
            "name": "tiny", "method": "supervised", "seed": seed, "budget": {"steps": 6},
            "validation": {"every": 3}, "batch": {"labeled": 2},
            "data": {"name": "synthetic", "size": 32, "labeled": 4},
            "model": {"widths": [4, 8, 8, 8, 8]}, "optimizer": {"lr": 0.003},
        }, "test")
        train_run(recipe, data_root=tiny_data, runs_root=root,
                  runtime=resolve_runtime("cpu", "fp32"),
                  display=TextDisplay(lambda _line: None))
    return root


@pytest.fixture(scope="session")
def run_folders(trained_runs):
    return sorted(path.parent for path in trained_runs.glob("*/*/cell.json"))


@pytest.fixture
def photos(tmp_path):
    """Eleven images of several sizes and formats."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(11):
        image, _ = synthetic_scene(0, index, 64)
        size = (40 + 9 * index, 90 - 5 * index)
        ending = ("png", "jpg", "bmp")[index % 3]
        cv2.imwrite(str(folder / f"scene{index:02d}.{ending}"), cv2.resize(image, size))
    return folder
