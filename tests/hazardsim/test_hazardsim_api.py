"""From Python: scenes are rendered and read back, and wrong arguments refused, as on the command line."""

from pathlib import Path

import numpy as np
import pytest

import hazardsim
from hazardsim.errors import ConfigError


def test_wrong_arguments_of_render_are_refused_as_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one frame"):
        hazardsim.render(tmp_path, frames=0)
    with pytest.raises(ConfigError, match="a town of your own must be the only one"):
        hazardsim.render(tmp_path, town=[tmp_path / "a.osm", "Town05"])
    assert not list(tmp_path.iterdir())
    assert list(hazardsim.read_split(tmp_path, "training")) == []
    assert hazardsim.load_scenario("street-hazards").camera.width_px > 0


@pytest.mark.slow
def test_a_scene_is_rendered_and_read_back(tmp_path: Path) -> None:
    (frame,) = hazardsim.render(tmp_path / "mine", frames=1, width=48, height=32, samples=1)
    assert frame.rgb().shape == (32, 48, 3)
    assert frame.labels().shape == (32, 48)
    (again,) = hazardsim.render(tmp_path / "mine", frames=1, width=48, height=32, samples=1)
    assert np.array_equal(again.rgb(), frame.rgb())
