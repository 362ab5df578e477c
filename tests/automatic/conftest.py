"""Companies for automatic issue: those of tests/service, on both engines."""

from tests.service.conftest import clock, company, found_company, small_company

__all__ = ["clock", "company", "found_company", "small_company"]
