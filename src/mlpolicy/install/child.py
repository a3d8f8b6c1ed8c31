"""The other side of `mlpolicy apply`: imports modules under a policy and says what came of it.

It runs in an interpreter of its own: `python -m mlpolicy.install.child REQUEST ANSWER`, both
JSON files.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.util
import inspect
import json
import os
import pkgutil
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from mlpolicy.core.allowed import NotAllowed
from mlpolicy.core.classes import is_a, is_module, members, module_of, mro_of, name_of
from mlpolicy.core.diagnostic import Diagnostic, did_you_mean
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.install import bootstrap, registry
from mlpolicy.install.engine import Engine
from mlpolicy.install.lookup import aliased, look_up, planned, target_of
from mlpolicy.install.placing import Placed
from mlpolicy.lint.function import ImportedFunction, closest_in
from mlpolicy.model.policy import Pattern
from mlpolicy.plan import show
from mlpolicy.plan.codes import codes
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS
from mlpolicy.runtime.assemble import Importer, importer
from mlpolicy.runtime.driver import Driver

_TOLD = ("code", "message", "severity", "help")


def main(request: str, answer: str) -> None:
    """Do what the file *request* asks, and write the outcome to the file *answer*."""
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    sys.path[:0] = [folder for folder in asked["path"] if folder not in sys.path]
    os.environ["MLPOLICY_OPS"] = "off"  # (it is no service)
    Path(answer).write_text(json.dumps(prove(asked)), encoding="utf-8")


def prove(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what became of every target once the modules asked for are imported."""
    bootstrap.install(asked["policy"], env=asked.get("environment", ""))
    engine = bootstrap.engine()
    assert engine is not None
    names = asked["modules"]
    if asked.get("all"):
        names = sorted({*names, *(target.module for target in engine.rulebook.exact)})
    began, before = time.perf_counter(), engine.spent
    failed = _import_all(names, asked=asked["modules"], packages=bool(asked.get("package")))
    took = time.perf_counter() - began - (engine.spent - before)
    engine.sweep()
    engine.weave()
    known = codes()
    shown = (replace(one, severity=known[one.code].severity) for one in _of_rules(engine))
    findings = [*shown, *_of_patterns(engine, names, asked), *_of_unread(engine)]
    return {
        "targets": [*_rows(engine, names)],
        "explained": _explained(asked["explain"], engine) if asked.get("explain") else None,
        "proofs": [
            {"span": astuple(finding.span)} | {name: getattr(finding, name) for name in _TOLD}
            for finding in dict.fromkeys(findings)
        ],
        "modules": [*names, *({name.module for name in engine.rulebook.exact} & set(sys.modules))],
        "served": next(filter(None, map(_served, asked["modules"])), []),
        "import_s": took,
        "placing_s": engine.spent,
        "failed": failed,
    }


def _import_all(names: list[str], *, asked: list[str], packages: bool) -> dict[str, str] | None:
    """Import *names*; return what stopped it, if anything did.

    One that is not there stops it if it is *asked* for; of others policies alone speak.
    """
    for name in names:
        try:
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError:  # (perhaps it is an attribute of its package alone)
                if aliased(name) is None:
                    raise
                continue
            if packages and hasattr(module, "__path__"):
                for below in pkgutil.walk_packages(module.__path__, f"{name}."):
                    importlib.import_module(below.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (`sys.exit` of the user's module too)
            gone = error.name if isinstance(error, ModuleNotFoundError) else None
            if name not in asked and gone and f"{name}.".startswith(f"{gone}."):
                continue  # (what is said of its targets is enough)
            return {"module": name, "error": _short(error), "traceback": _of_user(error)}
    return None


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _of_user(error: BaseException) -> str:
    """Return the traceback of *error* without the frames of the import system and ours."""
    ours = str(Path(__file__).resolve().parents[1])
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<frozen importlib"))
        and "importlib/__init__" not in frame.filename
    ]
    return "".join([*traceback.format_list(frames), *traceback.format_exception_only(error)])


# --- how the module is served -----------------------------------------------------------

_SERVERS = {
    "uvicorn": "fastapi.FastAPI starlette.Starlette quart.Quart litestar.Litestar django.ASGIHandler",
    "gunicorn": "flask.Flask bottle.Bottle django.WSGIHandler",
}
"""What serves applications, by the packages and the names of their classes."""
_FACTORY = re.compile(r"(create|make|build|get)_(app|application)|app_factory")
_GUARD = re.compile(rb"^if\b(?=.*\b__name__\b).*[\"']__main__[\"']", re.MULTILINE)


def _served(name: str) -> list[str]:
    """Return the command that starts the module *name*; nothing where none is known."""
    held = {key: value for key, value in members(sys.modules.get(name)).items() if type(key) is str}
    for attribute in sorted(held, key=lambda key: key not in ("app", "application")):
        server = _server(type(held[attribute]))
        if server:
            return [server, f"{name}:{attribute}"]
    servers = (_server(value) for value in held.values() if is_a(value, type))
    server = next(filter(None, servers), "")
    factory = next((key for key in held if server and _makes_one(held[key], name)), "")
    if factory:
        made = (
            ["--factory", f"{name}:{factory}"] if server == "uvicorn" else [f"{name}:{factory}()"]
        )
        return [server, *made]
    return ["-m", name] if _is_program(held) else []


def _is_program(held: Mapping[str, Any]) -> bool:
    file = Path(held.get("__file__") or "")
    if "__path__" in held:
        return (file.parent / "__main__.py").is_file()
    with suppress(OSError):  # (it may have no source)
        return _GUARD.search(file.read_bytes()) is not None
    return False


def _makes_one(value: object, module: str) -> bool:
    """Return whether *value* is a function of *module* that makes its application, by its name."""
    if type(value) is not FunctionType or value.__module__ != module:
        return False
    needs = value.__code__.co_argcount - len(value.__defaults__ or ())
    return not needs and _FACTORY.fullmatch(value.__name__) is not None


def _server(kind: type) -> str:
    """Return what serves applications of that class; none of its code runs."""
    known = {f"{module_of(cls).partition('.')[0]}.{name_of(cls)}" for cls in mro_of(kind)}
    return next((name for name, all in _SERVERS.items() if known & {*all.split()}), "")


# --- rows -------------------------------------------------------------------------------


def _rows(engine: Engine, modules: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what became of every target, functions of *modules* with decorators of ours included."""
    known = engine.placed
    yield from (_row(placed) for _, placed in sorted(known.items()))
    for target, function in _decorated():
        inside = any(f"{target.module}.".startswith(f"{module}.") for module in modules)
        plan = planned(function, engine.rulebook)
        if inside and plan is not None and str(target) not in known:
            is_outer = registry.record(function).outer is not None
            yield _row(Placed(target, plan, "applied", "outer" if is_outer else "inner"))


def _decorated() -> list[tuple[Target, FunctionType]]:
    """Return every living function with decorators of ours, with its path."""
    ours = filter(registry.decorated, registry.functions())
    return sorted(((target_of(one), one) for one in ours), key=lambda pair: pair[0])


def _row(placed: Placed) -> dict[str, Any]:
    plan, status, detail = placed.holds, placed.state, placed.detail
    if status == "applied" and placed.outer is not None:
        held = sorted(set(_holders(placed.outer.found.raw, home=placed.target.module)))
        if held:
            status, detail = "bypassed", f"{', '.join(held[:3])} holds the original"
    return {
        "target": str(placed.target),
        "status": status,
        "placement": placed.placement if placed.placement != "tree" else "inner",
        "mode": plan.mode if plan.rules else "-",
        "rules": [rule.kind for rule in plan.rules],
        "source": _source(plan),
        "detail": detail,
        "exact": plan.exact,
        "plan": show.target(plan),
    }


def _source(plan: Plan) -> str:
    """Return where a plan comes from: its policies, its environment, and how long it holds."""
    places = [span.place for span in plan.sources]
    for value in [value for rule in plan.rules for value in rule.values.values()]:
        part, _, name = value.layer.partition(".")
        if part == "environments" and value.source:
            places.append(f"{name}:{value.source.line}")
            break
    text = ", ".join(places)
    ends = [end for rule in plan.rules if rule.control and (end := rule.control.ends())]
    if not ends:
        return text
    left = (min(ends) - datetime.now(UTC)).days
    return f"{text} ({left} d left)" if left >= 0 else f"{text} (expired)"


def _holders(original: Any, *, home: str) -> Iterator[str]:
    """Yield the names under which modules hold *original* because they took it from *home*.

    A name that a module has for it from elsewhere, the library that it comes from say, is
    none that the policy speaks of.
    """
    for referrer in gc.get_referrers(original):
        known = referrer.get("__name__") if type(referrer) is dict else None
        module = sys.modules.get(known) if type(known) is str else None
        if known == home or not is_module(module):
            continue
        taken = [name for name, value in list(members(module).items()) if value is original]
        yield from (f"{known}.{name}" for name in taken if _takes(module, name, home))


def _takes(module: ModuleType, name: str, home: str) -> bool:
    """Whether the source of *module* imports *home*, and *name* from nowhere else."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except Exception:  # noqa: BLE001 (a module may say anything of where its source is)
        return False
    takes = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            takes |= any(alias.name == home for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            with suppress(ImportError):
                source = importlib.util.resolve_name("." * node.level + source, module.__package__)
            if source != home and name in [alias.asname or alias.name for alias in node.names]:
                return False
            takes |= home in (source, *(f"{source}.{alias.name}" for alias in node.names))
    return takes


def _explained(path: str, engine: Engine) -> dict[str, Any] | None:
    """Return what holds for the function under *path*."""
    target, plan = Target.parse(path), planned(path, engine.rulebook)
    if plan is None:
        return None
    function = next((one for known, one in _decorated() if known == target), None)
    driver = registry.record(function).driver if function else None
    return {
        "mode": plan.mode,
        "policies": list(plan.policies),
        "rules": [show.content(rule) for rule in plan.rules],
        "worst_case": show.worst_case(plan),
        "shown": str(plan),
        "source": driver.source.rstrip() if isinstance(driver, Driver) else "",
    }


# --- findings ---------------------------------------------------------------------------


def _of_rules(engine: Engine) -> Iterator[Diagnostic]:
    """Yield what rules show on the user's code, now that it is imported."""
    for _, placed in sorted(engine.placed.items()):
        yield from placed.found
        for rule in placed.holds.rules:
            if rule.live:
                resolve = importer(rule, placed.holds)
                function = ImportedFunction(placed.target, rule, resolve)
                yield from KINDS[rule.kind].ask("lint", rule.rule, function)
                yield from _of_functions_called(rule, resolve)
                yield from _of_standing(placed.target, rule)


def _of_functions_called(rule: PlannedRule, resolve: Importer) -> Iterator[Diagnostic]:
    """Yield the functions that a rule calls itself and that are not there, or not allowed."""
    for text, span in rule.called():
        try:
            if not callable(resolve(text)):
                message = f"`{text}` is a value, and a rule can only call a function"
                yield Diagnostic("MP320", message, span)
        except NotAllowed as error:
            yield Diagnostic("MP010", str(error), span)
        except AttributeError:
            module, _, name = text.partition(":")
            near = closest_in(module, name)
            help = did_you_mean(f"{module}:{near}" if near and near != name else None)
            yield Diagnostic("MP301", f"`{module}` has no function `{name}`", span, help=help)
        except Exception as error:  # noqa: BLE001 (an import may raise anything)
            yield Diagnostic("MP303", f"`{text}` cannot be imported: {_short(error)}", span)


def _of_standing(target: Target, rule: PlannedRule) -> Iterator[Diagnostic]:
    """Yield what a rule says of the function itself, and of what it uses."""
    kind, given = KINDS[rule.kind], []
    if kind.standing is None:
        return
    try:
        if standing := look_up(target):
            given = [*kind.ask("standing", rule.rule, str(target), standing, registry.own_of)]
    except Exception:  # noqa: BLE001 (code of the user's: no finding)
        return
    for code, field, text, help in given:
        yield Diagnostic(code, text, rule.place(field), "warning", help=help)


def _of_patterns(engine: Engine, names: list[str], asked: dict[str, Any]) -> Iterator[Diagnostic]:
    """Yield every pattern under which no function was found.

    It is in vain for sure where it was to take some: nothing holds by it, nor by those beside it.
    """
    strict = asked.get("strict") and engine.rulebook.settings.on_missing_target != "ignore"
    loaded = [name for name in list(sys.modules) if type(name) is str]
    for pattern, holds, why in _without_functions(engine, loaded):
        covers = pattern.glob.covers_module
        meant = asked.get("all") or any(map(covers, names))
        sure = strict and (why or (meant and pattern.glob.module != "__main__" and not holds))
        if sure or any(map(covers, loaded)):
            said = filter(None, (f"`{pattern.glob}` matches no function", why))
            yield Diagnostic("MP302", ": ".join(said), pattern.span, "error" if sure else "warning")


def _without_functions(engine: Engine, loaded: list[str]) -> Iterator[tuple[Pattern, bool, str]]:
    """Yield each pattern that takes nothing, whether those beside it do, and why, if that is known."""
    known = {placed.target: placed for placed in engine.placed.values()}
    taken = [target for target in known if known[target].state != "skipped"]
    for policy, patterns in engine.rulebook.broad:
        holds = any(one.glob.matches(target) for one in policy.match for target in taken)
        for pattern in patterns:
            left = next(filter(pattern.glob.matches, known), None)  # (skipped, if none is taken)
            if any(map(pattern.glob.matches, taken)) or (left and holds):
                continue
            covered = filter(pattern.glob.covers_module, loaded)
            why = min((engine.passed_over.get(name, "") for name in covered), default="")
            why = f"`{left}` is skipped ({known[left].detail})" if left else why
            yield pattern, holds, why


def _of_unread(engine: Engine) -> Iterator[Diagnostic]:
    """Yield every module that could not be looked through, where a pattern covers it."""
    patterns = [one for policy in engine.rulebook.policies for one in policy.match]
    for module, why in engine.unread.items():
        covering = (one.span for one in patterns if one.glob.covers_module(module))
        message = f"`{module}` could not be looked through: {why}"
        span = next(covering, Span(engine.rulebook.files[0].file))
        yield Diagnostic("MP320", message, span, "error")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
