#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles each source with and without the plugin, in many ways, and compares all files that come out.

usage: same_output.py CLANG LOADER FOLDER SOURCE...
"""
import os
import shutil
import subprocess
import sys

COMPILES = [
    "-c -O0",
    "-c -O2",
    "-c -O2 -g",
    "-c -O2 -g3 -fPIC -ffunction-sections",
    "-c -O2 -flto",
    "-c -O2 -flto=thin",
    "-c -g -fsanitize=address,undefined",
    "-c -O1 --coverage",
    "-c -MD -MF out.d",
    "-S -O2",
    "-S -O2 -emit-llvm",
    "-c -save-temps=obj",
    "-E",
    "-E -dD",
    "-M",
    "-MM",
]


def files_of(command, folder):
    """What the command leaves in a folder that was empty: name -> bytes. Both runs see the same folder's name."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or done.stdout:
        sys.exit("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout))
    made = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as content:
            made[name] = content.read()
    return made


def main(clang, loader, folder, *sources):
    plugin = ["-fplugin=" + loader, "-fplugin-arg-safespawn-no-config"]
    differences = []
    for source in sources:
        for flags in COMPILES:
            compile_it = [clang, "-w", *flags.split(), source, "-o", "out.o"]
            plain = files_of(compile_it, folder)
            with_plugin = files_of(compile_it + plugin, folder)
            assert "out.o" in plain, compile_it
            if plain != with_plugin:
                names = [n for n in {**plain, **with_plugin} if plain.get(n) != with_plugin.get(n)]
                differences.append("%s %s: %s differ" % (flags, source, ", ".join(sorted(names))))
    sys.exit("\n".join(differences) or 0)


main(*sys.argv[1:])
