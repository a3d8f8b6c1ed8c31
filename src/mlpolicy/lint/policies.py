"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain

from mlpolicy.core.allowed import ANY, Origin
from mlpolicy.core.diagnostic import Diagnostic, Related, closest, did_you_mean, in_order, repair
from mlpolicy.core.quantity import Ratio
from mlpolicy.core.report import is_secret_key, passwords_in
from mlpolicy.core.site import Where, end_of
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, entries_of, scalars
from mlpolicy.document.parse import Document
from mlpolicy.model.policy import DEPTH, Block, Policy, PolicyFile, RuleBlock, Setting, Tree, one
from mlpolicy.model.read import Source
from mlpolicy.plan.merge import conflicts
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Candidate, Rulebook, rank
from mlpolicy.rules import KINDS

_USE = re.compile(r"\$\{vars\.([A-Za-z][\w-]*)")
_TRACES = (
    *("://", "passw", "passphrase", "secret", "token"),
    *("_key", "-key", "apikey", "accesskey", "privatekey"),
)
"""What a file that holds a secret has, in small letters."""


def of_policies(rulebook: Rulebook, sources: Sequence[Source]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the policies of *rulebook*, without looking at any code.

    *sources* are the files that they were read from. Of an environment, what the files themselves
    say of policies that it leaves alone is not said again.
    """
    found = [*rulebook.profiles.diagnostics, *_rivals(rulebook), *_twice(rulebook)]
    for policy in _changed(rulebook):
        found += (*_required(policy, rulebook), *_resource(policy, rulebook))
        found += _held(policy, rulebook)
        if rulebook.tells_absence:
            found += (*_covered(policy), *_beaten(policy, rulebook))
    right: set[int] = set()
    for target in _targets(rulebook):
        shape = _shape(target, rulebook)
        if shape not in right:
            wrong = _of_target(target, rulebook)
            found += wrong
            right |= set() if wrong else {shape}
    for policy in _broad(rulebook):
        found += rulebook.findings(*rulebook.alone(policy), alone=True)
    found += (*_lone(rulebook), *_all_allowed(rulebook))
    found += () if rulebook.read.beside else _secrets(sources)
    if rulebook.tells_absence:
        found += _idle(rulebook)
    if rulebook.read.whole and not rulebook.read.beside:
        found += _unused_variables(sources)
    return in_order(found)


def _of_target(target: Target, rulebook: Rulebook) -> list[Diagnostic]:
    """Return what is wrong with the plan of *target*."""
    candidates = rulebook.candidates(target)
    if not candidates:
        return []
    plan = rulebook.plan(target)
    allowed = not_allowed(plan) if plan is not None else ()
    return [*rulebook.findings(target, candidates), *allowed]


def _shape(target: Target, rulebook: Rulebook) -> int:
    """Return what tells how the plan of *target* is judged, beside names and places.

    Policies repeat themselves: where one is right, so are all of its shape. Where several
    policies meet, that is a shape of its own.
    """
    changes = rulebook.changes
    same = changes is not None and not changes.has(target)
    shapes = changes.since.shapes if changes is not None and same else rulebook.shapes
    if (known := shapes.get(target)) is not None:
        return known
    candidates, made = rulebook.candidates(target), hash(target)
    if len(candidates) == 1:
        [(ranked, policy)] = candidates
        blocks = (RuleBlock("", policy.span, policy.controls), *policy.rules)
        is_final = ranked[0] or any(rule.final for rule in policy.rules)
        file = policy.span.file if is_final else ""  # (only there another file counts)
        tops = tuple([name.top for name in rulebook.names(target)])
        made = hash((tops, file, ranked, *[block.shape for block in blocks]))
    if not rulebook.is_large:
        shapes[target] = made
    return made


def _changed(rulebook: Rulebook) -> Sequence[Policy]:
    """Return the policies, less those that were judged without an environment."""
    return rulebook.policies if rulebook.changes is None else rulebook.changes.policies


def _targets(rulebook: Rulebook) -> tuple[Target, ...]:
    """Return the targets that policies name, less those that were judged without an environment."""
    changes = rulebook.changes
    return rulebook.exact if changes is None or changes.defaults else changes.targets


def _broad(rulebook: Rulebook) -> list[Policy]:
    """Return the policies with patterns, less those that were judged without an environment."""
    changes = rulebook.changes
    same = changes is not None and not changes.defaults
    mine = set(map(id, changes.policies)) if changes is not None else set[int]()
    return [policy for policy, _ in rulebook.broad if not same or id(policy) in mine]


# --- when and where policies hold -----------------------------------------------------


def _required(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what `settings.require` asks for and *policy* does not say."""
    read = rulebook.read
    if policy.depth >= DEPTH or not read.filled:
        return  # (the owner of an installed package answers for it)
    if read.of_environment and not read.whole:
        return  # (what is wrong may be what makes another policy of it)
    given, help = {*policy.meta, *policy.controls}, "`settings.require` asks every policy for it"
    missing = [name for name in rulebook.settings.require if name not in given]
    wanted = {(policy.span.file, policy.name, name) for name in missing}
    for file in rulebook.files if missing else ():
        for (owner, name), place in file.removed.items():
            if (file.file, owner, name) in wanted:
                missing.remove(name)
                text = f"`{name}` is taken out of policy `{policy.name}`"
                yield Diagnostic("MP505", text, place, help=help)
    if missing:
        text = f"policy `{policy.name}` lacks {' and '.join(map('`{}`'.format, missing))}"
        yield Diagnostic("MP505", text, policy.span, help=help)


def _held(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with the modes, dates and rollouts of *policy* and its rules."""
    yield from _dates(policy.name, policy.controls, rulebook)
    # (an expiry on each of its rules ends the shadow too)
    each = [one(block.settings, "expires") for block in policy.rules]
    if rulebook.read.filled and (not each or None in each):
        yield from _forever(policy.name, policy.controls)
    for block in policy.rules:
        name = f"{policy.name}: {block.kind}"
        yield from _dates(name, block.settings, rulebook)
        if KINDS[block.kind].shadowable:
            if rulebook.read.filled and one(policy.controls, "expires") is None:
                yield from _forever(name, block.settings)
        elif block.mode == "shadow":
            text = f"`{block.kind}` has no shadow mode: watching changes nothing"
            yield Diagnostic("MP503", text, block.span, help="leave `mode` out")
        yield from _rollout(block)


def _dates(name: str, settings: Tree, rulebook: Rulebook) -> Iterator[Diagnostic]:
    written = one(settings, "expires")
    if written is None:
        return
    left = end_of(date.fromisoformat(written.value)) - rulebook.now
    if left <= timedelta(0):
        text = f"`{name}` has expired: it held to the end of {written.value}, UTC"
        yield Diagnostic("MP502", text, written.span, help="take it out, or set a later date")
    elif left <= timedelta(seconds=rulebook.settings.expiry_warning):
        text = f"`{name}` expires in {max(left.days, 0)} days"
        help = "`settings.expiry_warning` says how early this is reported"
        yield Diagnostic("MP501", text, written.span, "warning", help=help)


def _forever(name: str, settings: Tree) -> Iterator[Diagnostic]:
    """Yield a shadow without an end."""
    mode = one(settings, "mode")
    if mode is None or mode.value != "shadow" or one(settings, "expires") is not None:
        return
    if not mode.layer.startswith(("defaults", "profiles")):
        text, help = f"`{name}` is in shadow for ever", "give it an `expires`"
        yield Diagnostic("MP504", text, mode.span, "warning", help=help)


def _rollout(block: RuleBlock) -> Iterator[Diagnostic]:
    rollout = block.settings.get("rollout")
    if not isinstance(rollout, Block):
        return
    percent = rollout.settings.get("percent")
    if block.mode == "disabled":
        text = f"a rollout of a rule `{block.kind}` that is disabled"
        yield Diagnostic("MP503", text, rollout.key, help="leave one of the two out")
    elif isinstance(percent, Setting) and not 0 < (share := Ratio.of_number(percent.value)) < 1:
        what = "takes every call" if share else "takes no call"
        help = "leave `rollout` out" if share else "write `mode: disabled` or `mode: shadow`"
        text = f"the rollout of `{block.kind}` {what}"
        yield Diagnostic("MP508", text, percent.span, "warning", help=help)


# --- policies that contradict each other, or name what there is not -------------------


def _rivals(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the conflicts of policies that have a pattern in common, and ask the same besides.

    Whether a function has what each of two others asks is seen in its source.
    """
    alike: dict[tuple[str, Where], list[Candidate]] = {}
    changes = rulebook.changes
    if changes is not None and not changes.globs and not changes.defaults:
        return
    for policy, patterns in rulebook.broad:
        for pattern in patterns:
            key = (pattern.glob.text, policy.where)
            alike.setdefault(key, []).append((rank(policy, pattern), policy))
    for candidates in alike.values():
        if len(candidates) > 1:
            for kind in {block.kind for _, policy in candidates for block in policy.rules}:
                yield from conflicts(kind, rulebook.layers(kind, candidates))


def _twice(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the names and targets that stand in two files."""
    names: dict[tuple[str, str], tuple[Span, int]] = {}
    if rulebook.changes is not None and not rulebook.changes.policies:
        return
    for file in rulebook.files if len(rulebook.files) > 1 else ():
        for what, name, span in _named(file, rulebook):
            first, depth = names.setdefault((what, name), (span, file.depth))
            both = what == "target" and depth != file.depth  # the importer beats the imported
            if first.file != span.file and not both:
                text, help = f"{what} `{name}` stands in another file too", "keep it in one file"
                related = (Related("first here", first),)
                yield Diagnostic("MP403", text, span, related=related, help=help)


def _named(file: PolicyFile, rulebook: Rulebook) -> Iterator[tuple[str, str, Span]]:
    for policy in file.policies:
        if ":" not in policy.name:
            yield "policy", policy.name, policy.span
        for pattern in policy.match if not policy.where.count else ():
            if pattern.glob.exact:
                own = rulebook.own(Target.parse(pattern.glob.text))
                yield "target", str(own), pattern.span
    yield from (("profile", profile.name, profile.span) for profile in file.profiles)
    yield from (("resource", resource.text, resource.span) for resource in file.resources)


def _resource(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    named = policy.resource
    if named is None or not rulebook.read.named or "${" in named.text:
        return  # (nobody knows what there is, or that a variable is not a name was said)
    known = {resource.text for file in rulebook.files for resource in file.resources}
    if named.text not in known:
        near = closest(named.text, known)
        text, help = f"there is no resource `{named.text}`", did_you_mean(near)
        yield Diagnostic("MP406", text, named.span, help=help, suggestions=repair(named.span, near))


def not_allowed(
    plan: Plan, origin_of: Callable[[str], Origin | None] | None = None
) -> Iterator[Diagnostic]:
    """Yield the functions and classes that rules of *plan* may not import.

    With *origin_of*, which tells where each is defined, those that may be named all the same.
    """
    named = chain.from_iterable(rule.imported() for rule in plan.rules)
    for text, span in ((text, span) for text, span, _, by_code in named if not by_code):
        allowed = plan.allowed
        why = allowed.why_not(text)
        if origin_of is not None:
            why = "" if why else allowed.why_not(text, origin_of(text))
        if why:
            yield Diagnostic("MP010", why, span, help=allowed.remedy)


def _all_allowed(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield where rules may import whatever there is."""
    for pattern in chain.from_iterable(rulebook.settings.allow_call):
        if pattern.glob == ANY:
            text = "`settings.allow_call` lets every policy import and call any code there is"
            help = "name the functions that rules need: `package.module:function`"
            yield Diagnostic("MP409", text, pattern.span, "warning", help=help)


def _lone(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what a policy may not import by itself where its paths do not tell what it takes."""
    changes = rulebook.changes
    everywhere = changes is None or changes.defaults
    for policy in rulebook.policies if everywhere else _changed(rulebook):
        tells = not policy.where.count and all(pattern.glob.exact for pattern in policy.match)
        if policy.match and not tells:
            plan, _ = rulebook.made(*rulebook.alone(policy))
            for top in dict.fromkeys(pattern.glob.top for pattern in policy.match):
                yield from not_allowed(replace(plan, target=Target(top, "")))


# --- what never takes effect ----------------------------------------------------------


def _idle(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield defaults and profiles that no policy uses; a file without policies is a library."""
    used = rulebook.kinds
    for file in rulebook.files:
        for block in file.defaults if file.policies else ():
            if block.kind not in used:
                text = f"`defaults` fills in `{block.kind}`, which no policy uses"
                help = "defaults never switch a rule on; write it in a policy"
                yield Diagnostic("MP408", text, block.span, "warning", help=help)
        for profile in file.profiles if file.policies and not file.depth else ():
            if profile.name not in rulebook.profiles.used:
                text = f"no policy uses profile `{profile.name}`"
                help = "name it under a policy's `use`, or take it out"
                yield Diagnostic("MP404", text, profile.span, "warning", help=help)


def _covered(policy: Policy) -> Iterator[Diagnostic]:
    """Yield a policy that excludes all that it matches."""
    excludes = [pattern.glob for pattern in policy.exclude]
    texts = {glob.text for glob in excludes}
    for glob in (pattern.glob for pattern in policy.match if pattern.glob.text not in texts):
        if not glob.exact or not any(each.matches(Target.parse(glob.text)) for each in excludes):
            return
    if excludes and policy.match:
        text = f"policy `{policy.name}` excludes everything that it matches"
        related = (Related("matched here", policy.match[0].span),)
        yield Diagnostic("MP405", text, policy.exclude[0].span, "warning", related=related)


def _beaten(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield a policy of exact targets whose every setting is beaten on every one of them."""
    exact = [pattern.glob.text for pattern in policy.match if pattern.glob.exact]
    winners = [_winner(policy, Target.parse(text), rulebook) for text in exact]
    if len(exact) < len(policy.match) or not winners or not all(winners):
        return
    if any(block.settings for block in policy.rules):
        text = f"policy `{policy.name}` has no effect: others set all that it sets"
        help = f"they are in `{winners[0]}`; `mlpolicy explain {exact[0]}` shows both"
        yield Diagnostic("MP405", text, policy.span, "warning", help=help)


def _winner(policy: Policy, target: Target, rulebook: Rulebook) -> str:
    """Return a policy that beats all of *policy* on *target*; nothing where it has an effect."""
    candidates = rulebook.candidates(rulebook.own(target))
    others = [other for _, other in candidates if other.name != policy.name]
    if not others or len(others) == len(candidates) or policy.where.count:
        return ""
    if any(other.final for _, other in candidates):
        return ""  # what a final policy fixes is a finding at the field (MP402)
    plan, _ = rulebook.made(target, candidates)
    writers = {rule.policy for rule in plan.rules}
    writers.update(value.policy for rule in plan.rules for value in rule.values.values())
    return "" if policy.name in writers else others[0].name


def unseen(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the targets with rules in force that no rule watches, where others are watched."""
    watching = sorted(kind for kind in rulebook.kinds if not KINDS[kind].shadowable)
    for target in rulebook.exact if watching and rulebook.tells_absence else ():
        plan = None if _has(rulebook, target, watching) else rulebook.plan(target)
        if plan is None or plan.sources[0] in rulebook.elsewhere:
            continue
        if any(rule.mode == "enforce" for rule in plan.rules):
            [kind, *_] = watching
            text = f"`{target}` has rules in force and no `{kind}`: their effect will not be seen"
            yield Diagnostic("MP906", text, plan.sources[0], "info", help=f"add `{kind}: {{}}`")


def _has(rulebook: Rulebook, target: Target, kinds: Iterable[str]) -> bool:
    """Whether a policy gives the function under *target* a rule of any of *kinds*."""
    policies = [policy for _, policy in rulebook.candidates(target)]
    return any(policy.rule(kind) for policy in policies for kind in kinds)


# --- what the text shows by itself ----------------------------------------------------


def _unused_variables(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    """Yield the variables that no value asks for; a file without policies may be a library."""
    used = set(chain.from_iterable(_used(source.document) for source in sources))
    for root in (source.root for source in sources):
        known = set(used)
        for environment, entry in _variables(root):
            if entry.key in known:
                continue
            near = closest(entry.key, sorted(used)) if environment else None
            text, help = f"no value uses the variable `{entry.key}`", "take it out"
            if environment:
                text = f"{text}, which environment `{environment}` sets"
            known.add(entry.key)
            yield Diagnostic(
                "MP111",
                text,
                entry.key_span,
                "warning",
                help=did_you_mean(near, help),
                suggestions=repair(entry.key_span, near),
            )


def _used(document: Document) -> Iterator[str]:
    """Yield the variables that values of a file ask for."""
    for entry in entries_of(document.root) if "${vars." in document.text else ():
        for scalar in scalars(entry.value) if not entry.key.startswith("x-") else ():
            yield from _USE.findall(scalar.text)


def _variables(root: Mapping | None) -> Iterator[tuple[str, Entry]]:
    """Yield the variables of a file, then those of each of its environments, with its name."""
    if root is None or root.get("policies") is None:
        return
    yield from (("", entry) for entry in entries_of(root.get("vars")))
    for environment in entries_of(root.get("environments")):
        node = environment.value
        inner = node.get("vars") if isinstance(node, Mapping) else None
        yield from ((environment.key, entry) for entry in entries_of(inner))


def _secrets(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    """Yield the values that look like secrets, written out for everybody who reads the file."""
    message, help = "a secret is written out in the file", "read it from `${env:NAME}`"
    for source in sources:
        text = source.document.text.lower()
        if not any(trace in text for trace in _TRACES):
            continue
        keyed = {scalar.span: (key, scalar) for key, scalar in _keyed("", source.document.root)}
        for key, scalar in keyed.values():  # once each, however many aliases it has
            if "${" in scalar.text or not isinstance(scalar.value, str):
                continue
            if passwords_in(scalar.text) or (is_secret_key(key) and scalar.text):
                yield Diagnostic("MP113", message, scalar.span, "warning", help=help)


def asks_nodes(document: Document) -> bool:
    """Whether a check asks for the nodes of a file once it has been read."""
    text = document.text.lower()
    return any(trace in text for trace in (*_TRACES, "mlpolicy:", "${"))


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
