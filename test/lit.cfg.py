# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the tests run: which files are tests, and the names that their RUN lines use.

Loaded once per LLVM major, by build/test/llvm-NN/lit.site.cfg.py. Nothing is skipped: a tool that is missing is an
error here, before the first test.

  %clang %clangd %clang_tidy %scan_build ...  the tools of this major, by their full path
  %llvm              the major
  %plugin_so         the loader, build/lib/safespawn.so
  %command           the command, build/bin/safespawn
  %safespawn         a compile with the plugin, as users have it, without a search for .safespawn.yaml
  %safespawn_verify  the same, comparing its diagnostics with the expected-… comments
  %analyze           the analyzer door: clang --analyze with the loader, only our checkers, notes on
  %analyze_verify    the same, comparing
  %python %cc        the interpreter that runs lit; the system's C compiler
  %project %build    the two roots; test/ itself is %project/test
"""
import os
import shutil
import sys

import lit.formats

config.name = "safespawn :: llvm-" + config.llvm_major
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".c", ".cpp", ".test"]
# Inputs is what tests read; dev holds what is run by hand; the runtime has suites of its own.
config.excludes = ["Inputs", "CMakeLists.txt", "dev", "runtime"]
config.test_source_root = os.path.dirname(__file__)
config.available_features.add("llvm-" + config.llvm_major)


def need(path, package):
    """The full path of a tool that the tests cannot do without."""
    found = shutil.which(path)
    if not found:
        lit_config.fatal("%s is missing: install %s" % (path, package))
    return found


def llvm_tool(name, package):
    # The directory of this major first; clang-tidy-19 and its like may be only in the search path.
    inside = os.path.join(config.llvm_bindir, name)
    if os.access(inside, os.X_OK):
        return inside
    return need("%s-%s" % (name, config.llvm_major), "%s-%s" % (package, config.llvm_major))


clang = llvm_tool("clang", "clang")
plugin_so = os.path.join(config.build_root, "lib", "safespawn.so")
include = "-I" + config.test_source_root  # "Inputs/pthread.h" is the same file for all folders
safespawn = "%s -fsyntax-only %s -fplugin=%s -fplugin-arg-safespawn-no-config" % (clang, include, plugin_so)
analyze = (
    "%s --analyze --analyzer-no-default-checks %s -Xclang -load -Xclang %s"
    " -Xclang -analyzer-checker=safespawn -Xclang -analyzer-output=text" % (clang, include, plugin_so)
)

for tool, package in [
    ("clang", "clang"),
    ("clangd", "clangd"),
    ("clang-format", "clang-format"),
    ("clang-tidy", "clang-tidy"),
    ("scan-build", "clang-tools"),
    ("clang-apply-replacements", "clang-tools"),
    ("clang-query", "clang-tools"),
    ("clang-check", "clang-tools"),
    ("FileCheck", "llvm-%s-tools" % config.llvm_major),
    ("not", "llvm-%s-tools" % config.llvm_major),
]:
    # \b: %clang is not the beginning of %clangd or %clang_tidy.
    config.substitutions.append((r"%" + tool.replace("-", "_") + r"\b", llvm_tool(tool, package)))

for name, text in [
    ("llvm", config.llvm_major),
    ("plugin_so", plugin_so),
    ("command", os.path.join(config.build_root, "bin", "safespawn")),
    ("safespawn", safespawn),
    ("safespawn_verify", safespawn + " -Xclang -verify"),
    ("analyze", analyze),
    ("analyze_verify", analyze + " -Xclang -verify"),
    ("python", sys.executable),
    ("cc", need("cc", "gcc")),
    ("project", config.project_root),
    ("build", config.build_root),
]:
    config.substitutions.append((r"%" + name + r"\b", text))

# FileCheck, not, clang and the others of this major under their plain names too.
config.environment["PATH"] = os.pathsep.join([config.llvm_bindir, config.environment["PATH"]])
config.environment["LC_ALL"] = "C.UTF-8"
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the tests' own modules are in the source tree
# Nobody's own settings: no ccache, compiler or clangd configuration of the person who runs the tests.
config.environment["HOME"] = config.test_exec_root
config.environment["XDG_CONFIG_HOME"] = os.path.join(config.test_exec_root, "config")
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")
for name in ["LD_PRELOAD", "SAFESPAWN_PROFILE", "SAFESPAWN_RULES", "SAFESPAWN_REWRITES", "CCACHE_DISABLE", "CCC_OVERRIDE_OPTIONS"]:
    config.environment.pop(name, None)
