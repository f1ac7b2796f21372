#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: crash.py COMMAND CLANG PRELOADED: `fix` ends at each call that changes something on the disk, in turn.

Killed, it leaves each file with its old or its new content, and `fix --undo` the old ones, whenever it was killed itself.
Without room on the disk it leaves all files old or all new, and says which by how it ends.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys

command, clang, preloaded = sys.argv[1:]
OLD, NEW = {"a.c": "int a;\n", "b.c": "int b;\n"}, {"a.c": "static int a;\n", "b.c": "static int b;\n"}
FIX = ["fix", "--apply", "-q", "--color=never", "--clang=" + clang] + sorted(OLD) + ["--"]
UNDO = ["fix", "--undo"]


def blob(text):
    return hashlib.sha1(b"blob %d\0" % len(text) + text.encode()).hexdigest()


def reports():
    """What the compiler says: each file has a report, whose fix makes it static, and none after that."""
    for name in OLD:
        path = os.path.realpath(name)
        place = {"file": path, "line": 1, "column": 1, "offset": 0}
        report = {"version": 1, "main": path, "complete": True, "problems": [], "rewrites": [], "left": [],
                  "functions": dict.fromkeys(["seen", "relevant", "suspects", "proved", "unproved", "skipped"], 0)}
        edit = {"file": path, "offset": 0, "length": 0, "text": "static "}
        fix = {"name": "s", "title": "s", "edits": [edit]}
        leak = {"rule": "safespawn.thread.Leak", "class": "resource", "function": "f", "message": "leaks", **place,
                "notes": [], "fixes": [fix]}
        files = {path: blob(OLD[name])}
        json.dump({**report, "reports": [leak], "files": files}, open(name + ".json", "w"))
        json.dump({**report, "reports": [], "files": {}}, open(name + ".after.json", "w"))


def write(contents):
    shutil.rmtree(".safespawn-undo", ignore_errors=True)
    for name, text in contents.items():
        open(name, "w").write(text)


def read():
    return {name: open(name).read() for name in OLD}


def run(words, how=None, at=0):
    environment = dict(os.environ)
    if how:
        environment.update(CRASH=how, CRASH_AT=str(at), LD_PRELOAD=preloaded,
                           ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
    return subprocess.run([command] + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          universal_newlines=True)


def check(holds, what, done):
    if not holds:
        sys.exit("%s: %s\n%s\n%s" % (what, done.returncode, done.stdout, read()))


def nothing_is_left(what, done):
    left = [name for name in os.listdir(".") if "safespawn" in name]
    check(not left, "%s leaves %s" % (what, left), done)


def kill_each(words, contents):
    """How often `words` can be killed; after each time undo gives the old contents back."""
    mixed = 0
    for at in range(1, 200):
        contents()
        done = run(words, "kill", at)
        if done.returncode != -9:
            return at, mixed
        now = read()
        check(all(now[name] in (OLD[name], NEW[name]) for name in now), "killed at %d" % at, done)
        if now != OLD and now != NEW:
            mixed += 1
            if mixed == 1:
                again = run(FIX)
                check(again.returncode == 3 and "--undo" in again.stdout and read() == now, "fix after that", again)
        undone = run(UNDO)
        check(undone.returncode in (0, 2) and read() == OLD, "undo after being killed at %d" % at, undone)
        nothing_is_left("undo after being killed at %d" % at, undone)


def fixed():
    write(NEW)
    shutil.copytree("kept", ".safespawn-undo")


reports()
killed, mixed = kill_each(FIX, lambda: write(OLD))
if killed < 20 or not mixed:
    sys.exit("fix was killed %d times, %d of them between two files" % (killed, mixed))
write(OLD)
done = run(FIX)
check(done.returncode in (0, 1) and read() == NEW, "fix", done)
shutil.copytree(".safespawn-undo", "kept")
times, mixed = kill_each(UNDO, fixed)
if times < 10 or not mixed:
    sys.exit("undo was killed %d times, %d of them between two files" % (times, mixed))

for at in range(1, killed):
    write(OLD)
    done = run(FIX, "full", at)
    check(read() == (OLD if done.returncode == 3 else NEW), "no room at %d" % at, done)
    if done.returncode == 3:
        nothing_is_left("no room at %d" % at, done)
