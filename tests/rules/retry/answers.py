"""Errors as client libraries raise them, with the answer that they carry."""

from __future__ import annotations

import enum

import httpx
import requests


class Holder:
    """An object with the attributes that it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def __bool__(self):
        return False  # as an answer of `requests` with an error status is


class Plain(Exception):
    """An error with the attributes that it is given."""

    def __init__(self, **attributes):
        super().__init__("plain")
        vars(self).update(attributes)


def of_requests(status, **headers):
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    return requests.HTTPError("no", response=response)


def of_httpx(status, **headers):
    request = httpx.Request("GET", "http://localhost/")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("no", request=request, response=response)


class Code(enum.Enum):
    UNAVAILABLE = 14
    DEADLINE_EXCEEDED = 4
    RESOURCE_EXHAUSTED = 8
    INVALID_ARGUMENT = 3
    INTERNAL = 13
    ABORTED = 10


class RpcError(Exception):
    """As `grpc.RpcError`: one class, a code to call."""

    def __init__(self, code):
        super().__init__(code)
        self._code = code

    def code(self):
        return self._code


def of_grpc(name):
    return RpcError(Code[name])


def of_google(name):
    """As `google.api_core`: a class for each code, an HTTP status as `code`."""
    attributes = {"code": 429, "grpc_status_code": Code[name]}
    return type("ResourceExhausted", (Exception,), attributes)()


def of_aws(code, status):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    cls = type("ClientError", (Exception,), {"__module__": "botocore.exceptions"})
    error = cls(code)
    error.response = response
    return error
