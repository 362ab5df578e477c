"""Programs of the system that tests drive. scripts/install-test-packages installs them."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of a program. Where it is missing the test is skipped, loudly; with CI set it fails."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/libexec")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed: run scripts/install-test-packages")
    if found is None:
        pytest.skip(f"NOT TESTED: {name} is not installed (scripts/install-test-packages installs it)")
    return found
