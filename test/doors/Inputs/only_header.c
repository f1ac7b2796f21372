/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* No function of its own. */
#include "story.h"
