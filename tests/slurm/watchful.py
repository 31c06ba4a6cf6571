"""Snakemake that looks at the queue every second: a run of its own, from `python watchful.py ARGUMENTS`.

The plugin's pauses grow by ten seconds while nothing ends, up to three minutes; jobs of tests take seconds.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

PAUSE = 1

if __name__ == "__main__":
    Executor.next_seconds_between_status_checks = property(lambda executor: PAUSE, lambda executor, seconds: None)
    sys.exit(main(sys.argv[1:]))
