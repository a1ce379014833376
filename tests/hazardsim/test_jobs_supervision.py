"""What supervision does when workers and servers die; both are played by lists."""

from contextlib import contextmanager

import pytest

from hazardsim.errors import HazardsimError, ServerLostError, SimulatorError
from hazardsim.jobs import supervision
from hazardsim.jobs.job import WHOLE, RenderJob, Simulator, Task
from hazardsim.jobs.supervision import Running, supervise
from hazardsim.scenario.spec import Scenario

TASK = Task(RenderJob(Scenario(), ("Town05",), "test", 8, 0, anomalies=True), "nowhere", WHOLE, Simulator())


@pytest.fixture
def play(monkeypatch):
    """Run supervision against (exit code, frames made) of each worker; how many servers were started."""

    def play(*workers, killed=(), stopped=lambda: False):
        left, state = list(workers), {"servers": 0, "open": 0, "frames": 0}

        @contextmanager
        def server(simulator, stopped):
            state["servers"] += 1
            if state["servers"] in killed:
                raise ServerLostError("killed before it listened")
            state["open"] += 1
            yield Running("127.0.0.1", 2000 + state["servers"], "by hand")
            state["open"] -= 1

        def work(order, server, stopped):
            assert state["open"] == 1
            assert order.port == 2000 + state["servers"]
            code, made = left.pop(0)
            state["frames"] += made
            return code, "last words"

        monkeypatch.setattr(supervision, "_server", server)
        monkeypatch.setattr(supervision, "_work", work)
        monkeypatch.setattr(supervision, "_progress", lambda task: state["frames"])
        try:
            supervise(TASK, stopped)
        finally:
            assert not left
        assert state["open"] == 0
        return state["servers"]

    return play


def test_work_that_succeeds_needs_one_server(play):
    assert play((0, 8)) == 1


def test_a_killed_worker_is_started_again_on_the_same_server(play):
    assert play((-9, 2), (-9, 1), (0, 5)) == 1


def test_a_lost_server_is_started_again(play):
    assert play((3, 2), (0, 6)) == 2


def test_a_server_that_is_killed_before_it_listens_is_started_again(play):
    assert play((0, 8), killed={1, 2}) == 3
    with pytest.raises(SimulatorError, match="killed before it listened"):
        play(killed={1, 2, 3})


def test_a_worker_that_dies_at_once_gets_a_new_server(play):
    assert play((-6, 0), (0, 8)) == 2


def test_an_expected_error_ends_the_work_with_its_words(play):
    with pytest.raises(HazardsimError, match="last words"):
        play((4, 3))


def test_three_deaths_without_a_frame_end_the_work(play):
    with pytest.raises(SimulatorError, match=r"3 times without a new frame \(exit code -11; last words\)"):
        play((-11, 0), (-11, 1), (-11, 0), (-11, 0), (-11, 0))


def test_work_that_is_stopped_starts_nothing(play):
    assert play(stopped=lambda: True) == 0


class _Ended:
    """A child that has ended with a code."""

    def __init__(self, code):
        self.code = code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def stop(self):
        pass

    def last_words(self):
        return "the server stopped answering"


@pytest.mark.parametrize(("worker", "server", "code"), [(4, None, 4), (4, -9, 3), (1, -9, 3), (0, -9, 0), (1, None, 1)])
def test_a_worker_that_ends_with_its_server_is_not_to_blame(monkeypatch, worker, server, code):
    monkeypatch.setattr(supervision, "Child", lambda *_: _Ended(worker))
    running = Running("127.0.0.1", 2000, "by hand", _Ended(server))
    order = supervision.WorkOrder(TASK, running.host, running.port, running.drawn_by)
    assert supervision._work(order, running, lambda: False)[0] == code


def test_a_fault_of_a_worker_is_tried_again_and_then_told(play):
    with pytest.raises(SimulatorError, match=r"3 times without a new frame \(exit code 1; last words\)"):
        play((1, 0), (1, 0), (1, 0))
