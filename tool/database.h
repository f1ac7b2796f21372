/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Compilation databases (compile_commands.json, compile_flags.txt), read as clang's own tools read them: by libclang,
 * opened at run time so that the command is not tied to one LLVM.
 */
#ifndef SAFESPAWN_TOOL_DATABASE_H
#define SAFESPAWN_TOOL_DATABASE_H

#include "base.h"

struct database;

struct compile {
	char *directory;
	char *file;		  /* as the database names it */
	struct strings arguments; /* without the compiler */
};

struct compiles {
	struct compile *v;
	size_t n;
};

/** Is there a database in @folder? */
bool database_in(const char *folder);

/**
 * The folder of the nearest database: @start, each folder above it, and build/ in each. NULL: none; the caller frees
 * it.
 */
char *database_near(const char *start);

/**
 * Open the database in @folder with the libclang of @major, or of any other major.
 *
 * 0, or EXIT_USAGE after a message.
 */
int database_open(struct database **ret, const char *folder, int major);
void database_free(struct database *database);
static inline void database_cleanup(struct database **database)
{
	database_free(*database);
}
#define auto_database CLEANUP(database_cleanup) struct database

/** All compiles the database names, in its order. */
void database_all(struct database *database, struct compiles *ret);
/** The compiles of one file, also guessed from those of a similar file when the database does not name it. */
void database_of(struct database *database, const char *path, struct compiles *ret);
void compiles_free(struct compiles *compiles);
#define auto_compiles CLEANUP(compiles_free) struct compiles

#endif
