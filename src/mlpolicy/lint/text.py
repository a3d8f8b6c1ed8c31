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
    used = {
        name
        for source in sources
        if "${vars." in source.document.text
        for scalar in scalars(source.root)
        for name in _USE.findall(scalar.text)
    }
    for root in (source.root for source in sources):
        if root is None or root.get("policies") is None:
            continue
        known = {entry.key for entry in entries_of(root.get("vars"))}
        for entry in entries_of(root.get("vars")):
            if entry.key not in used:
                text = f"no value uses the variable `{entry.key}`"
                help = f"write `${{vars.{entry.key}}}` where it is meant, or take it out"
                yield Diagnostic("MP111", text, entry.key_span, "warning", help=help)
        for environment in entries_of(root.get("environments")):
            yield from _unused_in(environment, used, known)


def _unused_in(environment: Entry, used: set[str], known: set[str]) -> Iterator[Diagnostic]:
    """Yield the variables that an environment alone sets, and that no value asks for."""
    node = environment.value
    for entry in entries_of(node.get("vars") if isinstance(node, Mapping) else None):
        if entry.key not in used | known:
            near = closest(entry.key, sorted(used))
            text = f"environment `{environment.key}` sets the variable `{entry.key}`"
            yield Diagnostic(
                "MP111",
                f"{text}, which no value uses",
                entry.key_span,
                "warning",
                help=did_you_mean(near, "take it out"),
                suggestions=repair(entry.key_span, near),
            )


def written_secrets(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    """Yield the values that look like secrets, written out for everybody who reads the file."""
    for source in sources:
        text = source.document.text.lower()
        if not any(trace in text for trace in _TRACES):
            continue
        keyed = {scalar.span: (key, scalar) for key, scalar in _keyed("", source.document.root)}
        for key, scalar in keyed.values():  # once each, however many aliases it has
            if "${" in scalar.text or not isinstance(scalar.value, str):
                continue
            if has_password(scalar.text) or (is_secret_key(key) and scalar.text):
                help = "read it from the environment: `${env:NAME}`"
                message = "a secret is written out in the file"
                yield Diagnostic("MP113", message, scalar.span, "warning", help=help)


def _keyed(key: str, node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """Yield every scalar of *node*, with the key that it stands under."""
    if isinstance(node, Scalar):
        yield key, node
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from _keyed(entry.key, entry.value)
    elif node is not None:
        for item in node.items:
            yield from _keyed(key, item)
