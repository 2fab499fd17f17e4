"""Identity: what determines a result, and nothing else."""

from dataclasses import replace

import pytest

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.training.runtime import Runtime

DATA = {"name": "synthetic", "size": 32}


@pytest.fixture
def run(tiny_data, tiny_recipe):
    store = load_store(store_path(tiny_data, "synthetic", 32))

    def build(method="clcc", runtime=Runtime("cpu", "fp32"), **keys):  # noqa: B008
        return RunSpec(parse_recipe(tiny_recipe(method, **keys), "test"), store, runtime)

    return build


@pytest.mark.parametrize(
    "keys",
    [
        {"name": "other"},
        {"runtime": Runtime("cpu", "fp32", workers=3)},
        {"data": {**DATA, "labeled": 4 / 24}},
    ],
    ids=["name", "workers", "the same labels as a share"],
)
def test_what_changes_no_result_keeps_the_digest(run, keys):
    assert run(**keys).digest == run().digest


def test_methods_refuse_what_they_would_misread(run, monkeypatch):
    spec = run()
    spec.check_data()
    several = replace(spec.store, info=replace(spec.store.info, num_classes=3))
    with pytest.raises(RunError, match="masks tell 3 classes apart; methods segment foreground"):
        replace(spec, store=several).check_data()
    rows = (replace(spec.store.rows[0], ignored=0.1), *spec.store.rows[1:])
    ignoring = replace(spec, store=replace(spec.store, rows=rows))
    ignoring.check_data()
    monkeypatch.setattr("cclcc_cli.runs.identity.implementation",
                        lambda _section: lambda logits, target, config: None)  # noqa: ARG005
    spec.check_data()
    with pytest.raises(RunError, match="the plug-in's loss takes no 'counts'"):
        ignoring.check_data()


@pytest.mark.parametrize(
    "keys",
    [
        {"seed": 1},
        {"runtime": Runtime("cuda", "fp32")},
        {"runtime": Runtime("cpu", "bf16")},
        {"data": {**DATA, "labeled": 5}},
        {"data": {**DATA, "labeled": 4, "selection": {"seed": 1}}},
        {"method": "supervised"},
    ],
    ids=["seed", "device", "precision", "labels", "selection", "method"],
)
def test_what_may_change_a_result_changes_the_digest(run, keys):
    assert run(**keys).digest != run().digest


def test_an_group_is_a_run_without_its_seed(run):
    assert run(seed=1).group == run(seed=2).group
    assert run(seed=1).digest != run(seed=2).digest
    assert run(batch={"labeled": 3, "unlabeled": 2}).group != run().group


def test_labels_drawn_by_the_run_follow_its_seed_and_stay_one_group(run):
    def drawn(seed, labels):
        data = {**DATA, "labeled": 4, "selection": {"seed": labels}}
        return run(seed=seed, data=data)

    for seed in (0, 1):
        assert drawn(seed, "run").labeled == drawn(0, seed).labeled
    assert drawn(0, "run").labeled != drawn(1, "run").labeled
    assert drawn(0, "run").group == drawn(1, "run").group
    with pytest.raises(DataError, match="--label-seeds 10"):
        _ = drawn(9, "run").labeled


def test_fewer_labels_lie_inside_more(run):
    few, more = (run(data={**DATA, "labeled": n}) for n in (4, 12))
    assert set(few.labeled) < set(more.labeled)
    assert not set(more.labeled) & set(more.unlabeled)
    assert len(more.labeled) + len(more.unlabeled) == 24


def test_a_contiguous_block_is_the_sorted_files(run):
    block = run(data={**DATA, "labeled": 3, "selection": {"kind": "contiguous", "start": 2}})
    assert block.labeled == block.store.splits.train[2:5]


def test_the_folder_says_what_it_holds(run, tmp_path):
    made = run(seed=7)
    assert made.folder(tmp_path).relative_to(tmp_path).as_posix() == (
        f"synthetic-32/clcc-4labels-seed7-{made.digest[:8]}"
    )
    assert made.describe().labeled.plain() == {"count": 4, "share": 4 / 24, "of": 24}


@pytest.mark.parametrize("method", METHODS)
def test_without_unlabelled_images_only_supervised_goes_on(tiny_data, tiny_recipe, method):
    store = load_store(store_path(tiny_data, "synthetic", 32))
    data = {**DATA, "labeled": 1.0}

    def made(**keys):
        recipe = parse_recipe(tiny_recipe(method, data={**data, **keys}), "test")
        return RunSpec(recipe, store, Runtime("cpu", "fp32"))

    if method == "supervised":
        assert made().unlabeled == ()
        return
    with pytest.raises(RunError, match=f"leaves none unlabelled for {method}"):
        _ = made().unlabeled
    assert len(made(unlabeled="all").unlabeled) == 24
