"""From a scenario, written by a person, to scenes with every number fixed."""
