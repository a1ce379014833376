"""Town files of users: small extracts, broken ones, and what the converter says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hazardsim.errors import TownError
from hazardsim.resources import shipped
from hazardsim.server.town.build import build_town
from hazardsim.server.town.maps.lane_sampling import without_stamp
from hazardsim.server.town.maps.network import read_network
from hazardsim.server.town.maps.osm import read_osm
from hazardsim.taxonomy import TAG

pytestmark = pytest.mark.slow

CROSSING = """<?xml version='1.0'?><osm version='0.6'>
<node id='1' lat='48.9990' lon='8.0'/><node id='2' lat='49.0' lon='8.0'/><node id='3' lat='49.0010' lon='8.0'/>
<node id='4' lat='49.0' lon='7.9985'/><node id='5' lat='49.0' lon='8.0015'/>
<node id='6' lat='49.0003' lon='8.0003'/><node id='7' lat='49.0003' lon='8.0005'/>
<node id='8' lat='49.0005' lon='8.0005'/><node id='9' lat='49.0005' lon='8.0003'/>
<way id='1'><nd ref='1'/><nd ref='2'/><nd ref='3'/><tag k='highway' v='residential'/></way>
<way id='2'><nd ref='4'/><nd ref='2'/><nd ref='5'/><tag k='highway' v='residential'/></way>
<way id='3'><nd ref='6'/><nd ref='7'/><nd ref='8'/><nd ref='9'/><nd ref='6'/>
<tag k='building' v='yes'/><tag k='building:levels' v='many'/><tag k='building:colour' v='#zzzzzz'/></way>
</osm>"""


def test_bare_extract_is_dressed(tmp_path: Path) -> None:
    path = tmp_path / "corner.osm"
    path.write_text(CROSSING)
    built = build_town(str(path))
    kinds = {o.name.rsplit("_", 1)[0] for o in built.objects}
    assert built.name == "corner"
    assert {"building", "tree", "street_lamp", "traffic_sign", "pedestrian"} <= kinds


def test_footprint_stands_where_the_map_says(tmp_path: Path) -> None:
    path = tmp_path / "corner.osm"
    path.write_text(CROSSING)
    expected = read_osm(CROSSING, "corner").projection.metres(np.array([[49.0004, 8.0004]]))[0]
    houses = [o for o in build_town(str(path)).objects if o.tag == TAG["Buildings"]]
    assert min(float(np.linalg.norm(o.pose[:2, 3] - expected)) for o in houses) < 0.05


def test_roads_and_features_share_their_axes() -> None:
    extract = read_osm(CROSSING, "corner")
    network = read_network(CROSSING, "corner", extract.projection)
    low = extract.projection.metres(np.array([[48.9990, 7.9985]]))[0]
    points = np.concatenate([s.centre[:, :2] for s in network.driving()])
    assert np.allclose(points.min(axis=0), low, atol=4.0)


def test_osm_numbers_with_units_and_nonsense() -> None:
    features = read_osm(CROSSING.replace("many", "12 m"), "corner").features
    house = next(f for f in features if "building" in f.tags)
    assert house.number("building:levels", 1.0) == 12.0
    assert house.number("building:colour", 7.0) == 7.0


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cut.osm", CROSSING[:300], "not XML"),
        ("page.osm", "<html></html>", "not <osm>"),
        ("empty.osm", "<osm version='0.6'></osm>", "no nodes"),
        ("nan.osm", "<osm><node id='1' lat='x' lon='1'/></osm>", "lat or lon"),
        ("fields.osm", CROSSING.replace("highway", "landuse"), "fields.osm"),
        ("wide.osm", CROSSING.replace("8.0015", "9.0"), "km across"),
        ("cut.xodr", "<OpenDRIVE><road", "cannot read its roads"),
        ("other.xodr", "<OpenDRIVE></OpenDRIVE>", "other.xodr"),
    ],
)
def test_broken_files_give_one_line(
    tmp_path: Path, name: str, text: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(TownError, match=told) as caught:
        build_town(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(TownError, match="no such file"):
        build_town(str(tmp_path / "none.xodr"))
    (tmp_path / "raw.osm").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(TownError, match="not UTF-8"):
        build_town(str(tmp_path / "raw.osm"))


def test_carla_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "corner.osm"
    path.write_text(CROSSING)
    build_town(str(path))
    assert capfd.readouterr() == ("", "")


def test_stamp_is_removed() -> None:
    text = (
        '<?xml?>\n<!-- generated on 2026-11-22 05:52:03 by <a> -->\n<OpenDRIVE><header name="" date="Sun" north="1"/>'
    )
    assert without_stamp(text) == '<?xml?>\n<OpenDRIVE><header name="" north="1"/>'
    assert without_stamp("<OpenDRIVE/>") == "<OpenDRIVE/>"


def test_shipped_towns_are_what_their_script_writes(tmp_path: Path) -> None:
    folder = shipped("scenarios") / "towns"
    subprocess.run([sys.executable, str(folder / "make_towns.py"), str(tmp_path)], check=True, timeout=120)
    written = sorted(tmp_path.glob("*.osm"))
    assert [p.name for p in written] == sorted(p.name for p in folder.glob("*.osm"))
    for path in written:
        assert path.read_bytes() == (folder / path.name).read_bytes()
