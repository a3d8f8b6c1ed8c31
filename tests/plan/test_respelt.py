"""Patterns and paths that differ by one slip."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Glob, Target
from mlpolicy.plan.respelt import respelt


@pytest.mark.parametrize(
    ("glob", "target", "meant"),
    [
        ("shop.serv:*", "shop.serve:predict", "shop.serve:*"),
        ("shop.**:Ranker.*", "shop.ml.deep:Rankers.fit", "shop.**:Rankers.*"),
        ("shop.**.clinets:get", "shop.a.b.clients:get", "shop.**.clients:get"),
        ("shpo.**:get", "shop:get", "shop.**:get"),
        ("shop.**.http:fecth_*", "shop.http:fetch_all", "shop.**.http:fetch_*"),
        ("shop:predct", "shop:predict", "shop:predict"),
        # More than one slip, another form, and nothing alike.
        ("shop.serv:fecth_*", "shop.serve:fetch_all", None),
        ("shop.serve:*", "shop.serve:Model.fit", None),
        ("shop.**.a:f", "shop:g", None),
        ("shop:*_one", "shop:two", None),
        ("shop:safe_*", "shop:popular", None),
        ("shop:*", "shop:popular", None),  # (it takes it as it is)
    ],
)
def test_a_pattern_is_mended_in_one_component(glob, target, meant):
    """What it then is takes the function."""
    found = respelt(Glob(glob), Target.parse(target))

    assert (found and found.glob.text) == meant
    assert found is None or found.glob.matches(Target.parse(target))
    assert found is None or Glob(glob).matches(found.target)
