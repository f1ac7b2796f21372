#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares what the doors tell of each source: the compile with the plugin, the analyzer's text, plist and HTML.

The reports and their notes are the same, each with its place as far as the door shows one; the id stands in a report
once. The page's own guidance through calls ("Calling", "Returning") is not a part of the story.

usage: same_story.py CLANG LOADER FOLDER SOURCE... [-- FLAGS...]
"""
import collections
import glob
import html.parser
import os
import plistlib
import re
import shutil
import subprocess
import sys

GUIDANCE = re.compile(
    r"(Calling|Returning from|Entered call from|expanded from macro|Within the expansion of the macro) ?'"
)
OUR_ID = re.compile(r" \[(safespawn\.[a-z]+\.[A-Za-z]+)\]")
LINE = re.compile(r"(?P<file>.*?):(?P<line>\d+):\d+: (?P<kind>warning|note): (?P<text>.*)")

Report = collections.namedtuple("Report", "file line text id")


def story(message, notes):
    """A fix is offered in different ways; the last step of a path is the report itself."""
    return sorted(
        note
        for note in notes
        if note[-1] != message and not GUIDANCE.match(note[-1]) and not note[-1].startswith("fix '")
    )


def from_text(lines):
    found, notes = {}, []
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        if match["kind"] == "warning":
            text, rule, rest = OUR_ID.split(match["text"])
            assert not rest, "the id is not the end: " + line
            notes = []
            found[Report(os.path.basename(match["file"]), int(match["line"]), text, rule)] = notes
        else:
            notes.append((int(match["line"]), match["text"]))
    return {report: story(report.text, notes) for report, notes in found.items()}


def from_plist(path):
    with open(path, "rb") as content:
        everything = plistlib.load(content)
    found = {}
    for diagnostic in everything["diagnostics"]:
        file = os.path.basename(everything["files"][diagnostic["location"]["file"]])
        report = Report(file, diagnostic["location"]["line"], diagnostic["description"], diagnostic["check_name"])
        steps = [piece for piece in diagnostic["path"] if piece["kind"] == "event"] + diagnostic.get("notes", [])
        assert not any("message" in piece for piece in diagnostic["path"] if piece["kind"] == "control")
        found[report] = story(report.text, [(step["location"]["line"], step["message"]) for step in steps])
    return found


class Page(html.parser.HTMLParser):
    """What stands in the bubbles of one page."""

    VOID = {"br", "hr", "img", "input", "link", "meta"}

    def __init__(self, path):
        super().__init__()
        self.facts, self.bubbles, self.open = {}, [], []
        with open(path, errors="replace") as page:
            self.feed(page.read())

    def handle_comment(self, comment):
        name, _, value = comment.strip().partition(" ")
        self.facts[name] = value

    def handle_starttag(self, tag, attributes):
        classes = dict(attributes).get("class", "").split()
        if tag in self.VOID:
            return
        if "msg" in classes:
            self.bubbles.append("")
        self.open.append((tag, "msg" in classes, "PathIndex" in classes or "PathNav" in classes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if any(bubble for _, bubble, _ in self.open) and not any(button for _, _, button in self.open):
            self.bubbles[-1] += data


def from_pages(folder):
    found = {}
    for path in glob.glob(os.path.join(folder, "*.html")):
        page = Page(path)
        rule = page.facts["BUGTYPE"]
        mark = "[%s]" % rule
        text = page.facts["BUGDESC"].replace(" " + mark, "")
        assert (page.facts["BUGDESC"] + "".join(page.bubbles)).count(rule) == 1, path
        report = Report(os.path.basename(page.facts["BUGFILE"]), None, text, rule)
        # Of a report without a path the id is a note. Where a path ends in a callee, the page's line is the call's.
        shown = [bubble for bubble in page.bubbles if bubble != mark]
        found.setdefault(report, []).append(story(report.text, [(bubble,) for bubble in shown]))
    return {report: sorted(stories) for report, stories in found.items()}


def without_lines(found):
    """As pages show it: the lines of reports and notes left out, reports that read the same side by side."""
    merged = collections.defaultdict(list)
    for report, notes in found.items():
        merged[report._replace(line=None)].append(sorted((note[-1],) for note in notes))
    return {report: sorted(stories) for report, stories in merged.items()}


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout.splitlines()


def main(clang, loader, folder, *arguments):
    split = arguments.index("--") if "--" in arguments else len(arguments)
    sources, flags = arguments[:split], list(arguments[split + 1 :])
    differences, compared = [], 0
    for source in sources:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        plugin = ["-fsyntax-only", "-fplugin=" + loader]
        plugin += ["-fplugin-arg-safespawn-no-config", "-fplugin-arg-safespawn-profile=strict"]
        analyze = [clang, "--analyze", "--analyzer-no-default-checks", source, *flags]
        for word in ["-load", loader, "-analyzer-checker=safespawn", "-analyzer-config", "safespawn:Profile=strict"]:
            analyze += ["-Xclang", word]
        compiled = from_text(run([clang, "-Wno-everything", *plugin, source, *flags]))
        run(analyze + ["--analyzer-output", "html", "-o", folder])
        run(analyze + ["--analyzer-output", "plist-multi-file", "-o", folder + "/all.plist"])
        doors = {
            "text": from_text(run(analyze + ["--analyzer-output", "text"])),
            "plist": from_plist(folder + "/all.plist"),
            "html": from_pages(folder),
        }
        compared += len(compiled)
        for door, shown in doors.items():
            expected = without_lines(compiled) if door == "html" else compiled
            for report in sorted(expected.keys() | shown.keys(), key=str):
                if expected.get(report) != shown.get(report):
                    differences.append(
                        "%s:\n  %s\n  compile: %s\n  %s: %s"
                        % (source, report, expected.get(report), door, shown.get(report))
                    )
    print("%d reports compared" % compared)
    sys.exit("\n".join(differences) or 0)


main(*sys.argv[1:])
