# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A language client for tests: one clangd, one file at a time, everything with a time limit.

A message of the server's that nobody waits for is read and kept, so that the server is never blocked by us.
"""
import json
import os
import queue
import subprocess
import threading
import time

LIMIT_S = 120  # far above what a loaded machine needs; a session that waits longer than this hangs


class Session:
    """with Session(clangd, preload=loader) as session: ..."""

    def __init__(self, clangd, *options, preload=None, env=None, errors=None):
        env = dict(os.environ, **(env or {}))
        env.pop("LD_PRELOAD", None)
        if preload:
            env["LD_PRELOAD"] = preload
        command = [clangd, *options, "--background-index=0"]
        self.stderr = open(errors, "w") if errors else subprocess.DEVNULL
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr, env=env
        )
        self.inbox = queue.Queue()
        self.waiting = []
        self.last_id = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.text = {}
        self.version = {}
        publish = {"codeActionsInline": False, "relatedInformation": True, "versionSupport": True}
        literals = {"codeActionKind": {"valueSet": ["quickfix"]}}
        document = {"publishDiagnostics": publish, "codeAction": {"codeActionLiteralSupport": literals}}
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {"textDocument": document}}
        self.request("initialize", params)
        self.notify("initialized", {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server.poll() is None:
            try:
                self.request("shutdown", None)
                self.notify("exit", None)
                self.server.wait(LIMIT_S)
            except Exception:
                self.server.kill()
                self.server.wait()
                raise
        self.reader.join(LIMIT_S)
        self.server.stdin.close()
        self.server.stdout.close()
        if self.stderr is not subprocess.DEVNULL:
            self.stderr.close()

    # The protocol

    def _read(self):
        stream = self.server.stdout
        try:
            while True:
                length = None
                while (line := stream.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if length is None:
                    break
                self.inbox.put(json.loads(stream.read(length)))
        except ValueError:
            pass  # the pipe was closed while we read
        self.inbox.put(None)

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def _wait(self, wanted):
        """The first message, of those kept and those to come, for which wanted() holds."""
        deadline = time.monotonic() + LIMIT_S
        for message in self.waiting:
            if wanted(message):
                self.waiting.remove(message)
                return message
        while True:
            try:
                message = self.inbox.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError("clangd did not answer in %d s; unread: %r" % (LIMIT_S, self.waiting)) from None
            if message is None:
                raise EOFError("clangd ended with status %r" % self.server.wait(LIMIT_S))
            if "method" in message and "id" in message:  # a request to us: refuse, politely
                self._send({"id": message["id"], "result": None})
            elif wanted(message):
                return message
            else:
                self.waiting.append(message)

    def notify(self, method, params):
        self._send({"method": method, "params": params})

    def request(self, method, params):
        self.last_id += 1
        this = self.last_id
        self._send({"id": this, "method": method, "params": params})
        answer = self._wait(lambda message: message.get("id") == this and "method" not in message)
        if "error" in answer:
            raise RuntimeError("%s: %s" % (method, answer["error"]))
        return answer["result"]

    # What a person does in an editor

    def diagnostics(self, path):
        """What clangd publishes for the text as it is now."""
        uri, version = uri_of(path), self.version[path]

        def is_ours(message):
            params = message.get("params", {})
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and params["uri"] == uri
                and params.get("version", version) == version
            )

        return self._wait(is_ours)["params"]["diagnostics"]

    def open(self, path):
        with open(path) as source:
            self.text[path] = source.read()
        self.version[path] = 1
        item = {"uri": uri_of(path), "languageId": "c", "version": 1, "text": self.text[path]}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(path)

    def change(self, path, text):
        self.text[path] = text
        self.version[path] += 1
        document = {"uri": uri_of(path), "version": self.version[path]}
        params = {"textDocument": document, "contentChanges": [{"text": text}], "wantDiagnostics": True}
        self.notify("textDocument/didChange", params)
        return self.diagnostics(path)

    def quick_fixes(self, path, diagnostic):
        context = {"diagnostics": [diagnostic], "only": ["quickfix"]}
        document = {"uri": uri_of(path)}
        params = {"textDocument": document, "range": diagnostic["range"], "context": context}
        return [action for action in self.request("textDocument/codeAction", params) if "edit" in action]

    def apply(self, path, action):
        """The diagnostics after the action's edits, which are all in this file."""
        edits = action["edit"]["changes"]
        if list(edits) != [uri_of(path)]:
            raise AssertionError("edits of other files: %r" % edits)
        return self.change(path, with_edits(self.text[path], edits[uri_of(path)]))


def uri_of(path):
    return "file://" + path


def with_edits(text, edits):
    """The text after LSP edits, all of them in coordinates of the text before; ASCII only."""
    assert text.isascii()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(position):
        return starts[position["line"]] + position["character"]

    for edit in sorted(edits, key=lambda edit: offset(edit["range"]["start"]), reverse=True):
        begin, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        text = text[:begin] + edit["newText"] + text[end:]
    return text
