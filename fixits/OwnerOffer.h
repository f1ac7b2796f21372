// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What to write by hand for a thread that its function starts and leaves running: a scope in the struct that the thread
// works for, which outlives the function. Where such a thread is to end, only its author knows; nothing here edits.
#pragma once

#include "fixits/Handles.h"
#include <string>

namespace safespawn {

/// The lines, each with the place that it belongs to, as what follows the reason why \p Spawn is left alone; empty
/// where no struct can own its thread.
std::string offerOwner(const Unit &U, const HandleUse &Spawn);

} // namespace safespawn
