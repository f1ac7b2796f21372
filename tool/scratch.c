/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

int scratch_open(struct scratch *scratch)
{
	const char *parent = getenv("TMPDIR");
	auto_string chosen = path_absolute(parent && *parent ? parent : "/tmp");

	scratch->folder = text("%s/safespawn-XXXXXX", chosen);
	if (mkdtemp(scratch->folder))
		return 0;
	free(scratch->folder);
	scratch->folder = NULL;
	return errno;
}

void scratch_close(struct scratch *scratch)
{
	DIR *folder = scratch->folder ? opendir(scratch->folder) : NULL;

	if (folder) {
		for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
			auto_string path = text("%s/%s", scratch->folder, entry->d_name);

			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				unlink(path);
		}
		closedir(folder);
		rmdir(scratch->folder);
	}
	free(scratch->folder);
	*scratch = (struct scratch){ 0 };
}

char *scratch_path(const struct scratch *scratch, size_t number, const char *kind)
{
	return text("%s/%zu.%s", scratch->folder, number, kind);
}
