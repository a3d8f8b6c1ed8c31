"""MP0xx: what is wrong with a file as such."""

from __future__ import annotations

from mlpolicy.core.codes import Code

_GOOD = """\
version: 1
policies:
  mypkg.serve:predict:
    retry: 3
"""

CODES = (
    Code(
        "MP001",
        "error",
        "file cannot be read",
        "A policy file does not exist, is not UTF-8 text, is larger than 1 MiB, is nested more "
        "than 64 levels deep, has more than 200 environments, or holds a character that is read "
        "otherwise than it is shown: a control character, a mark of direction, a space that is "
        "none to YAML.",
        "A policy file is untrusted text: the bounds keep a broken or hostile file from stopping "
        "a service that reloads it.",
        "version: 1\nx-deep: " + "[" * 70 + "]" * 70 + "\n",
        "version: 1\nx-flat: [1]\n",
    ),
    Code(
        "MP002",
        "error",
        "YAML syntax",
        "The text is not YAML, holds a merge conflict, or uses a tag that does not fit.",
        "Nothing of the file can be relied on when a part of it cannot be read.",
        "version: 1\npolicies:\n  mypkg.serve:predict: {retry: 3\n",
        _GOOD,
    ),
    Code(
        "MP003",
        "error",
        "version missing or unsupported",
        "`version` is missing, or is one that this mlpolicy does not read.",
        "The version says which language the file is written in; a guess could change what it means.",
        "policies:\n  mypkg.serve:predict:\n    retry: 3\n",
        _GOOD,
    ),
    Code(
        "MP004",
        "error",
        "duplicate key",
        "A key stands twice in one mapping, or an anchor twice in one file.",
        "YAML readers keep the last one in silence, so half of what was written does nothing.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: 3\n    retry: 5\n",
        _GOOD,
    ),
    Code(
        "MP005",
        "error",
        "unknown key",
        "A key is not part of the language at that place.",
        "A setting that is ignored in silence is the worst kind of bug: it looks as if it held.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: {max_atempts: 3}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: {max_attempts: 3}\n",
    ),
    Code(
        "MP006",
        "error",
        "several documents",
        "The file holds more than one YAML document.",
        "It would be unclear which of them holds; a policy file is one document.",
        _GOOD + "---\nversion: 1\n",
        _GOOD,
    ),
    Code(
        "MP007",
        "error",
        "aliases out of bounds",
        "An alias refers to itself, or aliases expand to more than 50,000 nodes.",
        "A few hundred bytes of aliases can expand to gigabytes.",
        "version: 1\nx-a: &a [*a]\n",
        "version: 1\nx-a: &a [1]\nx-b: *a\n",
    ),
    Code(
        "MP008",
        "warning",
        "merge key",
        "A mapping is merged in with `<<`.",
        "A merged value stands at its anchor, so reports point there, and a typing slip in the "
        "anchor changes every place that merges it.",
        "version: 1\nx-often: &often {max_attempts: 5}\npolicies:\n  mypkg.serve:predict:\n"
        "    retry: {<<: *often}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: {max_attempts: 5}\n",
    ),
    Code(
        "MP009",
        "error",
        "empty value",
        "A key has nothing after its colon.",
        "An empty value means null to YAML and `the default` to many readers of it; say which.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry:\n      max_attempts:\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry:\n      max_attempts: 3\n",
    ),
    Code(
        "MP010",
        "error",
        "wrong type or value",
        "A value is not of the type that its key takes, or not among the words that it takes.",
        "A value that is converted by guess may hold for something else than was meant.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: {max_attempts: many}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    retry: {max_attempts: 3}\n",
    ),
    Code(
        "MP011",
        "error",
        "required key missing",
        "A key that has no default is missing: `ttl` of a cache, `match` of a named policy.",
        "There is no value that would be right for everybody.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {max_entries: 100}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30s, max_entries: 100}\n",
    ),
)
