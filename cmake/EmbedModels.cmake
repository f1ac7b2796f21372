# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes OUTPUT, a C++ file with the text of each of MODELS (absolute paths) as checkers/EmbeddedModels.h declares it.
# Run as a script: cmake -DMODELS=… -DOUTPUT=… -P EmbedModels.cmake

set(entries "")
set(count 0)
foreach(model IN LISTS MODELS)
  get_filename_component(name "${model}" NAME)
  file(READ "${model}" text)
  if(text MATCHES "\\)yaml\"")
    message(FATAL_ERROR "${model} holds the end of the raw string that it is embedded as")
  endif()
  string(APPEND entries "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
  math(EXPR count "${count} + 1")
endforeach()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Made by cmake/EmbedModels.cmake.
#include "checkers/EmbeddedModels.h"

const safespawn::EmbeddedModel safespawn::EmbeddedModels[] = {
@entries@    {nullptr, nullptr},
};
const unsigned safespawn::NumEmbeddedModels = @count@;
]])
