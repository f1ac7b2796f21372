#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every command of docs/guide.md and examples/README.md.

    check_guide.py PROJECT BUILD LLVM_MAJOR WORKDIR

Each command runs in a shell of its own in WORKDIR, among copies of the examples and a small project of one file, src/server.c.
The blocks that build safespawn itself are left out: whoever runs this has built it. A command may find defects (exit code
1); it may not fail in another way or complain.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys


def sh_blocks(page):
    text = page.read_text()
    for block in re.finditer(r"^```sh\n(.*?)^```$", text, flags=re.S | re.M):
        yield text.count("\n", 0, block.start()) + 2, block[1]


def prepare(project, build, work):
    """A folder in which the guide's relative names lead where the guide says."""
    shutil.copytree(project / "examples", work / "examples")
    (work / "build").mkdir()
    (work / "build/lib").symlink_to(build / "lib")
    (work / "build/bin").symlink_to(build / "bin")
    (work / "test").symlink_to(project / "test")
    (work / "src").mkdir()
    source = work / "src/server.c"
    shutil.copy(project / "examples/job-runner/job_runner.c", source)
    command = {"directory": str(work), "file": str(source), "arguments": ["cc", "-std=c11", "-c", str(source)]}
    (work / "build/compile_commands.json").write_text(json.dumps([command]))
    (work / "Makefile").write_text("server: src/server.c\n\t$(CC) -pthread -o server src/server.c\n")
    (work / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(server C)\n"
        "set(THREADS_PREFER_PTHREAD_FLAG ON)\n"
        "find_package(Threads REQUIRED)\n"
        "add_executable(server src/server.c)\n"
        "target_link_libraries(server Threads::Threads)\n"
    )


def commands(block):
    """The block's commands; a line that ends in a backslash goes on."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def main(project, build, major, work):
    project, build, work = pathlib.Path(project), pathlib.Path(build), pathlib.Path(work)
    work.mkdir(parents=True)
    prepare(project, build, work)
    environment = dict(os.environ, PATH=f"{work}/build/bin:{os.environ['PATH']}")
    failed = ran = 0
    for page in [project / "docs/guide.md", project / "examples/README.md"]:
        for line, block in sh_blocks(page):
            if "./dev build" in block or "SAFESPAWN_LLVM_MAJORS" in block:
                continue
            for command in commands(block):
                command = re.sub(r"-22\b", f"-{major}", command)
                run = subprocess.run(["bash", "-c", command], cwd=work, env=environment, capture_output=True, text=True)
                ran += 1
                complaint = re.search(r"^(?:.*: )?error: ", run.stdout + run.stderr, flags=re.M)
                if run.returncode not in (0, 1) or complaint:
                    failed += 1
                    print(f"{page}:{line}: exit code {run.returncode}: {command}\n{run.stdout}{run.stderr}", file=sys.stderr)
    if not ran:
        sys.exit("no commands found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
