"""Identifiers that sort by the time of their making."""

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562); the standard library has it from Python 3.14."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 7 << 76 | secrets.randbits(76)
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)
