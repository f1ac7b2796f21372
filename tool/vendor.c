/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "vendor.h"

#include "embedded.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[VENDOR_FILES] = { "safespawn.c", "safespawn.h" };

void vendor_append(struct buffer *content, const char *name)
{
	for (const struct embedded *file = embedded_runtime; file->name; file++)
		if (strcmp(file->name, name) == 0)
			buffer_append(content, (const char *)file->bytes, file->length);
}

/* The folder and those above it; how many there were to make is added to @made. Errors: 0 or an errno. */
static int make_folder(const char *path, size_t *made)
{
	auto_string parent = copy_string(path);
	char *slash = strrchr(parent, '/');
	int err = 0;

	if (mkdir(path, 0777) == 0) {
		++*made;
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT || !slash || slash == parent)
		return errno;
	*slash = '\0';
	err = make_folder(parent, made);
	if (err)
		return err;
	if (mkdir(path, 0777) != 0)
		return errno;
	++*made;
	return 0;
}

static int refuse(const char *path, const char *why)
{
	fprintf(stderr, "%s: error: %s; nothing was written\n", path_shown(path), why);
	return EXIT_INCOMPLETE;
}

int vendor_plan(struct vendor *ret, const char *folder)
{
	auto_string real = NULL;
	auto_string given = path_absolute(folder);
	int err = make_folder(given, &ret->folders_made);

	if (err)
		return refuse(given, strerror(err));
	real = path_real("/", given);
	ret->folder = copy_string(real);
	for (size_t i = 0; i < VENDOR_FILES; i++) {
		ret->paths[i] = text("%s/%s", real, names[i]);
		vendor_append(&ret->after[i], names[i]);
		err = buffer_read(&ret->before[i], ret->paths[i]);
		ret->is_new[i] = err == ENOENT;
		if (err && !ret->is_new[i])
			return refuse(ret->paths[i], strerror(err));
		/* Another version of ours may be replaced, somebody else's file of that name not. */
		if (!err && (!strstr(ret->before[i].bytes, "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception") ||
			     !strstr(ret->before[i].bytes, "safespawn.h")))
			return refuse(ret->paths[i], "is not a file of the runtime");
	}
	return 0;
}

void vendor_free(struct vendor *vendor)
{
	for (size_t i = 0; i < VENDOR_FILES; i++) {
		free(vendor->paths[i]);
		buffer_free(&vendor->before[i]);
		buffer_free(&vendor->after[i]);
	}
	/* Those that were made for files which were not written are empty: "nothing was written" is true of them, too.
	 */
	for (size_t i = 0; i < vendor->folders_made && vendor->folder && rmdir(vendor->folder) == 0; i++)
		*strrchr(vendor->folder, '/') = '\0';
	free(vendor->folder);
}

size_t vendor_files(const struct vendor *vendor, struct replacement *files)
{
	size_t count = 0;

	for (size_t i = 0; i < VENDOR_FILES && vendor->paths[i]; i++)
		if (vendor->is_new[i] || !buffer_equal(&vendor->before[i], &vendor->after[i]))
			files[count++] =
				(struct replacement){ vendor->paths[i], vendor->is_new[i] ? NULL : &vendor->before[i],
						      &vendor->after[i] };
	return count;
}

void vendor_show(const char *folder)
{
	say_note("what is rewritten includes safespawn.h, which its compiles do not find by themselves; the build "
		 "needs");
	if (!folder) {
		fputs("  CMake:  find_package(safespawn REQUIRED)\n"
		      "          target_link_libraries(TARGET PRIVATE safespawn::runtime)\n"
		      "  make:   CFLAGS += $(shell pkg-config --cflags safespawn)\n"
		      "          LDLIBS += $(shell pkg-config --libs safespawn)\n"
		      "  meson:  dependencies: dependency('safespawn')\n"
		      "  or the runtime's two files in your own tree: safespawn fix --apply --vendor=DIR\n",
		      stderr);
		return;
	}
	fprintf(stderr,
		"  CMake:  find_package(Threads REQUIRED)\n"
		"          add_library(safespawn STATIC %s/safespawn.c)\n"
		"          target_include_directories(safespawn PUBLIC %s)\n"
		"          target_link_libraries(safespawn PUBLIC Threads::Threads)\n"
		"          target_link_libraries(TARGET PRIVATE safespawn)\n",
		folder, folder);
	fprintf(stderr,
		"  make:   CFLAGS += -I%s -pthread\n"
		"          LDLIBS += -pthread\n"
		"          and %s/safespawn.o among the objects of the program\n",
		folder, folder);
	fprintf(stderr,
		"  meson:  threads = dependency('threads')\n"
		"          safespawn = declare_dependency(include_directories: '%s', dependencies: threads,\n"
		"            link_with: static_library('safespawn', '%s/safespawn.c', dependencies: threads))\n",
		folder, folder);
}
