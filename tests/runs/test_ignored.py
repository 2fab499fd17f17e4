"""A run on masks with an ignored rim: from the files to the scores."""

import csv

import cv2
import numpy as np

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.config.recipes import example_of
from cclcc_cli.data.mask_coding import CodingOptions
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.reading import ReadOptions
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import Runtime


def test_an_ignored_rim_stays_what_it_is_from_the_file_to_the_scores(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for index in range(20):
        mask = np.zeros((32, 32), np.uint8)
        mask[8:24, 8:24], mask[10:22, 10:22] = 255, 1
        image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"images/im{index:02d}.png"), image)
        cv2.imwrite(str(tmp_path / f"masks/im{index:02d}.png"), mask)
    options = ReadOptions(CodingOptions(((1, 1),), ((255, 255),)))
    source = FolderSource(tmp_path / "images", tmp_path / "masks", About(), options=options)
    store = prepare(store_path(tmp_path / "data", "rims", 32), source, SplitRule()).store
    assert store.rows[0].foreground == 144 / 32**2
    assert store.rows[0].ignored == (256 - 144) / 32**2
    data = {"name": "rims", "size": 32, "labeled": 4, "unlabeled": "all"}
    recipe = parse_recipe(example_of(METHODS["unimatch"], data=data, budget={"steps": 2},
                                     validation={"every": 1}), "test")
    done = train_run(recipe, data_root=tmp_path / "data", runs_root=tmp_path / "runs",
                     runtime=Runtime("cpu", "fp32"), display=TextDisplay(lambda _line: None))
    assert "background there" in done.result.rules["ignored"]
    with done.folder.images_table("test").open() as file:
        for row in csv.DictReader(file):
            assert float(row["foreground"]) == 144 / 32**2
