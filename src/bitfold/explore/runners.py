"""Who solves the tasks: this process, others on this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from bitfold.diagnostics import BuildError
from bitfold.explore.points import Job, Point, Task, solve

Solved = Iterator[tuple[Task, list[Point]]]
Runner = Callable[[Job, Sequence[Task]], Solved]
"""Yields each task with its points when it is solved, in any order."""

CONNECT_S = 10
_job: Job | None = None


def here(job: Job, tasks: Sequence[Task]) -> Solved:
    """One after another in this process."""
    for task in tasks:
        yield task, solve(job, task)


def processes(jobs: int) -> Runner:
    """In `jobs` processes of this machine."""

    def run(job: Job, tasks: Sequence[Task]) -> Solved:
        context = multiprocessing.get_context("spawn")
        workers = min(jobs, len(tasks))
        pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(job,))
        try:
            futures: dict[Future[list[Point]], Task] = {pool.submit(_solve, task): task for task in tasks}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise BuildError(
                "a process that solves a part has ended",
                code="BF-B031",
                remedy="run again to go on; try fewer --jobs",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return run


def _begin(job: Job) -> None:
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started this process ends it


def _solve(task: Task) -> list[Point]:
    assert _job is not None
    return solve(_job, task)


def cluster(address: str) -> Runner:
    """On a Dask cluster, whose workers must have this version of bitfold.

    The runner raises BuildError when Dask is missing, the cluster does not answer, or a worker fails.
    """

    def run(job: Job, tasks: Sequence[Task]) -> Solved:
        try:
            from distributed import Client
            from distributed import as_completed as completed
        except ImportError:
            raise BuildError(
                "--cluster needs Dask, which is not installed",
                code="BF-B015",
                remedy="pip install 'bitfold[cluster]'",
            ) from None
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise BuildError(
                f"no Dask scheduler answers at {address} within {CONNECT_S} s: {error}",
                code="BF-B031",
                remedy="start one with 'dask scheduler' and workers with 'dask worker', and name its address",
            ) from None
        with client:
            _check_workers(client, address)
            shared = client.scatter(job, broadcast=True)
            futures = {client.submit(solve, shared, task, pure=False): task for task in tasks}
            for future in completed(futures, loop=client.loop):
                if future.status != "finished":
                    fault = future.exception()
                    raise BuildError(
                        f"a worker of {address} fails: {type(fault).__name__}: {fault}",
                        code="BF-B031",
                        remedy="run again to go on; look at the worker's log",
                    )
                yield futures[future], future.result()

    return run


def _check_workers(client: object, address: str) -> None:
    from bitfold import __version__

    workers: dict[str, object] = client.scheduler_info(n_workers=-1)["workers"]  # type: ignore[attr-defined]
    if not workers:
        raise BuildError(
            f"the cluster at {address} has no workers",
            code="BF-B031",
            remedy=f"start some: dask worker {address}",
        )
    versions = client.run(_version)  # type: ignore[attr-defined]
    other = {w: v for w, v in versions.items() if v != __version__}
    if other:
        worker, version = next(iter(other.items()))
        has = f"has bitfold {version}" if version else "has no bitfold"
        raise BuildError(
            f"worker {worker} {has}; this is {__version__}",
            code="BF-B031",
            remedy="install the same version on all workers",
        )


def _version() -> str:
    try:
        from bitfold import __version__
    except ImportError:
        return ""
    return __version__
