/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints the version of the library that was found, once it has run a task. */
#include <safespawn.h>
#include <stdio.h>

static int print_version(void *arg)
{
	(void)arg;
	return puts(ss_version()) < 0;
}

int main(void)
{
	SS_SCOPE(scope, .name = "package");
	int err = scope_rc;

	if (!err)
		err = ss_spawn(&scope, print_version, NULL);
	return err ? err : ss_scope_join(&scope, NULL);
}
