"""Calls of a full CARLA server, by the shape that a refusal must have where this server does not serve them.

A name that gets a row in the served table is answered by that row, whether it stands here or not.
Source: the names bound in `Unreal/CarlaUE4/Plugins/Carla/Source/Carla/Server/CarlaServer.cpp` of CARLA 0.9.16.
"""

from __future__ import annotations

from typing import Final

_COMMANDS: Final = """
    add_actor_angular_impulse add_actor_force add_actor_force_at_location add_actor_impulse
    add_actor_impulse_at_location add_actor_torque apply_ackermann_control_to_vehicle
    apply_ackermann_controller_settings apply_control_to_walker apply_physics_control blend_pose
    disable_actor_constant_velocity disable_sensor_for_ros enable_actor_constant_velocity enable_carsim
    enable_chrono_physics enable_sensor_for_ros freeze_traffic_light get_pose_from_animation
    reset_traffic_light_group restore_physx_physics send set_actor_dead set_actor_target_angular_velocity
    set_bones_transform set_imui_gravity set_replayer_ignore_hero set_replayer_ignore_spectator
    set_replayer_time_factor set_traffic_light_green_time set_traffic_light_red_time set_traffic_light_state
    set_traffic_light_yellow_time set_walker_state set_wheel_pitch_angle set_wheel_steer_direction
    show_vehicle_debug_telemetry stop_replayer use_carsim_road
"""
_QUESTIONS: Final = """
    console_command get_ackermann_controller_settings get_actor_bone_names get_actor_bone_relative_transforms
    get_actor_bone_world_transforms get_actor_component_names get_actor_component_relative_transform
    get_actor_component_world_transform get_actor_socket_names get_actor_socket_relative_transforms
    get_actor_socket_world_transforms get_bones_transform get_gbuffer_token get_imui_gravity get_light_boxes
    get_navigation_mesh get_telemetry_data get_wheel_pitch_angle get_wheel_steer_angle is_sensor_enabled_for_ros
    replay_file show_recorder_actors_blocked show_recorder_collisions show_recorder_file_info
"""

COMMANDS: Final = frozenset(_COMMANDS.split())
"""Answered by `Response<void>`."""

QUESTIONS: Final = frozenset(_QUESTIONS.split())
"""Answered by `Response<T>`."""


def refusal_text(name: str) -> str:
    """What the client's user reads."""
    return f"function {name} is not served by this simulator; see the list of served calls in its documentation"
