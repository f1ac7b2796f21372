# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes OUTPUT, a C file with the bytes of each of FILES (absolute paths) as the list LIST of embedded.h.
# Run as a script: cmake -DFILES=… -DLIST=… -DOUTPUT=… -P EmbedFiles.cmake

set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  # Numbers and not a string: ISO C promises no more than 4095 characters in one.
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,)(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?)" "\\1\n    " bytes "${bytes}")
  string(APPEND entries "  {\"${name}\", (const unsigned char[]){\n    ${bytes}0x00}, ${size}},\n")
endforeach()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Made by tool/EmbedFiles.cmake. */
#include "embedded.h"

const struct embedded @LIST@[] = {
@entries@  {0, 0, 0},
};
]])
