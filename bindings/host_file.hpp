// A host-profile file and the test keys it names, as data: what is known about an acquirer's host. Keys come with check
// values, and a key that does not give its own is refused, so that no run begins with a mistyped key.
#pragma once

#include <string>

#include "bindings/bench_file.hpp"

namespace swiperig {

/// Puts the host into a bench, whatever host it had. Throws ConfigError.
void read_host_profile(const std::string& path, BenchFile& bench);

}  // namespace swiperig
