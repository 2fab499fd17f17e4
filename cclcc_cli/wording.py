"""Lists, numbers and times in sentences."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def few(names: Sequence[object], most: int = 3) -> str:
    """The first ones by name, the rest as a count: ``a, b, c, 4 more``."""
    rest = len(names) - most
    return ", ".join([*map(str, names[:most]), *([f"{rest} more"] if rest > 0 else [])])


def listed(words: Sequence[object]) -> str:
    """As ``a``, ``a and b``, or ``a, b and c``."""
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def counted(count: int, thing: str, several: str = "") -> str:
    """``1 run``, ``2 runs``, ``1500 runs``, ``15,000 runs``.

    Args:
        count: how many.
        thing: one of them.
        several: more of them, where ``s`` is not enough: ``counted(n, "run is", "runs are")``.
    """
    number = f"{count:,}" if count >= 10_000 else str(count)
    return f"{number} {thing if count == 1 else several or f'{thing}s'}"


def instead(name: object, known: Iterable[object], title: str = "") -> str:
    """What to write where a name is unknown: ``did you mean clcc?``, or all that there are.

    Args:
        name: as it was given.
        known: names that would do.
        title: of the list, which then comes whether a name is close or not, as in
            ``allowed: supervised, clcc; did you mean clcc?``
    """
    names = {str(one).lower(): str(one) for one in known}
    close = get_close_matches(str(name).lower(), names, n=1)
    meant = [f"did you mean {names[close[0]]}?"] if close else []
    if title:
        return "; ".join([f"{title}: {', '.join(names.values()) or 'none'}", *meant])
    return meant[0] if meant else f"there are: {few([*names.values()], 15) or 'none'}"


def duration(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
