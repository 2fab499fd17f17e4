"""Addresses of servers and databases, as they may be shown."""

import re


def without_password(text: str) -> str:
    """Addresses such as ``postgresql://user:secret@host`` without who and how."""
    return re.sub(r"://[^@/\s]*@", "://***@", text)
