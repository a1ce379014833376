"""Scenes to frames to kept frames to files; runs in a child process of `hazardsim render`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter
from tqdm import tqdm
from typing_extensions import Never

from hazardsim.capture.explore import explore
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.capture.shoot import shoot
from hazardsim.catalogue.library import AnomalyAsset, Catalogue, load_catalogue
from hazardsim.dataset.layout import Split
from hazardsim.dataset.writer import SplitWriter
from hazardsim.errors import ConfigError, HazardsimError, PlacementError, ServerLostError
from hazardsim.frame_checks import fault
from hazardsim.geometry.poses import Pose
from hazardsim.jobs.job import RenderJob, recipe_of
from hazardsim.processes import die_with_parent, keep_native_noise_out
from hazardsim.scenario.sample import sample_scene
from hazardsim.scenario.scene import Scene, SceneCamera

LOG = logging.getLogger(__name__)

SERVER_LOST = 3
"""Exit code of a child whose server stopped answering: the parent starts both again."""

_PATIENCE = 40
"""So many scenes in a row may be left out before the run gives up: something is wrong with the scenario or the town."""


def assets_for(split: Split, catalogue: Catalogue) -> tuple[AnomalyAsset, ...]:
    """The models that may appear in a split: categories are never shared between validation and test.

    A training split with anomalies (outlier exposure) uses the validation models.
    """
    return tuple(sorted(catalogue.of_split("test" if split == "test" else "validation"), key=lambda a: a.id))


def run(job: RenderJob) -> None:
    """Render every frame of the split that is not there yet, then write the lists.

    Raises:
        HazardsimError: see capture, dataset and scenario.
    """
    catalogue = load_catalogue()
    assets = assets_for(job.split, catalogue) if job.anomalies else ()
    with contextlib.ExitStack() as stack:
        writer = None
        for town in job.towns:
            with Session(job.host, job.port, town) as session:
                if writer is None:  # only now: a server that cannot be reached leaves no trace on disk
                    writer = SplitWriter(Path(job.out), job.split, recipe_of(job, catalogue.digest))
                    if writer.complete:
                        return
                    title = f"{'+'.join(job.towns)} {job.split}"
                    bar = stack.enter_context(tqdm(total=job.frames, unit="frame", desc=title, file=sys.stderr))
                _run_town(job, session, writer, assets, bar)
        if writer is not None:
            writer.finish()


def _run_town(
    job: RenderJob, session: Session, writer: SplitWriter, assets: Sequence[AnomalyAsset], bar: tqdm[Never]
) -> None:
    town = session.town
    number, last = job.first_number(town), job.first_number(town) + job.share(town)
    index = 0
    while number < last and writer.tried(town, index):
        if writer.number_of(town, index) is not None:
            number += 1
            bar.update()
        index += 1
    if number == last:
        return
    spec = job.scenario.camera
    camera = SceneCamera(spec.width_px, spec.height_px, spec.fov_deg, Pose(0.0, 0.0, 50.0))
    left_out = 0
    with CameraRig(session, camera) as rig:
        around = explore(session)
        while number < last:
            reason = _take(
                session, rig, job, writer, number, sample_scene(job.scenario, job.seed, index, around, assets)
            )
            if not reason:
                number, left_out = number + 1, 0
                bar.update()
            if reason:
                LOG.info("scene %d of %s left out: %s", index, town, reason)
                writer.reject(town, index, reason)
                left_out += 1
                if left_out >= _PATIENCE:
                    raise ConfigError(
                        f"{left_out} scenes of {town} in a row had to be left out, the last because {reason}; "
                        "loosen the scenario (distance_m, min_pixels, categories)"
                    )
            index += 1


def _take(
    session: Session, rig: CameraRig, job: RenderJob, writer: SplitWriter, number: int, scene: Scene | None
) -> str:
    """Shoot a scene and keep it under `number`; the reason where it is left out."""
    if scene is None:
        return "no anomaly found room in any of the views tried"
    try:
        frame = shoot(session, rig, scene, job.drawn_by, job.warm_up)
    except PlacementError as error:
        return str(error)
    reason = fault(frame, job.scenario.anomalies.min_pixels)
    if reason is None:
        writer.keep(frame, number)
    return reason or ""


def main() -> int:
    """Entry point of the child process: a job as JSON on stdin, one line on stderr for an expected error."""
    keep_native_noise_out(Path(sys.argv[1]))
    die_with_parent(int(sys.argv[2]))
    logging.basicConfig(level=logging.WARNING, format="hazardsim: %(message)s", stream=sys.stderr)
    job = TypeAdapter(RenderJob).validate_python(json.load(sys.stdin))
    try:
        run(job)
    except ServerLostError as error:
        LOG.warning("%s", error)
        return SERVER_LOST
    except HazardsimError as error:
        sys.stderr.write(f"\nhazardsim: {error}\n")
        return 1
    except RuntimeError as error:  # what the carla client raises for every failed call
        LOG.warning("the simulator client failed: %s", error)
        return SERVER_LOST
    return 0


if __name__ == "__main__":
    exit_code = main()
    sys.stderr.flush()
    os._exit(exit_code)  # the carla client's threads may abort an ordinary exit (carla.md 3.4), and all is on disk
