#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tree.py PROJECT OUT: a compile_commands.json in OUT for all C of the project that is there to be analysed

The tests (each file once for every set of macros that its RUN lines have, and each part of a file that is split), the
examples, and the snippets of the guide. The runtime's own tests are left out, which would take as long as all others.
"""
import json
import re
import subprocess
import sys
from pathlib import Path


def parts_of(path, out):
    subprocess.run(["split-file", path, out], check=True)
    return sorted(out.rglob("*.c"))


def sources(project, out):
    """(file, its own flags)"""
    for path in sorted((project / "test").rglob("*")):
        if path.suffix not in (".c", ".test") or project / "test" / "runtime" in path.parents:
            continue
        text = path.read_text(errors="replace")
        runs = re.findall(r"RUN:(.*)", text)
        if any("split-file %s" in run for run in runs):
            for part in parts_of(path, out / path.relative_to(project)):
                yield part, []
        elif path.suffix == ".c":
            for macros in sorted({tuple(re.findall(r"-D\s*\w+(?:=\w+)?", run)) for run in runs} | {()}):
                yield path, list(macros)
    for path in sorted((project / "examples").rglob("*.c")):
        yield path, []
    for page in sorted((project / "docs").rglob("*.md")):
        for i, block in enumerate(re.findall(r"^```c\n(.*?)^```$", page.read_text(), flags=re.S | re.M)):
            snippet = out / page.relative_to(project) / ("%d.c" % i)
            snippet.parent.mkdir(parents=True, exist_ok=True)
            snippet.write_text(block)
            yield snippet, []


def main(project, out):
    entries = []
    for path, flags in sources(project, out):
        includes = ["-I" + str(project / "test"), "-I" + str(project / "runtime" / "include")]
        command = ["cc", "-pthread", *includes, *flags, "-c", str(path)]
        entries.append({"directory": str(path.parent), "file": str(path), "arguments": command})
    assert len(entries) > 100, "only %d files found" % len(entries)
    with open(out / "compile_commands.json", "w") as database:
        json.dump(entries, database, indent=1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(lambda name: Path(name).resolve(), sys.argv[1:]))
