# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What all of our own code asks of the compiler, as targets to link with.

add_library(safespawn_c INTERFACE)
add_library(safespawn::c ALIAS safespawn_c)
target_compile_features(safespawn_c INTERFACE c_std_11)

add_library(safespawn_cxx INTERFACE)
add_library(safespawn::cxx ALIAS safespawn_cxx)
target_compile_features(safespawn_cxx INTERFACE cxx_std_17)

foreach(ours IN ITEMS safespawn_c safespawn_cxx)
  target_compile_options(
    ${ours}
    INTERFACE -Wall
              -Wextra
              $<$<BOOL:${SAFESPAWN_WERROR}>:-Werror>
              $<$<BOOL:${SAFESPAWN_ASSERTS}>:-UNDEBUG>)
endforeach()

# Programs only, not what a foreign process loads: a sanitizer has to be there from the start.
if(SAFESPAWN_SANITIZE)
  set(is_program $<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>)
  set(sanitize "-fsanitize=${SAFESPAWN_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer;-g")
  target_compile_options(safespawn_c INTERFACE "$<${is_program}:${sanitize}>")
  target_link_options(safespawn_c INTERFACE "$<${is_program}:-fsanitize=${SAFESPAWN_SANITIZE}>")
endif()

# Only a launcher: a build without ccache is the same build, slower.
find_program(SAFESPAWN_CCACHE ccache)
mark_as_advanced(SAFESPAWN_CCACHE)
if(SAFESPAWN_CCACHE)
  foreach(language IN ITEMS C CXX)
    if(NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
      # A precompiled header's time stamp changes on each build from scratch, its contents do not.
      set(CMAKE_${language}_COMPILER_LAUNCHER
          "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;${SAFESPAWN_CCACHE}")
    endif()
  endforeach()
endif()
