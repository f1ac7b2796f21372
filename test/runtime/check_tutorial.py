#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles and runs each stage of docs/runtime/tutorial.md.

    check_tutorial.py PAGE CC INCLUDE LIBRARY WORKDIR

A stage is a C block that begins with its number and its file's name. It is a whole program, compiles without a warning,
and is run: each command of a transcript prints what stands below it.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys

FILES = {"two": b"a\nb\n", "three": b"a\nb\nc\n", "binary": b"a\0b\n"}


def transcripts(text):
    """The commands of the page, each with what it prints."""
    for block in re.findall(r"^```text\n(.*?)^```$", text, flags=re.S | re.M):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, flags=re.M):
            yield command, output


def main(page, cc, include, library, work):
    text, work = pathlib.Path(page).read_text(), pathlib.Path(work)
    work.mkdir(parents=True)
    for name, contents in FILES.items():
        (work / name).write_bytes(contents)
    os.mkfifo(work / "pipe")

    problems, programs = [], []
    for number, block in enumerate(re.findall(r"^```c\n(.*?)^```$", text, flags=re.S | re.M)):
        head = re.match(r"/\* stage (\d+): ((\w+)\.c) \*/\n", block)
        if not head or int(head[1]) != number:
            problems.append(f"block {number} does not begin with /* stage {number}: NAME.c */")
            continue
        (work / head[2]).write_text(block)
        flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
        build = shlex.split(cc) + flags + [head[2], library, "-pthread", "-o", head[3]]
        run = subprocess.run(build, cwd=work, capture_output=True, text=True)
        if run.returncode:
            problems.append(f"{head[2]} does not compile\n{run.stderr}")
        programs.append(head[3])

    environment = {**os.environ, "LC_ALL": "C"}
    shown = list(transcripts(text))
    for command, output in shown:
        run = subprocess.run(
            ["sh", "-c", command],
            cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )
        if run.stdout != output or run.returncode:
            problems.append(f"$ {command}\nexit status {run.returncode}, prints\n{run.stdout}and not\n{output}")
    commands = [command for command, _ in shown]
    problems += [f"{name} is never run" for name in programs if f"./{name} " not in "\n".join(commands)]
    if len(programs) < 2:
        problems.append("no stages found")
    for problem in problems:
        print(f"{page}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
