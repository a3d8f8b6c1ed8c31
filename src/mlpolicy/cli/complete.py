"""What a shell offers when somebody presses Tab."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

from mlpolicy.plan.load import Loaded

_BREAKS: Final = (":", "=")


# --- words ----------------------------------------------------------------------------


def codes(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return codes of findings, with what they find."""
    from mlpolicy.plan.codes import codes

    each = ((name, code.title) for name, code in sorted(codes().items()))
    return [CompletionItem(name, help=title) for name, title in each if _begins(name, begun)]


def environments(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the environments that files name."""
    return _items(loaded.environments if (loaded := _loaded(context)) else (), begun)


def modules(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the modules that policies name."""
    loaded = _loaded(context)
    return _items({one.module for one in loaded.rulebook.exact} if loaded else (), begun)


def subjects(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return what can be explained: functions under a policy, settings, findings."""
    from mlpolicy.cli.setting import subjects
    from mlpolicy.plan.governed import governed
    from mlpolicy.source import SourceTree, roots

    loaded = _loaded(context)
    survey = SourceTree(roots(context.params.get("src") or ()))
    plans = governed(loaded.rulebook, survey) if loaded else ()
    names = [str(plan.target) for plan in plans]
    return [*_items([*names, *subjects()], begun), *codes(context, option, begun)]


def assignments(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return what `--set` can set."""
    from mlpolicy.cli.setting import subjects

    return _items(["mode=", "vars.", *(f"{one}=" for one in subjects() if "." in one)], begun)


def _items(names: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if _begins(name, begun)]


def _begins(name: str, begun: str) -> bool:
    return name.lower().startswith(begun.lower())


def _loaded(context: click.Context) -> Loaded | None:
    """Return the policy that the line is about; nobody waits for a message while typing."""
    from mlpolicy.cli import sources

    given = (*(context.params.get("policy") or ()), *(context.params.get("path") or ()))
    nowhere = io.StringIO()
    with redirect_stderr(nowhere), redirect_stdout(nowhere), suppress(Exception, SystemExit):
        return sources.read(given)[1]
    return None


# --- bash -----------------------------------------------------------------------------


class Bash(BashComplete):
    """Bash breaks words at `:` and `=`, of which function paths and options are full."""

    _before = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is typed, and that one, whole again."""
        at = int(os.environ["COMP_CWORD"])
        words = split_arg_string(os.environ["COMP_WORDS"])[: at + 1]
        words += [""] * (at + 1 - len(words))
        whole: list[str] = []
        for word in words:
            if whole and (word in _BREAKS or whole[-1].endswith(_BREAKS)):
                whole[-1] += word
            else:
                whole.append(word)
        last = whole[-1]
        self._before = last[: max(map(last.rfind, _BREAKS)) + 1]
        return whole[1:-1], last

    def format_completion(self, item: CompletionItem) -> str:
        """Return *item* less what bash takes for the words before it."""
        item.value = item.value.removeprefix(self._before)
        return super().format_completion(item)


def enable() -> None:
    """Let bash complete by our class."""
    add_completion_class(Bash)
