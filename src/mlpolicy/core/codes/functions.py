"""What is doubtful about a rule on a function, by the function's own source.

The examples speak of modules of the standard library, so that they can be tried anywhere; where it
has no such function, the tests of the finding bring one.
"""

from __future__ import annotations

from mlpolicy.core.codes import Code


def _policy(target: str, rule: str = "monitor: true", head: str = "") -> str:
    return f'version: 1\n{head}policies:\n  "{target}":\n    {rule}\n'


CODES = (
    Code(
        "MP208",
        "error",
        "no such class",
        "A `type` or `model` that names no class, or a model that is none of pydantic's.",
        "Every value is refused for a `type` that is nowhere; for a `model`, every value passes "
        "unchecked, since a rule of ours never fails a call by its own fault.",
        _policy("textwrap:indent", "validate: {args: {text: {type: textwrap.TextWraper}}}"),
        _policy("textwrap:indent", "validate: {args: {text: {type: textwrap.TextWrapper}}}"),
    ),
    Code(
        "MP209",
        "warning",
        "check against the annotation",
        "A `type` or `dtype` that no value has which the annotation of the function allows.",
        "One of the two is wrong: every call is refused, or the annotation misleads.",
        _policy("mlpolicy.core.argpath:parse", "validate: {args: {text: {type: int}}}"),
        _policy("mlpolicy.core.argpath:parse", "validate: {args: {text: {type: str}}}"),
    ),
    Code(
        "MP210",
        "warning",
        "result of a generator not looked at",
        "`returns` stands on a generator or an async generator.",
        "What it yields cannot be looked at without taking it from the caller, so nothing is "
        "checked where a check is written.",
        _policy("difflib:unified_diff", "validate: {returns: {type: str}}"),
        _policy("difflib:unified_diff", "validate: {args: {fromfile: {type: str}}}"),
    ),
    Code(
        "MP306",
        "error",
        "cached coroutine object",
        "A rule `cache` stands on a plain function that returns what an async one gives.",
        "The coroutine would be kept, not its result, and the second caller could not await it.",
        "",
        "",
    ),
    Code(
        "MP307",
        "warning",
        "target that nothing calls",
        "A policy names an abstract method that does nothing, or a function of which only overloads are defined.",
        "The policy holds for a body that no call reaches.",
        _policy("selectors:BaseSelector.select"),
        _policy("selectors:SelectSelector.select"),
    ),
    Code(
        "MP308",
        "warning",
        "target is only imported there",
        "A policy names a function in a module that only imports it; where that is a private one, it is fine.",
        "Readers look for it in vain, and two paths for one function invite two policies.",
        _policy("json:JSONDecoder.decode"),
        _policy("json.decoder:JSONDecoder.decode"),
    ),
    Code(
        "MP311",
        "warning",
        "does the same already",
        "A function under `retry` is decorated by tenacity, backoff or stamina, or one under "
        "`cache` by `lru_cache` or cachetools; `apply` finds clients with retries of their own, too.",
        "Attempts multiply, and the inner cache keeps what the outer one has let go.",
        _policy("fnmatch:_compile_pattern", "cache: {ttl: 30s, key: [pat]}"),
        _policy("fnmatch:translate", "cache: {ttl: 30s, key: [pat]}"),
    ),
    Code(
        "MP409",
        "warning",
        "pattern of very many functions",
        "A pattern takes more than 200 functions.",
        "What a rule costs is paid at every call, and its metrics have a series for each function.",
        _policy("mlpolicy.**:*", head="settings: {packages: [mlpolicy]}\n"),
        _policy("mlpolicy.core.argpath:*", head="settings: {packages: [mlpolicy]}\n"),
    ),
    Code(
        "MP604",
        "error",
        "no exception",
        "A name in `retry_on` or `give_up_on` is something else than an exception.",
        "No error will ever match it, so what was meant is not retried.",
        _policy("textwrap:indent", "retry: {retry_on: [json.JSONDecoder]}"),
        _policy("textwrap:indent", "retry: {retry_on: [json.JSONDecodeError]}"),
    ),
    Code(
        "MP607",
        "warning",
        "retry of what writes",
        "A function is under `retry` whose name or route says that it changes something, and nothing says that twice does no harm.",
        "A call that failed may have done its work: the customer is charged twice.",
        _policy("smtplib:SMTP.send_message", "retry: 3"),
        _policy("smtplib:SMTP.send_message", "retry: {max_attempts: 3, idempotent: true}"),
    ),
    Code(
        "MP701",
        "warning",
        "shared result that can be changed",
        "`copy: none` on a function that returns a list, a mapping, an array or a dataframe.",
        "A caller that changes what it got changes it for all that come after.",
        _policy("difflib:get_close_matches", "cache: {ttl: 30s, key: [word], copy: none}"),
        _policy("difflib:get_close_matches", "cache: {ttl: 30s, key: [word]}"),
    ),
    Code(
        "MP703",
        "warning",
        "argument without a stable key",
        "An argument in the key of a cache is an object that stands for itself alone: a session, a request, a random generator, an instance of a class without fields.",
        "Such a call has no key, so it is never answered from the cache.",
        _policy("http.cookiejar:request_host", "cache: 30s"),
        _policy("http.cookiejar:request_host", "cache: {ttl: 30s, key: [request.full_url]}"),
    ),
    Code(
        "MP704",
        "warning",
        "result that changes by itself",
        "A cached function reads the clock, or depends on chance.",
        "The answer from the cache is another than the function would give.",
        _policy("email.utils:make_msgid", "cache: 30s"),
        _policy("email.utils:formataddr", "cache: 30s"),
    ),
)
