"""``cclcc report`` as it was written in 0.1, when one command had an option for every view."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

PAGES = (".html", ".htm")
_FLAGS = ("--all-metrics", "--costs", "--across", "--mlflow")
_UNUSED = {
    "ablation": ("--data",),
    "costs": ("--data", "--split", "--across", "--metric", "--all-metrics", "--baseline",
              "--margin", "--quoted", "--figures", "--costs"),
    "spread": ("--data",),
    "ranks": ("--data",),
    "search": ("--data",),
    "page": ("--costs", "--all-metrics"),
}
"""What these views took and did nothing with."""


def as_commands(args: Sequence[str]) -> tuple[list[str], bool]:
    """The command and options of today, and whether they were spelled as in 0.1.

    Args:
        args: what follows ``cclcc report`` where that is no command, or ``table``.
    """
    options = list(_pairs(args))
    command = _command(options)
    if command is None:
        return ["table", *args], False
    kept = [option for option in options if option[0] not in _UNUSED.get(command[0], ())]
    words = [*command, *(word for option in kept for word in option)]
    return words, True


def _command(options: list[tuple[str, ...]]) -> list[str] | None:
    """The view that options ask for; takes from them what its command has another place for."""
    if name := _take(options, "--search"):
        return ["search", name]
    out, format = _value(options, "--out"), _value(options, "--format")
    layout = _value(options, "--layout")
    if format == "html" or (format is None and PurePath(out or "").suffix.lower() in PAGES):
        if layout not in (None, "rows"):
            return None
        for option in ("--layout", "--out", "--format"):
            _take(options, option)
        return ["page", out or "-"]
    if layout in (None, "ablation") and (layout or _value(options, "--ablation")):
        _take(options, "--layout")
        name = _take(options, "--ablation")
        return ["ablation", *([name] if name else [])]
    if layout == "rows" and ("--costs",) in options:
        layout = "costs"
    if layout in ("rows", "grid", "spread", "ranks", "costs"):
        _take(options, "--layout")
        return ["table" if layout == "rows" else layout]
    return ["costs"] if ("--costs",) in options else None


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Each option with its value, if it takes one."""
    words = iter(args)
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name.startswith("--"):
            yield (name, value)
        elif word in _FLAGS or not word.startswith("--"):
            yield (word,)
        else:
            yield (word, *((following,) if (following := next(words, None)) is not None else ()))


def _value(options: Sequence[tuple[str, ...]], name: str) -> str | None:
    """What an option was given last."""
    values = [option[1] for option in options if option[0] == name and len(option) > 1]
    return values[-1] if values else None


def _take(options: list[tuple[str, ...]], name: str) -> str | None:
    value = _value(options, name)
    options[:] = [option for option in options if option[0] != name]
    return value
