"""Every error that a user of hazardsim can cause: what, where, and what to do, in one line."""


class HazardsimError(Exception):
    """Root of the expected errors; the command line prints one line and exits with 1."""


class ConfigError(HazardsimError):
    """A scenario, an option or a combination of options that cannot be used."""


class TownError(HazardsimError):
    """A town that is unknown, unreadable, or has no drivable road."""


class AssetError(HazardsimError):
    """An anomaly model or asset pack that is unknown, missing, or fails its checksum."""


class SimulatorError(HazardsimError):
    """A server that cannot be reached, has another version, or breaks off."""


class ServerLostError(SimulatorError):
    """A server that stopped answering in the middle of the work; a new one may finish it."""


class PlacementError(SimulatorError):
    """An actor that the server would not put where the scene wants it; the scene is left out."""


class RenderError(HazardsimError):
    """The renderer cannot start or cannot draw what it was given."""


class DatasetError(HazardsimError):
    """A dataset folder or file that is damaged, of another make, or cannot be written."""
