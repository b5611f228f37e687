"""Bounds on how long each benchmark runs, so that all of them together take a minute or so."""

from __future__ import annotations

import pytest

SECONDS_MAX = 0.4


def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_max_time = SECONDS_MAX
    config.option.benchmark_min_rounds = 5
    config.option.benchmark_warmup = "off"
    config.option.benchmark_columns = ["min", "median", "iqr", "ops", "rounds"]
    config.option.benchmark_sort = "name"
