"""The real carla 0.9.16 client, in a child process, against the whole service."""

from __future__ import annotations

import pytest

from hazardsim.taxonomy import TAG

CHAIR = "/Game/hazardsim/Static/Train/chair/chair.chair"


def test_a_client_connects_and_finds_a_world(run_client):
    facts = run_client("""
        world = client.get_world()
        snapshot = world.wait_for_tick(5.0)
        say(version=client.get_server_version(), map=world.get_map().name, frame=snapshot.frame,
            maps=client.get_available_maps(), spectator=world.get_spectator().type_id,
            points=[[p.location.x, p.location.y, p.rotation.yaw] for p in world.get_map().get_spawn_points()],
            ids=sorted(b.id for b in world.get_blueprint_library()))
    """)
    assert facts["version"] == "0.9.16"
    assert facts["map"] == "Carla/Maps/Town01"
    assert facts["maps"][0] == "/Game/Carla/Maps/Town01"
    assert facts["frame"] > 0
    assert facts["spectator"] == "spectator"
    assert facts["points"] == [[0.0, 3.5, pytest.approx(180.0)], [20.0, 3.5, pytest.approx(180.0)]]
    assert {"sensor.camera.rgb", "static.prop.mesh", "vehicle.seat.leon", "walker.pedestrian.0001"} <= set(facts["ids"])


def test_four_cameras_in_lock_step_by_frame_number(run_client, renderer):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        kinds = ("rgb", "depth", "semantic_segmentation", "instance_segmentation")
        cameras = [camera(world, kind) for kind in kinds]
        queues = [queue.Queue() for _ in cameras]
        for sensor, waiting in zip(cameras, queues):
            sensor.listen(waiting.put)
        seen = []
        for _ in range(10):
            frame = world.tick(8.0)
            images = [waiting.get(timeout=5.0) for waiting in queues]
            seen.append([[image.frame - frame for image in images], [image.raw_data[2] for image in images]])
            last = images[0]
        leftover = [waiting.qsize() for waiting in queues]
        for sensor in cameras:
            sensor.stop()
            sensor.destroy()
        say(seen=seen, leftover=leftover, size=[last.width, last.height, last.fov], bytes=len(last.raw_data),
            seconds=last.timestamp, alive=[a.type_id for a in world.get_actors()])
    """)
    assert facts["seen"] == [[[0, 0, 0, 0], [0, 1, 2, 3]]] * 10
    assert facts["leftover"] == [0, 0, 0, 0]
    assert facts["size"] == [64, 48, 90.0]
    assert facts["bytes"] == 64 * 48 * 4
    assert len(renderer.threads) == 1


def test_a_spawned_thing_is_in_the_snapshot_the_list_and_the_picture(run_client):
    facts = run_client(f"""
        world = client.get_world()
        synchronous(world)
        library = world.get_blueprint_library()
        chair = library.find("static.prop.mesh")
        chair.set_attribute("mesh_path", "{CHAIR}")
        chair.set_attribute("scale", "2.0")
        where = carla.Transform(carla.Location(7, -3, 0.5), carla.Rotation(10, 20, 30))
        prop = world.spawn_actor(chair, where)
        sensor = camera(world, "rgb")
        images = queue.Queue()
        sensor.listen(images.put)
        frame = world.tick(8.0)
        image = images.get(timeout=5.0)
        seen = prop.get_transform()
        box = prop.bounding_box
        before = [a.id for a in world.get_actors()]
        in_snapshot = world.get_snapshot().find(prop.id) is not None
        prop.set_transform(carla.Transform(carla.Location(1, 2, 3)))
        world.tick(8.0)
        images.get(timeout=5.0)
        moved = prop.get_location()
        destroyed = prop.destroy()
        world.tick(8.0)
        after = images.get(timeout=5.0)
        sensor.destroy()
        say(objects=image.raw_data[0], objects_after=after.raw_data[0], id=prop.id, before=before,
            in_snapshot=in_snapshot, destroyed=destroyed, moved=[moved.x, moved.y, moved.z],
            seen=[seen.location.x, seen.location.y, seen.location.z,
                  seen.rotation.pitch, seen.rotation.yaw, seen.rotation.roll],
            box=[box.location.z, box.extent.x, box.extent.y, box.extent.z], tags=list(prop.semantic_tags),
            gone=prop.id not in [a.id for a in world.get_actors()], again=error_of(prop.destroy))
    """)
    assert facts["objects"] == 1
    assert facts["objects_after"] == 0
    assert facts["id"] in facts["before"]
    assert facts["in_snapshot"]
    assert facts["destroyed"]
    assert facts["moved"] == [1.0, 2.0, 3.0]
    assert facts["seen"] == pytest.approx([7, -3, 0.5, 10, 20, 30], abs=1e-4)
    assert facts["box"] == pytest.approx([1.0, 0.6, 0.4, 1.0])
    assert facts["tags"] == [TAG["Train"]]
    assert facts["gone"]
    assert "destroyed actor" in facts["again"]


def test_a_bad_mesh_path_spawns_an_empty_actor_as_on_the_real_server(run_client):
    facts = run_client("""
        world = client.get_world()
        blueprint = world.get_blueprint_library().find("static.prop.mesh")
        blueprint.set_attribute("mesh_path", "/Game/hazardsim/Static/Train/none/none.none")
        actor = world.spawn_actor(blueprint, carla.Transform())
        extent = actor.bounding_box.extent
        say(extent=[extent.x, extent.y, extent.z], id=actor.id)
    """)
    assert facts["extent"] == [0.0, 0.0, 0.0]
    assert facts["id"] > 0


def test_a_camera_follows_its_parent(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        car_blueprint = world.get_blueprint_library().find("vehicle.seat.leon")
        car = world.spawn_actor(car_blueprint, carla.Transform(carla.Location(10, 0, 0), carla.Rotation(yaw=180)))
        sensor = camera(world, "rgb", parent=car, at=(2.0, 0.0, 1.5))
        images = queue.Queue()
        sensor.listen(images.put)
        world.tick(8.0)
        first = images.get(timeout=5.0)
        car.set_transform(carla.Transform(carla.Location(50, 5, 0), carla.Rotation(yaw=90)))
        world.tick(8.0)
        second = images.get(timeout=5.0)
        pixels = [[i.raw_data[4], i.raw_data[5], i.raw_data[6]] for i in (first, second)]
        at = [[i.transform.location.x, i.transform.location.y, i.transform.location.z] for i in (first, second)]
        say(pixels=pixels, at=at, parent=sensor.parent.id == car.id, yaw=second.transform.rotation.yaw)
        sensor.destroy()
        car.destroy()
    """)
    assert facts["at"][0] == pytest.approx([8.0, 0.0, 1.5], abs=1e-4)
    assert facts["at"][1] == pytest.approx([50.0, 7.0, 1.5], abs=1e-4)
    assert facts["pixels"] == [[800 & 255, 800 >> 8, 0], [5000 & 255, 5000 >> 8, 0]]
    assert facts["parent"]
    assert facts["yaw"] == pytest.approx(90.0, abs=1e-4)


def test_errors_have_the_real_servers_words(run_client):
    facts = run_client("""
        world = client.get_world()
        library = world.get_blueprint_library()
        car = library.find("vehicle.tesla.model3")
        first = world.spawn_actor(car, carla.Transform(carla.Location(0, 0, 0)))
        collision = error_of(lambda: world.spawn_actor(car, carla.Transform(carla.Location(1, 0, 0))))
        beside = world.try_spawn_actor(car, carla.Transform(carla.Location(0, 2.5, 0)))
        prop = library.find("static.prop.mesh")
        prop.set_attribute("mesh_path", "/Game/hazardsim/Static/Train/chair/chair.chair")
        inside = world.try_spawn_actor(prop, carla.Transform(carla.Location(0, 0, 0)))
        wide = library.find("sensor.camera.rgb")
        wide.set_attribute("image_size_x", "abc")
        number = error_of(lambda: world.spawn_actor(wide, carla.Transform()))
        huge = library.find("sensor.camera.rgb")
        huge.set_attribute("image_size_x", "100000")
        size = error_of(lambda: world.spawn_actor(huge, carla.Transform()))
        world.wait_for_tick(5.0)  # the client refuses to destroy what no snapshot has shown it yet
        first.destroy()
        orphan = error_of(lambda: camera(world, "rgb", parent=first))
        say(collision=collision, beside=beside is not None, inside=inside is not None, number=number, size=size,
            orphan=orphan, map=error_of(lambda: client.load_world("Town99")),
            path=error_of(lambda: client.load_world("Carla/Maps/Town01")),
            ruin=error_of(lambda: client.load_world("Ruin")),
            bones=error_of(lambda: beside.get_component_names()))
    """)
    assert facts["collision"] == "Spawn failed because of collision at spawn position"
    assert facts["beside"]
    assert facts["inside"]
    assert facts["number"].startswith("Spawn failed because of invalid actor description")
    assert "image_size_x" in facts["number"]
    assert "image_size_x" in facts["size"]
    assert facts["orphan"] == "unable to attach actor: parent actor not found"
    assert facts["map"] == "Map 'Town99' not found"
    assert facts["path"] == "Map 'Carla/Maps/Town01' not found"
    assert facts["ruin"] == "Ruin has no drivable road"
    assert "get_actor_component_names" in facts["bones"]


def test_load_and_reload_start_a_new_episode(run_client, renderer):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        car = world.get_blueprint_library().find("vehicle.seat.leon")
        old = world.spawn_actor(car, carla.Transform())
        first = world.id
        world = client.load_world("Town05", False)
        second = [world.id, world.get_map().name, world.get_settings().synchronous_mode,
                  len(world.get_actors().filter("vehicle.*"))]
        new = world.spawn_actor(car, carla.Transform())
        world = client.reload_world()
        third = [world.id, world.get_map().name, world.get_settings().synchronous_mode]
        world = client.load_world("/Game/Carla/Maps/Town01")
        say(first=first, second=second, third=third, fourth=world.get_map().name, ids=[old.id, new.id])
    """)
    assert facts["second"] == [facts["first"] + 1, "Carla/Maps/Town05", True, 0]
    assert facts["third"] == [facts["first"] + 2, "Carla/Maps/Town05", False]
    assert facts["fourth"] == "Carla/Maps/Town01"
    assert facts["ids"][1] > facts["ids"][0]
    assert renderer.town == "Town01"


def test_weather_and_settings_come_back_as_they_were_set(run_client):
    facts = run_client("""
        world = client.get_world()
        names = ("cloudiness precipitation precipitation_deposits wind_intensity sun_azimuth_angle sun_altitude_angle "
                 "fog_density fog_distance fog_falloff wetness scattering_intensity mie_scattering_scale "
                 "rayleigh_scattering_scale dust_storm").split()
        wanted = carla.WeatherParameters(*[float(i + 1) for i in range(14)])
        world.set_weather(wanted)
        got = world.get_weather()
        settings = world.get_settings()
        settings.fixed_delta_seconds, settings.max_substeps = 0.1, 7
        world.apply_settings(settings)
        back = world.get_settings()
        say(weather=[getattr(got, n) for n in names], settings=[back.fixed_delta_seconds, back.max_substeps])
    """)
    assert facts["weather"] == [float(i + 1) for i in range(14)]
    assert facts["settings"] == [pytest.approx(0.1), 7]


def test_a_batch_spawns_follows_up_and_destroys(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        car = world.get_blueprint_library().find("vehicle.seat.leon")
        spawn, move, future = carla.command.SpawnActor, carla.command.ApplyTransform, carla.command.FutureActor
        far = carla.Transform(carla.Location(33, 44, 0))
        answers = client.apply_batch_sync([
            spawn(car, carla.Transform(carla.Location(0, 0, 0))).then(move(future, far)),
            spawn(car, carla.Transform(carla.Location(10, 0, 0))),
            spawn(car, carla.Transform(carla.Location(10.5, 0, 0))),
        ], True)
        ids = [a.actor_id for a in answers]
        at = world.get_actor(ids[0]).get_location()
        ends = client.apply_batch_sync([carla.command.DestroyActor(i) for i in (ids[0], ids[1], 4711)], True)
        say(errors=[a.error for a in answers], at=[at.x, at.y], ends=[e.error for e in ends],
            left=len(world.get_actors().filter("vehicle.*")))
    """)
    assert facts["errors"] == ["", "", "Spawn failed because of collision at spawn position"]
    assert facts["at"] == [33.0, 44.0]
    assert facts["ends"] == ["", "", "unable to destroy actor: not found"]
    assert facts["left"] == 0


def test_rays_meet_the_ground_or_nothing(run_client):
    facts = run_client("""
        world = client.get_world()
        hit = world.ground_projection(carla.Location(3, 4, 5), 10.0)
        slanted = world.project_point(carla.Location(0, 0, 2), carla.Vector3D(2, 2, -2), 100.0)
        through = world.cast_ray(carla.Location(1, 1, 5), carla.Location(1, 1, -5))
        say(hit=[hit.location.x, hit.location.y, hit.location.z, int(hit.label)],
            miss=world.ground_projection(carla.Location(3, 4, 5), 4.0) is None,
            up=world.project_point(carla.Location(0, 0, 2), carla.Vector3D(0, 0, 1), 100.0) is None,
            slanted=[slanted.location.x, slanted.location.y, slanted.location.z], through=len(through))
    """)
    assert facts["hit"] == [3.0, 4.0, pytest.approx(0.0, abs=1e-5), TAG["Roads"]]
    assert facts["miss"]
    assert facts["up"]
    assert facts["slanted"] == pytest.approx([2.0, 2.0, 0.0], abs=1e-5)
    assert facts["through"] == 1


def test_objects_of_the_town_are_listed_in_carlas_axes_and_can_be_hidden(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        every = world.get_environment_objects()
        house = world.get_environment_objects(carla.CityObjectLabel.Buildings)[0]
        box = world.get_level_bbs(carla.CityObjectLabel.Buildings)[0]
        sensor = camera(world, "rgb")
        images = queue.Queue()
        sensor.listen(images.put)
        world.enable_environment_objects({house.id}, False)
        world.tick(8.0)
        hidden = images.get(timeout=5.0).raw_data[1]
        world.enable_environment_objects({house.id}, True)
        world.unload_map_layer(carla.MapLayer.Foliage)
        world.load_map_layer(carla.MapLayer.Foliage)
        world.tick(8.0)
        shown = images.get(timeout=5.0).raw_data[1]
        sensor.destroy()
        say(names=sorted(o.name for o in every), type=int(house.type), hidden=hidden, shown=shown,
            at=[house.transform.location.x, house.transform.location.y, house.transform.rotation.yaw],
            box=[box.location.x, box.location.y, box.location.z, box.extent.x, box.extent.y, box.rotation.yaw])
    """)
    assert facts["names"] == ["house_0", "tree_0"]
    assert facts["type"] == TAG["Buildings"]
    assert (facts["hidden"], facts["shown"]) == (1, 0)
    assert facts["at"] == pytest.approx([10.0, 20.0, 90.0], abs=1e-4)
    # Its centre lies 1 m to its left (our +y); turned by 90 degrees to the right, left is +x of the world.
    assert facts["box"] == pytest.approx([11.0, 20.0, 3.0, 5.0, 4.0, 90.0], abs=1e-4)


def test_lights_of_vehicles_and_controls_come_back(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        car = world.spawn_actor(world.get_blueprint_library().find("vehicle.seat.leon"), carla.Transform())
        car.set_light_state(carla.VehicleLightState(carla.VehicleLightState.LowBeam | carla.VehicleLightState.Fog))
        car.apply_control(carla.VehicleControl(throttle=0.5, steer=-0.25, gear=3))
        world.tick(8.0)
        control = car.get_control()
        physics = car.get_physics_control()
        say(lights=int(car.get_light_state()), control=[control.throttle, control.steer, control.gear],
            wheels=len(physics.wheels), attributes=car.attributes)
    """)
    assert facts["lights"] == 2 | 128
    assert facts["control"] == [0.5, -0.25, 3]
    assert facts["wheels"] == 4
    assert facts["attributes"]["number_of_wheels"] == "4"
    assert facts["attributes"]["base_type"] == "car"


def test_a_sensor_period_leaves_frames_out(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world, 0.05)
        sensor = camera(world, "rgb", sensor_tick="0.1")
        images = queue.Queue()
        sensor.listen(images.put)
        frames = [world.tick(8.0) for _ in range(6)]
        time.sleep(0.5)
        seen = [images.get_nowait().frame - frames[0] for _ in range(images.qsize())]
        sensor.destroy()
        say(seen=seen)
    """)
    assert facts["seen"] == [0, 2, 4]


def test_a_free_running_server_streams_pictures_without_piling_up(run_client, renderer):
    renderer.seconds = 0.2
    facts = run_client("""
        world = client.get_world()
        sensor = camera(world, "rgb")
        images = queue.Queue()
        sensor.listen(images.put)
        time.sleep(1.5)
        newest = world.get_snapshot().frame
        frames = [images.get_nowait().frame for _ in range(images.qsize())]
        sensor.stop()
        sensor.destroy()
        say(count=len(frames), behind=newest - frames[-1])
    """)
    assert 3 <= facts["count"] <= 8
    assert facts["behind"] <= 10


def test_a_tick_answers_before_a_slow_picture_and_the_picture_shows_that_tick(run_client, renderer):
    renderer.seconds = 1.0
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        sensor = camera(world, "rgb")
        images = queue.Queue()
        sensor.listen(images.put)
        begin = time.monotonic()
        frame = world.tick(8.0)
        answered = time.monotonic() - begin
        world.spawn_actor(world.get_blueprint_library().find("vehicle.seat.leon"), carla.Transform())
        image = images.get(timeout=8.0)
        say(answered=answered, objects=image.raw_data[0], same=image.frame == frame)
        sensor.destroy()
    """)
    assert facts["answered"] < 0.9
    assert facts["same"]
    assert facts["objects"] == 0


def test_a_failing_renderer_is_told_at_the_next_tick(run_client, renderer):
    renderer.failure = MemoryError("no room for the picture")
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        sensor = camera(world, "rgb")
        sensor.listen(lambda image: None)
        world.tick(8.0)
        time.sleep(0.3)
        say(error=error_of(lambda: world.tick(8.0)), version=client.get_server_version())
        sensor.destroy()
    """)
    assert facts["error"] == "a frame could not be drawn: no room for the picture"
    assert facts["version"] == "0.9.16"


def test_two_clients_share_one_world(run_client, service):
    facts = run_client(
        """
        world = client.get_world()
        synchronous(world)
        car = world.spawn_actor(world.get_blueprint_library().find("vehicle.seat.leon"), carla.Transform())
        world.tick(8.0)
        other = carla.Client("127.0.0.1", client_port)
        other.set_timeout(8.0)
        second = other.get_world()
        frame = world.tick(8.0)
        for _ in range(100):
            if second.get_snapshot().frame >= frame:
                break
            time.sleep(0.02)
        seen = [a.id for a in second.get_actors().filter("vehicle.*")]
        say(seen=seen, id=car.id, same=second.get_snapshot().frame >= frame, episode=second.id == world.id)
    """.replace("client_port", str(service.port))
    )
    assert facts["seen"] == [facts["id"]]
    assert facts["same"]
    assert facts["episode"]


def test_cameras_made_in_a_batch_on_a_parent_made_in_the_same_batch(run_client):
    facts = run_client("""
        world = client.get_world()
        synchronous(world)
        library = world.get_blueprint_library()
        spawn = carla.command.SpawnActor
        (car,) = client.apply_batch_sync([spawn(library.find("vehicle.seat.leon"), carla.Transform())], True)
        eye = carla.Transform(carla.Location(x=1.0, z=1.5))
        answers = client.apply_batch_sync(
            [spawn(library.find("sensor.camera.depth"), eye, world.get_actor(car.actor_id)),
             spawn(library.find("sensor.camera.depth"), eye, 4711)], True)
        sensor = world.get_actor(answers[0].actor_id)
        say(error=[a.error for a in answers], parent=sensor.parent.id == car.actor_id,
            at=[sensor.get_location().x, sensor.get_location().z], is_sensor=isinstance(sensor, carla.ServerSideSensor))
    """)
    assert facts["error"] == ["", "unable to attach actor: parent actor not found"]
    assert facts["parent"]
    assert facts["is_sensor"]
    assert facts["at"] == [1.0, 1.5]
