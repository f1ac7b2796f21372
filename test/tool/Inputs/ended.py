# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails unless the process with this number is gone, or dead and only not yet buried."""
import sys
import time

for attempt in range(100):
    try:
        state = open("/proc/%s/stat" % sys.argv[1]).read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        sys.exit(0)
    if state == "Z":
        sys.exit(0)
    time.sleep(0.02)  # a kill takes effect a moment after it was sent
sys.exit("process %s is still there" % sys.argv[1])
