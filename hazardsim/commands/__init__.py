"""The commands of `hazardsim`, one a file."""
