"""Places 3D anomalies in simulated towns through the CARLA client and captures them with exact ground truth."""
