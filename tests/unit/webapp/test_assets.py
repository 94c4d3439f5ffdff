"""Claims about the pages' own files."""

from __future__ import annotations

import re

import pytest

from tests.support.dashboards import publish
from webapp.assets import Assets


def test_what_a_page_refers_to_is_there_and_kept_for_good(cache, client):
    """Each address holds the hash of the content, so that it never changes its meaning."""
    publish(cache)
    page = client.get("/").text

    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    answers = [client.get(address) for address in addresses]

    assert len(addresses) >= 4
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}


def test_scripts_import_only_what_is_there(client, app):
    """A relative import stays inside the hashed folder."""
    assets = app.jinja_env.globals["asset"].__self__

    imported = {
        name for body in assets.files.values() for name in re.findall(r'from "\./([\w.]+)"', body.decode())
    }

    assert imported
    for name in imported:
        answer = client.get(assets.url(name))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")


def test_no_file_reaches_for_anything_outside(app):
    """No external resource: no address but our own and the name of a namespace."""
    assets = app.jinja_env.globals["asset"].__self__

    for name, body in assets.files.items():
        outside = set(re.findall(rb"https?://[^\s\"'`)]+", body)) - {b"http://www.w3.org/2000/svg"}
        assert outside == set(), name


def test_who_has_a_file_gets_304(client, app):
    """The hash is its tag."""
    url = app.jinja_env.globals["asset"]("tidemark.css")

    answer = client.get(url, headers={"If-None-Match": client.get(url).headers["ETag"]})

    assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/000000000000/tidemark.css", "/static/{}/../app.py", "/static/{}/none.js"]
)
def test_another_version_or_another_file_is_404(client, app, path):
    """Nothing outside the folder, nothing under an old hash."""
    digest = app.jinja_env.globals["asset"]("tidemark.css").split("/")[2]

    assert client.get(path.format(digest)).status_code == 404


def test_a_changed_file_changes_every_address(tmp_path):
    """A script that imports a changed one must be fetched again, too."""
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "data.bin").write_text("2")
    before = Assets.of(tmp_path).url("a.js")

    (tmp_path / "data.bin").write_text("3")

    assert Assets.of(tmp_path).url("a.js") != before
    with pytest.raises(KeyError):
        Assets.of(tmp_path).url("b.js")
