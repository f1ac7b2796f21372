# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes OUTPUT, a C file with the text of each of PAGES (absolute paths) as catalogue.h declares it.
# Run as a script: cmake -DPAGES=… -DOUTPUT=… -P EmbedPages.cmake

set(entries "")
foreach(page IN LISTS PAGES)
  get_filename_component(name "${page}" NAME)
  string(REGEX REPLACE "\\.md$" "" name "${name}")
  file(READ "${page}" hex HEX)
  # Numbers and not a string: ISO C promises no more than 4095 characters in one.
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,)(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?)" "\\1\n    " bytes "${bytes}")
  string(APPEND entries "  {\"${name}\", (const unsigned char[]){\n    ${bytes}0x00}},\n")
endforeach()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Made by tool/EmbedPages.cmake. */
#include "catalogue.h"

const struct page pages[] = {
@entries@  {0, 0},
};
]])
