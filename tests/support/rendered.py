"""What a reader sees of a page that the server rendered."""

from __future__ import annotations

import re


def text(markup: str) -> str:
    """What a reader sees of it, in one line."""
    return re.sub(r"(?:<[^>]+>|\s)+", " ", markup).strip()


def banner(page: str, name: str) -> tuple[str, str]:
    """The attributes and the text of one banner."""
    found = re.search(rf'<div id="{name}" ([^>]*)>(.*?)</div>', page, re.DOTALL)
    assert found is not None
    return found[1], text(found[2])


def listed(page: str, name: str) -> list[str]:
    """The texts of one list's lines."""
    body = re.split(r"</[ou]l>", page.split(f'id="{name}"')[1].partition(">")[2])[0]
    return [text(line) for line in body.split("</li>")[:-1]]


def exchanges(page: str) -> list[str]:
    """The texts of the exchanges' panel."""
    return listed(page, "exchanges")


def cells(page: str) -> list[list[str]]:
    """The texts of the table's rows."""
    body = page.split('<tbody id="rows">')[1].split("</tbody>", maxsplit=1)[0]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[dh]>", line)[:-1]]
        for line in body.split("</tr>")[:-1]
    ]
