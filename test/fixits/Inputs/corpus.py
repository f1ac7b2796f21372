#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole programs, rewritten: they do what they did. Exits 1 with the reason where one does not.

usage: corpus.py [--quick] COMMAND CLANG CC BUILD PATTERN...

Each program of Inputs/corpus that a PATTERN names is rewritten by `fix --to=scope --apply`; nothing is left to report, no
bare thread is left, and another `fix` changes nothing. Both compilers take the result without a warning; it prints what
the program printed, also under the thread and address sanitizers. --quick leaves the sanitizers out.

A line of a program's first comment may say more:

  fix: OPTION...  is rewritten with them
  left: REASON    stays as it is, with this reason (several may be given)
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-std=gnu17", "-pthread", "-Wall", "-Wextra", "-Werror"]
BARE = re.compile(r"\b(pthread_create|pthread_join|pthread_detach|pthread_exit|pthread_cancel|thrd_create|thrd_join|timer_create)\b")


class Program:
    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path) as file:
            self.before = file.read()
        said = self.before.split("*/")[1]
        self.options = " ".join(re.findall(r"^ \* fix: (.*)$", said, re.M)).split()
        self.left = re.findall(r"^ \* left: (.*)$", said, re.M)

    def now(self):
        with open(self.name) as file:
            return file.read()


def run(words, accepted=(0,), **how):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **how)
    if done.returncode not in accepted:
        said = (done.stdout + done.stderr).decode(errors="replace")
        sys.exit("%s\nexits with %d\n%s" % (" ".join(words), done.returncode, said))
    return done


def rewrite(fix, include, options, programs):
    """Fix twice, and look at what became of each."""
    words = fix + options + ["--apply"] + [program.name for program in programs] + ["--", "-I" + include]
    are_left = bool(programs[0].left)
    said = run(words, [0, 1] if are_left else [0]).stderr.decode()
    for program in programs:
        after = program.now()
        code = re.sub(r'/\*.*?\*/|"(\\.|[^"\\])*"', "", after, flags=re.S)
        for reason in program.left:
            if not re.search(r"^%s:\d+:\d+: note: left as it is: %s$" % (program.name, re.escape(reason)), said, re.M):
                sys.exit("%s: is not left for this reason: %s\n%s" % (program.name, reason, said))
        if program.left and after != program.before:
            sys.exit("%s: was to be left alone:\n%s" % (program.name, after))
        if not program.left and BARE.search(code):
            sys.exit("%s: a bare call is left:\n%s\n%s" % (program.name, said, after))
        program.after = after
    run(words, [0, 1] if are_left else [0])
    for program in programs:
        if program.now() != program.after:
            sys.exit("%s: a second fix changes it" % program.name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    for name in ["command", "clang", "cc", "build"]:
        parser.add_argument(name)
    parser.add_argument("patterns", nargs="+")
    asked = parser.parse_args()
    include = os.path.join(HERE, "../../../runtime/include")
    fix = [asked.command, "fix", "--no-config", "-q", "--clang=" + asked.clang, "--to=scope"]

    programs = []
    for pattern in asked.patterns:
        found = sorted(glob.glob(os.path.join(HERE, "corpus", pattern)))
        if not found:
            sys.exit("no program is called %s" % pattern)
        for path in found:
            programs.append(Program(path))
            shutil.copy(path, ".")
    together = {}
    for program in programs:
        together.setdefault((bool(program.left), *program.options), []).append(program)
    for (_, *options), some in together.items():
        rewrite(fix, include, options, some)

    plain = [(asked.clang, [], "lib/libsafespawn.a")]
    # Its own compiler's, as those of the runtime's tests. The locks of <threads.h> are unknown to it.
    tsan = ["-O1", "-g", "-fsanitize=thread", "-include", os.path.join(HERE, "known_to_tsan.h")]
    asan = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    if asked.quick:
        plain.append((asked.cc, [], "lib/libsafespawn.a"))
    else:
        plain.append((asked.cc, tsan, "test/runtime-tsan/bin/libsafespawn.a"))
        plain.append((asked.cc, asan, "test/runtime-asan/bin/libsafespawn.a"))
    for program in programs:
        if program.left:
            continue
        before = "before." + program.name
        with open(before, "w") as file:
            file.write(program.before)
        run([asked.cc] + FLAGS + [before, "-o", "before"])
        expected = run(["./before"]).stdout
        for compiler, flags, library in plain:
            library = os.path.join(asked.build, library)
            run([compiler] + FLAGS + flags + ["-I" + include, program.name, library, "-o", "after"])
            got = run(["./after"]).stdout
            if got != expected:
                sys.exit("%s: prints %r, and was %r\n%s" % (program.name, got, expected, program.after))


main()
