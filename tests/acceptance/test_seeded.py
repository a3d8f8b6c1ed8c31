"""A program that seeds its chance gets the numbers that it gets without a policy."""

from __future__ import annotations

import pytest

SERVE = """
    import random
    import numpy
    try:
        import torch
    except ImportError:
        torch = None

    random.seed(42)
    numpy.random.seed(42)
    if torch is not None:
        torch.manual_seed(42)

    def score(x):
        if x % 10 == 3:
            raise ConnectionError("down")
        return {"x": x}

    async def score_async(x):
        return score(x)

    def rows(x):
        yield score(x)

    def state():
        kind, keys, *rest = numpy.random.get_state()
        own = torch.get_rng_state().tolist() if torch is not None else None
        return random.getstate(), (kind, keys.tolist(), *rest), own

    def drawn():
        return random.random(), float(numpy.random.random()), random.sample(range(100), 3)
"""
PROGRAM = """
    import asyncio
    import serve

    def tried(call):
        try:
            call()
        except ConnectionError:
            pass

    print(serve.drawn())
    before = serve.state()

    async def main():
        for x in range(1000):
            try:
                await serve.score_async(x)
            except ConnectionError:
                pass

    for x in range(1000):
        tried(lambda: serve.score(x % 200))
        tried(lambda: list(serve.rows(x)))
    asyncio.run(main())
    print(serve.state() == before, serve.drawn())
"""
RULES = {
    "retry": "max_attempts: 2, initial_delay: 100us, jitter: {jitter}",
    "cache": "ttl: 100ms, ttl_jitter: 50%",
    "memory": "poll: 10ms",
    "validate": "args: {{x: {{type: int}}}}",
    "monitor": "log: {{sample: 50%, errors: never}}",
}
MODES = {
    "enforce": "",
    "shadow": ", mode: shadow",
    "rollout": ", rollout: {percent: 50%}",
    "rollout by": ", rollout: {percent: 50%, by: x}",
}


def policy(mode, jitter):
    lines = ["version: 1", "policies:"]
    for target in ("score", "score_async", "rows"):
        lines.append(f"  serve:{target}:")
        for kind, fields in RULES.items():
            if kind == "cache" and target == "rows":
                continue
            more = "" if kind == "monitor" else mode
            lines.append(f"    {kind}: {{{fields.format(jitter=jitter)}{more}}}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("mode", "jitter"),
    [
        ("enforce", "full"),
        ("shadow", "full"),
        ("rollout", "full"),
        ("rollout by", "full"),
    ],
)
def test_a_seeded_program_prints_the_same_with_and_without_a_policy(project, mode, jitter):
    """Jitter, samples and rollouts draw from chance of our own; a thousand calls move no state."""
    project.write(serve=SERVE, main=PROGRAM, policy=policy(MODES[mode], jitter))

    without = project.python("main.py")
    under = project.run("run", "--policy", "policy.yaml", "main.py")

    assert (without.code, under.code) == (0, 0), under.out + under.err
    assert under.out == without.out
    assert "True" in under.out
