"""The process that runs mutants, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mutants.asking import Worker


@pytest.fixture(scope="package")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()
