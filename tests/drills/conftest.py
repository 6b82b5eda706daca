"""A real site for each module of drills; what it printed stays when a drill failed."""

from collections.abc import Callable, Iterator

import pytest

from tests.drills.rig import Site, wait_until

ORPHANS_LIMIT_S = 15.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/drills/" in item.path.as_posix():
            item.add_marker("drill")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often each drill breaks something."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture
def tell(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print one line of figures that is seen when the drill passes, too."""

    def print_line(figures: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {figures}")

    return print_line


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A running site; stopped at the end, it must leave no process behind."""
    failed_before = request.session.testsfailed
    site = Site()
    try:
        site.start()
        yield site
        if site.is_running:
            assert site.stop() == 0
        wait_until(lambda: not site.leftovers(), ORPHANS_LIMIT_S, "no process is left")
    finally:
        if site.is_running:
            site.stop()
    if request.session.testsfailed == failed_before:
        site.discard()
    else:
        print(f"\nThe site's folder stays for a look: {site.folder}")
