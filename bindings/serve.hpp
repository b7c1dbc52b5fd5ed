// `swiperig serve`: the controller process of a bench with equipment. It holds the bench's guardian, and with it the
// lock, for as long as it lives, does one run after another for whoever asks over the bench's local socket, and leaves
// robot and supply in their safe state in between. The socket is in a folder that only its owner may enter. With a
// control address others may have it move the bench as well, from elsewhere with keys (bindings/control.hpp).
#pragma once

#include <atomic>
#include <string>

namespace swiperig {

struct ServeOptions {
  std::string bench, terminal;
  std::string control;  ///< URL (bindings/publish_url.hpp); "": nobody from elsewhere
  std::string key;      ///< own secret key file, the allow-list beside it; "": without keys
};

/// Serves until `stop`. Returns 0, or 3 when the bench cannot be had.
int serve_bench(const ServeOptions&, const std::atomic<bool>& stop);

}  // namespace swiperig
