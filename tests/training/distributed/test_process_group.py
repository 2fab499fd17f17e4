"""What several real processes share and agree on."""

import os
import signal

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.data.sampling import part_of
from cclcc_cli.errors import RunError
from cclcc_cli.methods import build_method
from cclcc_cli.training.checkpoint import load_checkpoint
from cclcc_cli.training.distributed.context import SINGLE_PROCESS
from cclcc_cli.training.loop import Trainer
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import Plan
from tests.methods.arrangements import recipe_of
from tests.training.distributed.pair import Deaf, run_pair

pytestmark = pytest.mark.slow

LABELED, UNLABELED = 3, 5


def whole(num_strong=2, of_labeled=False, ignoring=False):
    """A batch whose every value tells its place."""
    images = torch.arange(LABELED + UNLABELED, dtype=torch.uint8)[:, None, None, None]
    seen = images if of_labeled else images[LABELED:]
    strong = torch.stack([seen + 100 * (v + 1) for v in range(num_strong)]) if num_strong else None
    ignored = images[:, 0] % 3 == 1 if ignoring else None
    return RawBatch(images, images[:LABELED, 0] + 50, strong, ignored)


def part(batch, context):
    """What this process would have loaded of it."""
    mine = list(part_of(LABELED, context.rank, context.size))
    rest = [LABELED + place for place in part_of(UNLABELED, context.rank, context.size)]
    strong = None
    if batch.strong is not None:
        first = 0 if batch.strong.shape[1] == LABELED + UNLABELED else LABELED
        seen = [p - first for p in [*mine, *rest] if p >= first]
        strong = batch.strong[:, seen]
    ignored = None if batch.ignored is None else batch.ignored[mine + rest]
    return RawBatch(batch.images[mine + rest], batch.masks[mine], strong, ignored)


def cases():
    return [whole(0), whole(1), whole(2), whole(2, of_labeled=True), whole(1, ignoring=True)]


def gather_batches(context):
    return [context.whole_batch(part(case, context), LABELED, UNLABELED) for case in cases()]


def test_a_batch_is_put_together_in_its_order(tmp_path):
    for batches in run_pair(tmp_path, gather_batches):
        for batch, wanted in zip(batches, cases(), strict=True):
            for a, b in zip(batch, wanted, strict=True):
                assert (a is None) is (b is None)
                assert a is None or torch.equal(a, b)


def agree(context):
    return [
        context.leads,
        context.first_signal(None),
        context.first_signal(15 if context.rank else None),
        context.add({"a": 1.0 + context.rank, **({"b": 5.0} if context.rank else {})}),
        context.add({}),
        context.from_leader(f"from {context.rank}"),
    ]


def test_what_one_has_all_hear(tmp_path):
    agreed = [None, 15, {"a": 3.0, "b": 5.0}, {}, "from 0"]
    assert run_pair(tmp_path, agree) == [[True, *agreed], [False, *agreed]]


def fail_in_the_second(context, how):
    context.first_signal(None)  # all have met
    if context.rank:
        if how == "says why":
            with context.together():
                raise ValueError("the disk is on fire")
        os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(RunError) as caught, context.together():
        wait_for_ever(context)
    return str(caught.value)


def wait_for_ever(context):
    while True:
        context.first_signal(None)


@pytest.mark.parametrize(("how", "reason"), [
    ("says why", "process 1 of 2 failed: ValueError: the disk is on fire"),
    ("is killed", "another process of this training was lost"),
])
def test_the_others_learn_why_one_has_gone(tmp_path, how, reason):
    with pytest.raises((FileNotFoundError, AssertionError)):  # the second one's own failure
        run_pair(tmp_path, fail_in_the_second, how)
    assert reason in torch.load(tmp_path / "0.pt")["value"]


def train_to(context, folder, step, resume):
    """The trainer's weights after a step, begun anew or from the checkpoint in a folder."""
    torch.manual_seed(0)
    recipe = recipe_of("mean_teacher", optimizer={"name": "sgd", "lr": 0.01}, ema_decay=0.5,
                       batch={"labeled": LABELED, "unlabeled": UNLABELED})
    assert recipe == parse_recipe(recipe.model_dump(mode="json"), "again")
    steps = []

    def batches(first_step):
        for number in range(first_step, 12):
            generator = torch.Generator().manual_seed(number)
            images = torch.randint(256, (8, 32, 32, 3), generator=generator, dtype=torch.uint8)
            yield part(RawBatch(images, (images[:LABELED, ..., 0] > 127).byte()), context)

    trainer = Trainer(
        build_method(recipe), recipe, Plan(12, 2, 4), Runtime("cpu", "fp32"),
        batches=batches, validate=lambda _network: {"dice": 0.1 * len(steps)}, folder=folder,
        stop_requested=lambda: trainer.progress.step == step, observer=Deaf(), context=context,
    )
    if resume:
        trainer.resume()
    trainer.run()
    trainer._save()
    return trainer.progress.learning_pixels


def test_a_checkpoint_goes_on_with_another_number_of_processes(tmp_path):
    folders = {name: tmp_path / name for name in ("one", "mixed", "pair a", "pair b")}
    for folder in folders.values():
        folder.mkdir()
    pixels = train_to(SINGLE_PROCESS, folders["one"], 12, False)
    run_pair(folders["pair a"], train_to, folders["mixed"], 4, False)
    assert load_checkpoint(folders["mixed"] / "last.pt")["progress"]["step"] == 4
    train_to(SINGLE_PROCESS, folders["mixed"], 8, True)
    assert run_pair(folders["pair b"], train_to, folders["mixed"], 12, True) == [pixels] * 2
    # One that lives when the interpreter ends can have torch abort the process.
    assert [torch.load(folders["pair b"] / f"{rank}.pt")["threads left"] for rank in range(2)] == [
        [], []]
    one, mixed = (load_checkpoint(folders[n] / "last.pt") for n in ("one", "mixed"))
    assert mixed["progress"]["learning_pixels"] == one["progress"]["learning_pixels"]
    for part_name in ("method", "average"):
        a, b = (torch.cat([v.double().flatten() for v in saved[part_name].values()
                           if isinstance(v, torch.Tensor)]) for saved in (one, mixed))
        assert (a - b).norm() / a.norm() < 2e-5
