"""Tests of policies, written beside them: `*.test.yaml`, run by `mlpolicy test` and by pytest."""
