"""Addresses of servers and databases, as they may be shown and written down."""

import re

# A password may hold any character, so spaces too: what follows "user:" reaches to the next @ of
# the line, unless it is a port. In JSON a quotation mark ends the address, an escaped one does not.
_IN_TEXT = re.compile(
    r"""[A-Za-z][\w.+-]*://(?:[^\s/@:"]*:(?!\d+(?:[/\s,;:?)'"]|$))(?:\\.|[^\n@"\\])*@)?"""
    r"""(?:\\.|[^\s"\\])*""")
_LOCAL = ("sqlite", "file")


def without_secrets(address: str) -> str:
    """An address without user, password and query, in which tokens travel.

    Args:
        address: all of it; what stands before its scheme (``--storage=``) is kept. A text without
            ``://``, and the address of a file, are returned as they are.
    """
    scheme, mark, rest = address.partition("://")
    if not mark or scheme.rpartition("=")[2].partition("+")[0] in _LOCAL:
        return address
    userinfo, at, place = rest.rpartition("@")
    if "?" in userinfo or "#" in userinfo:  # who can say which part is the password
        return f"{scheme}://***"
    place, asks, _ = place.partition("?")
    return f"{scheme}://{'***@' if at else ''}{place}{'?***' if asks else ''}"


def without_secrets_in(text: str) -> str:
    """The same for every address in a text: rather too much is hidden than too little."""
    return _IN_TEXT.sub(lambda found: without_secrets(found[0]), text)
