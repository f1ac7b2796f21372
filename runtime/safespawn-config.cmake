# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What find_package(safespawn) reads: the target safespawn::runtime.
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/safespawn-targets.cmake")
