"""What the operations of the OpenAPI description share: errors, headers, parameters, and the words at the top."""

from typing import Any

from crm.api.pagination import DEFAULT_SIZE, MAX_SIZE

ABOUT = """\
Leads, contacts, interactions and call plans of Key Account Managers.

**Signing in.** `POST /api/token/` with `username` and `password` answers an `access` token, which every other request
carries as `Authorization: Bearer …`, and a `refresh` token, which `POST /api/token/refresh/` turns into a new `access`.

**Bodies** are JSON objects; forms (`application/x-www-form-urlencoded`, `multipart/form-data`) are read as well, except
for nested objects. Unknown keys are ignored. Date-times are taken with any UTC offset and answered in UTC with a `Z`.
Money is a number with two decimals.

**Lists** are bare arrays. Without `page` and `page_size` they are complete; with either, `Link` (RFC 8288) leads to the
other pages and `X-Total-Count` says how many rows there are. Its `next` leads on by key: a client that follows it to
the end sees each row once, also where rows are added and deleted meanwhile.

**Concurrent changes.** Each single row has an `ETag`. Send it back as `If-None-Match` to read only what is new
(304), and as `If-Match` to write only if it is unchanged (else 412). A tag that a compressing proxy changed
(`W/"…"`, `"…-gzip"`) counts as ours.

**Retries.** A POST with an `Idempotency-Key` is done once: sent again within 24 hours, it gets the first answer with
`Idempotency-Replayed: true`.

**Errors** are `{"detail": "…"}`, or `{"field": ["…"]}` where fields are at fault. A path without its last slash answers
the same. Where `Retry-After` is given, the same request may succeed after so many seconds. Any request may find an
unknown path (404), a method that the path has not (405), or, with a body, be too long (413).
"""

# The first prefix that fits gives an operation its section.
TAGS = [
    ("/api/token/", "Authentication", "Obtain, refresh, verify and revoke tokens."),
    ("/lead/", "Leads", "Restaurants: won, to be won, or lost; and the histories of their status and owner."),
    ("/contact/", "Contacts", "The people at a restaurant."),
    ("/track/", "Tracking", "Interactions with leads, the orders placed in them, and what each owner's leads brought."),
    ("/call/", "Calls", "Call plans: whom to call, how often, and when next."),
    ("/api/lookup/", "Lookup", "Who is calling."),
    (
        "/api/imports/",
        "Imports",
        "Files of leads, contacts, interactions, orders or call plans; taking them back.",
    ),
    ("/api/", "Users", "Users referenced by id, and their teams."),
    ("/", "Service", "Health probes. Needs no token."),
]


def reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _answer(description: str, schema: str, example: dict[str, Any], *headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: reference("headers", name) for name in ("X-Request-ID", *headers)},
        "content": {"application/json": {"schema": reference("schemas", schema), "example": example}},
    }


def _refusal(description: str, detail: str, *headers: str) -> dict[str, Any]:
    return _answer(description, "Error", {"detail": detail}, *headers)


RESPONSES = {
    304: "NotModified",
    308: "Merged",
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    406: "NotAcceptable",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "TooLarge",
    415: "UnsupportedMediaType",
    422: "KeyReused",
    429: "TooManyRequests",
    503: "Unavailable",
}

_ID = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
_WAIT = {"type": "integer", "minimum": 0}
_PAGES = '<http://127.0.0.1:8000/lead/restaurants/?page=2&page_size=100&cursor=WzEwMF0~vT…>; rel="next"'


def _header(description: str, schema: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": schema or {"type": "string"}, **more}


def _parameter(name: str, place: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "schema": schema, **more}


COMPONENTS: dict[str, dict[str, Any]] = {
    "schemas": {
        "Error": {
            "type": "object",
            "properties": {"detail": {"type": "string"}},
            "required": ["detail"],
            "additionalProperties": False,
        },
        "FieldErrors": {
            "description": "What is wrong with each field or parameter; nested as the request is.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "oneOf": [
                    {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
                    {"type": "object"},
                ]
            },
        },
        "Refusal": {"oneOf": [reference("schemas", "Error"), reference("schemas", "FieldErrors")]},
    },
    "headers": {
        "ETag": _header("Names exactly this content, for `If-Match` and `If-None-Match`.", example='"61f5…"'),
        "Idempotency-Replayed": _header(
            "`true` where the request was done before and this is its first answer.",
            {"type": "string", "enum": ["true"]},
        ),
        "Link": _header("The pages `first`, `prev`, `next` and `last`, where a page was requested.", example=_PAGES),
        "Retry-After": _header("Seconds to wait.", _WAIT, required=True),
        "WWW-Authenticate": _header("How to sign in.", required=True, example='Bearer realm="api"'),
        "Location": _header("The address to use from now on.", {"type": "string", "format": "uri-reference"}),
        "X-Request-ID": _header("Finds the request in the server's log.", _ID, required=True),
        "X-Total-Count": _header("How many rows there are, where a page was requested.", _WAIT),
    },
    "parameters": {
        "Cursor": _parameter(
            "cursor",
            "query",
            "Begins the page after a row: only as a link `next` of the same list in the same order gives it.",
            {"type": "string"},
        ),
        "Count": _parameter(
            "count",
            "query",
            "`0` leaves out `X-Total-Count` and the link `last`, which cost a count.",
            {"type": "integer", "enum": [0, 1]},
        ),
        "IdempotencyKey": _parameter(
            "Idempotency-Key",
            "header",
            "Makes a retry safe: a key of one's own for each thing to be done, a UUID for example.",
            {"type": "string", "pattern": "^[!-~]{1,255}$"},
        ),
        "IfMatch": _parameter(
            "If-Match", "header", "Write only if the row still has one of these ETags, else 412.", {"type": "string"}
        ),
        "IfNoneMatch": _parameter(
            "If-None-Match",
            "header",
            "The ETags that are known already: a read is answered 304 while one holds, a write 412.",
            {"type": "string"},
        ),
        "Page": _parameter(
            "page",
            "query",
            "The number of a page, from 1. With a `cursor` it decides nothing; the page's other links count from it.",
            {"type": "integer", "minimum": 1},
        ),
        "PageSize": _parameter(
            "page_size",
            "query",
            f"The rows of a page; {DEFAULT_SIZE} where only `page` is given.",
            {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
        ),
        "Prefer": _parameter(
            "Prefer",
            "header",
            "`handling=strict`: unknown parameters are a 400, not ignored (RFC 7240).",
            {"type": "string", "enum": ["handling=strict", "handling=lenient"]},
        ),
        "RequestId": _parameter(
            "X-Request-ID",
            "header",
            "Names the request in the log: up to 64 letters, digits, `.`, `_` and `-`; anything else is replaced.",
            {"type": "string"},
        ),
    },
    "responses": {
        "NotModified": {
            "description": "The client has this already.",
            "headers": {name: reference("headers", name) for name in ("X-Request-ID", "ETag")},
        },
        "BadRequest": _answer(
            "The request is invalid; what is wrong is named. Nothing was changed.",
            "Refusal",
            {"name": ["This field is required."]},
        ),
        "Unauthorized": _refusal(
            "No token, or one that is not valid (any more).",
            "Authentication credentials were not provided.",
            "WWW-Authenticate",
        ),
        "Merged": _refusal(
            "This one was merged into another one, whose address is in `Location`.",
            "This lead was merged into 7.",
            "Location",
        ),
        "Forbidden": _refusal("The user may not do this.", "Your account may only read."),
        "NotFound": _refusal("There is no such row.", "Not found."),
        "NotAcceptable": _refusal(
            "The answer is JSON, which the `Accept` header rules out.",
            "Could not satisfy the request Accept header.",
        ),
        "Conflict": _refusal(
            "Something is in the way, as a simultaneous change. Nothing was changed. With `Retry-After` the same "
            "request may succeed later.",
            "A simultaneous change got in the way. Nothing was changed; send the request again.",
        ),
        "PreconditionFailed": _refusal(
            "The row is not as `If-Match` or `If-None-Match` wants it. Nothing was changed.",
            "The resource has changed since you read it, or the ETag is unknown. A GET gives the present one.",
        ),
        "TooLarge": _refusal("The body is too long.", "The body is longer than 2621440 bytes."),
        "UnsupportedMediaType": _refusal(
            "The body is neither JSON nor a form, or not in UTF-8.",
            'Unsupported media type "text/plain" in request.',
        ),
        "KeyReused": _refusal(
            "The `Idempotency-Key` belongs to another request.", "This Idempotency-Key was used for another request."
        ),
        "TooManyRequests": _refusal(
            "Too many requests, or wrong passwords.",
            "Request was throttled. Expected available in 12 seconds.",
            "Retry-After",
        ),
        "Unavailable": _refusal(
            "The database does not answer, or too many long lists are being read at once. Nothing was done.",
            "The database does not answer. Send the request again later.",
            "Retry-After",
        ),
    },
}


def _probe(operation: str, summary: str, *refusals: int) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    healthy = {
        "description": "Yes.",
        "headers": {"X-Request-ID": reference("headers", "X-Request-ID")},
        "content": {"application/json": {"schema": schema, "examples": {"example": {"value": {"status": "ok"}}}}},
    }
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": [reference("parameters", "RequestId")],
            "tags": ["Service"],
            "responses": {
                "200": healthy,
                **{str(status): reference("responses", RESPONSES[status]) for status in refusals},
            },
        }
    }


# Views of Django's own kind, outside DRF's reach.
PLAIN_PATHS = {
    "/healthz": _probe("healthz", "Is the process alive?"),
    "/readyz": _probe("readyz", "Does the database answer, with all migrations?", 503),
}
