"""The command line as a whole: light to start, one line per error, honest exit codes."""

import subprocess
import sys

import pytest

from cclcc_cli import __version__

HEAVY = {"torch", "mlflow", "optuna", "albumentations", "pandas", "matplotlib", "scipy", "cv2",
         "numpy", "rich"}


def modules_after(code, environment):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, env=environment, check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "command",
    [[], *([name] for name in ("prepare", "audit", "show", "splits", "methods", "train", "ablate",
                                "search", "ls", "rm", "report", "compare", "bundle",
                                "unbundle", "sync", "ui"))],
)
def test_help_loads_nothing_heavy(command, environment):
    code = (
        "import sys\n"
        f"sys.argv = ['cclcc', *{command}, '--help']\n"
        "from cclcc_cli.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code, done.code"
    )
    loaded = modules_after(code, environment)
    assert "cclcc_cli.cli.train" in loaded
    assert not loaded & HEAVY


def test_a_bad_recipe_is_refused_before_torch_loads(environment, recipe_file):
    path = recipe_file(seed=-1)
    code = (
        "import sys\n"
        f"sys.argv = ['cclcc', 'train', {str(path)!r}]\n"
        "from cclcc_cli.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as done: assert done.code == 2"
    )
    loaded = modules_after(code, environment)
    assert "pydantic" in loaded
    assert not loaded & {"torch", "mlflow", "albumentations"}


def test_training_needs_no_mlflow_optuna_or_pandas(environment):
    code = "import cclcc_cli.runs.run"
    assert not modules_after(code, environment) & {"mlflow", "optuna", "pandas", "matplotlib"}


def test_version(cclcc):
    assert cclcc("--version").stdout == f"cclcc {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere.yaml"], "nowhere.yaml: no such recipe"),
        (["train", "{recipe}"], "no store for synthetic at 32 pixels"),
        (["train", "{recipe}", "--set", "clcc.grid=3"], "clcc.grid = 3 does not cut 32 pixels"),
        (["train", "{recipe}", "--device", "cuda"], "--device cuda: this machine has none"),
        (["train", "{recipe}", "--precision", "fp16", "--device", "cpu"], "a CPU cannot train"),
        (["report"], "runs: no such folder"),
        (["compare", "clcc", "supervised"], "clcc: no such run folder, and no runs in runs"),
        (["prepare", "mine"], "--images"),
        (["sync"], "runs: no such folder"),
        (["methods", "meanteacher"], "method meanteacher: unknown; allowed: supervised, clcc"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_one_line_and_exit_code_2(cclcc, recipe_file, tmp_path, arguments, message):
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has a CUDA device")
    path = recipe_file()
    done = cclcc(*(a.format(recipe=path) for a in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert {p.name for p in tmp_path.iterdir()} == {path.name}
