"""The names that a notebook uses: light to import, and the documented example runs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cclcc_cli as cclcc
from cclcc_cli import api

ROOT = Path(__file__).parents[1]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "cclcc_cli" / "README.md").read_text(),
                    re.DOTALL)[1]


def test_importing_it_loads_nothing_that_is_not_asked_for():
    code = ("import sys, cclcc_cli, cclcc_cli as cclcc\n"
            "assert {'train', 'load_predictor'} <= set(dir(cclcc))\n"
            "early = set(sys.modules)\n"
            "recipe = cclcc.load_recipe\n"
            "print(*({'numpy', 'torch', 'mlflow', 'pydantic'} & (early | set(sys.modules))))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=ROOT)
    assert done.stdout == "\n"


def test_its_names_are_those_of_the_interface_each_with_a_docstring():
    assert cclcc.__all__ == api.__all__
    for name in cclcc.__all__:
        assert getattr(cclcc, name) is getattr(api, name)
        assert getattr(cclcc, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = cclcc.nonsense


@pytest.mark.slow
def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(EXAMPLE, names)
    probs, mask, scores = names["probs"], names["mask"], names["scores"]
    assert probs.shape == mask.shape == (288, 384)
    assert probs.dtype == np.float32
    assert mask.dtype == bool
    assert {score["stem"] for score in scores} == set(names["store"].splits.test)
    table = {run["method"]: run for run in cclcc.gather_runs()}
    mean = sum(score["dice"] for score in scores) / len(scores)
    assert mean == pytest.approx(table["clcc"]["test dice"], rel=1e-5)
    *listed, verdict = capsys.readouterr().out.splitlines()
    assert listed == [f"{run['method']} 0 {run['test dice']}" for run in cclcc.gather_runs()]
    assert verdict == cclcc.compare("clcc", "supervised")["verdict"]


def test_bad_input_is_one_clear_error(tmp_path):
    with pytest.raises(cclcc.CclccError, match="unknown score; there are: dice"):
        cclcc.compare("a", "b", runs=tmp_path, metric="beauty")
    with pytest.raises(cclcc.CclccError, match="--masks missing"):
        cclcc.prepare("mine", tmp_path, data=tmp_path)
    with pytest.raises(cclcc.CclccError, match="no store for nothing"):
        cclcc.open_store("nothing", data=tmp_path)
