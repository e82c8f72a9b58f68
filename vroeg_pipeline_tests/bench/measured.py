"""Runs a command to its end and writes down what it took. Run by its path, by an interpreter that loads nothing else: the
kernel counts what a parent once held as its child's.

`measured.py RESULT COMMAND…`: seconds and processor seconds from start to end, children included, and the most MiB held.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    result, *command = sys.argv[1:]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    took = {
        "seconds": time.perf_counter() - started,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }
    Path(result).write_text(json.dumps(took), encoding="utf-8")
    sys.exit(child.returncode)
