"""How names and paths are written, as patterns that every editor reads alike.

Some hold that only ASCII has letters; so what is beyond it counts as one.
"""

from __future__ import annotations

_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_MORE = r"[^\x00-/:-@\[-^`{-\x7f]"
_IDENTIFIER = rf"{_LETTER}{_MORE}*"
_DOTTED = rf"{_IDENTIFIER}(\.{_IDENTIFIER})*"
_PART = rf"({_IDENTIFIER}|<locals>)"
_ANY = rf"({_MORE}|\*(?!\*))+"

NAME = r"^[^\x00-@\[-`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*$"
"""A letter, then letters, digits, `-` and `_`."""
CLASS = rf"^{_DOTTED}[.:]{_DOTTED}$"
"""The dotted path of a class."""
FUNCTION = rf"^{_DOTTED}:{_PART}(\.{_PART})*$"
"""The path of one function."""
GLOB = rf"^{_DOTTED}:{_PART}(\.{_PART})*$|^(?=.*\*)(?!\*)(\*\*|{_ANY})(\.(\*\*|{_ANY}))*:(<locals>|{_ANY})(\.(<locals>|{_ANY}))*$"
"""The path of one function, or a pattern of many."""
ARGUMENT = rf"^{_IDENTIFIER}(\.{_IDENTIFIER}|\[([0-9]+|\*)\])*$"
"""The path to an argument, or to a part of one."""
WHOLE = r"\$\{(env:[A-Za-z_]\w*|vars\.[A-Za-z][\w-]*)(:-[^}]*)?\}"
"""A variable."""
VARIABLE = rf"(^|[^$]){WHOLE}"
"""A text with a variable in it; `$${` begins none."""

_LONG, _SHORT = r"(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", r"(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_FOURTH = r"([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
DAY = rf"^(?!0000)([0-9]{{4}}-({_LONG}|{_SHORT}|02-(0[1-9]|1[0-9]|2[0-8]))|{_FOURTH}-02-29)$"
"""A day of the calendar."""
