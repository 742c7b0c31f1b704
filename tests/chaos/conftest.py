"""The fixtures of tests/functional: platform, fresh_platform, http."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from support.fixtures import *  # noqa: E402,F401,F403
from support.fixtures import pytest_runtest_makereport  # noqa: E402,F401
