#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sessions in a real clangd, each a function below: clangd_session.py NAME CLANGD LOADER FOLDER [ARGUMENTS]

FOLDER is empty and ours. Exits 0 when all went as expected, with a traceback where not.
"""
import json
import os
import sys

from lsp import Session

LEAK = """#include <pthread.h>

void *work(void *argument);

int load(void *argument)
{
	pthread_t t;

	if (pthread_create(&t, NULL, work, argument))
		return -1;
	return 0;
}
"""

DETACHED = """#include <pthread.h>

void *work(void *argument);

int start(void *argument)
{
	pthread_t t;

	if (pthread_create(&t, NULL, work, argument))
		return -1;
	return pthread_detach(t);
}
"""

LENT = """#include <pthread.h>

static void *work(void *argument)
{
	*(int *)argument = 1;
	return NULL;
}

int main(void)
{
	pthread_t t;
	int number = 0;

	if (pthread_create(&t, NULL, work, &number))
		return 1;
	pthread_exit(NULL);
}
"""

FORGOTTEN = """#include <pthread.h>
#include <stddef.h>

static void *work(void *argument)
{
	*(int *)argument = 1;
	return NULL;
}

int load(int stop)
{
	static int number;
	pthread_t t;

	if (pthread_create(&t, NULL, work, &number))
		return -1;
	if (stop)
		return 1;
	pthread_join(t, NULL);
	return 0;
}
"""

PAIR = """#include <pthread.h>

void *work(void *argument);

int run(void *argument)
{
	pthread_t t;

	if (pthread_create(&t, NULL, work, argument))
		return -1;
	pthread_join(t, NULL);
	return 0;
}
"""

BROKEN = "int f(void) { return undeclared; }\n"


def write(folder, name, text):
    """The file's path. Its flags are our own: without this file clangd takes those of a database in a folder above."""
    with open(os.path.join(folder, "compile_flags.txt"), "w") as flags:
        flags.write("-std=gnu17\n")
    path = os.path.realpath(os.path.join(folder, name))
    with open(path, "w") as out:
        out.write(text)
    return path


def ours(diagnostics, rule=None):
    return [d for d in diagnostics if "[safespawn.%s" % (rule + "]" if rule else "") in d["message"]]


def repair(clangd, loader, folder):
    """A defect is shown with its story, its quick fix repairs it, and it comes back with the text before."""
    path = write(folder, "leak.c", LEAK)
    with Session(clangd, preload=loader) as session:
        shown = session.open(path)
        assert len(ours(shown)) == 1 and len(shown) == 1, shown
        (leak,) = shown
        assert leak["message"].count("[safespawn.thread.Leak]") == 1, leak
        assert json.dumps(leak).count("safespawn.thread.Leak") == 1, leak
        assert leak["severity"] == 2, leak  # a warning
        assert LEAK.splitlines()[leak["range"]["start"]["line"]].strip() in ("return 0;", "}"), leak

        notes = leak["relatedInformation"]
        lines = [LEAK.splitlines()[note["location"]["range"]["start"]["line"]] for note in notes]
        assert any("pthread_create" in line for line in lines), notes
        assert all(note["location"]["uri"] == "file://" + path for note in notes), notes
        assert not any("safespawn" in note["message"] for note in notes), notes

        fixes = session.quick_fixes(path, leak)
        assert fixes, "no quick fix"
        for fix in fixes:
            after = session.apply(path, fix)
            assert not after, (fix, session.text[path], after)
            assert session.text[path] != LEAK
            again = session.change(path, LEAK)
            assert len(ours(again, "thread.Leak")) == 1, again
        joins = [fix for fix in fixes if "join" in fix["title"].lower()]
        assert joins, fixes
        session.apply(path, joins[0])
        assert "pthread_join(t, NULL)" in session.text[path], session.text[path]


def alternatives(clangd, loader, folder):
    """Each of two repairs is a quick fix of its own, with all of its edits: a header and two functions."""
    path = write(folder, "lent.c", LENT)
    with Session(clangd, preload=loader) as session:
        (lent,) = ours(session.open(path), "thread.StackEscape")
        texts = []
        for fix in session.quick_fixes(path, lent):
            if "rewrite" in fix["title"]:
                continue
            assert not session.apply(path, fix), (fix, session.text[path])
            texts.append(session.text[path])
            assert len(ours(session.change(path, LENT), "thread.StackEscape")) == 1
        assert len(texts) == 2, texts
        assert sum("pthread_join(t, NULL);" in text for text in texts) == 1, texts
        (heap,) = [text for text in texts if "malloc" in text]
        for line in ["#include <stdlib.h>", "free(argument);", "free(number);", "*number = 0;"]:
            assert line in heap, heap


def rewrite(clangd, loader, folder, include):
    """One quick fix makes the thread a task of a scope, in all of the function, with the header that this needs."""
    path = write(folder, "load.c", FORGOTTEN)
    with open(os.path.join(folder, "compile_flags.txt"), "a") as flags:
        flags.write("-I" + include + "\n")
    with Session(clangd, preload=loader) as session:
        (leak,) = ours(session.open(path), "thread.Leak")
        (fix,) = [fix for fix in session.quick_fixes(path, leak) if "rewrite as a scope" in fix["title"]]
        assert not session.apply(path, fix), session.text[path]
        for part in ["#include <safespawn.h>", "ss_task t;", "SS_SCOPE(", "ss_spawn_task_ptr(", "ss_task_join_ptr(&t"]:
            assert session.text[path].count(part) == 1, session.text[path]


def offer(clangd, loader, folder, include):
    """A thread with which all is well gets no word, and the quick fix where all rewrites are asked for."""
    path = write(folder, "run.c", PAIR)
    with open(os.path.join(folder, "compile_flags.txt"), "a") as flags:
        flags.write("-I" + include + "\n")
    with Session(clangd, preload=loader, env={"SAFESPAWN_REWRITES": "all"}) as session:
        (offer,) = session.open(path)
        assert "an run as tasks of a scope" in offer["message"], offer
        assert "pthread_create" in PAIR.splitlines()[offer["range"]["start"]["line"]], offer
        (fix,) = [fix for fix in session.quick_fixes(path, offer) if "rewrite as a scope" in fix["title"]]
        assert not session.apply(path, fix), session.text[path]
        for part in ["#include <safespawn.h>", "ss_task t;", "SS_SCOPE(", "ss_spawn_task_ptr(", "ss_task_join_ptr(&t"]:
            assert session.text[path].count(part) == 1, session.text[path]
    leak = write(folder, "load.c", FORGOTTEN)
    for which, fixes in [("reports", 1), ("none", 0)]:
        with Session(clangd, preload=loader, env={"SAFESPAWN_REWRITES": which}) as session:
            assert not session.open(path), which
            (report,) = ours(session.open(leak), "thread.Leak")
            found = [fix for fix in session.quick_fixes(leak, report) if "rewrite as a scope" in fix["title"]]
            assert len(found) == fixes, (which, found)


def strict(clangd, loader, folder):
    """The environment chooses the profile and the rules, because clangd hands no arguments to plugins."""
    path = write(folder, "detached.c", DETACHED)
    with Session(clangd, preload=loader) as session:
        shown = session.open(path)
        assert not shown, shown
    with Session(clangd, preload=loader, env={"SAFESPAWN_PROFILE": "strict"}) as session:
        shown = session.open(path)
        assert len(ours(shown, "thread.Detached")) == 1, shown
    with Session(clangd, preload=loader, env={"SAFESPAWN_RULES": "thread.Detached"}) as session:
        shown = session.open(path)
        assert len(ours(shown, "thread.Detached")) == 1, shown
    leak = write(folder, "leak.c", LEAK)
    with Session(clangd, preload=loader, env={"SAFESPAWN_RULES": "-thread.Leak"}) as session:
        shown = session.open(leak)
        assert not shown, shown


def typing(clangd, loader, folder):
    """While typing the text is broken most of the time; clangd stays, and its own errors are shown beside ours."""
    path = write(folder, "typing.c", LEAK)
    with Session(clangd, preload=loader) as session:
        assert ours(session.open(path), "thread.Leak")
        for cut in range(len(LEAK) - 1, 40, -17):
            session.change(path, LEAK[:cut])
        other = session.change(path, LEAK + "\n" + BROKEN)
        assert any("undeclared" in d["message"] for d in other), other
        assert len(ours(other, "thread.Leak")) == 1, other
        assert ours(session.change(path, LEAK), "thread.Leak")


def without_plugin(clangd, loader, folder, expected):
    """With a loader that finds no plugin the editor goes on, and one line on clangd's stderr says why."""
    path = write(folder, "broken.c", BROKEN)
    errors = os.path.join(folder, "stderr")
    with Session(clangd, preload=loader, errors=errors) as session:
        shown = session.open(path)
        assert len(shown) == 1 and "undeclared" in shown[0]["message"], shown
    with open(errors) as log:
        said = [line for line in log if "safespawn: " in line]
    assert len(said) == 1, said
    assert expected in said[0] and "clangd goes on without safespawn" in said[0], said


def query_driver(clangd, loader, folder):
    """The compiler that clangd asks for its include paths is a child, and has no plugin."""
    path = write(folder, "queried.c", LEAK)
    entry = {"directory": folder, "file": path, "arguments": ["/usr/bin/gcc", "-c", path]}
    write(folder, "compile_commands.json", json.dumps([entry]))
    errors = os.path.join(folder, "stderr")
    with Session(clangd, "--query-driver=/usr/bin/*gcc*", preload=loader, errors=errors) as session:
        session.open(path)
    with open(errors) as log:
        log = log.read()
    assert "System includes extractor: successfully executed" in log, log
    assert "driver execution failed" not in log, log


if __name__ == "__main__":
    sessions = [repair, alternatives, rewrite, offer, strict, typing, without_plugin, query_driver]
    {f.__name__: f for f in sessions}[sys.argv[1]](*sys.argv[2:])
