"""The helper process: charts, intervals and exports are computed there, so that the bot stays small and responsive."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Helper(Protocol):
    """Computes something heavy elsewhere; functions must be importable, arguments and results picklable."""

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


class HelperProcess:
    """One spawned process, started when it is first needed and again if it dies."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result.

        Raises:
            BrokenProcessPool: the process died twice over this call.
        """
        try:
            return await self._call(function, *args, **kwargs)
        except BrokenProcessPool:
            self.stop()
            return await self._call(function, *args, **kwargs)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._pool is None:
            # spawn: a forked copy would inherit sockets, locks and event loop of the bot
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare)
        return await asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what it means
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A bot that was killed cannot stop its helper, which would stay for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
