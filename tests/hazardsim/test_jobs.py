"""Jobs from the first frame to the finished split, with a source of frames that needs no server."""

import contextlib
import io
import json
import zlib
from concurrent.futures import Future
from dataclasses import replace

import carla
import numpy as np
import pytest
from pydantic import TypeAdapter

from hazardsim.channels import CHANNELS
from hazardsim.dataset.finish import finish_split
from hazardsim.dataset.merge import merge
from hazardsim.dataset.reader import read_split
from hazardsim.errors import ConfigError, DatasetError, HazardsimError, PlacementError, ServerLostError
from hazardsim.frame import Frame
from hazardsim.jobs import worker
from hazardsim.jobs.executors import EXECUTORS
from hazardsim.jobs.job import WHOLE, RenderJob, Shard, Simulator, Task, WorkOrder
from hazardsim.jobs.render import render
from hazardsim.jobs.sources import SOURCES
from hazardsim.jobs.worker import render_shard
from hazardsim.scenario.roads import Roads
from hazardsim.scenario.spec import CameraSpec, Scenario, TrafficSpec
from hazardsim.scenario.surroundings import GroundPoint, Surroundings
from hazardsim.taxonomy import TAG

OSM = """<osm version="0.6">
<node id="1" lat="0.0" lon="-0.002" version="1" visible="true"/><node id="2" lat="0.0" lon="0.002" version="1"
 visible="true"/><way id="10" version="1" visible="true"><nd ref="1"/><nd ref="2"/>
<tag k="highway" v="residential"/><tag k="lanes" v="2"/></way></osm>"""
JOB = RenderJob(
    scenario=Scenario(camera=CameraSpec(32, 18), traffic=TrafficSpec((0, 0), (0, 0))),
    towns=("North", "South"),
    split="training",
    frames=7,
    seed=3,
    anomalies=False,
)


class Invented:
    """Frames of noise, the same for the same scene; attempts in `refused` find no room, those in `black` are black."""

    def __init__(self, surroundings, refused=(), black=()):
        self.surroundings = surroundings
        self.refused, self.black = refused, black
        self.captured = []
        self.lost_after = None

    def capture(self, scene):
        if self.lost_after is not None and len(self.captured) >= self.lost_after:
            raise ServerLostError("the source is gone")
        address = (scene.town, scene.index, scene.attempt)
        self.captured.append(address)
        if address in self.refused:
            raise PlacementError("no room")
        return lambda: self.frame(scene, black=address in self.black)

    @staticmethod
    def frame(scene, black):
        shape = (scene.camera.height_px, scene.camera.width_px)
        rng = np.random.default_rng(zlib.crc32(scene.id.encode()))
        rgb = rng.integers(0, 1 if black else 256, (*shape, 3), dtype=np.uint8)
        road, nothing = np.full(shape, TAG["Roads"], np.uint8), np.zeros(shape, np.uint16)
        depth = np.full(shape, 500, np.uint32)
        channels = {name: np.zeros(row.shape(*shape), row.dtype) for name, row in CHANNELS.items()}
        channels |= {"rgb": rgb, "semantic": road, "instance": nothing, "depth": depth}
        return Frame(scene, channels, (), {"server": "none"})


@pytest.fixture(scope="module")
def towns():
    xodr = carla.Osm2Odr.convert(OSM, carla.Osm2OdrSettings())

    def ground(x, y, z):
        return GroundPoint(0.0, TAG["Roads"])

    return {name: Surroundings(name, Roads(name, xodr), (), ground, frozenset()) for name in JOB.towns}


@pytest.fixture
def make_sources(towns):
    """Sources by town, and what opens them."""

    def make(**options):
        sources = {name: Invented(around, **options) for name, around in towns.items()}
        return sources, lambda town: contextlib.nullcontext(sources[town])

    return make


@pytest.fixture
def run(monkeypatch, make_sources):
    """Renders with workers in this process, through the registry of executors; the tasks that they got."""

    def run(root, job=JOB, shard=WHOLE, workers=1, **options):
        _, open_source = make_sources(**options)
        tasks = []

        class Here:
            def submit(self, task):
                tasks.append(task)
                future = Future()
                try:
                    render_shard(task, open_source, "invented")
                except HazardsimError as error:
                    future.set_exception(error)
                else:
                    future.set_result(None)
                return future

            def close(self):
                pass

        monkeypatch.setitem(EXECUTORS, "here", Here)
        render(job, root, Simulator(), shard, workers, "here")
        return tasks

    return run


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


REFUSED = {("North", 1, 0), ("South", 2, 0), ("South", 2, 1)}
BLACK = {("North", 2, 0), ("South", 0, 0)}


@pytest.fixture
def whole(tmp_path, run):
    run(tmp_path / "whole", refused=REFUSED, black=BLACK)
    return tree(tmp_path / "whole")


def test_a_source_of_frames_is_a_file_and_one_line(tmp_path, monkeypatch, make_sources, run):
    """A worker opens the source that its job names; the recipe tells which it was."""
    _, open_source = make_sources()
    orders = []
    monkeypatch.setitem(SOURCES, "invented", lambda order: orders.append(order) or open_source)
    monkeypatch.setattr(worker, "end_with_parent", lambda parent: None)
    task = Task(replace(JOB, source="invented"), str(tmp_path / "worker"), WHOLE, Simulator())
    message = TypeAdapter(WorkOrder).dump_json(WorkOrder(task, "nowhere", 1, "invented"))
    monkeypatch.setattr("sys.stdin", io.StringIO(message.decode()))
    monkeypatch.setattr("sys.argv", ["worker", "1"])
    assert worker.main() == 0
    assert [(order.host, order.task) for order in orders] == [("nowhere", task)]
    finish_split(tmp_path / "worker", "training")
    run(tmp_path / "here")
    other, same = tree(tmp_path / "here"), tree(tmp_path / "worker")
    assert json.loads(other.pop("train/training.recipe.json"))["source"] == "simulator"
    assert json.loads(same.pop("train/training.recipe.json"))["source"] == "invented"
    assert other == same


def test_towns_take_turns_and_a_slot_is_tried_until_a_scene_is_kept(tmp_path, whole):
    frames = list(read_split(tmp_path / "whole", "training"))
    assert [(f.number, f.record["town"], f.record["index"], f.record["attempt"]) for f in frames] == [
        (1, "North", 0, 0),
        (2, "South", 0, 1),
        (3, "North", 1, 1),
        (4, "South", 1, 0),
        (5, "North", 2, 1),
        (6, "South", 2, 2),
        (7, "North", 3, 0),
    ]
    rejected = [json.loads(line) for line in whole["train/training.rejected.jsonl"].splitlines()]
    assert [(r["number"], r["attempt"]) for r in rejected] == [(2, 0), (3, 0), (5, 0), (6, 0), (6, 1)]
    assert {r["reason"] for r in rejected} == {"no room", "the picture is black or flat"}


@pytest.mark.parametrize("workers", [2, 3, 20])
def test_any_number_of_workers_makes_the_same_bytes(tmp_path, run, whole, workers):
    tasks = run(tmp_path / "shared", workers=workers, refused=REFUSED, black=BLACK)
    assert len(tasks) == min(workers, JOB.frames)
    assert tree(tmp_path / "shared") == whole


@pytest.mark.parametrize("shared", [True, False])
def test_merged_shards_are_the_same_bytes(tmp_path, run, whole, shared):
    folders = [tmp_path / ("all" if shared else f"{k}") for k in (1, 2, 3)]
    for k, folder in enumerate(folders, start=1):
        run(folder, shard=Shard(k, 3), workers=2, refused=REFUSED, black=BLACK)
        assert not list(read_split(folder, "training"))
    merge(tmp_path / "out", folders)
    assert tree(tmp_path / "out") == whole
    if shared:
        run(folders[0])  # the command without --shard finishes it, too
        assert tree(folders[0]) == whole


def test_a_split_that_grows_renders_the_rest_only(tmp_path, run, whole):
    run(tmp_path / "grown", replace(JOB, frames=3), refused=REFUSED, black=BLACK)
    tasks = run(tmp_path / "grown", workers=2, refused=REFUSED, black=BLACK)
    assert len(tasks) == 2
    assert tree(tmp_path / "grown") == whole
    with pytest.raises(DatasetError, match="7 frames, now 3"):
        run(tmp_path / "grown", replace(JOB, frames=3))


def test_a_finished_split_asks_nobody(tmp_path, run, whole):
    assert run(tmp_path / "whole") == []
    assert tree(tmp_path / "whole") == whole


def test_work_that_broke_off_goes_on_with_the_next_attempt(tmp_path, make_sources, whole, run):
    task = Task(JOB, str(tmp_path / "broken"), WHOLE, Simulator())
    for allowed in range(1, 4):
        sources, open_source = make_sources(refused=REFUSED, black=BLACK)
        for source in sources.values():
            source.lost_after = allowed
        with pytest.raises(ServerLostError):
            render_shard(task, open_source, "invented")
    run(tmp_path / "broken", refused=REFUSED, black=BLACK)
    assert tree(tmp_path / "broken") == whole


def test_a_slot_that_stays_empty_ends_the_run(tmp_path, run, monkeypatch):
    monkeypatch.setattr(worker, "MOST_ATTEMPTS", 3)
    with pytest.raises(ConfigError, match=r"3 scenes for frame 3 \(North\).*no room.*loosen"):
        run(tmp_path / "empty", refused={("North", 1, attempt) for attempt in range(9)})


def test_a_disk_that_is_full_ends_the_run(tmp_path, run, monkeypatch):
    def full(self, frame, number):
        raise DatasetError("cannot write: make room")

    monkeypatch.setattr("hazardsim.dataset.writer.SplitWriter.keep", full)
    with pytest.raises(DatasetError, match="make room"):
        run(tmp_path / "full")


def test_another_renderer_is_refused(tmp_path, make_sources):
    task = Task(JOB, str(tmp_path), Shard(1, 2), Simulator())
    render_shard(task, make_sources()[1], "invented")
    with pytest.raises(DatasetError, match='drawn_by = "invented", now it is "another"'):
        render_shard(replace(task, shard=Shard(2, 2)), make_sources()[1], "another")


def test_an_unknown_executor_is_named(tmp_path):
    with pytest.raises(ConfigError, match="did you mean local"):
        render(JOB, tmp_path / "out", Simulator(), executor="locl")
    assert not (tmp_path / "out").exists()


def test_parts_are_disjoint_and_complete():
    for shard in (WHOLE, Shard(2, 3)):
        shares = [number for share in shard.shared_out(4) for number in share.numbers(50)]
        assert sorted(shares) == list(shard.numbers(50))
    for number, count in ((0, 2), (3, 2)):
        with pytest.raises(ConfigError, match="numbered from 1"):
            Shard(number, count)
