#include "bindings/places.hpp"

namespace swiperig {

const char* const source_dir = SWIPERIG_SOURCE_DIR;

std::string bench_or_virtual(const std::string& given) {
  return given.empty() ? std::string(source_dir) + "/fixtures/benches/virtual.toml" : given;
}

}  // namespace swiperig
