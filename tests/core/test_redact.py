"""What must not be shown is masked where it stands."""

from __future__ import annotations

from time import process_time

import pytest

from mlpolicy.core.report import is_secret, masked, redacted, without


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


SECRET = """
    DB_PASS SSHPASS GITHUB_PAT BASIC_AUTH REDISCLI_AUTH SENTRY_DSN DATABASE_URL REDIS_URL MONGODB_URI
    SQLALCHEMY_DATABASE_URI CONNECTION_STRING CONN_STR SLACK_WEBHOOK_URL JWT MY_JWT MYSQL_PWD
    PASSWORD_SALT COOKIE SESSION SESSION_ID BEARER SIGNATURE CARD_PIN SMS_OTP PRIVATE_KEY SSH_KEY apiKey
    clientSecret dbPassword PGPASSWORD API_KEY_PROD API_KEY2 TOKEN GITHUBTOKEN ACCESS_TOKENS oauth2Token
    AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID SECRET_ID KEY AUTHORIZATION DOCKER_AUTH_CONFIG x-api-key pwd
    """.split()
PLAIN = """
    AUTHOR PATH COMPASS PASSES PASSPORT KEYBOARD MONKEY KEYWORD CACHE_KEY_PREFIX KEYCLOAK_HOST PRIMARY_KEY
    PUBLIC_KEY TOKENIZER TOKENIZERS_PARALLELISM TOKENIZER_PATH MAX_TOKENS max_new_tokens maxTokens
    TOKENS_PER_MINUTE TOKEN_LIMIT SECRETARY BYPASS SPIN PIN_MEMORY PATTERN PATIENT AUTH_MODE SESSIONS
    SESSION_TIMEOUT COOKIE_DOMAIN SIGNAL SIG_DIGITS API_URL BASE_URL PWD OLDPWD HOST REGION MODEL_NAME
    """.split()


def test_a_name_says_secret_by_its_words():
    assert [name for name in SECRET if not is_secret(name)] == []
    assert [name for name in PLAIN if is_secret(name)] == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "redis://:{}@host/0",
            "at postgresql+psycopg://me:{}@db.shop:5432/x?y=1 now",
            "ftp://a:{}@b, c",
        ),
    ],
)
@pytest.mark.parametrize(
    "password", ["hunter2", "@ss", "p@ss/w", "a:b", "x?y#z", "%40%2F", "/", "1/2", "é𝄞", "{x}"]
)
def test_the_password_of_a_url_is_hidden_whatever_is_in_it(text, password):
    assert redacted(text.format(password)) == text.format("***")


def test_a_value_that_is_a_url_has_the_password_up_to_its_last_sign():
    """Spaces, quotes and line breaks in it, too."""
    assert redacted('redis://:a b@c "d\n@e@host/0') == "redis://:***@host/0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("access_token=abc123 x", "access_token=*** x"),
        ("client_secret: s3cr3t-x", "client_secret: ***"),
        ("refresh_token = abc, id_token:def.", "refresh_token = ***, id_token:***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("'authorization': 'Basic dXNlcjpwYXNz', 1", "'authorization': '***', 1"),
        ("Proxy-Authorization: Digest username='a', response='b'", "Proxy-Authorization: ***'"),
        ("X-Api-Key: abcd", "X-Api-Key: ***"),
        ("run --db-password abcd -x", "run --db-password *** -x"),
        ("token := abc, JSESSIONID=abc", "token := ***, JSESSIONID=***"),
        ("Cookie: a=b; c=d\nnext", "Cookie: ***\nnext"),
        ("Set-Cookie: sid=zzz; Path=/", "Set-Cookie: ***"),
        ('{"api_key": "sk", "x": 1}', '{"api_key": "***", "x": 1}'),
        ('{\\"password\\": \\"a b\\", \\"x\\": 1}', '{\\"password\\": \\"***\\", \\"x\\": 1}'),
        ("{'password': b'it is', 'u': 1}", "{'password': b'***', 'u': 1}"),
        ("GET /x?token=abc&user=me&key=AIzz", "GET /x?token=***&user=me&key=***"),
        ("AKIAIOSFODNN7EXAMPLE x", "*** x"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_ end", "got *** end"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- ok", "*** ok"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIEcut", "***"),
        ("Bearer abc123 failed", "Bearer *** failed"),
        ("sk-proj-abcdefgh12345678901234", "***"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/***"),
        ("${env:TOKEN:-my default}", "${env:TOKEN:***}"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_a_text(text, shown):
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "bearer token missing",
            "Basic auth failed",
            "max_tokens=4096",
            "key: user",
            "the pass: 3",
        ),
        *(
            "https://host/a@b",
            "redis://host:6379/0",
            "http://host:8080/a@b",
            "at http://api:80 and x@y",
        ),
        *(
            "{token: {type: str}}",
            "password: ${env:P}",
            "8192 tokens: 9000 given",
            "m:f has no token",
        ),
    ],
)
def test_plain_words_stay_as_they_are(text):
    assert redacted(text) == text


@pytest.mark.parametrize("cut", [8, 40, 63, 99])
def test_a_piece_of_a_secret_is_hidden_however_it_is_cut(cut):
    secret = "".join(chr(33 + at * 7 % 93) for at in range(100))

    for text in (secret[:cut], repr(secret)[1 : cut + 1], secret[-cut:], secret[:cut].upper()):
        assert without(f"found `{text}…`", {secret}) == "found `***…`"


def test_a_number_is_hidden_however_it_is_written():
    assert without("wait 12345s, 123456", {"12345"}) == "wait ***s, 123456"
    assert without("1e3 is 1000.0 or 1,000, not 10000", {"1e3"}) == "*** is *** or ***, not 10000"


@pytest.mark.parametrize(
    "word",
    [
        *(
            "x",
            "a.",
            "a-",
            "a: ",
            "a=",
            "://",
            "a://b:c ",
            "a://b:@",
            "password='",
            "\\",
            "token: ",
        ),
        *(
            "bearer  ",
            "basic aA",
            "eyJabcdefgh.",
            "-----BEGIN A-----",
            "SG.",
            "sk-",
            "_KEY",
            "aB",
            "@",
        ),
    ],
)
def test_a_text_of_a_million_letters_is_looked_through_at_once(word):
    """It took minutes when each letter was tried as the first of a key or of a URL."""
    line = word * (10**6 // len(word))
    began = process_time()

    masked(line)
    redacted(line)
    is_secret(line)
    assert process_time() - began < 6


@pytest.mark.parametrize(
    "path", ["shop.token:verify", "a.api_keys:Store.load", "a.auth_token:<locals>"]
)
def test_the_path_of_a_function_is_shown(path):
    """It is what an operator looks for in a log, whatever its module is called."""
    text = f"{path} has no argument `usr`; the cache rule is skipped"

    assert redacted(text) == text
    assert redacted(f"{path.replace(':', ': ')} or token:verify") != text
