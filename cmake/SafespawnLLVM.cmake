# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# safespawn_find_llvm(MAJOR): the target safespawn::llvm-MAJOR and the cache entry SAFESPAWN_LLVM_BINDIR_MAJOR.
#
# llvm-config and not find_package: LLVM's package also looks for what only its own linking needs, and its imported
# targets allow one LLVM in a directory. We link with nothing of LLVM: all symbols come from the host.

function(safespawn_find_llvm major)
  find_program(SAFESPAWN_LLVM_CONFIG_${major} NAMES llvm-config-${major} PATHS /usr/lib/llvm-${major}/bin)
  mark_as_advanced(SAFESPAWN_LLVM_CONFIG_${major})
  set(llvm_config "${SAFESPAWN_LLVM_CONFIG_${major}}")
  if(NOT llvm_config)
    message(FATAL_ERROR "LLVM ${major} is not here: install llvm-${major}-dev and libclang-${major}-dev, "
                        "or name the majors to build for with -DSAFESPAWN_LLVM_MAJORS=…")
  endif()
  foreach(what IN ITEMS version includedir bindir)
    execute_process(COMMAND "${llvm_config}" --${what} OUTPUT_VARIABLE ${what} OUTPUT_STRIP_TRAILING_WHITESPACE
                                                                       COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  if(NOT version MATCHES "^${major}\\.")
    message(FATAL_ERROR "${llvm_config} is LLVM ${version}, not ${major}")
  endif()
  if(NOT EXISTS "${includedir}/clang/Frontend/FrontendPluginRegistry.h")
    message(FATAL_ERROR "Clang's headers are not in ${includedir}: install libclang-${major}-dev")
  endif()
  message(STATUS "LLVM ${version}: ${includedir}")

  add_library(safespawn_llvm_${major} INTERFACE) # all that LLVM asks of us, in one place
  add_library(safespawn::llvm-${major} ALIAS safespawn_llvm_${major})
  target_include_directories(safespawn_llvm_${major} SYSTEM INTERFACE "${includedir}")
  target_compile_definitions(safespawn_llvm_${major} INTERFACE _GNU_SOURCE __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS
                                                               __STDC_LIMIT_MACROS)
  # Right for every LLVM: one built without type information has none that our classes could refer to.
  target_compile_options(safespawn_llvm_${major} INTERFACE -fno-exceptions -fno-rtti)
  set(SAFESPAWN_LLVM_BINDIR_${major} "${bindir}" CACHE INTERNAL "where the tools of LLVM ${major} are")
endfunction()
