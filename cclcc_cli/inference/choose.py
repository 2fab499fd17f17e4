"""Which runs a word on the command line stands for. Loads no torch."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import TRAINED, RunFolder, find_runs
from cclcc_cli.runs.records import RunRecord
from cclcc_cli.wording import few

_APART = ("fold", "labeled", "selection")
"""Keys of ``data`` by which the folds and labelled subsets of one experiment differ."""
_FEWEST_LETTERS = 4


@dataclass(frozen=True)
class Choice:
    """Trained runs, each once, in the order asked for.

    Attributes:
        runs: their folders.
        notes: which runs of a group are left out, and why.
    """

    runs: tuple[RunFolder, ...]
    notes: tuple[str, ...]


def choose_runs(words: Sequence[str], root: Path) -> Choice:
    """The trained runs that words stand for.

    A word is a run folder, the name of a group (its recipe, its method or the beginning of its
    digest) with all its seeds and folds, or the beginning of a run's id or digest.

    Args:
        words: at least one.
        root: holds ``<data set>/<run>/``.

    Raises:
        RunError: a word stands for nothing, for several groups, or for a run that is not trained.
    """
    known = _Known(root)
    found: dict[Path, RunFolder] = {}
    notes: list[str] = []
    for word in words:
        for folder in known.find(word, notes):
            found.setdefault(folder.path.resolve(), folder)
    return Choice(tuple(found.values()), tuple(notes))


class _Known:
    """The runs below a root, read when the first word asks for them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._runs: list[tuple[RunFolder, RunRecord]] | None = None

    def find(self, word: str, notes: list[str]) -> list[RunFolder]:
        for path in (Path(word), self._root / word):
            if (path / "cell.json").exists():
                folder = RunFolder(path)
                folder.trained_run()
                return [folder]
        if Path(word).is_dir() and word not in self._names():
            raise RunError(f"{word}: is no run folder (it has no cell.json); cclcc ls lists them")
        named = [(folder, run) for folder, run in self._all
                 if word in (run.recipe.name, run.recipe.method)
                 or (len(word) >= _FEWEST_LETTERS and run.group.startswith(word))]
        by_name = [one for one in named if one[1].recipe.name == word]
        if named:
            return _trained_of_group(word, by_name or named, notes)
        begun = [folder for folder, run in self._all if len(word) >= _FEWEST_LETTERS
                 and (folder.path.name.startswith(word) or run.digest.startswith(word))]
        if len(begun) == 1:
            begun[0].trained_run()
            return begun
        if begun:
            raise RunError(f"{word}: is the beginning of {len(begun)} runs: "
                           f"{few([folder.path.name for folder in begun], 5)}; give more of it")
        raise RunError(f"{word}: no run folder, and no run or group below {self._root} has this "
                       f"name; there are: {few(self._names(), 8) or 'none'}; cclcc ls lists them")

    def _names(self) -> list[str]:
        return sorted({name for _, run in self._all
                       for name in (run.recipe.name, run.recipe.method)})

    @property
    def _all(self) -> list[tuple[RunFolder, RunRecord]]:
        if self._runs is None:
            self._runs = []
            for folder in find_runs(self._root):
                try:
                    run = folder.run
                except RunError:  # 'cclcc ls' shows it; it has no name that could be asked for
                    continue
                if run is not None:
                    self._runs.append((folder, run))
        return self._runs


def _trained_of_group(
    word: str, named: Sequence[tuple[RunFolder, RunRecord]], notes: list[str]
) -> list[RunFolder]:
    """The trained runs of one group; several groups are refused."""
    trained = [(folder, run) for folder, run in named if folder.status.state in TRAINED]
    left = [folder for folder, _ in named if folder.status.state not in TRAINED]
    if not trained:
        raise RunError(f"{word}: none of its {len(named)} runs is trained to its end; the same "
                       "cclcc train command resumes one")
    groups: defaultdict[str, list[tuple[RunFolder, RunRecord]]] = defaultdict(list)
    for folder, run in trained:
        groups[_experiment(run)].append((folder, run))
    if len(groups) > 1:
        several = "; ".join(_describe_group(members) for members in groups.values())
        raise RunError(f"{word}: matches several groups: {several}; give one of these digests")
    if left:
        notes.append(f"{word}: left out, not trained to their end: "
                     f"{few([folder.path.name for folder in left], 5)}")
    return [folder for folder, _ in trained]


def _describe_group(members: Sequence[tuple[RunFolder, RunRecord]]) -> str:
    run = members[0][1]
    return (f"{run.group[:8]} ({run.data.name}-{run.data.size} {run.recipe.method} "
            f"{run.recipe.name} {run.labeled.count})")


def _experiment(run: RunRecord) -> str:
    """What runs share that differ by seed, fold or labelled subset alone."""
    values = run.recipe.values
    data = {key: value for key, value in values.get("data", {}).items() if key not in _APART}
    shared = {key: value for key, value in values.items() if key not in ("name", "seed", "data")}
    fold = values.get("data", {}).get("fold")
    count = run.labeled.count if fold is None else None  # a share is another number in each fold
    return json.dumps([shared, data, run.data.digest, count], sort_keys=True)
