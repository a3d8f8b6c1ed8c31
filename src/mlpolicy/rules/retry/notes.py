"""What is added to an error that is given up: how often it was tried, and for how long."""

from __future__ import annotations


def note(
    error: BaseException,
    target: str,
    attempt: int,
    *,
    elapsed: float | None,
    detail: str,
) -> None:
    """Add one line to *error*; a line of an earlier call with the same object makes room for it."""
    lines = getattr(error, "__notes__", [])
    if not isinstance(lines, list):
        return  # somebody else's use of the name
    begin = f"mlpolicy: {target} gave up after "
    # Some programs raise one object again and again: its notes must not pile up.
    for line in [line for line in lines if str(line).startswith(begin)]:
        lines.remove(line)
    count = "1 attempt" if attempt == 1 else f"{attempt} attempts"
    time = "" if elapsed is None else f" and {seconds(elapsed)}"
    error.add_note(f"{begin}{count}{time}{detail and ': '}{detail}")


def seconds(number: float) -> str:
    """Return a time for people: `3 ms`, `1.25 s`."""
    return f"{number * 1000:.3g} ms" if number < 0.9995 else f"{round(number, 2):,.10g} s"
