#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The text that a browser shows of the HTML files named, one line per piece of text."""
import html.parser
import sys


class Visible(html.parser.HTMLParser):
    hidden = 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style", "title")

    def handle_data(self, data):
        if not self.hidden and data.strip():
            print(" ".join(data.split()))


for path in sys.argv[1:]:
    with open(path, errors="replace") as page:
        Visible().feed(page.read())
