"""Who carries out the parts of a job: this machine's processes today, many machines later."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hazardsim.jobs.executors.executor import Executor
from hazardsim.jobs.executors.local import LocalExecutor

EXECUTORS: Mapping[str, Callable[[], Executor]] = {"local": LocalExecutor}
