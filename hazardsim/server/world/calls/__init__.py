"""The served calls: a method under CARLA's own name, and a row that says whose it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hazardsim.server.protocol.rpc import Endpoint, endpoint
from hazardsim.server.world.calls.actors import ActorCalls
from hazardsim.server.world.calls.batch import BatchCalls
from hazardsim.server.world.calls.episode import EpisodeCalls
from hazardsim.server.world.calls.surroundings import SurroundingsCalls
from hazardsim.server.world.calls.traffic import TrafficCalls
from hazardsim.server.world.simulation import Simulation

SERVED: Final[dict[str, Callable[[Simulation], object]]] = {
    "version": EpisodeCalls,
    "get_episode_info": EpisodeCalls,
    "get_sensor_token": EpisodeCalls,
    "get_episode_settings": EpisodeCalls,
    "set_episode_settings": EpisodeCalls,
    "tick_cue": EpisodeCalls,
    "get_map_info": EpisodeCalls,
    "get_map_data": EpisodeCalls,
    "get_available_maps": EpisodeCalls,
    "get_required_files": EpisodeCalls,
    "request_file": EpisodeCalls,
    "load_new_episode": EpisodeCalls,
    "load_map_layer": EpisodeCalls,
    "unload_map_layer": EpisodeCalls,
    "copy_opendrive_to_file": EpisodeCalls,
    "get_weather_parameters": EpisodeCalls,
    "set_weather_parameters": EpisodeCalls,
    "get_actor_definitions": ActorCalls,
    "get_spectator": ActorCalls,
    "get_actors_by_id": ActorCalls,
    "get_actor_bounding_box": ActorCalls,
    "spawn_actor": ActorCalls,
    "spawn_actor_with_parent": ActorCalls,
    "destroy_actor": ActorCalls,
    "set_actor_transform": ActorCalls,
    "set_actor_location": ActorCalls,
    "apply_control_to_vehicle": ActorCalls,
    "set_vehicle_light_state": ActorCalls,
    "get_vehicle_light_state": ActorCalls,
    "get_vehicle_light_states": ActorCalls,
    "set_actor_simulate_physics": ActorCalls,
    "set_actor_enable_gravity": ActorCalls,
    "set_actor_collisions": ActorCalls,
    "set_actor_target_velocity": ActorCalls,
    "set_actor_autopilot": ActorCalls,
    "open_vehicle_door": ActorCalls,
    "close_vehicle_door": ActorCalls,
    "apply_batch": BatchCalls,
    "project_point": SurroundingsCalls,
    "cast_ray": SurroundingsCalls,
    "get_all_level_BBs": SurroundingsCalls,
    "get_environment_objects": SurroundingsCalls,
    "enable_environment_objects": SurroundingsCalls,
    "get_names_of_all_objects": SurroundingsCalls,
    "apply_color_texture_to_objects": SurroundingsCalls,
    "apply_float_color_texture_to_objects": SurroundingsCalls,
    "query_lights_state": SurroundingsCalls,
    "update_lights_state": SurroundingsCalls,
    "update_day_night_cycle": SurroundingsCalls,
    "set_annotations_traverse_translucency": SurroundingsCalls,
    "draw_debug_shape": SurroundingsCalls,
    "start_recorder": SurroundingsCalls,
    "stop_recorder": SurroundingsCalls,
    "is_traffic_manager_running": TrafficCalls,
    "get_traffic_manager_running": TrafficCalls,
    "add_traffic_manager_running": TrafficCalls,
    "destroy_traffic_manager": TrafficCalls,
    "get_physics_control": TrafficCalls,
    "get_group_traffic_lights": TrafficCalls,
    "reset_all_traffic_lights": TrafficCalls,
    "freeze_all_traffic_lights": TrafficCalls,
}


def served_calls(simulation: Simulation) -> dict[str, Endpoint]:
    """Every row as a call on a running simulation; methods of one class share one object."""
    owners = {make: make(simulation) for make in dict.fromkeys(SERVED.values())}
    return {name: endpoint(owners[make], name) for name, make in SERVED.items()}
