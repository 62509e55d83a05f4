"""The OpenAPI document, made from what the collector runs on: structs, problems, limits."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

import msgspec

from processors.reasons import DropReason
from streams.collector.limits import Limits
from streams.collector.operations import OPERATIONS, Operation
from streams.collector.payload import MAX_EVENTS, Payload
from streams.collector.problems import ANSWERS, Reason
from streams.collector.server_events import ServerPayload
from streams.version import VERSION

Object = dict[str, Any]

_EVERYWHERE: Final = (
    "X-Request-Id",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Content-Security-Policy",
    "Cross-Origin-Resource-Policy",
)
_HSTS: Final = "Strict-Transport-Security"
_HEADERS: Final = {
    "X-Request-Id": "The id of this request, random.",
    "X-Content-Type-Options": "Always nosniff.",
    "Referrer-Policy": "Always no-referrer.",
    "Content-Security-Policy": "Nothing may be loaded from here into a page, nor framed.",
    "Cross-Origin-Resource-Policy": "cross-origin for what pages of other sites load.",
    _HSTS: "Sent where the collector asks for https.",
    "Retry-After": "Seconds after which to come again.",
    "WWW-Authenticate": "Always Bearer.",
    "Connection": "Always close.",
    "Allow": "The methods of this address.",
    "Location": "The same address over https.",
    "ETag": "A strong validator of the form that is answered.",
    "Cache-Control": "How long it may be kept.",
    "Content-Encoding": "br or gzip, as Accept-Encoding asks.",
    "Vary": "The request headers that choose the answer.",
    "Access-Control-Allow-Origin": "The page's origin, if a site has it.",
    "Access-Control-Expose-Headers": "What the page may read.",
    "Access-Control-Allow-Methods": "Always POST.",
    "Access-Control-Allow-Headers": "Always content-type.",
    "Access-Control-Max-Age": "Seconds for which a browser need not ask again.",
}
_PROBLEM_TYPE: Final = "application/problem+json"
_REFS: Final = "#/components/schemas/{name}"


def write_document(limits: Limits) -> bytes:
    """Return the document as JSON."""
    paths: dict[str, Object] = defaultdict(dict)
    problems: Object = {}
    for operation in OPERATIONS:
        described = _describe(operation, limits, problems)
        paths[operation.path][operation.method.lower()] = described
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "hmara collector",
            "version": VERSION,
            "description": "Takes events of websites. An answer of 202 means that they are stored; "
            "every problem is told as RFC 9457 says, with a reason out of a closed set.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "x-limits": limits.describe(),
        "x-reasons": {
            reason.value: {"status": int(answer.status), "title": answer.title}
            for reason, answer in ANSWERS.items()
        },
        "paths": paths,
        "components": {
            "schemas": _describe_schemas(),
            "responses": problems,
            "headers": {
                name: {
                    "description": description,
                    "schema": {"type": "string"},
                    "required": name in _EVERYWHERE,
                }
                for name, description in _HEADERS.items()
            },
            "securitySchemes": {
                "writeKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A write key of the site, of which only the SHA-256 is kept.",
                }
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _describe_schemas() -> Object:
    _, schemas = msgspec.json.schema_components((Payload, ServerPayload), ref_template=_REFS)
    count = {"type": "integer", "minimum": 0, "maximum": MAX_EVENTS}
    taken = {
        "type": "object",
        "properties": {
            "accepted": {**count, "description": "How many events are stored."},
            "dropped": {
                "type": "object",
                "description": "How many were forgotten on purpose, by reason.",
                "propertyNames": {"enum": [reason.value for reason in DropReason]},
                "additionalProperties": count,
            },
        },
        "required": ["accepted", "dropped"],
        "additionalProperties": False,
    }
    texts = ("type", "title", "instance", "reason")
    problem = {
        "type": "object",
        "properties": {
            "type": {"const": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "reason": {"enum": [reason.value for reason in Reason]},
            "instance": {"type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$"},
            "detail": {"type": "string", "description": "Names a field, and never its value."},
        },
        "required": [*texts, "status"],
        "additionalProperties": False,
    }
    found: Object = _to_ecma({**schemas, "Accepted": taken, "Problem": problem})
    return found


def _to_ecma(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Write patterns as JSON Schema has them, and docstrings on one line."""
    if isinstance(node, dict):
        return {
            key: value.replace(r"\A", "^").replace(r"\Z", "$")
            if key == "pattern" and isinstance(value, str)
            else " ".join(value.split())
            if key == "description" and isinstance(value, str)
            else _to_ecma(value)
            for key, value in node.items()
        }
    return [_to_ecma(value) for value in node] if isinstance(node, list) else node


def _describe(operation: Operation, limits: Limits, problems: Object) -> Object:
    name = operation.path.strip("/").replace("/", "_").replace(".", "_").replace("-", "_")
    found: Object = {
        "operationId": f"{operation.method.lower()}_{name}",
        "summary": operation.summary,
        "responses": _describe_answers(operation, problems),
    }
    if operation.parameters:
        found["parameters"] = list(operation.parameters)
    if operation.needs_key:
        found["security"] = [{"writeKey": []}]
    if operation.body is not None:
        schema = {"$ref": _REFS.format(name=operation.body.__name__)}
        limit = limits.max_server_body_bytes if operation.needs_key else limits.max_body_bytes
        found["requestBody"] = {
            "required": True,
            "description": f"JSON in UTF-8, not compressed, at most {limit} bytes.",
            "content": {media_type: {"schema": schema} for media_type in operation.body_types},
            "x-max-bytes": limit,
        }
    return found


def _describe_answers(operation: Operation, problems: Object) -> Object:
    """Describe the answers of an operation, and put what it shares with others into `problems`."""
    good: Object = {"description": "Done.", "headers": _refer(operation.headers)}
    if operation.media_type:
        good["content"] = {operation.media_type: {"schema": _find_schema(operation)}}
    answers: Object = {str(operation.status): good}
    if operation.may_be_unchanged:
        answers["304"] = {"description": "You have it.", "headers": _refer(operation.headers)}
    if operation.may_redirect:
        answers["308"] = {"description": "Over https only.", "headers": _refer(("Location",))}
    by_status: dict[int, list[Reason]] = defaultdict(list)
    for reason in operation.reasons:
        by_status[int(ANSWERS[reason].status)].append(reason)
    for status, reasons in sorted(by_status.items()):
        is_head = operation.method == "HEAD"
        name = "-or-".join(reasons) + ("-without-body" if is_head else "")
        problems[name] = _describe_problem(reasons, is_head=is_head)
        answers[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return answers


def _describe_problem(reasons: list[Reason], *, is_head: bool) -> Object:
    names = {
        _capitalise(name.decode()) for reason in reasons for name, _ in ANSWERS[reason].headers
    }
    answer: Object = {
        "description": " ".join(f"`{reason}`: {ANSWERS[reason].title}" for reason in reasons),
        "headers": _refer(tuple(sorted(names))),
    }
    if not is_head:
        told = {"reason": {"enum": [reason.value for reason in reasons]}}
        schema = {"$ref": _REFS.format(name="Problem"), "properties": told}
        answer["content"] = {_PROBLEM_TYPE: {"schema": schema}}
    return answer


def _capitalise(name: str) -> str:
    return next(known for known in _HEADERS if known.lower() == name)


def _find_schema(operation: Operation) -> Object:
    if operation.body is not None:
        return {"$ref": _REFS.format(name="Accepted")}
    return {"type": "object"} if operation.media_type == "application/json" else {"type": "string"}


def _refer(names: tuple[str, ...]) -> Object:
    return {
        name: {"$ref": f"#/components/headers/{name}"} for name in (*_EVERYWHERE, _HSTS, *names)
    }
