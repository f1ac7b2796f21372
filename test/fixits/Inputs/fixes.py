#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a fix has to keep, asked of one file: exits 1 with the reason where it does not.

usage: fixes.py [--to=scope] [--run] [--left=N] [--choose=NAME] [--profile=NAME] COMMAND CLANG CC RUNTIME FILE EXPECTED

The diff that `fix` shows makes FILE into EXPECTED, and so does `fix --apply`. Both compilers take the result without a
warning. A check of it finds N reports (none; "all": what it found before), all of which were there before. Another `fix` changes nothing.
EXPECTED is FILE itself where no fix is right. With --run both are programs, and what they print is the same.
RUNTIME is the folder of the runtime's header, and after a colon its library.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys

FLAGS = ["-std=gnu17", "-pthread", "-Wall", "-Wextra", "-Werror"]


def run(words, accepted, **how):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)  # bytes: line ends stay
    if done.returncode not in accepted:
        said = (done.stdout + done.stderr).decode()
        sys.exit("%s\nexits with %d\n%s" % (" ".join(words), done.returncode, said))
    return done.stdout


def same(what, path, expected):
    with open(path, newline="") as one, open(expected, newline="") as other:
        got, wanted = one.read(), other.read()
    if got != wanted:
        lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), "expected", what, lineterm="")
        sys.exit("%s is not as expected:\n%s" % (what, "\n".join(lines) or "(line ends)"))


def reports(command, clang, profile, include, path):
    """Rule, function and words of each report; not its line, which edits move."""
    check = [command, "check", "--no-config", "--no-snippet", "--clang=" + clang, "--profile=" + profile]
    out = run(check + [path, "--", "-I" + include], [0, 1]).decode()
    return re.findall(r"^[^ ]+: warning: (.*)$", out, re.M)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", default="minimal")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--left", default="0")
    parser.add_argument("--choose", action="append", default=[])
    parser.add_argument("--profile", default="default")
    for name in ["command", "clang", "cc", "runtime", "file", "expected"]:
        parser.add_argument(name)
    asked = parser.parse_args()
    fix = [asked.command, "fix", "--no-config", "-q", "--clang=" + asked.clang, "--profile=" + asked.profile]
    fix += ["--to=" + asked.to]
    include, library = asked.runtime.split(":")
    flags = FLAGS + ["-I" + include]
    fix += ["--choose=" + name for name in asked.choose]
    before = reports(asked.command, asked.clang, asked.profile, include, asked.file)
    count = len(before) if asked.left == "all" else int(asked.left)
    left = [0, 1] if count else [0]

    folder = asked.file + ".work"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    shutil.copy(asked.file, folder + "/patched.c")
    diff = run(fix + ["patched.c", "--", "-I" + include], [0, 1], cwd=folder)
    if diff:
        run(["patch", "--binary", "-s", "-p1", "patched.c"], [0], cwd=folder, input=diff)
    same("what the diff makes", folder + "/patched.c", asked.expected)

    result = folder + "/applied.c"
    shutil.copy(asked.file, result)
    run(fix + ["--apply", result, "--", "-I" + include], left)
    same("what --apply makes", result, asked.expected)
    for compiler in [asked.clang, asked.cc]:
        if asked.run:
            programs = [(folder + "/before", [asked.file]), (folder + "/after", [result, library])]
            for program, sources in programs:
                run([compiler] + flags + sources + ["-o", program], [0])
            if run([programs[0][0]], [0]) != run([programs[1][0]], [0]):
                sys.exit("the result of %s prints something else" % compiler)
        else:
            run([compiler] + flags + ["-fsyntax-only", result], [0])

    after = reports(asked.command, asked.clang, asked.profile, include, result)
    new = list(after)
    for report in before:
        if report in new:
            new.remove(report)
    if new or len(after) != count:
        sys.exit("%d reports were to be left, and none to come:\n%s" % (count, "\n".join(after)))
    run(fix + ["--apply", result, "--", "-I" + include], left)
    same("a second fix", result, asked.expected)


main()
