"""Where ``cclcc report``, ``ls`` and ``compare`` read run folders from."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cclcc_cli.cli.options import RUNS
from cclcc_cli.errors import CclccError, RunError

if TYPE_CHECKING:
    from cclcc_cli.runs.unbundle import OpenBundles


@dataclass(frozen=True)
class Mlflow:
    """A tracking server as the place to read runs from.

    Attributes:
        uri: as given; None for the usual one.
        experiments: by name; none: all of cclcc's.
    """

    uri: str | None
    experiments: Sequence[str]


@dataclass(frozen=True)
class Source:
    """Run folders to read.

    Attributes:
        root: where they lie now.
        place: where they come from, in words.
        notes: what could not be laid there.
        readable: a text with paths that a person can follow, instead of temporary ones.
    """

    root: Path
    place: str
    notes: Sequence[str] = ()
    readable: Callable[[str], str] = str

    def all_notes(self, notes: Sequence[str]) -> list[str]:
        """Those of a report, and the source's own."""
        return [self.readable(note) for note in (*notes, *self.notes)]

    def find(self, name: str) -> str:
        """The path of a run folder called ``<data set>/<run>``, or as ``readable`` writes it.

        Any other name is returned as it is.
        """
        for folder in (path.parent for path in self.root.glob("*/*/cell.json")):
            if name in (self.readable(str(folder)), folder.relative_to(self.root).as_posix()):
                return str(folder)
        return name


@contextmanager
def open_source(
    runs: Path, bundles: Sequence[Path] = (), mlflow: Mlflow | None = None,
    ablation: str | None = None,
) -> Iterator[Source]:
    """The run folders: where they lie, out of bundles, or fetched from a server.

    Raises:
        RunError: they are to come from two places.
        BundleError: a bundle is not as it was made.
        TrackerError: the server cannot be reached, or has nothing to report.
    """
    if bundles:
        if runs != RUNS or mlflow is not None:
            raise RunError("--bundle: is read instead of --runs or --mlflow; leave these out, or "
                           "unpack it with: cclcc unbundle FILE --runs DIR")
        from cclcc_cli.runs.unbundle import open_bundles

        with open_bundles(bundles) as opened, _readable_errors(_of_bundles(opened)) as source:
            yield source
    elif mlflow is not None:
        from cclcc_cli.tracking.address import tracking_uri
        from cclcc_cli.tracking.fetch import fetch_runs

        uri = tracking_uri(runs, mlflow.uri)
        with TemporaryDirectory(prefix="cclcc-report-") as place:
            notes = fetch_runs(uri, Path(place), experiments=mlflow.experiments,
                               ablation=ablation)
            fetched = Source(Path(place), "MLflow", notes,
                             lambda text: text.replace(f"{place}/", ""))
            with _readable_errors(fetched) as source:
                yield source
    else:
        yield Source(runs, f"below {runs}")


@contextmanager
def _readable_errors(source: Source) -> Iterator[Source]:
    """Errors inside name paths as the source writes them."""
    try:
        yield source
    except CclccError as error:
        error.args = (source.readable(str(error)), *error.args[1:])
        raise


def _of_bundles(opened: "OpenBundles") -> Source:
    """Paths are written as ``FILE:<data set>/<run>``."""
    files = ", ".join(map(str, opened.digests))
    below = re.compile(re.escape(str(opened.root)) + r"(?:/(?P<unit>[\w.+-]+/[\w.+-]*[\w+-])|/)?")

    def tell(found: re.Match[str]) -> str:
        if unit := found["unit"]:
            return f"{opened.owners.get(unit, files)}:{unit}"
        return f"{files}:" if found[0].endswith("/") else files

    digests = [f"{path} (digest {digest[:12]})" for path, digest in opened.digests.items()]
    return Source(opened.root, f"in {', '.join(digests)}", opened.notes,
                  lambda text: below.sub(tell, text))
