/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "hash.h"

#include <git2.h>
#include <string.h>

char *hash_of(const struct buffer *content)
{
	char name[GIT_OID_HEXSZ + 1] = "";
	git_oid oid;

	git_libgit2_init();
	if (git_odb_hash(&oid, content->bytes ? content->bytes : "", content->length, GIT_OBJECT_BLOB) == 0)
		git_oid_tostr(name, sizeof(name), &oid);
	git_libgit2_shutdown();
	return copy_string(name);
}

bool hash_fits(const struct buffer *content, const char *hash)
{
	auto_string its_hash = hash_of(content);

	return hash && *hash && strcmp(its_hash, hash) == 0;
}
