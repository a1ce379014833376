"""Workers on this machine, each with a server of its own unless the user has one."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from hazardsim.jobs.job import Task
from hazardsim.jobs.supervision import supervise


class LocalExecutor:
    """A thread for each task, which watches the task's processes."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def submit(self, task: Task) -> Future[None]:
        """Begin a task at once."""
        future: Future[None] = Future()
        name = f"shard-{task.shard.number}-of-{task.shard.count}"
        thread = threading.Thread(target=self._carry_out, args=(task, future), name=name)
        self._threads.append(thread)
        thread.start()
        return future

    def close(self) -> None:
        """End the processes of tasks that still run."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _carry_out(self, task: Task, future: Future[None]) -> None:
        try:
            supervise(task, self._stop.is_set)
        except BaseException as error:  # noqa: BLE001  the future's owner gets it
            future.set_exception(error)
        else:
            future.set_result(None)
