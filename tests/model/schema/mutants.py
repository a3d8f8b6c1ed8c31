"""Right files with one thing in them changed, as nobody and as everybody would write it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ODD = (
    *("null", "~", "true", "false", "True", "yes", "NO", "on", '"true"', '"null"', '""', '" "'),
    *("0", "1", "-1", "2", "007", "0o17", "0x1F", "1.", "1.0", "1.5", "-0.5", ".5", "1e0", "1e3"),
    *("100", "101", "-101", "1e400", "99999999999999999999", "-.inf", '"1"', '"1.5"', "1_000"),
    *("30s", '"30s"', "1.5s", "250us", "1m30s", "100ms 50ms", "1 h", "5S", "-5s", "1h30", "0s"),
    *("5%", "0.5%", "150%", '"5 %"', "100%", "-5%", "20k", "2M", "1.5k", "1MiB", "1 mb", "12B"),
    *("2027-03-31", "2027-02-30", "20270331", "27-3-31", '"2027-03-31T00:00:00Z"', "12:30:45"),
    *(
        "text",
        "enforce",
        "ENFORCE",
        '"m:f"',
        '"m:*"',
        "a.b",
        '"a b"',
        "ünïcode",
        '"日本"',
        '"a\\nb"',
    ),
    *('"${vars.x}"', '"${env:X}"', '"${env:X:-1}"', '"a${env:X}b"', '"$${x}"', '"${x}"', '"$x"'),
    *("[]", "{}", "[1]", "[null]", "[text]", "[text, text]", "[[]]", "[{}]", '["m:f"]'),
    *("{a: 1}", "{a: null}", "{call: 1}", '{call: "m:f"}', '{"": 1}', "[1, 2]", "[1, 2, 3]"),
)
"""Values of every type, in every form, as a file writes them."""
KEYS = ('""', "a", "_a", "1", '"1"', "m:f", '"m:*"', "a.b", '"a b"', "x-y", "ünï", '"${vars.x}"')
"""Keys as a file writes them."""


class Raw(str):
    """A value as a file writes it."""

    __slots__ = ()


def written(value: Any) -> str:
    """Return *value* as a file writes it, in one line."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if isinstance(key, Raw) else json.dumps(key, ensure_ascii=False)


Path = tuple[Any, ...]


def spots(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in *value*."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, one in inner:
        yield (*path, key)
        yield from spots(one, (*path, key))


def at(whole: Any, path: Path) -> Any:
    """Return what stands at *path*."""
    for part in path:
        whole = whole[part]
    return whole


class Mutants:
    """Makes files out of right ones.

    Args:
        right: What right files say.
        seed: The same one gives the same files.
    """

    def __init__(self, right: list[Any], seed: int) -> None:
        self._right = right
        self._chance = random.Random(seed)
        parts = {part for one in right for path in spots(one) for part in path}
        self._words = sorted(part for part in parts if isinstance(part, str))

    def one(self) -> str:
        """Return another file."""
        whole = json.loads(json.dumps(self._chance.choice(self._right)))
        *above, key = self._chance.choice(list(spots(whole)))
        home = at(whole, tuple(above))
        kinds = [self._replace, self._replace, self._replace, self._wrap, self._remove, self._twice]
        if isinstance(home, dict):
            kinds += [self._rename, self._rename, self._add, self._move]
        self._chance.choice(kinds)(whole, home, key)
        return written(whole)

    def _value(self) -> Any:
        if self._chance.random() < 0.8:
            return Raw(self._chance.choice(ODD))
        other = self._chance.choice(self._right)
        return at(other, self._chance.choice(list(spots(other))))

    def _other_key(self, home: Any, key: str) -> str:
        """Return a word of the language, an odd key, or *key* misspelt; none that is there."""
        cut = self._chance.randrange(len(key) + 1)
        slips = (key[:cut] + key[cut + 1 :], key.upper(), key.replace("_", "-"), key + "s")
        found: str = self._chance.choice(
            [
                self._chance.choice(self._words),
                self._chance.choice(slips),
                Raw(self._chance.choice(KEYS)),
            ]
        )
        plain = found.strip('"') if isinstance(found, Raw) else found
        return Raw('"unheard"') if plain in home else found

    def _replace(self, _: Any, home: Any, key: Any) -> None:
        home[key] = self._value()

    def _wrap(self, _: Any, home: Any, key: Any) -> None:
        inside = home[key]
        if isinstance(inside, list) and len(inside) == 1 and self._chance.random() < 0.5:
            home[key] = inside[0]
        elif self._chance.random() < 0.7:
            home[key] = [inside]
        else:
            home[key] = {self._chance.choice(self._words): inside}

    def _remove(self, _: Any, home: Any, key: Any) -> None:
        del home[key]

    def _twice(self, _: Any, home: Any, key: Any) -> None:
        if isinstance(home, list):
            home.append(home[key])
        elif isinstance(home[key], list):
            home[key].append(self._value())
        else:
            home[key] = [home[key], home[key]]

    def _rename(self, _: Any, home: Any, key: Any) -> None:
        home[self._other_key(home, key)] = home.pop(key)

    def _add(self, _: Any, home: Any, key: Any) -> None:
        home[self._other_key(home, key)] = self._value()

    def _move(self, whole: Any, home: Any, key: Any) -> None:
        moved = home.pop(key)
        homes = [path for path in ((), *spots(whole)) if isinstance(at(whole, path), dict)]
        there = at(whole, self._chance.choice(homes))
        there[self._other_key(there, key) if key in there else key] = moved
