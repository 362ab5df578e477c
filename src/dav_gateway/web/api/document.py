"""The OpenAPI 3.1 document, made from the operations themselves."""

from typing import Any

from dav_gateway.core.account import NAME_PATTERN
from dav_gateway.core.api_key import ApiScope
from dav_gateway.web.api.operations import OPERATIONS, Operation
from dav_gateway.web.api.problems import MEDIA_TYPE
from dav_gateway.web.api.schemas import AFTER, LIMIT, MOST_NUMBER, SCHEMAS

ROOT = "/api/v1"
_PARAMETERS = {
    "account": ("The name of an account.", {"type": "string", "pattern": f"^{NAME_PATTERN.pattern}$"}),
    "id": ("The public id of an app password.", {"type": "string", "pattern": "^[0-9a-hjkmnp-tv-z]{5}$"}),
    "number": ("The number of a receipt.", {"type": "integer", "minimum": 1, "maximum": MOST_NUMBER}),
}
_PARTS = {
    "limit": ("At most so many.", LIMIT),
    "after": ("`next` of the part before; without it the list begins.", AFTER),
}
_REFUSED = {
    400: "The request cannot be read.",
    401: "There is no API key, or it is not valid any more.",
    403: "The API key lacks the scope.",
    404: "There is no such account, app password, collection or receipt.",
    409: "The rules do not allow it; nothing was changed.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    422: "The body or the query is not as the schema says.",
    503: "Busy: the same request can be sent again.",
}


def document(version: str) -> dict[str, Any]:
    """The document. `version` is the gateway's; addresses in it are relative to where it was fetched."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"{ROOT}{operation.path}", {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dav-gateway",
            "version": version,
            "summary": "App passwords for portals that have a profile page of their own.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"An API key (`dav-gateway api-key issue`) with the scopes it needs of: "
                    f"{', '.join(ApiScope)}.",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    names = [name for name in _PARAMETERS if f"{{{name}}}" in operation.path]
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"Needs the scope `{operation.scope.value}`.",
        "security": [{"key": []}],
        "parameters": [
            *(_parameter(name) for name in names),
            *(_part(name) for name in _PARTS if operation.in_parts),
        ],
        "responses": {
            str(operation.status): {
                "description": "Done.",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{operation.gives}"}}},
            },
            **{str(status): _problem(text) for status, text in _REFUSED.items()},
        },
    }
    if operation.takes is not None:
        schema = {"$ref": f"#/components/schemas/{operation.takes}"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return made


def _parameter(name: str) -> dict[str, Any]:
    description, schema = _PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _part(name: str) -> dict[str, Any]:
    description, schema = _PARTS[name]
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
