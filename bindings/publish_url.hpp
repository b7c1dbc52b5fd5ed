// Where a run is published: ipc:///FOLDER/NAME, in a folder that only its owner may enter, or with keys
// tcp://HOST:PORT. The back-fill is beside it: NAME.backfill, or PORT + 1. Over TCP nothing is published without keys.
#pragma once

#include <string>

#include "reports/publisher.hpp"

namespace swiperig {

/// To follow. Throws ConfigError that says what was expected.
Endpoints endpoints_of(const std::string& url, bool with_keys);
/// To publish: of an ipc address the folder is made (0700), or refused when others may enter it, and so is a file that
/// is no socket, or one at which somebody publishes already.
Endpoints private_endpoints(const std::string& url, bool with_keys);
/// One address to be reached at, in the same way; without a back-fill.
void check_private(const std::string& url, bool with_keys);

}  // namespace swiperig
