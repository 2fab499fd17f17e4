"""Two real processes, and what they do: forked for each test of several processes."""

import multiprocessing
import os
import traceback
from pathlib import Path

import torch

from cclcc_cli.methods import StepInfo
from cclcc_cli.processes import MEETING, ProcessRank
from cclcc_cli.training.distributed.context import SINGLE_PROCESS
from cclcc_cli.training.distributed.process_group import open_context
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.step import Stepper
from tests.methods.arrangements import build, make_batch

STEPS = 3


def run_pair(folder, work, *arguments, size=2):
    """Have two processes call ``work(context, *arguments)``; what it returns, by rank."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cclcc_cli.launchers.preloaded",
                                    "tests.training.distributed.pair"])
    children = [
        context.Process(target=_child, args=(rank, size, folder, work, arguments))
        for rank in range(size)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(300)
    results = [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(size)]
    for result in results:
        assert "error" not in result, result["error"]
    return [result["value"] for result in results]


def _child(rank, size, folder, work, arguments):
    os.environ[MEETING] = str(folder / "meeting")
    try:
        with open_context(ProcessRank(rank, size, rank)) as context, context.together():
            result = {"value": work(context, *arguments)}
    except Exception:
        result = {"error": traceback.format_exc()}
    result["threads left"] = _group_threads()
    torch.save(result, folder / f"{rank}.pt")


def _group_threads():
    """Threads of a process group, which torch's collectives run on; Linux tells their names."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return [name for name in names if "gloo" in name]


def take_steps(
    case, context=SINGLE_PROCESS, optimizer="sgd", precision="fp32", batch=make_batch, **keys
):
    """Terms of each step's loss, the state after the last, and what the predictor then says."""
    method = build(case, **keys).to(memory_format=torch.channels_last)
    if optimizer == "sgd":
        chosen = torch.optim.SGD(method.parameters(), lr=0.01, momentum=0.9)
    else:
        chosen = torch.optim.AdamW(method.parameters(), lr=0.003)
    stepper = Stepper(method, chosen, 1.0, Runtime("cpu", precision), context)
    context.split_networks(method)
    torch.manual_seed(1)
    terms = []
    for step in range(STEPS):
        loss = stepper.step(batch(case, step), StepInfo(20 + step, 30),
                            lr=0.01 if optimizer == "sgd" else 0.003)
        terms.append({"total": loss.total.item(), **{k: v.item() for k, v in loss.terms.items()}})
    gradients = {k: p.grad.clone() for k, p in method.named_parameters() if p.grad is not None}
    state = {k: v.clone() for k, v in method.state_dict().items() if isinstance(v, torch.Tensor)}
    with torch.no_grad():
        said = method.predictor.eval()(batch(case, 9).images)
    return {"terms": terms, "gradients": gradients, "state": state, "said": said}


def take_steps_of(context, cases, *arguments, **keys):
    return {case: take_steps(case, context, *arguments, **keys) for case in cases}


class Deaf:
    """An observer that hears nothing."""
    def checked(self, step, terms):
        pass

    def recorded(self, record):
        pass

    def saving(self):
        pass
