#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holds the rule pages in docs/rules against the rule table and against what the plugin reports.

    check_pages.py table    DOCS RULES_DEF
    check_pages.py snippets DOCS CLANG PLUGIN WORKDIR

table: each row of the table has its page and each page its row; title, class, profile and links agree.
snippets: each ```c block compiles without a warning; one that starts with /* bad: ID */ draws a report of that rule, one
that starts with /* good */ draws no report at all, both in the profile that turns the page's rule on.
"""
import pathlib
import re
import shlex
import subprocess
import sys

SECTIONS = ["Why it matters", "Bad", "Good", "Fix", "Silent when", "Known limits", "See"]


def table_rows(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    pattern = r"SAFESPAWN_RULE\(\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)\s*,\s*\"(.*?)\"\s*\)"
    return {
        f"{family}.{name}": (kind.lower(), profile.lower())
        for family, name, kind, profile, _ in re.findall(pattern, text, flags=re.S)
    }


def title(text):
    """The id, the class, the profile and the fix-it that a page names in its first line."""
    found = re.match(r"# safespawn\.(\S+) +(\w+) · (\w+) · (no fix-it|fix-it: .+)\n", text)
    return found.groups() if found else None


def check_table(docs, rules_def):
    problems = []
    rows = table_rows(rules_def)
    pages = {page.stem: page for page in (docs / "rules").glob("*.md")}
    if not rows:
        problems.append(f"{rules_def}: no rows found")
    for rule in sorted(rows.keys() - pages.keys()):
        problems.append(f"{rules_def}: {rule} has no page docs/rules/{rule}.md")
    for rule in sorted(pages.keys() - rows.keys()):
        problems.append(f"{pages[rule]}: no such rule in the table")
    for rule in sorted(pages.keys() & rows.keys()):
        text = pages[rule].read_text()
        named = title(text)
        if not named:
            problems.append(f"{pages[rule]}:1: expected '# safespawn.{rule}   class · profile · fix-it'")
            continue
        if named[0] != rule:
            problems.append(f"{pages[rule]}:1: names {named[0]}")
        if named[1:3] != rows[rule]:
            problems.append(f"{pages[rule]}:1: says {' · '.join(named[1:3])}, the table {' · '.join(rows[rule])}")
        for section in SECTIONS:
            if f"\n**{section}**" not in text:
                problems.append(f"{pages[rule]}: no section '{section}'")
    for page in sorted(docs.rglob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link and not (page.parent / link).exists():
                problems.append(f"{page}: link to {link} leads nowhere")
    return problems


def check_snippets(docs, clang, plugin, workdir):
    problems = []
    workdir.mkdir(parents=True, exist_ok=True)
    compiler = shlex.split(clang) + ["-std=c11", "-fsyntax-only", "-Wall", "-pthread"]
    compiler.append(f"-I{docs.parent}/runtime/include")
    for page in sorted((docs / "rules").glob("*.md")):
        text = page.read_text()
        named = title(text)
        kinds = set()
        for block in re.finditer(r"^```c\n(.*?)^```$", text, flags=re.S | re.M):
            line = text.count("\n", 0, block.start()) + 2
            where = f"{page}:{line}"
            first = re.match(r"/\* (?:(bad): (\S+)|(good)) \*/\n", block[1])
            if not first:
                problems.append(f"{where}: the first line is neither /* bad: ID */ nor /* good */")
                continue
            kind = first[1] or first[3]
            kinds.add(kind)
            if kind == "bad" and first[2] != page.stem:
                problems.append(f"{where}: bad for {first[2]} on the page of {page.stem}")
            source = workdir / f"{page.stem}-{line}-{kind}.c"
            source.write_text(block[1])

            plain = subprocess.run(compiler + ["-Werror", source], capture_output=True, text=True)
            if plain.returncode or plain.stderr:
                problems.append(f"{where}: does not compile\n{plain.stderr}")
                continue
            options = ["no-config", f"profile={named[2]}"]
            arguments = [f"-fplugin={plugin}"] + [f"-fplugin-arg-safespawn-{option}" for option in options]
            run = subprocess.run(compiler + arguments + [source], capture_output=True, text=True)
            found = re.findall(r"\[safespawn\.(\S+)\]$", run.stderr, flags=re.M)
            said = "".join(run.stderr.splitlines(keepends=True)[:20])
            if run.returncode:
                problems.append(f"{where}: the compile with the plugin failed\n{said}")
            elif kind == "bad" and page.stem not in found:
                problems.append(f"{where}: no report of {page.stem}\n{said}")
            elif kind == "good" and found:
                problems.append(f"{where}: good, and yet reported\n{said}")
        if kinds != {"bad", "good"}:
            problems.append(f"{page}: needs bad and good snippets")
    return problems


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "table":
        problems = check_table(*map(pathlib.Path, arguments[1:]))
    elif len(arguments) == 5 and arguments[0] == "snippets":
        problems = check_snippets(pathlib.Path(arguments[1]), arguments[2], arguments[3], pathlib.Path(arguments[4]))
    else:
        sys.exit(__doc__)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
