"""How tests are shared out where there are several processes (``pytest -n 2``), and a cluster."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays to the end: nothing of it is garbage to look for."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First the checks of the source: meanwhile the other process compiles what many need."""
    items.sort(key=lambda item: item.path.name != "test_project.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is for one process: what its tests share is made once.

    Processes begin at either end of the list: neighbours need the same compiled loops, which both
    would compile if they came to them at the same time.  Later ones find them in the cache.
    """
    from xdist.scheduler import LoadFileScheduling

    class FromBothEnds(LoadFileScheduling):
        def _assign_work_unit(self, node: Any) -> None:
            if list(self.nodes).index(node) % 2:
                self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    if config.getvalue("dist") != "load":  # who says how has it so
        return None
    config.option.loadscopereorder = False
    return FromBothEnds(config, log)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers of Dask, if it is there."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as found:
        yield found
