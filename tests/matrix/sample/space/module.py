"""A module of a namespace package: there is no `__init__.py` beside it."""


def surface(a, b):
    return a * b
