"""Functions that look at who called them."""

import sys
import warnings


def caller():
    return sys._getframe(1).f_code.co_name


def old(x):
    warnings.warn("use new", DeprecationWarning, stacklevel=2)
    return x


def plain(x):
    return x + 1


def _private(x):
    return x + 2


class Public:
    def method(self, x):
        return x + 3

    def _hidden(self, x):
        return x + 4
