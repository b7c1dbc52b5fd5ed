// `swiperig serve`: the controller process of a bench with equipment. It holds the bench's guardian, and with it the
// lock, for as long as it lives, does one run after another for whoever asks over the bench's local socket, and leaves
// robot and supply in their safe state in between. The socket is in a folder that only its owner may enter.
#pragma once

#include <atomic>
#include <string>

namespace swiperig {

/// Serves until `stop`. Returns 0, or 3 when the bench cannot be had.
int serve_bench(const std::string& bench, const std::string& terminal, const std::atomic<bool>& stop);

}  // namespace swiperig
