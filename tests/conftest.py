"""Fixtures and settings that all tests share.

Test folders have no `__init__.py`: pytest imports them as `tests.<folder>.<module>`, so files in different
folders may have the same name, and a helper is imported as `from tests.<folder>.<module> import ...`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, configuration, settings

REPO = Path(__file__).resolve().parent.parent

configuration.set_hypothesis_home_dir(REPO / "out" / "hypothesis")
# Compiling is slow the first time, so no profile has a deadline per example.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=8)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what the tests produce to tests/golden/ instead of comparing with it",
    )


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of trained parameters and golden scores that may lie beside the checkout."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the shared data folder beside the checkout (../shared/data)")
    return folder


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: fails unless tests/golden/<name> holds exactly `text`."""

    def compare(name: str, text: str) -> None:
        file = REPO / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        assert file.is_file(), f"tests/golden/{name} is missing: run pytest --update-golden and read the diff"
        assert text == file.read_text(encoding="utf-8"), f"differs from tests/golden/{name}"

    return compare
