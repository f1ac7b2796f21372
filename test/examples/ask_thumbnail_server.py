#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Starts the thumbnail server named in the first argument, asks it for one image by several clients at a time, and fails
unless each client gets the three sizes and the server ends by itself."""
import concurrent.futures
import os
import socket
import subprocess
import sys

CLIENTS = 32


def ask(_):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("sock")
        client.sendall(os.path.abspath("image.pgm").encode() + b"\n")
        return b"".join(iter(lambda: client.recv(65536), b""))


with open("image.pgm", "wb") as image:
    image.write(b"P5 256 128 255\n" + bytes(range(256)) * 128)
expected = b""
for width in (128, 64, 32):
    step = 256 // width
    expected += b"P5 %d %d 255\n" % (width, width // 2) + bytes(range(0, 256, step)) * (width // 2)

server = subprocess.Popen([sys.argv[1], "sock", str(CLIENTS + 1)])
while True:  # until it listens
    try:
        first = ask(0)
        break
    except (FileNotFoundError, ConnectionRefusedError):
        if server.poll() is not None:
            sys.exit("the server did not start")
with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
    answers = list(clients.map(ask, range(CLIENTS)))
sys.exit(server.wait() or any(answer != expected for answer in [first] + answers))
