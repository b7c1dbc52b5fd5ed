// Where a run is published: ipc:///FOLDER/NAME, in a folder that only its owner may enter, or tcp://127.0.0.1:PORT. The
// back-fill is beside it: NAME.backfill, or PORT + 1. Beyond this machine nothing is published without keys.
#pragma once

#include <string>

#include "reports/publisher.hpp"

namespace swiperig {

/// To follow. Throws ConfigError that says what was expected.
Endpoints endpoints_of(const std::string& url);
/// To publish: of an ipc address the folder is made (0700), or refused when others may enter it, and so is a file that
/// is no socket, or one at which somebody publishes already.
Endpoints private_endpoints(const std::string& url);

}  // namespace swiperig
