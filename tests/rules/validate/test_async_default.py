"""A default where none can be given."""

from __future__ import annotations

import asyncio

import pytest

from mlpolicy.errors import ValidationFailed


def test_an_async_generator_is_refused_where_a_default_cannot_stand_in(place, caplog):
    """It says so once, and the refusal is what it would be without a default."""

    async def rows(n):
        yield n

    async def read(n):
        return [row async for row in rows(n)]

    rule = {"args": {"n": {"type": "int"}}, "on_fail": "default", "default": []}
    place(rows, validate=rule)

    assert asyncio.run(read(1)) == [1]
    for _ in range(2):
        with pytest.raises(ValidationFailed):
            asyncio.run(read("x"))
    assert sum("cannot be given a default" in one.getMessage() for one in caplog.records) == 1
