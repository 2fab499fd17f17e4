"""Passes are counted as images of the batch's size, in steps alone; weights of all that is held."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cclcc_cli.methods import StepInfo
from cclcc_cli.training.costs import PassCounter, count_parameters, peak_memory
from cclcc_cli.training.runtime import Runtime
from tests.methods.arrangements import build, make_batch

PIXELS = 32 * 32


@pytest.mark.parametrize(
    ("case", "learning", "forward_only"),
    [
        ("supervised", 2, 0), ("clcc", 8, 0), ("clcc contrast only", 4, 4), ("mean_teacher", 4, 2),
        ("uamt", 4, 6), ("cps", 8, 0), ("entropy", 4, 0), ("fixmatch", 4, 2), ("unimatch", 8, 0),
        ("urpc", 4, 0), ("ict", 3, 2), ("bcp", 2, 2), ("image_contrast", 4, 4),
        ("image_contrast SimCLR", 8, 0), ("patch_contrast", 4, 4), ("point_contrast", 4, 4),
    ],
)
def test_images_of_a_step_of_2_and_2(case, learning, forward_only):
    method = build(case)
    passes = PassCounter(method)
    with passes.counting():
        method.loss(make_batch(case), StepInfo(29, 30))
    method.student(torch.zeros(1, 3, 32, 32))  # as a validation would
    assert passes.learning_pixels == learning * PIXELS
    assert passes.forward_only_pixels == forward_only * PIXELS


def test_weights_of_teachers_peers_and_projectors_are_counted():
    predictor = count_parameters(build("supervised"))["predictor"]
    assert count_parameters(build("supervised"))["training"] == predictor
    for case in ("mean_teacher", "cps"):
        assert count_parameters(build(case)) == {"predictor": predictor, "training": 2 * predictor}
    assert predictor < count_parameters(build("patch_contrast"))["training"] < 2 * predictor


def test_memory_is_that_of_the_process_on_a_cpu():
    peak = peak_memory(Runtime("cpu", "fp32"))
    assert peak["of"] == "process"
    assert peak["bytes"] > 50 * 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells of Linux")
def test_a_process_does_not_count_what_started_it():
    held = bytearray(600 * 2**20)  # resident here, and not there
    held[::4096] = b"x" * len(held[::4096])
    code = ("from cclcc_cli.training.costs import peak_memory\n"
            "from cclcc_cli.training.runtime import Runtime\n"
            "print(peak_memory(Runtime('cpu', 'fp32'))['bytes'])")
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(told.stdout) < len(held)
