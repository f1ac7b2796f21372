#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The comments of safespawn.h as manual pages.

    manual.py SCDOC HEADER OUT PAGE.scd...

A page is scdoc with two additions: a line `@synopsis` becomes the declarations of all calls of the page, a line
`@call NAME` the entry of one call, with the text of its comment. OUT gets each page, and for each call a one-line page
that leads to it. What is written once, in the header, cannot part from the manual.
"""
import pathlib
import re
import subprocess
import sys
import textwrap

# Attributes say to compilers what the comment says to readers.
ATTRIBUTES = r"\s*\bSS_(?:NODISCARD|NORETURN|PRINTF\(\d+, \d+\))\s*"


class Call:
    """A public function with the macros that are short for it, or a macro that is a call by itself."""

    def __init__(self, name, declaration, comment, common):
        self.name, self.declaration, self.comment, self.common = name, declaration, comment, common
        self.short = []  # macros: (name, "name(parameters)")

    def names(self):
        return [self.name] + [name for name, _ in self.short]

    def text(self):
        """The comment as one line, with what its section says of all its calls."""
        return " ".join(f"{self.comment} {self.common}".split())

    def clause(self, kind):
        """What the comment says after `Threads:`, `Signals:`, `Child:` or `Errors:`; None when it does not."""
        found = re.search(rf"\b(?:\w+, )*{kind}(?:, \w+)*:\s+(.*?)\.(?=\s|$)", self.text())
        return found[1] if found else None


def uncomment(comment):
    """The text of a comment: without its frame, lines as they are."""
    lines = comment.removeprefix("/**").removeprefix("/*").removesuffix("*/").split("\n")
    return "\n".join([lines[0].strip()] + [re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines[1:]]).strip()


def read_header(path):
    """The public calls of the header in their order. What ends in an underscore is not for callers."""
    text = pathlib.Path(path).read_text()
    text = text[text.index("/* ---- ") :].replace("\\\n", "\n")
    pieces = re.compile(
        r"(?P<section>^/\* ---- .*?\*/\n)"
        r"|(?P<comment>^/\*.*?\*/)"
        r"|(?P<blank>^\n)"
        r"|^#define (?P<macro>\w+)(?P<parameters>\([^)]*\))(?P<body>.*?)\n(?![\t ])"
        r"|^(?:typedef|enum|struct)\b[^;{]*(?:\{[^}]*\}[^;]*)?;"
        r"|(?P<declaration>^\w[^;{}#]*?\b(?P<function>ss_\w+)\([^;{}]*\)[^;{}]*;)",
        re.S | re.M,
    )
    calls, macros = {}, []
    comment = common = ""
    at = 0
    while found := pieces.search(text, at):
        at = found.end()
        if found["section"]:
            comment = common = ""
        elif found["blank"]:
            comment = ""
        elif found["comment"] and found["comment"].startswith("/**"):
            comment = uncomment(found["comment"])
        elif found["comment"] and text[: found.start()].endswith("*/\n"):
            common = uncomment(found["comment"])
        elif found["macro"] and not found["macro"].endswith("_"):
            form = found["macro"] + " ".join(found["parameters"].split())
            if found["macro"].islower():
                macros.append((found["macro"], form, re.search(r"ss_\w+", found["body"])[0]))
            elif comment:
                form = re.sub(r"_(?=[,)])", "", form)  # SS_SCOPE(name_, ...)
                calls[found["macro"]] = Call(found["macro"], form, comment, common)
        elif found["declaration"] and not found["function"].endswith("_"):
            declaration = " ".join(re.sub(ATTRIBUTES, " ", found["declaration"]).split()).replace(" ;", ";")
            calls[found["function"]] = Call(found["function"], declaration, comment, common)
    for name, form, function in macros:
        calls[function].short.append((name, form))
    return calls


def escape(text):
    return re.sub(r"([\\*_`#])", r"\\\1", text)


def emphasise(text):
    """Parameters and clauses of a comment as they look in a manual."""
    pieces = re.split(r"@(\w+)", text)  # every second one is a parameter
    text = "".join(f"_{piece}_" if at % 2 else escape(piece) for at, piece in enumerate(pieces))
    return re.sub(r"\b(Threads, Errors|Threads|Signals|Child|Errors):", r"*\1:*", text)


def entry(call):
    """The scdoc of one call: its forms, and the comment below them."""
    lines = []
    forms = [form for _, form in call.short] + [call.declaration]
    lines += ["*" + escape(forms[0]) + "*" + ("++" if len(forms) > 1 else "")]
    lines += ["*" + escape(form) + "*" + ("++" if form is not forms[-1] else "") for form in forms[1:]]
    for paragraph in re.split(r"\n\s*\n", "\n".join(filter(None, [call.comment, call.common]))):
        if paragraph.startswith("    "):
            lines += ["\t```"] + ["\t" + line for line in textwrap.dedent(paragraph).split("\n")] + ["\t```", ""]
            continue
        # One item per parameter and per clause, each with the lines that go on with it.
        for item in re.split(r"\n(?=@|Threads|Errors|Returns)", paragraph):
            lines += ["\t" + emphasise(" ".join(item.split())), ""]
    return "\n".join(lines)


def expand(page, calls):
    """The scdoc of a page, and the calls that it has entries of."""
    text = page.read_text()
    named = re.findall(r"^@call (\w+)$", text, flags=re.M)
    for name in named:
        if name not in calls:
            sys.exit(f"{page}: the header has no {name}")
    synopsis = ["*#include <safespawn.h>*", "", "```"]
    for name in named:
        forms = [form for _, form in calls[name].short] + [calls[name].declaration]
        for form in forms:
            synopsis += textwrap.wrap(form, 76, subsequent_indent="    ")
    text = re.sub(r"^@synopsis$", lambda _: "\n".join(synopsis + ["```"]), text, flags=re.M)
    return re.sub(r"^@call (\w+)$", lambda found: entry(calls[found[1]]), text, flags=re.M), named


def main(scdoc, header, out, *pages):
    calls, out = read_header(header), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    for page in map(pathlib.Path, pages):
        text, named = expand(page, calls)
        name = page.stem  # safespawn-scopes.3
        run = subprocess.run([scdoc], input=text.encode(), stdout=subprocess.PIPE, check=False)
        if run.returncode:
            sys.exit(f"{page}: scdoc does not read it")
        (out / name).write_bytes(run.stdout)
        for alias in [alias for call in named for alias in calls[call].names()]:
            (out / f"{alias}.3").write_text(f".so man3/{name}\n")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
