"""Runs a command once per repetition and measures the whole process, from its start until it has ended.

    process.py FOLDER COMMAND [ARGUMENT...]

FOLDER, if not empty, is removed before each repetition. Answers as serve.py says, with the peak memory of the command
itself (wait4) and what it printed as `output`. A command that fails ends this program with exit code 1.
"""

import json
import os
import shutil
import subprocess
import sys
import time

from serve import tell


def main(folder: str, command: list[str]) -> None:
    tell({"versions": {}, "peakMemoryBytes": 0})
    for line in sys.stdin:
        json.loads(line)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        code = child.returncode = os.waitstatus_to_exitcode(status)
        if code != 0:
            sys.exit(f"{' '.join(command)} ended with {code}")
        tell({"seconds": seconds, "peakMemoryBytes": usage.ru_maxrss * 1024, "output": output.decode()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
