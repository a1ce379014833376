"""The drawing thread: what goes wrong there is told at once, and at the next tick."""

from types import SimpleNamespace

import pytest

from hazardsim.errors import RenderError
from hazardsim.server.world.render_queue import RenderQueue


class OutOfMemory:
    def render(self, *_):
        raise MemoryError("no room for the picture")


def test_a_failed_drawing_is_logged_before_anyone_ticks_again(caplog):
    queue = RenderQueue(OutOfMemory())
    visible = SimpleNamespace(objects=(), hidden=frozenset())
    queue.draw(SimpleNamespace(visible=visible, weather=None), [], lambda *_: None)
    queue.close()
    assert [r.getMessage() for r in caplog.records] == ["a frame could not be drawn: no room for the picture"]
    with pytest.raises(RenderError, match="a frame could not be drawn: no room for the picture"):
        queue.wait_for_room()
    assert len(caplog.records) == 1
