// Folders for sockets and locks: only their owner may enter them.
#pragma once

#include <string>

namespace swiperig {

/// Makes `folder` with mode 0700; throws ConfigError when it is there and others may enter it. `risk`: what they could
/// do then.
void own_folder(const std::string& folder, const std::string& risk);

/// Where locks and sockets of benches are: $XDG_RUNTIME_DIR/swiperig, or of a user without one /tmp/swiperig-UID. Made
/// if need be; throws ConfigError.
std::string runtime_folder();

}  // namespace swiperig
