"""JSON Schemas (draft 2020-12) of the API: the document shows them, and a body is checked against the very same."""

from types import MappingProxyType
from typing import Any

from dav_gateway.core.credential import Origin, Reason, Service
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.wish import LONGEST_LABEL, MOST_NETWORKS

Schema = dict[str, Any]

LONGEST_LIFE = 3650
MOST_IN_PART = 500
MOST_NUMBER = 2**53 - 1
"""RFC 8259, section 6: what every reader of JSON takes for the same integer."""

LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_IN_PART, "default": 100}
AFTER: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[0-9a-z._-]+$"}
_ID = {"type": "string", "pattern": "^[0-9a-hjkmnp-tv-z]{5}$", "description": "The public id of an app password."}
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = {"type": "string", "format": "date-time"}
_SCOPES: Schema = {
    "type": "array",
    "items": {"enum": [each.value for each in Scope]},
    "minItems": 1,
    "uniqueItems": True,
}
_ACCESS: Schema = {"enum": [each.value for each in Access]}
_COLLECTIONS: Schema = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
    "minItems": 1,
    "maxItems": 100,
    "uniqueItems": True,
    "description": "Only these collections; `employees` is the directory.",
}
_NETWORKS: Schema = {
    "type": "array",
    "items": {"type": "string", "maxLength": 64},
    "minItems": 1,
    "maxItems": MOST_NETWORKS,
    "description": "Only from these networks, such as 192.0.2.0/24.",
}
_DAYS: Schema = {"type": "integer", "minimum": 1, "maximum": LONGEST_LIFE}
_LABEL: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_LABEL}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _record(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _request(properties: dict[str, Schema], *required: str, **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def _list(name: str, of: str) -> Schema:
    return _record(
        {
            name: {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}},
            "next": {**_maybe(_TEXT), "description": "`after` for the part that follows; null at the end."},
        }
    )


_PERSON: dict[str, Schema] = {
    "name": _TEXT,
    "display_name": _TEXT,
    "email": _TEXT,
    "phones": {"type": "array", "items": _TEXT},
    "title": _TEXT,
    "department": _TEXT,
}
_APP_PASSWORD: dict[str, Schema] = {
    "id": _ID,
    "account": _TEXT,
    "label": _TEXT,
    "service": {"enum": [each.value for each in Service]},
    "scopes": _SCOPES,
    "access": _ACCESS,
    "collections": _maybe({"type": "array", "items": _TEXT}),
    "networks": {"type": "array", "items": _TEXT},
    "state": {"enum": ["live", *(each.value for each in Reason)]},
    "origin": {"enum": [each.value for each in Origin]},
    "client_family": _maybe(_TEXT),
    "created_at": _TIME,
    "expires_at": _maybe(_TIME),
    "first_used_at": _maybe(_TIME),
    "last_used_at": _maybe(_TIME),
    "last_used_address": _maybe(_TEXT),
    "last_used_client": _maybe(_TEXT),
    "paused_at": _maybe(_TIME),
    "revoked_at": _maybe(_TIME),
    "revoked_by": _maybe(_TEXT),
    "last_refusal_at": _maybe(_TIME),
    "last_refusal_reason": _maybe(_TEXT),
    "replaces": _maybe(_TEXT),
}

SCHEMAS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        "Person": _record(_PERSON),
        "Account": _record(
            {
                **_PERSON,
                "admin": {"type": "boolean"},
                "active": {"type": "boolean"},
                "language": _TEXT,
                "created_at": _TIME,
            }
        ),
        "AppPassword": _record(_APP_PASSWORD),
        "NewAppPassword": _record(
            {
                "app_password": {"$ref": "#/components/schemas/AppPassword"},
                "password": {"type": "string", "description": "Shown in this answer and never again."},
                "login_name": _TEXT,
                "dav_url": _TEXT,
            }
        ),
        "Receipt": _record(
            {
                "number": _maybe({"type": "integer"}),
                "app_passwords": {"type": "array", "items": _ID},
                "decided_at": _TIME,
                "done_at": _TIME,
                "connections": _COUNT,
                "requests": _COUNT,
                "processes": {
                    "type": "array",
                    "items": _record(
                        {
                            "name": _TEXT,
                            "how": _TEXT,
                            "milliseconds": {"type": "integer"},
                            "connections": _COUNT,
                            "requests": _COUNT,
                        }
                    ),
                },
            }
        ),
        "Event": _record(
            {
                "id": {"type": "integer"},
                "at": _TIME,
                "event": {**_TEXT, "description": "A word such as issued, revoked, refused."},
                "account": _maybe(_TEXT),
                "app_password": _maybe(_TEXT),
                "actor": _maybe(_TEXT),
                "address": _maybe(_TEXT),
                "client_family": _maybe(_TEXT),
                "request_id": _maybe(_TEXT),
                "detail": {"type": "object", "description": "Small, and without any secret."},
            }
        ),
        "Events": _list("events", "Event"),
        "Accounts": _list("accounts", "Account"),
        "People": _list("people", "Person"),
        "AppPasswords": _list("app_passwords", "AppPassword"),
        "Wish": _request(
            {
                "service": {"enum": [each.value for each in Service]},
                "scopes": _SCOPES,
                "access": _ACCESS,
                "collections": _COLLECTIONS,
                "networks": _NETWORKS,
                "expires_in_days": _DAYS,
                "label": _LABEL,
            },
            "service",
            "scopes",
        ),
        "Rename": _request({"label": _LABEL}, "label"),
        "Narrow": _request(
            {
                "scopes": _SCOPES,
                "access": _ACCESS,
                "collections": _COLLECTIONS,
                "networks": _NETWORKS,
                "expires_in_days": _DAYS,
            },
            minProperties=1,
        ),
        "Widen": _request(
            {
                "scopes": _SCOPES,
                "access": _ACCESS,
                "collections": {**_maybe(_COLLECTIONS), "description": "null: every one of the scopes."},
                "networks": {**_NETWORKS, "minItems": 0, "description": "Empty: from every network."},
                "expires_in_days": {**_maybe(_DAYS), "description": "null: it does not end."},
            },
            minProperties=1,
        ),
        "Problem": {
            "type": "object",
            "properties": {
                "type": _TEXT,
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
                "errors": {"type": "array", "items": _record({"pointer": _TEXT, "detail": _TEXT})},
            },
            "required": ["type", "title", "status"],
        },
    }
)
