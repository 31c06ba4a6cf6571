"""Progress tells count, share, rate and the time left, and not too often."""

import io

from headsmith.media.progress import progress, progress_line


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(count: int, total: int | None, seconds_each: float) -> list[str]:
    clock, stream = Clock(), io.StringIO()
    seen = []
    for item in progress(range(count), total, "anna: matte", stream=stream, clock=clock):
        seen.append(item)
        clock.now += seconds_each
    assert seen == list(range(count))
    return stream.getvalue().splitlines()


def test_a_short_loop_says_nothing() -> None:
    assert run(9, 9, 1.0) == []


def test_a_line_every_ten_seconds_and_one_at_the_end() -> None:
    lines = run(25, 25, 1.0)
    assert lines == [
        "anna: matte: 10/25 (40 %), 1.0/s, 0:15 left",
        "anna: matte: 20/25 (80 %), 1.0/s, 0:05 left",
        "anna: matte: 25/25 (100 %), 1.0/s, done in 0:25",
    ]


def test_an_unknown_total_gives_count_and_rate() -> None:
    assert run(2, None, 20.0) == ["anna: matte: 1, 0.1/s", "anna: matte: 2, 0.1/s"]


def test_hours_are_told() -> None:
    assert progress_line("x", 1, 101, 60.0).endswith("1:40:00 left")


def test_a_terminal_gets_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    assert list(progress(range(3), 3, "anna: matte", stream=stream)) == [0, 1, 2]
    assert "3/3" in stream.getvalue()
