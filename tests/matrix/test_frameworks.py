"""Routes and dependencies hold functions from the moment they are defined."""

from __future__ import annotations

import asyncio

import httpx

from tests.matrix.placed import placed

A, K = "sample.fastapi_app:", "sample.flask_app:"


def _get(app, *paths, **more):
    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            found = [(await client.get(path)).json() for path in paths]
            if more:
                found.append((await client.post(more["path"], json=more["json"])).json())
            return found

    return asyncio.run(ask())


@placed(
    *(
        A + name
        for name in (
            "read_sync",
            "read_async",
            "read_me",
            "current_user",
            "session",
            "read_session",
            "total",
        )
    ),
    calls=7,
)
def test_fastapi():
    from sample.fastapi_app import app

    yield
    paths = ("/sync/2?scale=3", "/async/1", "/me?token=x", "/session?name=s")
    found = _get(app, *paths, path="/v1/total", json={"items": [1, 2]})
    assert found == [
        {"item": 6},
        {"item": 2},
        {"user": "user-x"},
        {"session": "session-s"},
        {"total": 3},
    ]
    assert "detail" in _get(app, "/sync/none")[0]


@placed(*(K + name for name in ("read", "prepare", "status", "Things.get")), calls=6)
def test_flask():
    from sample.flask_app import app

    client = app.test_client()
    yield
    assert client.get("/item/4").json == {"item": 8}
    assert client.get("/v1/status").text == "up"
    assert client.get("/things/3").json == {"thing": 3}
