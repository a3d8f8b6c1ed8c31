"""What is said of ourselves to logs, and what must not be shown: secrets, and passwords in URLs."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # (`signal` makes enumerations of what it gives: twenty times as slow)
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType, FrameType, TracebackType
from typing import Final

LOGGER = logging.getLogger("mlpolicy")

_MOST: Final = 10_000
"""Sorts of texts that are remembered; who says more of them says nothing new."""
_MOST_OF_A_SORT: Final = 1000
"""Texts of one sort: no policy and no caller takes the room of what others have to say."""
_said: dict[str, dict[str, object]] = {}


def say_once(key: str, message: str, *, error: BaseException | None = None) -> bool:
    """Log *message* as a warning unless *key* was said before; return whether it was logged."""
    mine, sort = object(), key.partition(":")[0]
    if len(_said) >= _MOST and sort not in _said:
        return False
    # Each an atomic step, no lock: a finalizer or a signal handler may have something to say too.
    room = _said.setdefault(sort, {})
    if len(room) >= _MOST_OF_A_SORT or room.setdefault(key, mine) is not mine:
        return False
    if len(room) == _MOST_OF_A_SORT:
        message += f" (nothing more of this sort, `{sort}`, is said)"
    return say(message, logging.WARNING, error=error)


def say(message: str, level: int, *, error: BaseException | None = None) -> bool:
    """Log *message*; return whether that could be done."""
    try:
        LOGGER.log(level, redacted(message), exc_info=error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return False  # a handler of the user's that fails must not fail the call
    return True


def words(error: BaseException) -> str:
    """Return the message of *error*; that of the user's may fail to be made."""
    try:
        return str(error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return "(its message cannot be made)"


def told(error: BaseException) -> str:
    """Return the class of *error* and its message."""
    return f"{type(error).__name__}: {words(error)}"


def guarded(work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    """Do *work*; an error of ours, or of what it looks at, goes to *failed* and no farther."""
    try:
        work()
    except Exception as error:
        if interrupts(error):
            raise
        failed(error)


def forget() -> None:
    """Let everything be said again; a new policy is a new story."""
    _said.clear()


_OWN_MESSAGES: Final = (AssertionError, MemoryError, StopIteration, StopAsyncIteration)
"""What the interpreter itself raises without a message."""


def interrupts(error: BaseException) -> bool:
    """Tell whether *error* came from outside into the code that it was raised in.

    A signal handler is known by its frame: one of its arguments is the frame that it
    interrupted, or its code is that of a handler which is set. An exception that was set by
    another thread has no frame of its own: it has no arguments, and rises in a line of ours that
    raises nothing.
    """
    trace, outer, handlers = error.__traceback__, None, _handlers()
    while trace is not None:
        frame = trace.tb_frame
        if outer is not None and (frame.f_code in handlers or _handles(frame, outer)):
            return True
        outer = frame
        if trace.tb_next is None:
            return _was_set(error, trace)
        trace = trace.tb_next
    return False


def _handlers() -> set[CodeType]:
    """Return the code of every signal handler that is set and written in Python."""
    set_now = (_signal.getsignal(number) for number in _signal.valid_signals())
    called = (getattr(one, "__func__", one) if callable(one) else None for one in set_now)
    codes = (getattr(one, "__code__", None) for one in called)
    return {code for code in codes if isinstance(code, CodeType)}


def _handles(frame: FrameType, interrupted: FrameType) -> bool:
    each = (one if type(one) is tuple else (one,) for one in tuple(frame.f_locals.values()))
    return any(one is interrupted for values in each for one in values)


def _was_set(error: BaseException, trace: TracebackType) -> bool:
    from opcode import opmap

    frame = trace.tb_frame
    ours = str(frame.f_globals.get("__name__")).partition(".")[0] == "mlpolicy"
    if not ours or error.args or isinstance(error, _OWN_MESSAGES):
        return False
    return frame.f_code.co_code[trace.tb_lasti] != opmap["RAISE_VARARGS"]


# --- what must not be shown ----------------------------------------------------------------
# (patterns are compiled where they are first needed: most services never show a secret)

HIDDEN = "***"
_WORD = "[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+"
_NAMES = (
    # What is counted, or anybody may know, and then what only says something about a secret.
    "_(?:(?:MAX|MIN|NUM|N|TOTAL|NEW|INPUT|OUTPUT|PROMPT|COMPLETION|CONTEXT|REASONING|CACHED|EOS|BOS|"
    "PAD|CLS|SEP|UNK|MASK|STOP|START|END|SPECIAL|NEXT)_?TOKENS?|"
    "(?:PUBLIC|PRIMARY|FOREIGN|SORT|PARTITION|CACHE|ROUTING|INDEX|GROUP|JOIN|DICT|HOT)_KEYS?|"
    "(?:FIRST|SECOND|SINGLE|ONE|TWO|MULTI|FORWARD|BACKWARD)_PASS|"
    "(?P<secret>(?:[A-Z0-9]*(?:PASSWORD|PASSWD|PASSPHRASE|PASSCODE|SECRET|TOKEN|CREDENTIAL|COOKIE|"
    "WEBHOOK|(?:API|SECRET|ACCESS|PRIVATE|MASTER|AUTH|ACCOUNT|SIGN|SIGNING|ENCRYPTION|LICENSE|SSH|SSL|"
    "TLS|PGP|GPG|RSA|AES|HMAC|STORAGE|SHARED|SERVICE|CLIENT|APP|ADMIN|DEPLOY|SESSION)KEY)S?|"
    "KEYS?|PWD|CREDS?|DSN|BEARER|JWTS?|AUTHORIZATION|SIGNATURE|[A-Z]*SESS(?:ION)?_?ID|"
    "AUTH_(?:CODE|CONFIG|DATA|HEADER|STRING)|CONN(?:ECTION)?_?(?:STRING|STR|URL|URI|INFO)|"
    "[A-Z0-9]*(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQL|MONGO|REDIS|VALKEY|AMQP|RABBITMQ|BROKER|JDBC|"
    "ODBC|CLICKHOUSE|SNOWFLAKE)_?(?:URL|URI)|"
    "(?:(?:SSH|PG|DB|USER|SMTP|ADMIN|ROOT|MYSQL|REDIS|PROXY)?PASS|PW|PAT|AUTH|PIN|OTP|TOTP|SALT|"
    "SESSION|SIG|HMAC|PEM)(?=_$))(?!_(?:ALG|ALGO|ALGORITHM|AGE|BUDGET|CLASS|COLUMN|COUNT|DIR|DOMAIN|"
    "ENABLED|EXPIRE|EXPIRES|EXPIRY|FIELD|FILE|FORMAT|HEADER|HTTPONLY|INDEX|INTERVAL|LEN|LENGTH|LIMIT|"
    "MAX|MIN|MODE|NAME|NAMES|PATH|PER|POLICY|PORT|PREFIX|PROVIDER|REQUIRED|RETRIES|ROTATION|SAMESITE|"
    "SCHEMA|SECURE|SIZE|STORE|SUFFIX|TEMPLATE|TIMEOUT|TTL|TYPE|VAULT|VERSION)_)))(?=_)"
)
"""A name, its words between `_`: it is one of a secret if anything is in that group."""
_OF_SECRETS = (
    r"(?i)(?:^|[_-])(?:password|passwd|passphrase|secret|token|(?:api|access|private)[_-]?key)$"
)
# A run of letters is tried from its beginning alone, once: a text may be a million of them. What
# stands between one `://` and the next is looked through a few times.
_INSIDE = r"(?:(?!://)[^\s\"'`])*@|(?:(?!://)\S)*@|(?=\S)(?:(?!://)[^@\n]){1,200}@"
_USERINFO = (
    r"(?<![a-zA-Z0-9+.-])(?!(?:http|ws)s?://[\w.-]+:[0-9]{1,5}[/?#])[a-zA-Z0-9+.-]++://"
    rf"(?![\w.-]+:[0-9]{{1,5}}(?:[\s\"'`,;)\]}}]|$))[^/\s:@]*:(?P<secret>{_INSIDE})"
)
_WHOLE_URL = (
    r"(?s)\s*(?P<url>[a-zA-Z0-9+.-]+://[^/\s:@]*):(?P<secret>(?:(?!\s[^\s:]*://).)+)@[^@\s]*\s*"
)
_BY_ITSELF = (
    r"(?i:\bbearer\s++)(?!(?i:tokens?|auth|authentication|authorization|credentials?|scheme|header|"
    r"realm|format|is|was|not|and|or|for|of|in|missing|required|invalid|expired)\b)([^\s\"'`,;\\<>]+)"
    r"|(?i:\bbasic\s++)((?=[A-Za-z]+[A-Z0-9=+/]|[0-9])[\w+/=-]{4,}+)"
    r"|(?<![A-Za-z0-9])((?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}+)"
    r"|(?<![\w-])(eyJ[\w-]{8,}+(?:\.[\w-]*+)*+)"
    r"|(-----BEGIN [A-Z0-9 ]{1,40}-----(?s:.*?)(?:-----END [A-Z0-9 ]{1,40}-----|\Z))"
    r"|(?<![\w.-])((?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|sk-|[rs]k_(?:live|test)_|hf_|AIza|"
    r"npm_|pypi-|SG\.|ya29\.)(?=[\w.-]*[0-9])[\w.-]{16,}+)"
    r"|(?i:(?<![\w-])--(?:[a-z]+-)*(?:password|passwd|token|secret|api-key|access-key)\s++)(\S+)"
    r"|(?<=//hooks\.slack\.com/)([^\s\"'`<>]+)|(?<=/api/webhooks/)([^\s\"'`<>]+)"
)
"""What is known for a secret by its form; that is the only group that is there."""
_NAMED = (
    r"(?<![\w-])(?P<key>[\w-]++)(?P<quote>\\{0,8}[\"'])?\s*+(?P<mark>:=|=>?|:|%3[Dd])(?!//)\s*+"
)
_QUOTED = r"(?s)(?P<begin>[bBrRuU]?(?P<quote>\\{0,8}[\"']))(?P<secret>(?:(?!(?<!\\)(?P=quote)).)*+)"
_IN_PROSE = (
    r"(?i)keys?|tokens|pass|auth|pin|otp|salt|session|pat|pw|pem|sig|signature|hmac|bearer|dsn"
)
"""Names that stand before a colon, or `=`, in plain words as well."""
_WRITTEN = (
    r"""(?<![\w-])(?P<key>[\w-]++)["']?:\s+(?P<value>"[^"]*"|'[^']*'|[^\s,\[\]{}"'#][^,}#]*)"""
)


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Whether a variable or an argument of that name holds what must not be shown."""
    words = "_".join(["", *re.findall(_WORD, name), ""]).upper()
    # (the shell has the folder under that name)
    return name != "PWD" and any(one["secret"] for one in re.finditer(_NAMES, words))


def is_secret_key(key: str) -> bool:
    """Whether a file that has a value under *key* writes a secret out."""
    return re.search(_OF_SECRETS, key) is not None


def passwords_in(text: str) -> list[str]:
    """Return the passwords of the URLs in *text*."""
    return [text[begin:end] for begin, end in _in_urls(text)]


def redacted(text: str, mark: str = HIDDEN) -> str:
    """Return *text* with *mark* for what is known for a secret by its form, or by the name before it.

    The passwords of its URLs are left out as well.
    """
    text = _less(text, _in_urls(text), HIDDEN)
    return _less(text, _known(text), mark)


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with none of the *secrets* in it, whole, cut or respelt, nor what looks like one."""
    return redacted(_less(text, _of(text, frozenset(secrets)), HIDDEN))


def masked(line: str, secrets: Iterable[str] = ()) -> str:
    """Return a *line* of a file with the secrets in it masked; each thing stays in its column."""
    marks = [*_in_urls(line), *_known(line), *_of(line, frozenset(secrets))]
    for one in re.finditer(_WRITTEN, line):
        key = one["key"]
        is_one = is_secret_key(key) or (key.isupper() and is_secret(key))
        written_out = is_one and "${" not in one["value"]
        marks += [one.span("value")] if written_out else []
    return _less(line, marks, "")


def _less(text: str, spans: Iterable[tuple[int, int]], mark: str) -> str:
    """Return *text* with *mark* in place of what is at *spans*; with as many stars without one."""
    parts: list[str] = []
    at = 0
    for begin, end in sorted(spans):
        if end > at:
            parts += (text[at:begin], mark) if begin > at or not parts else ()
            parts.append("" if mark else "*" * (end - max(begin, at)))
            at = end
    return "".join([*parts, text[at:]])


def _in_urls(text: str) -> Iterator[tuple[int, int]]:
    """Yield where *text* has passwords of URLs; one that is a URL as a whole ends at its last `@`."""
    whole = re.fullmatch(_WHOLE_URL, text) if "://" in text else None
    for one in re.finditer(_USERINFO, text) if "://" in text else ():
        begin, end = one.span("secret")
        if end - 1 > begin:  # (it may be empty)
            yield begin, (whole.end("secret") if whole else end - 1)


def _known(text: str) -> Iterator[tuple[int, int]]:
    """Yield where *text* has what is known for a secret by its form, or by the name before it."""
    for one in re.finditer(_BY_ITSELF, text):
        yield one.span(one.lastindex or 0)
    at = 0
    for one in re.finditer(_NAMED, text):
        if one.start() >= at and _tells(one, text[one.start() - 1 : one.start()]):
            begin, at = _value(text, one)
            if at > begin:
                yield begin, at


def _tells(one: re.Match[str], before: str) -> bool:
    """Whether a name in a text is that of a secret; *before* is the letter before it."""
    after = one.string[one.end() : one.end() + 1]
    is_path = before == "." and one[0].endswith(":") and (after.isidentifier() or after == "<")
    # (`//token:` begins a URL, `shop.token:verify` is a function)
    if before == "/" or is_path or not is_secret(one["key"]):
        return False
    if re.fullmatch(_IN_PROSE, one["key"]) is None or (one["quote"] and before in "\"'"):
        return True
    if one["key"].lower() in ("key", "keys", "tokens"):
        return before in ("?", "&")
    return one["mark"] == "="


def _value(text: str, name: re.Match[str]) -> tuple[int, int]:
    """Return where the value begins and ends that stands after *name*."""
    begin, key = name.end(), name["key"].lower()
    quoted = re.compile(_QUOTED).match(text, begin)
    if quoted:
        return quoted.span("secret")
    form = r"\S*"
    if text.startswith(("${env:", "${vars."), begin):
        return begin, begin
    if text[max(name.start() - 5, 0) : name.start()].endswith(("${", "env:", "vars.")):
        form = r"[^}]*"
    elif key in ("cookie", "set-cookie"):
        form = r".*"
    elif key.endswith("authorization"):
        form = r"(?i:(?:digest|aws4-hmac-sha256)\b.*|(?:[a-z][\w-]*\s+)?\S*)"
    elif text[begin : begin + 1] in ("{", "["):
        form = r"[^\]}]*" if name["quote"] else ""
    elif text[name.start() - 1 : name.start()] in ("?", "&"):
        form = r"[^\s&#\"'`<>]*"
    found = re.compile(form).match(text, begin)
    value = found[0].rstrip(",;)}]>\"'`\\") if found else ""
    return begin, begin + len(value)


_SHORT = 4
"""Letters below which a secret is looked for as a word alone: `1` is in many a number."""
PIECE = 8
"""Letters of a secret that are hidden wherever they stand."""


def _of(text: str, secrets: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Yield where *text* has one of the *secrets*, or a piece of one."""
    short, pieces = _looked_for(secrets) if secrets else ((), frozenset[str]())
    for one in short:
        form = rf"(?<!\w){re.escape(one)}(?!\w)" if len(one) < _SHORT else re.escape(one)
        form = rf"(?<![\w.]){re.escape(one)}(?!\d)" if one[-1:].isdecimal() else form
        yield from (found.span() for found in re.finditer(form, text)) if one in text else ()
    low = _low(text)
    for at in range(len(low) - PIECE + 1) if pieces else ():
        if low[at : at + PIECE] in pieces:
            yield at, at + PIECE


@lru_cache(64)
def _looked_for(secrets: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return what is looked for as a whole, the longest first, and the pieces of what is longer."""
    spelt = {text for one in secrets for text in _spellings(one)}
    short = sorted((one for one in spelt if 0 < len(one) < PIECE), key=len, reverse=True)
    long = [_low(one) for one in spelt if len(one) >= PIECE]
    pieces = {one[at : at + PIECE] for one in long for at in range(len(one) - PIECE + 1)}
    return tuple(short), frozenset(pieces)


def _low(text: str) -> str:
    """Return *text* in small letters, each in its place."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(one.lower()[:1] for one in text)


def _spellings(secret: str) -> Iterator[str]:
    """Yield *secret* as it stands, and as messages write what has quotes, lines or a value in it."""
    import json

    yield secret
    for written in (repr, ascii):
        plain = "".join(written(letter)[1:-1] for letter in secret)
        yield from (plain, plain.replace("'", r"\'"))
    for is_plain in (True, False):
        yield json.dumps(secret, ensure_ascii=is_plain)[1:-1]
    yield re.escape(secret)
    yield " ".join(secret.split())
    try:
        number = float(int(secret, 0) if secret[:2] in ("0x", "0o") else secret)
    except (ValueError, OverflowError):
        return
    yield from (repr(number), f"{number:g}", f"{number:e}")
    if number.is_integer():
        yield from (str(int(number)), f"{int(number):,}")
