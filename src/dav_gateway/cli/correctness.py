"""Whether settings can work on this machine, as `check-config` and `serve` ask before anything else."""

from dav_gateway.cli.command import REFUSED, fail
from dav_gateway.config import Settings
from dav_gateway.config.checks import mistakes, radicale_file


def require_correct(settings: Settings) -> None:
    """Ends the program with every mistake that only a look at the machine can tell; returns when there is none."""
    wrong = faults(settings)
    if wrong:
        fail(REFUSED, *wrong)


def faults(settings: Settings) -> list[str]:
    """Every mistake that only a look at the machine can tell; a sentence each."""
    from dav_gateway.bootstrap import check_radicale

    said_by_radicale = f" in config file {str(settings.radicale_config)!r}"
    wrong = radicale_file(settings) or [sentence.replace(said_by_radicale, "") for sentence in check_radicale(settings)]
    return [*mistakes(settings), *wrong]
