// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The doors to Clang: registration with the front end and with the analyzer.
#include "clang/Basic/Version.h"
#include "clang/Frontend/FrontendPluginRegistry.h"
#include "clang/StaticAnalyzer/Frontend/CheckerRegistry.h"

extern "C" __attribute__((visibility("default"))) const char clang_analyzerAPIVersionString[] =
    CLANG_ANALYZER_API_VERSION_STRING;
extern "C" __attribute__((visibility("default"))) void clang_registerCheckers(clang::ento::CheckerRegistry &) {}
