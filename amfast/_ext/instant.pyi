from collections.abc import Iterable

def parse_time(text: str) -> tuple[int, int]:
    """Nanoseconds since the epoch and offset east of UTC in seconds, from any form that the API takes.

    The empty text is the Unix epoch; without a zone a time is UTC; digits of a fraction after the ninth are cut off
    (reference api, section 4). Raises ValueError for anything else.
    """

def format_times_ms(times: Iterable[tuple[int, int]]) -> list[str]:
    """RFC 3339 with exactly three digits of fraction, cut off, as the API prints times that follow one another."""
