// The vectors in tests/vectors: values from published sources, and what was computed a second way.
#pragma once

#include <boost/json.hpp>

#include "tests/folder.hpp"

namespace swiperig {

inline boost::json::value vectors_in(const char* file) {
  return boost::json::parse(read_text(project / "tests/vectors" / file));
}

}  // namespace swiperig
