#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holds docs/models.md against what the plugin reads.

    check_models.py PAGE CLANG PLUGIN WORKDIR

Each yaml example is read without a complaint; the first one makes the page's C example a report, and without it there is
none. Each row of the table of effects is accepted with all roles that it names, and refused without one that it needs.
The text under "Mistakes" is what the plugin says. The success conventions, the words of the columns and the kinds of types
are those that it accepts.
"""
import pathlib
import re
import shlex
import subprocess
import sys


class Check:
    def __init__(self, clang, plugin, workdir):
        self.compiler = shlex.split(clang) + ["-std=c11", "-fsyntax-only", f"-fplugin={plugin}"]
        self.workdir = workdir
        self.problems = []
        self.count = 0

    def run(self, code, model):
        """The exit code and the messages of a compile below a .safespawn.yaml that holds the model."""
        self.count += 1
        folder = self.workdir / str(self.count)
        folder.mkdir(parents=True)
        (folder / ".safespawn.yaml").write_text(model)
        (folder / "code.c").write_text(code)
        run = subprocess.run(self.compiler + [folder / "code.c"], capture_output=True, text=True)
        return run.returncode, run.stderr

    def accepted(self, model):
        code, messages = self.run("#include <pthread.h>\nvoid *work(void *a) { return a; }\n", model)
        return code == 0 and not messages

    def expect(self, holds, problem):
        if not holds:
            self.problems.append(problem)


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.S | re.M)


def table(text, heading):
    """The cells of the tables whose first column has this heading, without the two heading lines."""
    found = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, flags=re.M)
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in "".join(found).splitlines()]


def row(effect, keys, **given):
    words = {"success": "zero", "mode": "shared", "kind": "file", "scopes": "joined", "queued": "started", **given}
    names = ["detached", "recursive", "checked", "unless", "joined-by", "released-by", "broadcast", "never",
             "limited", "deadline", "unbound", "background", "unless-object"]
    values = {**dict.fromkeys(names, "x_name"), **words}  # all others are arguments
    fields = [f"{key}: {values.get(key, 0)}" for key in keys]
    return f"Models:\n  - {{{', '.join(['call: some_call', 'args: 1', 'effect: ' + effect] + fields)}}}\n"


def main(page, clang, plugin, workdir):
    text = pathlib.Path(page).read_text()
    check = Check(clang, plugin, pathlib.Path(workdir))
    models, snippets = blocks(text, "yaml"), blocks(text, "c")

    for model in models:
        check.expect(check.accepted(model), f"{page}: this example is not accepted:\n{model}")
    for snippet in snippets:
        rule = re.match(r"/\* reported: (\S+) \*/", snippet)[1]
        check.expect(f"[safespawn.{rule}]" in check.run(snippet, models[0])[1], f"{page}: {rule} is not reported")
        check.expect(check.run(snippet, "") == (0, ""), f"{page}: reported without the model too")

    for cells in table(text, "effect"):
        effect, needs, takes = cells[0].strip("`"), re.findall(r"`([\w-]+)`", cells[2]), re.findall(r"`([\w-]+)`", cells[3])
        needs = [key for key in needs if key != "return"]
        check.expect(check.accepted(row(effect, needs)), f"{page}: {effect} needs more than {needs}")
        check.expect(check.accepted(row(effect, needs + takes)), f"{page}: {effect} does not take {needs + takes}")
        for left_out in needs:
            rest = [key for key in needs if key != left_out]
            check.expect(not check.accepted(row(effect, rest)), f"{page}: {effect} does not need {left_out}")

    for cells in table(text, "column"):
        key = cells[0].strip("`")
        effect, needs = {"mode": ("acquire", ["object"]), "kind": ("block", []), "scopes": ("end-thread", []), "queued": ("join-task", ["object"])}[key]
        for word in re.findall(r"`([\w-]+)`", cells[1]):
            check.expect(check.accepted(row(effect, needs + [key], **{key: word})), f"{page}: {key}: {word} is refused")

    kinds = re.search(r"`is` is one of (.*)\. The", text)[1]
    for kind in re.findall(r"`(\w+)`", kinds):
        check.expect(check.accepted(f"Types:\n  - {{type: some_type, is: {kind}}}\n"), f"{page}: is: {kind} is refused")

    for cells in table(text, "`success`"):
        for word in re.findall(r"`([\w-]+)`", cells[0]):
            check.expect(check.accepted(row("join", ["object", "success"], success=word)), f"{page}: success: {word} is refused")

    mistake = blocks(text, "text")[0]
    place, message = re.match(r"\.safespawn\.yaml(:\d+:\d+: )(.*)\n", mistake).groups()
    code, messages = check.run("int nothing;\n", models[0].replace("effect: spawn", "effect: spwan"))
    check.expect(code != 0, f"{page}: the mistake does not fail the compile")
    check.expect(f".safespawn.yaml{place}{message}" in messages, f"{page}: says {mistake}not {messages}")

    for problem in check.problems:
        print(problem, file=sys.stderr)
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
