#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs, rewritten: each prints what it printed, and no edit was wrong. Exits 1 with the reason otherwise.

usage: random_check.py [--batch=N] COMMAND CLANG CC BUILD FIRST COUNT

The programs of the seeds FIRST to FIRST+COUNT-1 go in files of N (25) through `fix --to=scope --apply`. Prints how many
threads became tasks, and why the others did not.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-std=gnu17", "-pthread", "-Wall", "-Wextra", "-Werror"]
SPAWN = re.compile(r"\b(?:pthread|thrd)_create\(")


def run(words, accepted=(0,)):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if done.returncode not in accepted:
        said = (done.stdout + done.stderr).decode(errors="replace")
        sys.exit("%s\nexits with %d\n%s" % (" ".join(words), done.returncode, said))
    return done


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=25)
    for name in ["command", "clang", "cc", "build"]:
        parser.add_argument(name)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    include = os.path.join(HERE, "../../../runtime/include")
    fix = [asked.command, "fix", "--no-config", "-q", "--clang=" + asked.clang, "--to=scope", "--apply"]
    spawns = 0
    reasons = collections.Counter()
    for first in range(asked.first, asked.first + asked.count, asked.batch):
        name = "random%d.c" % first
        count = min(asked.batch, asked.first + asked.count - first)
        run([sys.executable, os.path.join(HERE, "random_programs.py"), str(first), str(count), name, "main.c"])
        run([asked.cc] + FLAGS + [name, "main.c", "-o", "before"])
        with open(name) as file:
            spawns += len(SPAWN.findall(file.read()))
        said = run(fix + [name, "--", "-I" + include], [0, 1]).stderr.decode()
        wrong = re.findall(r"^.*: left as it is: no rewrite .*$", said, re.M)
        if wrong:
            sys.exit("edits that the trial has to refuse:\n%s" % "\n".join(wrong))
        library = os.path.join(asked.build, "lib/libsafespawn.a")
        run([asked.clang] + FLAGS + ["-I" + include, name, "main.c", library, "-o", "after"])
        before, after = run(["./before"]).stdout, run(["./after"]).stdout
        if before != after:
            lines = zip(before.split(b"\n"), after.split(b"\n"))
            sys.exit("%s prints something else: %s" % (name, next(pair for pair in lines if pair[0] != pair[1])))
        for reason in re.findall(r": left as it is: (?:thread '\w+'|a thread): (.*)$", said, re.M):
            reasons[re.sub(r"'\w+'", "'…'", reason)] += 1
    print("%d programs, %d spawns, %d of them rewritten" % (asked.count, spawns, spawns - sum(reasons.values())))
    for reason, count in reasons.most_common():
        print("%5d  %s" % (count, reason))


main()
