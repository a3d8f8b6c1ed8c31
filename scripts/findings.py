"""Prints docs/reference/findings.md: every finding, from the files of `mlpolicy/findings`."""

from __future__ import annotations

from collections.abc import Iterator

from mlpolicy.core.diagnostic import Code, shared

GROUPS = {
    "MP0": "Files and suppressions",
    "MP1": "Values, variables, imports, plugins",
    "MP2": "Validation",
    "MP3": "Targets",
    "MP4": "Between policies",
    "MP5": "Modes, dates, rollout",
    "MP6": "Retry",
    "MP7": "Cache",
    "MP8": "Memory",
    "MP9": "Monitor",
}


def page() -> str:
    """Return the page as markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Findings"
    yield ""
    yield "What `mlpolicy validate` and its sisters can find; `mlpolicy explain MP301` prints the same."
    yield "A code is never used again for something else."
    group = ""
    for code in shared():
        if code.code[:3] != group:
            group = code.code[:3]
            yield from ("", f"## {GROUPS[group]}")
        yield from _code(code)


def _code(code: Code) -> Iterator[str]:
    yield from ("", f"### {code.code}", "", f"**{code.title}** ({code.severity}).")
    yield from (code.finds, code.why)
    for title, text in (("Found in:", code.before), ("Not found in:", code.after)):
        if text:
            yield from ("", title, "", "~~~yaml", *text.rstrip().splitlines(), "~~~")


if __name__ == "__main__":
    print(page(), end="")
