"""Launchers as the command line says them."""

import pytest

from cclcc_cli.config.launch import DaskLaunch, LocalLaunch, SlurmLaunch, parse_launch
from cclcc_cli.errors import RunError


def test_each_launcher_has_its_options():
    assert parse_launch("local") == LocalLaunch()
    assert parse_launch("local", gpus="0,1,1") == LocalLaunch((0, 1, 1))
    assert parse_launch("dask", scheduler="tcp://h:8786") == DaskLaunch("tcp://h:8786")
    assert parse_launch("slurm", slurm=["partition=gpu", "exclusive", "gres=gpu:a100:1"]) == (
        SlurmLaunch({"partition": "gpu", "exclusive": True, "gres": "gpu:a100:1"}))


@pytest.mark.parametrize(("options", "cpus", "gpu"), [
    ([], None, False),
    (["cpus-per-task=4"], 4, False),
    (["gpus-per-node=1"], None, True),
    (["gres=gpu:1", "mem=8G"], None, True),
    (["gres=license:1"], None, False),
])
def test_what_a_job_asks_for(options, cpus, gpu):
    launch = parse_launch("slurm", slurm=options)
    assert (launch.cpus, launch.asks_for_gpu) == (cpus, gpu)


@pytest.mark.parametrize("keys", [
    {"launcher": "slurm", "gpus": "0"},
    {"launcher": "local", "slurm": ["time=60"]},
    {"launcher": "local", "scheduler": "tcp://h:1"},
])
def test_an_option_of_another_launcher_is_refused(keys):
    with pytest.raises(RunError, match=r"belongs to --launcher \w+, not to "):
        parse_launch(**keys)


@pytest.mark.parametrize(("launcher", "keys", "words"), [
    ("local", {"gpus": "0;1"}, "--gpus 0;1: give numbers"),
    ("local", {"gpus": ""}, "--gpus : give numbers"),
    ("dask", {}, "needs --scheduler, such as"),
    ("dask", {"scheduler": "host"}, "--scheduler host: give an address"),
    ("slurm", {"slurm": ["--mem=8G"]}, "give a long option of sbatch without its dashes"),
    ("slurm", {"slurm": ["mem="]}, "give a long option"),
    ("slurm", {"slurm": ["array=0-3"]}, "array is set by cclcc itself"),
    ("slurm", {"slurm": ["mem=1G", "mem=2G"]}, "mem is given twice"),
    ("slurm", {"slurm": ["cpus-per-task=0"]}, "give a number from 1"),
    ("slurm", {"slurm": ["time=4"]}, "at least 5 minutes"),
    ("slurm", {"slurm": ["time=0:04:59"]}, "at least 5 minutes"),
    ("slurm", {"slurm": ["time=4:00"]}, "at least 5 minutes"),
    ("slurm", {"slurm": ["time=soon"]}, "give minutes, H:MM:SS or D-H:MM:SS"),
])
def test_wrong_options_are_refused(launcher, keys, words):
    with pytest.raises(RunError, match=words):
        parse_launch(launcher, **keys)


@pytest.mark.parametrize("time", ["5", "5:00", "0:05:00", "1-0", "0-1", "0-0:05", "2-12:30:00"])
def test_sbatchs_ways_to_say_a_time_are_understood(time):
    assert parse_launch("slurm", slurm=[f"time={time}"]).options == {"time": time}
