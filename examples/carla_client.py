"""A plain CARLA script against the embedded server: a car, a camera, and ten frames of it driving.

    hazardsim serve --town Town01 --port 2000      # in another terminal
    python examples/carla_client.py 2000 out/drive

The same script drives a real CARLA 0.9.16 server.
"""

import os
import queue
import sys
from pathlib import Path

import carla


def main(port: str = "2000", out: str = "out/drive", frames: str = "10") -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    client = carla.Client("127.0.0.1", int(port))
    client.set_timeout(60.0)
    world = client.get_world()
    world.apply_settings(carla.WorldSettings(synchronous_mode=True, fixed_delta_seconds=0.1))
    world.set_weather(carla.WeatherParameters.WetCloudyNoon)
    library, actors = world.get_blueprint_library(), []
    try:
        start = world.get_map().get_spawn_points()[0]
        actors.append(car := world.spawn_actor(library.find("vehicle.tesla.model3"), start))
        blueprint = library.find("sensor.camera.rgb")
        for name, value in (("image_size_x", "320"), ("image_size_y", "180")):
            blueprint.set_attribute(name, value)
        behind = carla.Transform(carla.Location(x=-6.0, z=2.5), carla.Rotation(pitch=-10.0))
        actors.append(camera := world.spawn_actor(blueprint, behind, attach_to=car))
        pictures: queue.Queue = queue.Queue()
        camera.listen(pictures.put)
        here = world.get_map().get_waypoint(start.location)
        for _ in range(int(frames)):
            here = here.next(1.0)[0]  # there is no physics: a car goes where it is put
            car.set_transform(here.transform)
            number = world.tick()
            picture = pictures.get(timeout=60.0)
            assert picture.frame == number
            picture.save_to_disk(f"{out}/{number:06d}.png")
        camera.stop()
        print(f"{frames} pictures in {out}")
    finally:
        for actor in reversed(actors):
            actor.destroy()
        world.apply_settings(carla.WorldSettings(synchronous_mode=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the client's threads can abort an ordinary exit
