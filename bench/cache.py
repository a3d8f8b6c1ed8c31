"""Cache: what a hit costs."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cachebox
import cachetools
import numpy as np

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed

RULE = "cache: {ttl: 1h, max_entries: 1024}"


def benches() -> Iterator[Bench]:
    """Yield the rows of the budget."""
    names = ("cached", "cached_pair", "cached_dict", "cached_array", "cached_large")
    functions = {name: subject.copy_of(subject.classify, name) for name in names}
    functions["cached"] = subject.copy_of(subject.predict, "cached")
    functions["cached_pair"] = subject.copy_of(subject.score, "cached_pair")
    hit_async = subject.copy_of(subject.predict_async, "cached_async")
    mapping = {f"key{at}": at for at in range(50)}
    small, large = np.arange(1000, dtype=np.float64), np.arange(1_000_000, dtype=np.float64)
    with governed(dict.fromkeys([*functions, "cached_async"], RULE)):
        yield Bench(
            "TTL hit int",
            subject.bare(subject.predict),
            [Contender("mlpolicy", functions["cached"], peer=False), *_peers(subject.predict)],
            1.3,
            arguments=(3,),
            note="ours with bound and exact statistics; cachetools with the lock that threads need",
        )
        yield Bench(
            "TTL hit two scalars",
            subject.bare(subject.score),
            [Contender("mlpolicy", functions["cached_pair"], peer=False), *_peers(subject.score)],
            1.6,
            arguments=(3, 0.5),
        )
        yield Bench(
            "TTL hit async",
            subject.bare_async(subject.predict_async),
            [
                Contender("mlpolicy", hit_async, peer=False),
                Contender(
                    "cachebox",
                    cachebox.cached(cachebox.TTLCache(1024, 3600))(subject.predict_async),
                ),
            ],
            1.0,
            asynchronous=True,
            arguments=(3,),
        )
        yield _keyed(
            "hit, dict of 50",
            functions["cached_dict"],
            mapping,
            lambda d: tuple(sorted(d.items())),
            15,  # (two calls of C alone, which read and write the values, take 11 to 12)
        )
        yield _keyed("hit, array 1k", functions["cached_array"], small, lambda a: a.tobytes(), 7)
        yield _keyed("hit, array 1M", functions["cached_large"], large, lambda a: a.tobytes(), 2000)


def _peers(function: Callable[..., Any]) -> list[Contender]:
    locked = cachetools.cached(cachetools.TTLCache(1024, 3600), lock=threading.RLock())
    return [
        Contender("cachetools + lock", locked(function)),
        Contender("cachebox", cachebox.cached(cachebox.TTLCache(1024, 3600))(function)),
    ]


def _keyed(
    row: str, ours: Callable[..., Any], value: Any, key: Callable[[Any], Any], target: float
) -> Bench:
    tools = cachetools.cached(cachetools.TTLCache(64, 3600), key=key, lock=threading.RLock())
    box = cachebox.cached(cachebox.TTLCache(64, 3600), key_maker=pickle.dumps)
    return Bench(
        row,
        subject.bare(subject.classify),
        [
            Contender("mlpolicy", ours, peer=False),
            Contender("cachetools, key by hand", tools(subject.classify)),
            Contender("cachebox + pickle", box(subject.classify)),
        ],
        target,
        arguments=(value,),
    )
