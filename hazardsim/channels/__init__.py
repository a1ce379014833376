"""What a frame carries: how each picture comes from the simulator and how it is kept on disk."""
