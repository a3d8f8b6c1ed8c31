"""The frame of the matrix: every check runs with the policy before and after its references.

A check is a generator. Up to its `yield` it does what a program did before the policy came:
it imports, and takes references. After the `yield` it uses them and asserts what they give.
`early` puts the policy in place before the first line, `late` at the `yield`.
Either way the policy must have run exactly as often as the check says, the function must be
the object that it was, and `uninstall` must bring back its code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from tests.matrix.originals import Originals

Scene = Iterator[object]
WHEN = ("early", "late")
PACKAGE = "sample"


def placed(
    *targets: str, calls: int | Mapping[str, int] = 1, when: Iterable[str] = WHEN
) -> Callable[[Callable[[], Scene]], Callable[..., None]]:
    """Make a test of a check: *targets* under policy, called *calls* times in all."""

    def decorate(check: Callable[[], Scene]) -> Callable[..., None]:
        @pytest.mark.parametrize("when", list(when))
        def test(when: str, tmp_path: Path) -> None:
            expected = calls if isinstance(calls, int) else calls[when]
            policy = write_policy(tmp_path / "policy.yaml", *targets)
            finders = _finders()
            with fresh():
                tally = Tally(*targets)
                (_early if when == "early" else _late)(check, policy, targets)
                made = tally.calls
                assert made == expected, f"the policy ran {made} times, not {expected}"
                assert _finders() == finders, "uninstall left a finder behind"
                _use(check())
                assert tally.calls == made, "the policy ran after uninstall"

        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(test, name, getattr(check, name))
        return test

    return decorate


def _finders() -> list[object]:
    """Return our finders; libraries may add theirs when they are imported."""
    return [one for one in sys.meta_path if type(one).__module__.startswith("mlpolicy")]


def write_policy(path: Path, *targets: str, rules: str = "monitor: {log: {sample: 0%}}") -> Path:
    """Write a policy file that puts *rules* on every target."""
    lines = ["version: 1", "policies:"]
    for target in targets:
        lines += [f'  "{target}":', f"    {rules}"]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def calls_of(*targets: str) -> int:
    """Return how often the policy of *targets* ran, whatever came of the calls."""
    families = (f for f in METERS.collect() if f.name == "mlpolicy_calls_total")
    samples = [sample for family in families for sample in family.samples]
    return int(sum(s.value for s in samples if dict(s.labels)["function"] in targets))


class Tally:
    """Counts the calls of *targets* from the moment it is made."""

    def __init__(self, *targets: str) -> None:
        self._targets = targets
        self._before = calls_of(*targets)

    @property
    def calls(self) -> int:
        """How often the policy ran since."""
        return calls_of(*self._targets) - self._before


@contextmanager
def governed(policy: Path) -> Iterator[None]:
    """Put *policy* in force for the block."""
    mlpolicy.install(policy=policy)
    try:
        yield
    finally:
        mlpolicy.uninstall()


@contextmanager
def fresh(package: str = PACKAGE) -> Iterator[None]:
    """Import the modules of *package* anew in the block, and forget them after it."""
    _forget(package)
    try:
        yield
    finally:
        _forget(package)


def _forget(package: str) -> None:
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]


def _early(check: Callable[[], Scene], policy: Path, targets: tuple[str, ...]) -> None:
    with governed(policy):
        scene = check()
        held = next(scene)
        _use(scene)
    Originals(targets, held).assert_as_compiled()


def _late(check: Callable[[], Scene], policy: Path, targets: tuple[str, ...]) -> None:
    scene = check()
    held = next(scene)
    originals = Originals(targets, held)
    with governed(policy):
        _use(scene)
    originals.assert_back()


def _use(scene: Scene) -> None:
    for _ in scene:
        pass
