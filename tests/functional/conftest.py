"""Fixtures: platform, fresh_platform, http. See support/fixtures.py."""

from support.fixtures import *  # noqa: F401,F403
from support.fixtures import pytest_configure, pytest_runtest_makereport  # noqa: F401
