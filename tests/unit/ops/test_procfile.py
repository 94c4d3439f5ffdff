import pytest

from ops.procfile import Entry, ProcfileError, parse

VARIABLES = {"WEB_PORT": "8000", "VAR_DIR": "/var/my files"}


def test_each_line_is_a_process_and_comments_are_none():
    """The order of the file is kept, since it is the order of the start."""
    text = "# a comment\n\nweb: serve --port ${WEB_PORT} # here too\n  # indented\nbeat: tick 'a b'\n"

    entries = parse(text, VARIABLES)

    assert entries == (
        Entry("web", ("serve", "--port", "8000"), 3),
        Entry("beat", ("tick", "a b"), 5),
    )


def test_a_value_with_spaces_stays_one_argument():
    """Variables are filled in after the line was split, so no quoting is needed."""
    (entry,) = parse("beat: tick -s ${VAR_DIR}/schedule", VARIABLES)

    assert entry.argv == ("tick", "-s", "/var/my files/schedule")


def test_two_dollars_are_one():
    """There must be a way to write the character."""
    (entry,) = parse("web: serve a$$b", VARIABLES)

    assert entry.argv == ("serve", "a$b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web serve", "line 1: want 'name: command'"),
        ("web: serve\n\nWEB: serve", "line 3: want 'name: command'"),
        ("web:", "line 1: 'web' has no command"),
        ("web: # nothing", "line 1: 'web' has no command"),
        ("web: serve 'open", "line 1: no closing quotation"),
        ("web: serve ${WEB_PROT}", r"line 1: \$\{WEB_PROT\} is not known; want one of VAR_DIR, WEB_PORT"),
        ("web: serve $WEB_PORT", r"line 1: want variables as \$\{NAME\}"),
        ("web: serve $", r"line 1: want variables as \$\{NAME\}"),
        ("web: serve | tee log", "line 1: '|' needs a shell"),
        ("web: serve\nweb: again", "line 2: 'web' stands already on line 1"),
        ("# only a comment", "line 1: the file names no process"),
    ],
)
def test_a_broken_line_is_refused_by_its_number(text, message):
    """Whoever edits the file is told where and what."""
    with pytest.raises(ProcfileError, match=message.replace("|", r"\|")):
        parse(text, VARIABLES)
