// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tasks may run on a thread that ran others before, because it cannot make a difference to them. A rewrite is to
// change nothing that a program can see, so whatever is not known to be harmless gets a new thread, as it always had.
#pragma once

#include "checkers/Unit.h"
#include "fixits/Handles.h"
#include <string>

namespace safespawn {

/// The flags, as they are written, of the tasks that the threads become which \p Uses starts; the uses are all that is
/// done with their handles.
std::string taskFlags(llvm::ArrayRef<HandleUse> Uses, const Unit &U);

} // namespace safespawn
