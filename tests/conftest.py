"""What every test shares: examples that hypothesis makes are the same in every run of a kind."""

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("hurried", settings.get_profile("repeatable"), max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    """Look at fewer examples where slow tests are left out."""
    settings.load_profile("hurried" if config.option.markexpr else "repeatable")
