/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "database.h"

#include <clang-c/CXCompilationDatabase.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#define NEWEST_MAJOR 40
#define OLDEST_MAJOR 14

/* What we call of libclang, under libclang's names and types. */
#define FUNCTIONS(X)                                       \
	X(clang_CompilationDatabase_fromDirectory)         \
	X(clang_CompilationDatabase_dispose)               \
	X(clang_CompilationDatabase_getCompileCommands)    \
	X(clang_CompilationDatabase_getAllCompileCommands) \
	X(clang_CompileCommands_dispose)                   \
	X(clang_CompileCommands_getSize)                   \
	X(clang_CompileCommands_getCommand)                \
	X(clang_CompileCommand_getDirectory)               \
	X(clang_CompileCommand_getFilename)                \
	X(clang_CompileCommand_getNumArgs)                 \
	X(clang_CompileCommand_getArg)                     \
	X(clang_getCString)                                \
	X(clang_disposeString)

struct database {
	CXCompilationDatabase handle;
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared takes none */
#define X(name) __typeof__(&(name)) name;
	FUNCTIONS(X)
#undef X
};

static bool is_there(const char *folder, const char *name)
{
	auto_string path = text("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

bool database_in(const char *folder)
{
	return is_there(folder, "compile_commands.json") || is_there(folder, "compile_flags.txt");
}

char *database_near(const char *start)
{
	auto_string folder = copy_string(start);

	for (;;) {
		auto_string build = text("%s/build", folder);
		char *slash = strrchr(folder, '/');

		if (database_in(folder))
			return copy_string(folder[0] ? folder : "/");
		if (database_in(build))
			return copy_string(build);
		if (!slash)
			return NULL;
		*slash = '\0';
	}
}

/* False when a function is missing: then it is no libclang that we can use. */
static bool bind_functions(struct database *database, void *library)
{
	bool all = true;

	/* ISO C has no conversion from an object pointer to a function pointer; POSIX promises this one works. */
#define X(name)                                              \
	*(void **)(&database->name) = dlsym(library, #name); \
	all = all && database->name;
	FUNCTIONS(X)
#undef X
	return all;
}

static void *open_library(int major)
{
	static const char *const places[] = { "libclang-%d.so.1", "libclang-%d.so.%d", "libclang.so.%d",
					      "/usr/lib/llvm-%d/lib/libclang.so.1" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char name[64];
		void *library;

		snprintf(name, sizeof(name), places[i], major, major);
		library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
		if (library)
			return library;
	}
	return NULL;
}

int database_open(struct database **ret, const char *folder, int major)
{
	void *library = open_library(major);
	CXCompilationDatabase_Error error = CXCompilationDatabase_NoError;
	struct database *database;

	/* What a database says does not depend on the version that reads it. */
	for (int other = NEWEST_MAJOR; !library && other >= OLDEST_MAJOR; other--)
		library = open_library(other);
	if (!library)
		return say_usage("reading %s needs libclang: install libclang1-%d, or give the flags after --", folder,
				 major);

	database = zalloc(1, sizeof(*database));
	if (!bind_functions(database, library)) {
		free(database);
		return say_usage("the libclang found cannot read compilation databases: install libclang1-%d", major);
	}
	database->handle = database->clang_CompilationDatabase_fromDirectory(folder, &error);
	if (error != CXCompilationDatabase_NoError || !database->handle) {
		free(database);
		return say_usage(
			"the compilation database in %s cannot be read: make it again, or give the flags after --",
			folder);
	}
	*ret = database;
	return 0;
}

void database_free(struct database *database)
{
	/* The library stays: LLVM does not like to be unloaded. */
	if (database)
		database->clang_CompilationDatabase_dispose(database->handle);
	free(database);
}

static char *take_text(const struct database *database, CXString string)
{
	const char *content = database->clang_getCString(string);
	char *copy = copy_string(content ? content : "");

	database->clang_disposeString(string);
	return copy;
}

static void take_commands(const struct database *database, CXCompileCommands commands, struct compiles *ret)
{
	unsigned count = commands ? database->clang_CompileCommands_getSize(commands) : 0;

	*ret = (struct compiles){ zalloc(count, sizeof(*ret->v)), count };
	for (unsigned i = 0; i < count; i++) {
		CXCompileCommand command = database->clang_CompileCommands_getCommand(commands, i);
		unsigned arguments = database->clang_CompileCommand_getNumArgs(command);

		ret->v[i].directory = take_text(database, database->clang_CompileCommand_getDirectory(command));
		ret->v[i].file = take_text(database, database->clang_CompileCommand_getFilename(command));
		for (unsigned j = 1; j < arguments; j++)
			strings_take(&ret->v[i].arguments,
				     take_text(database, database->clang_CompileCommand_getArg(command, j)));
	}
	if (commands)
		database->clang_CompileCommands_dispose(commands);
}

void database_all(struct database *database, struct compiles *ret)
{
	take_commands(database, database->clang_CompilationDatabase_getAllCompileCommands(database->handle), ret);
}

void database_of(struct database *database, const char *path, struct compiles *ret)
{
	take_commands(database, database->clang_CompilationDatabase_getCompileCommands(database->handle, path), ret);
}

void compiles_free(struct compiles *compiles)
{
	for (size_t i = 0; i < compiles->n; i++) {
		free(compiles->v[i].directory);
		free(compiles->v[i].file);
		strings_free(&compiles->v[i].arguments);
	}
	free(compiles->v);
	*compiles = (struct compiles){ 0 };
}
