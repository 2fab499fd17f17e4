"""Lists, numbers and times in sentences."""

from collections.abc import Sequence


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


def counted(count: int, thing: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def duration(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
