"""What can go wrong because of what a person gave us; everything else is a bug.

Only these are caught, and only in ``cli.app.main``, which prints the message as one line
on stderr and exits with the class's ``exit_code``.
"""


class CclccError(Exception):
    """A problem the user can fix: the message says what, where, and what to do."""

    exit_code = 2


def describe_error(error: BaseException) -> str:
    """An exception on one line: a problem of ours in its words, another with its type."""
    text = " ".join(str(error).split())
    if isinstance(error, CclccError):
        return text
    return ": ".join(filter(None, [type(error).__name__, text]))


class RecipeError(CclccError):
    """A recipe, or a ``--set`` on it, that cannot be used."""


class DataError(CclccError):
    """Images, masks, lists or a store that cannot be used."""


class RunError(CclccError):
    """A run folder that cannot be trained, resumed or read."""


class StorageError(RunError):
    """A study's storage that does not answer: its trials are saved and can be gone on with."""


class RunBusyError(RunError):
    """A run folder that another living process holds."""


class BundleError(CclccError):
    """A bundle that cannot be made, or is not as it was made, or does not go with what is there."""


class DiskError(CclccError):
    """A file that cannot be written."""


class DiskFullError(DiskError):
    """There is no room left: nothing else could be written there either."""


class LauncherError(CclccError):
    """Slurm or Dask is not there, or does not take our calls."""


class TrainingDiverged(CclccError):
    """The loss stopped being a finite number."""

    exit_code = 3


class Interrupted(CclccError):
    """Training stopped by a signal after its state was saved.

    Args:
        message: what to tell the user.
        signal_number: the signal received; the exit code is the shell's 128 + number.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message, signal_number)  # both, so that it travels between processes
        self.exit_code = 128 + signal_number

    def __str__(self) -> str:
        return str(self.args[0])


class RunsFailed(CclccError):
    """Runs of an ablation that failed while the others went on."""

    exit_code = 3


class PluginFailed(RunError):
    """A plug-in's code raised an exception, or gave something else than it must."""


class PluginBroken(CclccError):
    """A plug-in that does not keep the contract of what it offers."""

    exit_code = 3
