// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hosts the analyzer inside an ordinary compile or inside clangd: chooses the functions, runs the checkers on them, and
// keeps whatever happens there away from the user's compile.
#pragma once

#include "plugin/clang/Options.h"
#include "clang/AST/ASTConsumer.h"
#include "clang/Frontend/CompilerInstance.h"
#include <memory>

namespace safespawn {

/// A consumer that analyses the unit when it is complete and reports what it finds.
std::unique_ptr<clang::ASTConsumer> makeHost(clang::CompilerInstance &CI, Options Asked);

} // namespace safespawn
