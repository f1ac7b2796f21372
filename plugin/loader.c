/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn.so: the one file that users name, whatever the compiler.
 *
 * Decides which program it is in, and loads safespawn-clang-NN.so from beside itself when that program is a Clang that
 * the plugin can work in. The plugin for another LLVM ends in the worst ways (a crash, or "0 bugs found"), so a Clang
 * without a match is told so in one line, and the process ends. Everywhere else the loader does nothing: it has no C++
 * symbol, and it takes itself out of LD_PRELOAD so that no child inherits it. What to do with being loaded is left to
 * the plugin.
 */
#include "loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN_PREFIX "safespawn-clang-"
#define PLUGIN_SUFFIX ".so"

enum { WRONG_USE = 2 };

enum host {
	HOST_OTHER,    /* not a Clang, or a tool of Clang's that the plugin has no business in */
	HOST_COMPILER, /* clang itself, or a program that loads plugins as clang does */
	HOST_EDITOR,   /* clangd: somebody is typing into it, it must never end because of us */
	HOST_TIDY,     /* clang-tidy: a front-end plugin's diagnostic crashes it */
};

/*
 * One process, one loader: Clang calls the two entry points below by name and with nothing of ours, so what the
 * constructor found has to be kept here. Written before main, or inside the dlopen that brings the file in.
 */
static void *plugin;
static bool was_preloaded;

/*
 * Visible from outside, and yet our own inside: a second copy of this file in the process must not see the first one's.
 * (-Bsymbolic would do that as well, and would hide the first copy from is_second_copy.)
 */
#define ENTRY_POINT __attribute__((visibility("protected")))

/* The analyzer compares it with its own before it calls clang_registerCheckers; the plugin's is copied here. */
extern char clang_analyzerAPIVersionString[64];
ENTRY_POINT char clang_analyzerAPIVersionString[64];

ENTRY_POINT int safespawn_was_preloaded(void)
{
	return was_preloaded;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool same_file(const char *entry, const char *self)
{
	char real[PATH_MAX];

	if (!strchr(entry, '/')) /* ld.so searched for it by this name */
		return strcmp(entry, base_name(self)) == 0;
	return realpath(entry, real) && strcmp(real, self) == 0;
}

/*
 * Take each entry that is @self out of @list, in place; both ':' and ' ' separate, as ld.so reads it. Others stay as
 * they are, with the separators that stood before them.
 */
static bool remove_entries(char *list, const char *self)
{
	bool found = false;
	char *out = list;
	char *in = list;

	while (*in) {
		size_t lead = strspn(in, ": ");
		size_t len = strcspn(in + lead, ": ");
		char entry[PATH_MAX];

		if (len && len < sizeof(entry)) {
			memcpy(entry, in + lead, len);
			entry[len] = '\0';
			if (same_file(entry, self)) {
				found = true;
				in += lead + len;
				continue;
			}
		}
		if (out == list) /* nothing before it is left to be separated from */
			in += lead, lead = 0;
		memmove(out, in, lead + len);
		out += lead + len;
		in += lead + len;
	}
	if (found)
		*out = '\0';
	return found;
}

/*
 * Edits the environment's own memory: a host may have its own setenv (bash has), and main's third argument must see
 * the change too.
 */
static bool leave_preload(const char *self)
{
	static const char name[] = "LD_PRELOAD=";
	bool found = false;
	char **to = environ;

	if (!environ)
		return false;
	for (char **from = environ; *from; from++) {
		if (strncmp(*from, name, strlen(name)) == 0 && remove_entries(*from + strlen(name), self)) {
			found = true;
			if (!(*from)[strlen(name)])
				continue;
		}
		*to++ = *from;
	}
	*to = NULL;
	return found;
}

/* Is @name, without a version behind it ("-22", "-19.1"), what @tool is called, alone or after a target's triple? */
static bool is_called(const char *name, const char *tool)
{
	size_t len = strlen(name);
	size_t want = strlen(tool);
	size_t version = len;

	while (version && strchr("0123456789.", name[version - 1]))
		version--;
	if (version < len && version && name[version - 1] == '-')
		len = version - 1;
	return len >= want && strncmp(name + len - want, tool, want) == 0 &&
	       (len == want || name[len - want - 1] == '-');
}

static bool is_compiler(const char *name)
{
	return is_called(name, "clang") || is_called(name, "clang++") || is_called(name, "clang-cl") ||
	       is_called(name, "clang-cpp");
}

/* One symbol of libclang-cpp, in every Clang that lets plugins find its symbols. */
static bool has_clang(void)
{
	return dlsym(RTLD_DEFAULT, "_ZN5clang19getClangFullVersionB5cxx11Ev") ||
	       dlsym(RTLD_DEFAULT, "_ZN5clang19getClangFullVersionEv");
}

/* clang-tidy exports what its own plugins derive from; clangd uses the same code and does not export it. */
static bool has_tidy(void)
{
	return dlsym(RTLD_DEFAULT,
		     "_ZN5clang4tidy14ClangTidyCheck3runERKNS_12ast_matchers11MatchFinder11MatchResultE") ||
	       dlsym(RTLD_DEFAULT, "_ZTVN5clang4tidy14ClangTidyCheckE");
}

static enum host find_host(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *name;

	path[len > 0 ? len : 0] = '\0';
	name = base_name(path);
	if (is_called(name, "clangd"))
		return HOST_EDITOR;
	if (is_called(name, "clang-tidy") || has_tidy())
		return HOST_TIDY;
	if (is_compiler(name))
		return HOST_COMPILER;
	/* Preloaded into a stranger there is nothing to do; one that was told to load us is a Clang under another name.
	 */
	return has_clang() && !was_preloaded ? HOST_COMPILER : HOST_OTHER;
}

/* The host's LLVM major; 0 when it does not say, as before LLVM 16. */
static unsigned llvm_major(void)
{
	void (*get_version)(unsigned *, unsigned *, unsigned *);
	unsigned major = 0;
	unsigned minor;
	unsigned patch;

	*(void **)&get_version = dlsym(RTLD_DEFAULT, "LLVMGetVersion");
	if (get_version)
		get_version(&major, &minor, &patch);
	return major;
}

/* "22, 19", or "none": the majors that plugins in @dir are for. */
static const char *majors_in(const char *dir, char *text, size_t size)
{
	unsigned found[16];
	size_t count = 0;
	size_t used = 0;
	DIR *open = opendir(dir);

	for (struct dirent *entry; open && count < 16 && (entry = readdir(open));) {
		char *end;
		unsigned long major;

		if (strncmp(entry->d_name, PLUGIN_PREFIX, strlen(PLUGIN_PREFIX)) != 0)
			continue;
		major = strtoul(entry->d_name + strlen(PLUGIN_PREFIX), &end, 10);
		if (end != entry->d_name + strlen(PLUGIN_PREFIX) && strcmp(end, PLUGIN_SUFFIX) == 0) {
			size_t at = count++;

			for (; at && found[at - 1] < major; at--)
				found[at] = found[at - 1];
			found[at] = (unsigned)major;
		}
	}
	if (open)
		closedir(open);
	snprintf(text, size, "none");
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%u", i ? ", " : "", found[i]);
	return text;
}

/* A compile without the plugin must not pass for a clean one. An editor must go on. */
static void give_up(enum host host, const char *dir, const char *why)
{
	char majors[128];

	fprintf(stderr, "safespawn: error: %s; plugins in '%s' are for LLVM: %s%s\n", why, dir,
		majors_in(dir, majors, sizeof(majors)),
		host == HOST_EDITOR ? "; clangd goes on without safespawn"
				    : "; use one of these, or build safespawn with this one in SAFESPAWN_LLVM_MAJORS");
	if (host != HOST_EDITOR)
		_exit(WRONG_USE); /* not exit: we may be inside a dlopen, and nothing of the host's is ours to finish */
}

/*
 * Is all of the file there? The dynamic linker maps first and asks later: a plugin that was cut off while it was copied
 * is a bus error inside dlopen.
 */
static bool is_whole(const char *path)
{
	ElfW(Ehdr) header;
	struct stat about;
	bool whole = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true; /* dlopen says it better */
	if (fstat(fd, &about) != 0 || pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
		close(fd);
		return true;
	}
	for (unsigned i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + (size_t)i * sizeof(ElfW(Phdr)));
		ElfW(Phdr) segment;

		whole = pread(fd, &segment, sizeof(segment), at) == (ssize_t)sizeof(segment) &&
			segment.p_offset + segment.p_filesz <= (size_t)about.st_size;
		if (!whole)
			break;
	}
	close(fd);
	return whole;
}

static void load_plugin(enum host host, const char *self)
{
	const char *version;
	char dir[PATH_MAX];
	char path[PATH_MAX + 64];
	char why[PATH_MAX + 512];
	unsigned major;

	snprintf(dir, sizeof(dir), "%.*s", (int)(base_name(self) - self - 1), self);
	if (!has_clang()) {
		give_up(host, dir, "this Clang was built without symbols for plugins, so none can be loaded");
		return;
	}
	major = llvm_major();
	if (!major) {
		give_up(host, dir, "this Clang is older than LLVM 16, the oldest that tells its version");
		return;
	}
	snprintf(path, sizeof(path), "%s/" PLUGIN_PREFIX "%u" PLUGIN_SUFFIX, dir, major);
	if (access(path, F_OK) != 0) {
		snprintf(why, sizeof(why), "this Clang is LLVM %u and there is no '%s'", major, path);
		give_up(host, dir, why);
		return;
	}
	if (!is_whole(path)) {
		snprintf(why, sizeof(why), "this Clang is LLVM %u and its plugin does not load: '%s' is cut off", major,
			 path);
		give_up(host, dir, why);
		return;
	}
	plugin = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!plugin) {
		snprintf(why, sizeof(why), "this Clang is LLVM %u and its plugin does not load: %s", major, dlerror());
		give_up(host, dir, why);
		return;
	}
	version = dlsym(plugin, "clang_analyzerAPIVersionString");
	if (version)
		snprintf(clang_analyzerAPIVersionString, sizeof(clang_analyzerAPIVersionString), "%s", version);
}

/* Has another copy of this file, from another folder, already done the work in this process? */
static bool is_second_copy(void)
{
	void *first = dlsym(RTLD_DEFAULT, "safespawn_was_preloaded");

	return first && first != (void *)safespawn_was_preloaded;
}

__attribute__((constructor)) static void load(void)
{
	char self[PATH_MAX];
	enum host host;
	Dl_info info;

	if (!dladdr((void *)load, &info) || !realpath(info.dli_fname, self))
		return;
	was_preloaded = leave_preload(self);
	if (is_second_copy())
		return;
	host = find_host();
	if (host == HOST_COMPILER || host == HOST_EDITOR)
		load_plugin(host, self);
}

/* Called by the analyzer, for the file that -load or -fplugin= named. */
void clang_registerCheckers(void *registry);
ENTRY_POINT void clang_registerCheckers(void *registry)
{
	void (*registered_by_plugin)(void *);

	if (!plugin)
		return;
	*(void **)&registered_by_plugin = dlsym(plugin, "clang_registerCheckers");
	if (registered_by_plugin)
		registered_by_plugin(registry);
}

/* GCC takes the same -fplugin= and nothing happens, so that one line of CFLAGS serves both compilers. */
extern int plugin_is_GPL_compatible;
int plugin_is_GPL_compatible;

int plugin_init(void *info, void *version);
ENTRY_POINT int plugin_init(void *info, void *version)
{
	(void)info;
	(void)version;
	return 0;
}
