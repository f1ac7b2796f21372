// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The built-in models: the text of each file of checkers/models/, put into the plugin by the build.
// Reading them is left to the same code that reads a user's own.
#ifndef SAFESPAWN_CHECKERS_EMBEDDEDMODELS_H
#define SAFESPAWN_CHECKERS_EMBEDDEDMODELS_H

namespace safespawn {

struct EmbeddedModel {
  const char *Name; ///< the file's name, "pthread.yaml", for messages
  const char *Text; ///< YAML, ends with a null character
};

/// In the order of their names.
extern const EmbeddedModel EmbeddedModels[];
extern const unsigned NumEmbeddedModels;

} // namespace safespawn

#endif
