// What a Python program says about a case, as the values that campaign files are read into: the same reader takes them
// and refuses them in the same words, at the file and line of the Python that said it. A value with its place is the
// tuple (file, line, value); in lists and dicts, what has no place of its own stands where they do.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "bindings/config.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// Throws ConfigError of what no file could say.
Value value_of(const pybind11::tuple& said);
/// A swept case is as many as it makes. Throws ConfigError.
std::vector<Case> cases_of(const pybind11::list& said);

}  // namespace swiperig
