#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holds docs/runtime/semantics.md and the manual pages against the comments of safespawn.h.

    check_manual.py HEADER SEMANTICS PAGE.scd...

Each public call has one row and one entry, and there are no others. A row says of threads, signal handlers and forks
what the comment says, names the errors that the comment names and no others, and the units of all parameters that have
one.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "runtime/man"))
import manual  # noqa: E402

COLUMNS = ["call", "threads", "who owns what", "units", "errors", "in a signal handler", "in a fork's child"]
# A cancellable form of a POSIX call, and what waits on descriptors: told at the top of the header and the section.
BLOCKING = {"ECANCELED", "ETIMEDOUT", "EMFILE", "ENFILE"}


def models(call, calls):
    """The calls that a comment refers to with `as`."""
    named = re.findall(r"\b[Aa]s (ss_\w+)", call.comment)
    return [calls[name] for name in named if name in calls and name != call.name]


def clause(call, kind, calls):
    """What holds for a call: its own clause, or that of the first call it is like."""
    own = call.clause(kind)
    if own and not own.startswith("as ss_"):
        return own
    return next(filter(None, (clause(model, kind, calls) for model in models(call, calls))), None)


def errors(call, calls):
    text = re.sub(r"\bChild:.*?\.(?=\s|$)", "", " ".join(call.comment.split()))
    found = set(re.findall(r"\bE[A-Z]{3,}\b", text))
    return found.union(*(errors(model, calls) for model in models(call, calls)))


def with_units(call):
    """The parameters that need a unit."""
    wants = r"\b(?:ss_time|int64_t|size_t|struct timespec) \**(?!ss_)(\w+)|\bint (timeout_ms)\b"
    return {name or other for name, other in re.findall(wants, call.declaration)}


def check_row(cells, call, calls):
    row = dict(zip(COLUMNS[1:], cells))
    for column, kind in [("threads", "Threads"), ("in a signal handler", "Signals"), ("in a fork's child", "Child")]:
        says = clause(call, kind, calls) or {"Signals": "no", "Child": "EOWNERDEAD"}.get(kind)
        if row[column].replace("`", "") != says:
            yield f"{column}: {row[column]!r}, the header {says!r}"
    named, allowed = set(re.findall(r"\bE[A-Z]{3,}\b", row["errors"])), errors(call, calls)
    for error in sorted(allowed - named):
        yield f"errors: no {error}"
    for error in sorted(named - allowed - (BLOCKING if call.common else set())):
        yield f"errors: {error}, which the header does not name"
    for name in sorted(with_units(call)):
        if f"`{name}` " not in row["units"]:
            yield f"units: no {name}"
    if not all(cells):
        yield "an empty cell"


def check(header, semantics, pages):
    calls = manual.read_header(header)
    # The list of SS_PREFIX is a second opinion on what is public.
    listed = set(re.findall(r"^#define (ss_\w*[a-z]) SS_NAME_", pathlib.Path(header).read_text(), flags=re.M))
    for name in sorted(listed ^ {name for name in calls if name.islower()}):
        yield f"{header}: {name} is not both declared and listed for SS_PREFIX"

    rows = {}
    for line in pathlib.Path(semantics).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        names = re.findall(r"`(\w+)`", cells[0])
        if line.startswith("| `"):
            if names[0] in rows:
                yield f"{semantics}: {names[0]} has two rows"
            rows[names[0]] = (names, cells[1:])
        elif line.startswith("| call") and cells != COLUMNS:
            yield f"{semantics}: the columns are not {' | '.join(COLUMNS)}"
    texts = [pathlib.Path(page).read_text() for page in pages]
    entries = [name for text in texts for name in re.findall(r"^@call (\w+)$", text, flags=re.M)]

    for name in sorted(set(rows) - set(calls)):
        yield f"{semantics}: {name} is not in the header"
    for name in sorted(set(entries) - set(calls)):
        yield f"manual pages: {name} is not in the header"
    for name, call in calls.items():
        if entries.count(name) != 1:
            yield f"manual pages: {name} has {entries.count(name)} entries"
        if name not in rows:
            yield f"{semantics}: {name} has no row"
            continue
        names, cells = rows[name]
        if names != call.names():
            yield f"{semantics}: {name}: the row names {names}, the header {call.names()}"
        if len(cells) != len(COLUMNS) - 1:
            yield f"{semantics}: {name} has {len(cells) + 1} cells"
            continue
        for problem in check_row(cells, call, calls):
            yield f"{semantics}: {name}: {problem}"


def main(header, semantics, *pages):
    problems = list(check(header, semantics, pages))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
