"""An ablation as its plan keeps it: everything that a report asks, in JSON."""

import json

from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.config.definition import Definition, define


def test_it_comes_back_from_json_as_it_was(tmp_path, tiny_recipe):
    path = tmp_path / "a.yaml"
    path.write_text(json.dumps({
        "name": "a", "base": tiny_recipe("clcc"), "design": "one_factor",
        "variants": {"plain": None, "cold": {"clcc.temperature": 0.1}},
        "axes": {"data.labeled": [2, 0.5], "seed": [0, 1]}, "baseline": "cold",
    }))
    arrangement = load_ablation(path)

    found = Definition.model_validate(json.loads(json.dumps(define(arrangement))))

    assert (found.design, found.variants) == ("one_factor", {
        "plain": {}, "cold": {"clcc.temperature": 0.1}})
    assert found.baseline == {"variant": "cold", "data.labeled": 2, "seed": 0}
    assert found.axes == {"data.labeled": [2, 0.5], "seed": [0, 1]}
    assert [point.place for point in found.points] == [p.place for p in arrangement.points]
    assert found.points[0].values == {"data.labeled": 2, "seed": 0}
