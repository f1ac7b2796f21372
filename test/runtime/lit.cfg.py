# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the tests of the runtime run: once per variant, whatever the LLVM majors, and once for the library as a whole.

A program NAME.c is built by CMakeLists.txt and run by its first line:

  %run NAME          the program in this variant, under its tool, with an end to its time
  %variant           gcc, clang, release, portable, tsan, asan, valgrind

A NAME.test asks something of the library as a whole:

  %gcc %gxx %clang %clangxx %musl_gcc   the compilers; clang is that of the first LLVM major
  %cmake             the one that runs builds
  %sources           the C files of the library
  %include           runtime/include
  %project %build    the two roots
"""
import os
import shutil
import sys

import lit.formats

config.name = "safespawn :: runtime" + (config.variant and "-" + config.variant)
config.test_format = lit.formats.ShTest(True)
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_root, "test", "runtime" + (config.variant and "-" + config.variant))
config.suffixes = [".c"] if config.variant else [".test"]
config.excludes = ["Inputs", "support.c"]
config.available_features.add(config.variant or "library")
config.environment["LC_ALL"] = "C.UTF-8"
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the tests' own modules are in the source tree
for name in ["ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "VALGRIND_OPTS", "LD_PRELOAD"]:
    config.environment.pop(name, None)


def need(name, package):
    """The full path of a tool that the tests cannot do without."""
    found = shutil.which(name)
    if not found:
        lit_config.fatal("%s is missing: install %s" % (name, package))
    return found


for name, text in [
    ("run", "%s %s %s" % (sys.executable, os.path.join(config.test_source_root, "run"), config.test_exec_root)),
    ("variant", config.variant),
    ("gcc", need("gcc", "gcc")),
    ("gxx", need("g++", "g++")),
    ("clang", config.clang),
    ("clangxx", config.clang + "++"),
    ("musl_gcc", need("musl-gcc", "musl-tools")),
    ("cmake", need("cmake", "cmake")),
    ("sources", " ".join(config.sources)),
    ("include", os.path.join(config.project_root, "runtime", "include")),
    ("python", sys.executable),
    ("project", config.project_root),
    ("build", config.build_root),
]:
    # \b: %clang is not the beginning of %clangxx.
    config.substitutions.append((r"%" + name + r"\b", text))
config.environment["PATH"] = os.pathsep.join([os.path.dirname(config.clang), config.environment["PATH"]])  # FileCheck
need("valgrind", "valgrind")
need("spin", "spin")
need("pkg-config", "pkg-config")
need("scdoc", "scdoc")
