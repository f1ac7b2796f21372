/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "vendor.h"

#include "embedded.h"

#include <string.h>

void vendor_append(struct buffer *content, const char *name)
{
	for (const struct embedded *file = embedded_runtime; file->name; file++)
		if (strcmp(file->name, name) == 0)
			buffer_append(content, (const char *)file->bytes, file->length);
}
