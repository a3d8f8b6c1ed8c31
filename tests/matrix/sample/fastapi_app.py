"""A FastAPI service; its routes hold the functions from the moment they are defined."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

app = FastAPI()
router = APIRouter(prefix="/v1")


class Basket(BaseModel):
    items: list[int]


def current_user(token: str = "guest") -> str:
    return f"user-{token}"


async def session(name: str = "none"):
    yield f"session-{name}"


@app.get("/sync/{item}")
def read_sync(item: int, scale: int = 1):
    return {"item": item * scale}


@app.get("/async/{item}")
async def read_async(item: int):
    return {"item": item + 1}


@app.get("/me")
def read_me(user: Annotated[str, Depends(current_user)]):
    return {"user": user}


@app.get("/session")
async def read_session(held: Annotated[str, Depends(session)]):
    return {"session": held}


@router.post("/total")
def total(basket: Basket):
    return {"total": sum(basket.items)}


app.include_router(router)
