/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the loader, safespawn.so, tells the plugin that it loaded. C and C++ may include it.
 *
 * The plugin does not link with the loader: it looks the function up in the process, where the loader is visible
 * whenever the plugin came through it:
 *
 *	safespawn_was_preloaded_fn ask = (safespawn_was_preloaded_fn)dlsym(RTLD_DEFAULT, "safespawn_was_preloaded");
 *	bool preloaded = ask && ask();
 */
#ifndef SAFESPAWN_PLUGIN_LOADER_H
#define SAFESPAWN_PLUGIN_LOADER_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Did the loader come into this process through LD_PRELOAD?
 *
 * 1 when the loader's own path stood in LD_PRELOAD when the process began, and still 1 after the loader has taken
 * itself out of that list; 0 otherwise, and then -fplugin= or -load named it. A process that did both answers 1: ask
 * the compiler's options whether the plugin was also named there.
 *
 * Threads: any. The answer does not change during the life of the process.
 */
int safespawn_was_preloaded(void);
typedef int (*safespawn_was_preloaded_fn)(void);

#ifdef __cplusplus
}
#endif

#endif
