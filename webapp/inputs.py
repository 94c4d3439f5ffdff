"""What a request may say: names that could exist, and parameters that are known."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from webapp.problems import bad_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import MultiDict

LONGEST = {"exchange": 40, "symbol": 80}
CONTROLS = ("Cc", "Cs")


def check(**parts: str) -> None:
    """Refuse names that no exchange could have; raises the Problem that names the part."""
    for name, value in parts.items():
        if len(value) > LONGEST[name]:
            raise bad_input(name, f"is longer than {LONGEST[name]} characters")
        if any(
            unicodedata.category(letter) in CONTROLS or letter == "\N{REPLACEMENT CHARACTER}"
            for letter in value
        ):
            raise bad_input(name, "holds a control character or is not valid UTF-8")


def only(asked: MultiDict[str, str], known: Sequence[str]) -> dict[str, str]:
    """The parameters of an address, each said once; raises the Problem for one that is not known."""
    for name in asked:
        if name not in known:
            raise bad_input(name[: LONGEST["symbol"]], f"is no parameter here; want {', '.join(known)}")
        if len(asked.getlist(name)) > 1:
            raise bad_input(name, "is said more than once")
    return asked.to_dict()
