"""What the text of files shows by itself: variables that nothing uses, secrets written out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.redact import has_password, is_secret_key
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, entries_of, scalars
from mlpolicy.model.read import Source

_USE = re.compile(r"\$\{vars\.([A-Za-z][\w-]*)")
_TRACES = (
    *("://", "passw", "passphrase", "secret", "token"),
    *("_key", "-key", "apikey", "accesskey", "privatekey"),
)
"""What a file that holds a secret has, in small letters."""


def unused_variables(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    """Yield the variables that no value asks for; a file without policies may be a library."""
    sources = tuple(sources)
    used = {name for one in sources for name in _used(one)}
    for one in sources:
        root = one.root
        if root is None or root.get("policies") is None:
            continue
        own = entries_of(root.get("vars"))
        known = {entry.key for entry in own}
        for entry in own:
            if entry.key not in used:
                text = f"no value uses the variable `{entry.key}`"
                help = f"write `${{vars.{entry.key}}}` where it is meant, or take it out"
                yield Diagnostic("MP111", text, entry.key_span, "warning", help=help)
        for each in entries_of(root.get("environments")):
            section = each.value.get("vars") if isinstance(each.value, Mapping) else None
            for entry in entries_of(section):
                if entry.key not in used | known:
                    yield _idle(entry, each.key, used)


def _idle(entry: Entry, environment: str, used: set[str]) -> Diagnostic:
    """Return the finding for a variable of an environment that no value uses."""
    near = closest(entry.key, sorted(used))
    return Diagnostic(
        "MP111",
        f"environment `{environment}` sets the variable `{entry.key}`, which no value uses",
        entry.key_span,
        "warning",
        help=did_you_mean(near, "take it out"),
        suggestions=repair(entry.key_span, near),
    )


def _used(one: Source) -> Iterator[str]:
    if "${vars." not in one.document.text:
        return
    for scalar in scalars(one.root):
        yield from _USE.findall(scalar.text)


def written_secrets(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    """Yield the values that look like secrets, written out for everybody who reads the file."""
    for one in sources:
        text = one.document.text.lower()
        if not any(trace in text for trace in _TRACES):
            continue
        held = {scalar.span: (key, scalar) for key, scalar in _held("", one.document.root)}
        for key, scalar in held.values():  # once each, however many aliases it has
            if "${" in scalar.text or not isinstance(scalar.value, str):
                continue
            if has_password(scalar.text) or (is_secret_key(key) and scalar.text):
                help = "read it from the environment: `${env:NAME}`"
                text = "a secret is written out in the file"
                yield Diagnostic("MP113", text, scalar.span, "warning", help=help)


def _held(key: str, node: Node | None) -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Scalar):
        yield key, node
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from _held(entry.key, entry.value)
    elif node is not None:
        for item in node.items:
            yield from _held(key, item)
