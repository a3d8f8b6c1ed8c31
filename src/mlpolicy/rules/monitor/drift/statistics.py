"""How far counts are from those of a reference, and how often chance alone takes them so far.

The population stability index of a window w against a reference r is the sum over bins of
(w - r) ln(w / r), of shares (Siddiqi, Credit Risk Scorecards, 2006). For samples of n and m of one
distribution it is about (1/n + 1/m) times a chi-squared variable with as many degrees of freedom
as bins less one (Yurdakul, Statistical Properties of the Population Stability Index, 2018).
The G-test is the likelihood ratio for the same question (Sokal and Rohlf, Biometry, 1981).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mlpolicy.core.classes import frozen

_LEAST = 5.0
"""What a bin is expected to hold, at least: those with less are one (Cochran, 1954)."""
_TINY = 1e-300
_CLOSE = 1e-15


def chi2_tail(x: float, degrees: int) -> float:
    """Return how likely a chi-squared variable is above *x*: Q(degrees / 2, x / 2)."""
    return gamma_tail(degrees / 2, x / 2) if degrees > 0 else 1.0


@lru_cache(1024)
def chi2_quantile(tail: float, degrees: int) -> float:
    """Return the value that a chi-squared variable is above with probability *tail*."""
    low, high = 0.0, degrees + 10.0
    while chi2_tail(high, degrees) > tail:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if chi2_tail(middle, degrees) > tail else (low, middle)
    return high


def gamma_tail(a: float, x: float) -> float:
    """Return the regularised upper incomplete gamma function Q(a, x).

    By the series below a + 1 (Abramowitz and Stegun 6.5.29), else by the continued fraction
    (6.5.31), evaluated as Lentz does (Applied Optics 15, 1976).
    """
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        at = a
        while abs(term) > abs(total) * _CLOSE:
            at += 1
            term *= x / at
            total += term
        return max(1 - front * total, 0.0)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction, step, i = d, 0.0, 0
    while abs(step - 1) > _CLOSE and i < 10_000:
        i += 1
        b += 2
        d = 1 / (i * (a - i) * d + b or _TINY)
        c = b + i * (a - i) / c or _TINY
        step = c * d
        fraction *= step
    return front * fraction


@frozen()
class Comparison:
    """A window beside a reference."""

    psi: float
    p: float
    """How often a G-test gives as much for two samples of one distribution."""
    degrees: int
    noise: float
    """1/n + 1/m, of the effective sizes."""


def effective(n: float, lag1: float) -> float:
    """Return how many independent values say as much as *n* with that autocorrelation.

    n (1 - r) / (1 + r), as for a first-order process (Bayley and Hammersley, 1946), where r is more
    than the two standard errors that chance makes.
    """
    if n <= 0 or lag1 <= 2 / math.sqrt(n):
        return n
    r = min(lag1, 0.999)
    return max(n * (1 - r) / (1 + r), 1.0)


def compare(
    window: Sequence[int], reference: Sequence[int], lags: tuple[float, float] = (0.0, 0.0)
) -> Comparison:
    """Return how far *window* is from *reference*, counts of the same bins; *lags* are of each."""
    n, m = sum(window), sum(reference)
    if not n or not m:
        return Comparison(0.0, 1.0, 0, math.inf)
    bins = list(_pooled(window, reference))
    k = len(bins)
    psi = 0.0
    for w, r in bins:  # (half a count more in each: an empty bin has no logarithm)
        p, q = (w + 0.5) / (n + 0.5 * k), (r + 0.5) / (m + 0.5 * k)
        psi += (p - q) * math.log(p / q)
    en, em = effective(n, lags[0]), effective(m, lags[1])
    rows = [(w * en / n, r * em / m) for w, r in bins]
    g = sum(_likelihood(w, r, en, em) for w, r in rows)
    return Comparison(psi, chi2_tail(max(g, 0.0), k - 1), k - 1, 1 / en + 1 / em)


def _pooled(window: Sequence[int], reference: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the bins that hold enough, and those that do not as one."""
    n, m = sum(window), sum(reference)
    rest = [0, 0]
    for w, r in zip(window, reference, strict=True):
        if (w + r) * min(n, m) / (n + m) >= _LEAST:
            yield w, r
        else:
            rest[0] += w
            rest[1] += r
    if any(rest):
        yield rest[0], rest[1]


def _likelihood(w: float, r: float, n: float, m: float) -> float:
    each = (w + r) / (n + m)
    return 2 * sum(o * math.log(o / (each * of)) for o, of in ((w, n), (r, m)) if o > 0)
