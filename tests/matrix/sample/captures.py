"""References to other modules' functions, taken when this module is imported."""

import functools
from operator import methodcaller

from sample import functions
from sample.classes import Model
from sample.functions import fetch, price
from sample.functions import price as renamed

TABLE = {"price": price, "fetch": fetch}
HANDLERS = [price, functions.factorial]
half = functools.partial(price, rate=0.5)
MODEL = Model(4)
predict = MODEL.predict
unbound = Model.predict
clip = Model.clip
load = Model.load
ask = methodcaller("predict", 2)


def through_default(x, run=price):
    return run(x)


def _keep(function):
    def call(x):
        return function(x)

    return call


through_closure = _keep(price)


class Service:
    price = staticmethod(price)
    quote = price

    def __init__(self, run=price):
        self.run = run
