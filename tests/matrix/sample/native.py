"""Things to call that have no Python code."""

import functools
import math
import operator

root = math.sqrt
first = operator.itemgetter(0)
shout = str.upper
power_of_two = functools.partial(pow, 2)


class Tools:
    absolute = abs
    root = staticmethod(math.sqrt)
