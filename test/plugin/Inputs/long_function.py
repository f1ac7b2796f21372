#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a C function that forgets one of its locks behind many branches: long_function.py BRANCHES LINES"""

import sys

branches, lines = map(int, sys.argv[1:])
print('#include "Inputs/pthread.h"')
print("void step(int total);")
print("void large(pthread_mutex_t *lock, const int *in)")
print("{")
print("\tint total = 0;")
print("\tpthread_mutex_lock(lock);")
for branch in range(branches):
    print("\tif (in[%d] > %d)" % (branch, branch))
    print("\t\ttotal += in[%d];" % (branch + 1))
    print("\tstep(total);")
    for line in range(lines // branches):
        print("\ttotal ^= in[%d] + %d;" % (line % branches, line))
print("\tif (total)")
print("\t\treturn;")
print("\tpthread_mutex_unlock(lock);")
print("}")
