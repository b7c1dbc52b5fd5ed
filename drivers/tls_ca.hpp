// A test CA for terminals that trust it, and the relay's certificate under it, as texts in PEM. Not for production:
// whoever has the CA's key can stand between such a terminal and its host, which is what the relay does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swiperig {

struct TestCa {
  std::string ca_certificate, ca_key;  ///< ten years
  std::string certificate, key;        ///< the relay's: 825 days, which is as long as strict clients take
};

/// `names`: host names and addresses that terminals dial the relay by, at least one; `now_s`: of the wall clock.
/// Throws std::runtime_error for what is no name.
TestCa make_test_ca(const std::vector<std::string>& names, std::int64_t now_s);

}  // namespace swiperig
