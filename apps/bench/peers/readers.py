"""What the peers that read one text file have in common."""

import os
import sys
from importlib.metadata import version

from serve import serve


def serve_readers(peers: dict, make, usage: str) -> None:
    """Obeys the command line: `make FILE ROWS` makes the file unless it is there, `PEER FILE` answers with its rows.

    `peers` says by the name of its package how a peer reads a file, to the number of rows; `make` takes a path and a number of rows.
    """
    match sys.argv[1:]:
        case ["make", path, row_count]:
            if not os.path.exists(path):
                make(f"{path}.tmp", int(row_count))
                os.rename(f"{path}.tmp", path)
        case [peer, path] if peer in peers:
            serve(lambda _: peers[peer](path), lambda rows: {"rows": rows}, versions={peer: version(peer)})
        case _:
            sys.exit(usage)
