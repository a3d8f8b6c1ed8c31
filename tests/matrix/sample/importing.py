"""Calls its own functions while it is being imported."""


def tariff(x):
    return x * 3


async def afetch(x):
    return x


class Grid:
    def cell(self, x):
        return x + 1

    edge = 7


TABLE = [tariff(x) for x in range(4)]
FIRST = Grid().cell(1)
