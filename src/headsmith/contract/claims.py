"""Claims: a job holds what it writes until its process ends, so that two jobs never write the same files at once.

Snakemake sees to that within a run. But who kills it with its jobs still on a cluster, or loses sight of a node that goes on
working, may start the same job twice. A claim is the system's own lock on a file (``flock``): it ends with the process that
holds it, however that comes about, and is seen by all machines that share the folder over NFS or a cluster's file system.
"""

import errno
import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CLAIMS = Path(".snakemake/claims")
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system says that knows no locks."""


def tell(text: str) -> None:
    """Write to standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def claimed(name: str, folder: Path = CLAIMS, say: Callable[[str], None] = tell) -> Iterator[None]:
    """Hold a claim while the block runs; wait for whoever holds it, and say so.

    Where the file system knows no locks that is said too, and the block runs without a claim.

    Args:
        name: What is claimed; any text that is the same for the same files.
        folder: Where the claims lie: on the disk that the machines share.
        say: Tells people.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name.replace("/", ",")).open("w") as stream:
        try:
            _lock(stream.fileno(), lambda: say(f"{name}: another job is writing the same files: waiting until it ends"))
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            say(f"{name}: this file system knows no locks ({error.strerror}): nothing keeps a second job from the same files")
        yield


def _lock(descriptor: int, before_waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        before_waiting()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
