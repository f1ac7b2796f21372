/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A defect for other checkers. */
#include "story.h"

int read_it(int *number)
{
	if (!number)
		return *number;
	return 0;
}
