"""Every error that a user of ood_eval can cause: what, where, and what to do, in one line."""


class OodEvalError(Exception):
    """Root of the expected errors; the command line prints one line and exits with 1."""


class ConfigError(OodEvalError):
    """An option, a suite file or a combination of options that cannot be used."""


class DataError(OodEvalError):
    """A benchmark folder or file that is missing, damaged, or holds labels outside its table."""


class CheckpointError(OodEvalError):
    """A weights file that is missing, damaged, or of another make."""


class NetworkError(OodEvalError):
    """A network whose prediction breaks the contract of its kind, or is asked for what it withholds."""


class DetectorError(OodEvalError):
    """A detector that is unknown, unfitted, or breaks the contract of its kind."""


class TrainingError(OodEvalError):
    """A training run that cannot start or that diverged."""


class ResultError(OodEvalError):
    """A result folder that is empty, damaged, or cannot be written."""
