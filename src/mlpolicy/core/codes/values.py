"""MP1xx: what is wrong with a value."""

from __future__ import annotations

from mlpolicy.core.codes import Code


def _default(written: str) -> str:
    rule = f"on_pressure: default\n      default: {written}"
    return f"version: 1\npolicies:\n  mypkg.serve:predict:\n    memory:\n      {rule}\n"


CODES = (
    Code(
        "MP101",
        "error",
        "unit missing or unknown",
        "A duration or a size has no unit, or one that does not exist.",
        "`30` is seconds to one reader and milliseconds to another; outages came of it.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30s}\n",
    ),
    Code(
        "MP102",
        "warning",
        "unit looks wrong",
        "A duration or a size is far from what anybody writes there.",
        "`ms` and `m` are one letter apart, and what they mean sixty thousandfold.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30ms}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30m}\n",
    ),
    Code(
        "MP103",
        "error",
        "share out of range",
        "A share is below 0% or above 100%.",
        "No share of anything is larger than all of it.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30s, ttl_jitter: 130%}\n",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    cache: {ttl: 30s, ttl_jitter: 13%}\n",
    ),
    Code(
        "MP105",
        "warning",
        "read otherwise by older tools",
        "A value without quotes is text or a number here, and something else to tools of YAML 1.1.",
        "Linters, editors and other services that read the file see `NO` as false and `010` as 8.",
        "version: 1\npolicies:\n  mypkg.serve:predict:\n    labels: {country: NO}\n    retry: 3\n",
        'version: 1\npolicies:\n  mypkg.serve:predict:\n    labels: {country: "NO"}\n    retry: 3\n',
    ),
)
