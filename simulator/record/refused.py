"""How a recording can fail, each with one sentence for the operator."""

from __future__ import annotations


class RecordRefused(Exception):
    """It cannot be recorded as asked: a wrong argument, a folder that cannot be used, an unknown symbol."""


class Unreachable(Exception):
    """The exchange gave no usable answer for as long as was to be waited; what is kept can be continued."""
