#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""same_every_time.py RUNS COMMAND...: whether COMMAND, which prints reports as JSON, prints the same in all RUNS runs"""
import json
import subprocess
import sys


def said(command):
    """All that the report says but the time it took; files are analysed side by side, so their order is free."""
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    return {
        json.dumps([kind, entry], sort_keys=True)
        for kind in ("reports", "problems")
        for entry in report[kind]
    }


def main(runs, command):
    first = said(command)
    assert len(first) > 100, "only %d reports and problems" % len(first)
    for _ in range(runs - 1):
        again = said(command)
        if again != first:
            sys.exit("\n".join(["not in all runs:"] + sorted(first ^ again)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
