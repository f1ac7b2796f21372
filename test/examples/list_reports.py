#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints "FUNCTION RULE" for each report in the JSON that `safespawn check --format=json` writes to stdin, in the order
of the lines."""
import json
import sys

reports = json.load(sys.stdin)["reports"]
for report in sorted(reports, key=lambda r: (r["file"], r["line"], r["column"], r["rule"])):
    print(report["function"], report["rule"])
print("end")
