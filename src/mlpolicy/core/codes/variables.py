"""MP11x to MP13x: variables, imports, and kinds that are not here."""

from __future__ import annotations

from mlpolicy.core.codes import Code

_RETRY = "policies:\n  mypkg:f:\n    retry: {max_attempts: "


def _file(head: str, attempts: str = "3") -> str:
    return f"version: 1\n{head}{_RETRY}{attempts}}}\n"


CODES = (
    Code(
        "MP110",
        "error",
        "variable without a value",
        "A value asks for a variable that is not defined, or for an environment variable that is "
        "not set, and gives no default.",
        "An empty text in its place would be a setting that nobody chose.",
        _file("", '"${vars.attempts}"'),
        _file("vars: {attempts: 3}\n", '"${vars.attempts}"'),
    ),
    Code(
        "MP111",
        "warning",
        "variable never used",
        "No value asks for a variable that is defined under `vars`, of the file or of an "
        "environment; in a file of tests, no part of a test asks for a value of its `matrix`, or "
        "no test is about a stub.",
        "Somebody believes that it does something.",
        _file("vars: {attempts: 3}\n"),
        _file("vars: {attempts: 3}\n", '"${vars.attempts}"'),
    ),
    Code(
        "MP112",
        "error",
        "variable in a name",
        "`${...}` stands in a key, a target, a pattern or a name.",
        "What a policy is for must be plain to whoever reads or searches the file.",
        'version: 1\npolicies:\n  one:\n    match: "mypkg:${env:HOME}"\n    retry: 3\n',
        'version: 1\npolicies:\n  one:\n    match: "mypkg:f"\n    retry: 3\n',
    ),
    Code(
        "MP113",
        "warning",
        "secret in the file",
        "A password in a URL, or a value under a key such as `password` or `token`, is written out.",
        "Policy files are read by many, and kept by version control for ever.",
        "version: 1\npolicies:\n  mypkg:f:\n    labels: {store: 'redis://user:hunter2@cache:6379'}\n"
        "    retry: 3\n",
        "version: 1\npolicies:\n  mypkg:f:\n    labels: {store: 'redis://cache:6379'}\n    retry: 3\n",
    ),
    Code(
        "MP120",
        "error",
        "import leads nowhere",
        "An imported file does not exist, imports this one, or lies outside of the policy's folder.",
        "What it holds would be missing in silence; a path that leads outside is a way in.",
        "version: 1\nimports: [./no-such-file.yaml]\npolicies:\n  mypkg:f: {retry: 3}\n",
        "version: 1\npolicies:\n  mypkg:f: {retry: 3}\n",
    ),
    Code(
        "MP130",
        "error",
        "kind of rule not installed",
        "A block under a policy is no kind of rule that is installed here.",
        "The rule would not hold, and nobody would know.",
        "version: 1\npolicies:\n  mypkg:f:\n    quarantine: {after: 3}\n    retry: 3\n",
        "version: 1\npolicies:\n  mypkg:f:\n    retry: 3\n",
    ),
    Code(
        "MP132",
        "error",
        "plugin twice",
        "Two distributions provide a plugin of the same name.",
        "Which of them holds would be a matter of chance.",
        "",
        "",
    ),
    Code(
        "MP133",
        "error",
        "plugin failed to load",
        "A plugin could not be imported, or is made for another version of the plugin interface.",
        "Its rules would not hold, and nobody would know.",
        "",
        "",
    ),
)
