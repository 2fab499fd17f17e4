"""Write the outputs that documents show anew, each from the command that stands above it.

    python benchmarks/documents.py README.md recipes/studies/README.md            # write
    python benchmarks/documents.py README.md recipes/studies/README.md --check    # compare

A block in a document is what such a command prints, in Markdown:

    <!-- $ cclcc report --bundle recipes/studies/results.tar.xz --format markdown -->
    ...
    <!-- end -->

Commands run in the repository's root. With --check nothing is written, and the exit code is 1 where
a document says something else than its command.
"""

import argparse
import difflib
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?<=<!-- \$ cclcc )(?P<command>[^\n]+?)( -->\n)(?P<shown>.*?)(?=<!-- end -->)",
                   re.DOTALL)


def run_command(arguments: str) -> str:
    """What ``cclcc`` prints to standard output.

    Raises:
        SystemExit: it failed; its own message is on standard error.
    """
    done = subprocess.run([sys.executable, "-m", "cclcc_cli", *shlex.split(arguments)],
                          cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"cclcc {arguments}: failed with exit code {done.returncode}")
    return done.stdout.strip()


def rewrite(text: str) -> str:
    """The document with every block as its command prints it now."""
    return BLOCK.sub(lambda found: f"{found[1]}{found[2]}\n{run_command(found[1])}\n\n", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("documents", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    differing = 0
    for document in asked.documents:
        old = document.read_text(encoding="utf-8")
        if not BLOCK.search(old):
            sys.exit(f"{document}: no block '<!-- $ cclcc ... -->' in it")
        new = rewrite(old)
        if asked.check and new != old:
            differing += 1
            sys.stdout.writelines(difflib.unified_diff(
                old.splitlines(keepends=True), new.splitlines(keepends=True),
                f"{document}", f"{document}, as its commands print it"))
        elif new != old:
            document.write_text(new, encoding="utf-8")
            print(f"written: {document}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
