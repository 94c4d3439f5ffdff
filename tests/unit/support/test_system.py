from tests.support.system import LINE_CUT, LINES_KEPT, last_words


def test_the_reason_of_a_failure_is_the_last_that_is_said():
    """Behind the newest lines of the system, none of which is long."""
    lines = [f"{number} {'x' * 2000}" for number in range(500)]

    said = last_words(lines, AssertionError("the dashboard was still empty")).splitlines()

    assert said[-1] == "failed with AssertionError: the dashboard was still empty"
    assert [line.split()[0] for line in said[:-1]] == [str(number) for number in range(300, 500)]
    assert len(said) == LINES_KEPT + 1
    assert max(map(len, said)) <= LINE_CUT + 3
