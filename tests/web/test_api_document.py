"""The API against its own OpenAPI document: schemathesis sends what the document allows, and what it does not."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth

from dav_gateway.core.api_key import ApiScope
from dav_gateway.web.api.document import document

from .conftest import House

SCHEMA = schemathesis.openapi.from_dict(document("0"))
SHORT = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def key(small_house: House) -> dict[str, str]:
    made, _key = small_house.services.api_keys.issue("portal", frozenset(ApiScope), by="ana")
    return {"Authorization": f"Bearer {made.reveal()}"}


@SCHEMA.parametrize()
@SHORT
def test_answers_are_what_the_document_says(case: schemathesis.Case, small_house: House, key: dict[str, str]) -> None:
    if case.path_parameters.get("account", "").isalpha():
        case.path_parameters["account"] = "ana"  # else hardly any account would exist
    # Not `case.call`: it looks into urllib3's pools, and caldav's library brings an urllib3 with others.
    asked = case.as_transport_kwargs(base_url=f"http://127.0.0.1:{small_house.port}", headers=key)
    response = requests.request(**asked, timeout=20)
    if response.headers.get("content-type", "").startswith("text/plain"):
        # What is no address of HTTP is refused before anybody looks for who would answer it.
        assert response.status_code == 400
        return
    # The key is ours, which that check takes for an invention of its own; test_api.py tries keys that are not valid.
    case.validate_response(response, excluded_checks=[ignored_auth])
