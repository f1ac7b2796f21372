#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""readme.py PROJECT BUILD: each command of the README with its output below it prints just that, and links lead somewhere."""
import os
import re
import subprocess
import sys

project, build = sys.argv[1:]
with open(os.path.join(project, "README.md")) as page:
    text = page.read()

shown = re.findall(r"```sh\n(build/bin/safespawn [^\n]*)\n```\n```text\n(.*?)```\n", text, re.S)
assert shown, "no command with its output"
for command, expected in shown:
    there = command.replace("build/bin", os.path.join(build, "bin"), 1)
    done = subprocess.run(there, shell=True, cwd=project, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1, (command, done.returncode)
    assert done.stdout == expected, "%s prints\n%s" % (command, done.stdout)

links = re.findall(r"\]\(([^)#:]+)\)", text)
missing = [link for link in links if not os.path.exists(os.path.join(project, link))]
assert links and not missing, missing

commands = re.findall(r"^(\./dev \w+)$", text, re.M)
assert commands[:2] == ["./dev demo", "./dev test"], commands
