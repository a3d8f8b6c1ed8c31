"""What must not be shown is masked where it stands."""

from __future__ import annotations

from time import process_time

import pytest

from mlpolicy.core.report import masked


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  api_token: s3cr3t", "  api_token: ******"),
        ('  {db-password: "a b", x: 1}', "  {db-password: *****, x: 1}"),
        ("  url: redis://me:hunter2@host/0", "  url: redis://me:*******@host/0"),
        ("  \"token\": 'x'  # why", '  "token": ***  # why'),
        ("  token: ${env:TOKEN}", "  token: ${env:TOKEN}"),
        ("  key: [token, user]", "  key: [token, user]"),
        ("  tokens: 3, has_param: [token]", "  tokens: 3, has_param: [token]"),
        ("  secret: {a: b}", "  secret: {a: b}"),
    ],
)
def test_a_secret_is_masked_and_all_else_keeps_its_column(line, shown):
    assert masked(line) == shown
    assert len(shown) == len(line)


@pytest.mark.parametrize("word", ["x", "a.", "a-", "a: "])
def test_a_line_of_a_million_letters_is_shown_at_once(word):
    """It took minutes when each letter was tried as the first of a key or of a URL."""
    line = word * (10**6 // len(word))
    began = process_time()

    assert masked(line) == line
    assert process_time() - began < 2
