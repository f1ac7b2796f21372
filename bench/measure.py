# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the measurements share: what a command costs, by turns, and the compiles of a folder.

How a file of a compilation database is compiled is the command's to say: `safespawn check --format=json` names the flags
that it gave to clang, after it left out what clang does not know.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
USAGE = 2  # what a wrong command line ends with, here as in the command


class Cost(typing.NamedTuple):
    seconds: float  # user+sys, of all processes that it started and waited for
    kib: int  # the most memory that one of these processes had


class Failed(Exception):
    """A command that should have gone well: the line that says why it did not."""


def run(command, directory=None, silent=False):
    """What it cost; what it prints is dropped when it goes well, unless it is to be silent."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or (silent and said.seek(0, os.SEEK_END)):
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines()
            errors = [line for line in lines if "error:" in line] or lines
            raise Failed(errors[0] if errors else "exit %d: %s" % (process.returncode, " ".join(command)))
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def by_turns(commands, rounds, directory=None):
    """One list of costs for each command. Each goes first in its turn: what follows a long compile runs on a warmer processor."""
    costs = [[] for _ in commands]
    for turn in range(rounds):
        for i in range(len(commands)):
            which = (turn + i) % len(commands)
            costs[which].append(run(commands[which], directory))
    return costs


def median(costs):
    return Cost(statistics.median(c.seconds for c in costs), statistics.median(c.kib for c in costs))


class Arguments(argparse.ArgumentParser):
    """The options that all measurements of a build have; the module's text is the help."""

    def __init__(self, text):
        super().__init__(usage=text, add_help=True)
        self.add_argument("--build", default=os.path.join(PROJECT, "build"))
        self.add_argument("--clang", default="clang-22")

    def read(self):
        options = self.parse_args()
        options.build = os.path.abspath(options.build)
        options.plugin = os.path.join(options.build, "lib", "safespawn.so")
        options.command = os.path.join(options.build, "bin", "safespawn")
        for part in [options.plugin, options.command]:
            if not os.path.exists(part):
                self.error("no %s: build first, or name the build with --build=DIR" % part)
        return options


def check(options, directory, *more):
    """What `safespawn check` says of a folder with a compilation database, as JSON. Ends the measurement where it says nothing."""
    command = [options.command, "check", "--format=json", "--progress=none", "--clang=" + options.clang, "-p", directory]
    done = subprocess.run(command + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not done.stdout:
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)
    return json.loads(done.stdout)
