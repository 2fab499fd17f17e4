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


COMMANDS = [
    *([name] for name in ("prepare", "datasets", "audit", "show", "splits", "recipes", "methods",
                          "check-plugin", "train", "ablate", "search", "report", "compare",
                          "predict", "ls", "rm", "bundle", "unbundle", "sync", "ui")),
    ["recipes", "copy"],
    *(["report", name] for name in ("table", "grid", "ablation", "costs", "spread", "ranks",
                                    "search", "page")),
]


def test_the_commands_are_known_here():
    """So that the tests below look at all of them."""
    from typer.main import get_command

    from cclcc_cli.cli.app import app

    group = get_command(app)
    found = [[name] for name in group.commands]
    found += [[name, inner] for name in ("recipes", "report")
              for inner in group.commands[name].commands]
    assert sorted(found) == sorted(COMMANDS)


def test_help_of_every_command_loads_nothing_heavy(environment):
    code = (
        "import io, sys\n"
        "from contextlib import redirect_stdout\n"
        "from cclcc_cli.cli.app import main\n"
        f"for command in [[], *{COMMANDS}]:\n"
        "    sys.argv = ['cclcc', *command, '--help']\n"
        "    try:\n"
        "        with redirect_stdout(io.StringIO()): main()\n"
        "    except SystemExit as done: assert not done.code, done.code"
    )
    loaded = modules_after(code, environment)
    assert "cclcc_cli.cli.train" in loaded
    assert not loaded & HEAVY


def helps():
    """The help of each command as an 80-column terminal shows it, by the command."""
    from typer.testing import CliRunner

    from cclcc_cli.cli.app import app

    done = {" ".join(words): CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
            for words in [[], *COMMANDS]}
    assert all(result.exit_code == 0 for result in done.values())
    return {words: result.stdout for words, result in done.items()}


def test_help_fits_80_columns_in_whole_sentences_with_examples():
    for words, text in helps().items():
        assert max(map(len, text.splitlines())) <= 80, words
        first = text.splitlines()[2].strip()
        assert first[0].isupper(), words
        assert not any(line.endswith("...") for line in text.splitlines()[2:]), words  # none is cut
        assert "Start here" in text if not words else words in text
        if len(words.split()) == 1:
            assert f"Examples:\n  cclcc {words}" in text, words


def test_every_option_says_what_it_does():
    from typer.main import get_command

    from cclcc_cli.cli.app import app

    def commands(group, words=()):
        for name, command in group.commands.items():
            yield (*words, name), command
            if hasattr(command, "commands"):
                yield from commands(command, (*words, name))

    for words, command in commands(get_command(app)):
        for parameter in command.params:
            text = (parameter.help or "").strip()
            if not getattr(parameter, "hidden", False):
                assert text.endswith("."), (words, parameter.name)


def test_completion_offers_commands_and_options(environment):
    def complete(line):
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv = ['cclcc']\n"
             "from cclcc_cli.cli.app import main\nmain()"],
            env={**environment, "_CCLCC_COMPLETE": "complete_bash", "COMP_WORDS": line,
                 "COMP_CWORD": str(len(line.split()) - (not line.endswith(" ")))},
            capture_output=True, text=True, check=False)
        return set(done.stdout.split())

    assert {"prepare", "train", "report"} <= complete("cclcc ")
    assert {"table", "page", "ablation"} <= complete("cclcc report ")
    assert complete("cclcc train --dev") == {"--device"}


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
