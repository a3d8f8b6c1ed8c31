"""The JSON Schema of the policy language, from the models that read it."""

from __future__ import annotations

from mlpolicy.model.schema.build import schema
from mlpolicy.model.schema.drafts import DRAFTS, in_draft, published

__all__ = ["DRAFTS", "in_draft", "published", "schema"]
