"""How a peer talks to the benchmark over its standard streams, one line of JSON per message.

The peer prepares, says `{"versions", "peakMemoryBytes"}`, and then answers each `{"repetition": n}` with `{"seconds",
"peakMemoryBytes", ...values}`. It ends with its standard input. Only the repetition itself is timed.
"""

import json
import resource
import sys
import time


def peak_memory_bytes() -> int:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tell(message: dict) -> None:
    print(json.dumps(message), flush=True)


def serve(work, values, *, versions: dict, before=lambda: None, parts: int = 1) -> None:
    """Answers until the end of standard input.

    `work(repetition)` is timed; `values(result)` says afterwards, untimed, what it gave; `before()` runs untimed ahead of
    it. Seconds are per part when one repetition does several.
    """
    tell({"versions": versions, "peakMemoryBytes": peak_memory_bytes()})
    for line in sys.stdin:
        repetition = json.loads(line)["repetition"]
        before()
        started = time.perf_counter()
        result = work(repetition)
        seconds = (time.perf_counter() - started) / parts
        tell({"seconds": seconds, "peakMemoryBytes": peak_memory_bytes(), **values(result)})
