"""The real command in a process of its own, forked from one that has its imports loaded."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import warm


@pytest.fixture
def command_line() -> Callable[..., list[str]]:
    """The arguments that start ``cclcc``."""
    return lambda *arguments: [sys.executable, "-m", "cclcc_cli", *map(str, arguments)]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "CCLCC_DATA": "/nonexistent"}


@pytest.fixture
def cclcc(
    tmp_path: Path, environment: dict[str, str], command_line: Callable[..., list[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``cclcc`` in ``tmp_path`` and wait for it."""

    def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
        return warm.run(
            command_line(*arguments), cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=300,
        )

    return run


@pytest.fixture
def recipe_file(tmp_path: Path, tiny_recipe: Any) -> Callable[..., Path]:
    """A tiny recipe as a file."""

    def write(method: str = "clcc", **keys: Any) -> Path:
        path = tmp_path / f"{method}.yaml"
        YAML(typ="safe").dump(tiny_recipe(method, **keys), path)
        return path

    return write


@pytest.fixture
def start(
    command_line: Callable[..., list[str]], arguments: Callable[..., tuple[Any, ...]],
    tmp_path: Path, environment: dict[str, str],
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``cclcc`` with a module's ``arguments`` and do not wait; what is left is killed."""
    started = []

    def begin(*words: Any, **keys: Any) -> subprocess.Popen[str]:
        process = warm.Popen(
            command_line(*arguments(*words, **keys)), cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
