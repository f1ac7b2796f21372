/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The verbs of the command, one file each. argv[0] is the verb; what they return is what the command exits with.
 */
#ifndef SAFESPAWN_TOOL_VERBS_H
#define SAFESPAWN_TOOL_VERBS_H

int run_check(int argc, char **argv);
int run_fix(int argc, char **argv);
int run_clangd(int argc, char **argv);
int run_rules(int argc, char **argv);

#endif
