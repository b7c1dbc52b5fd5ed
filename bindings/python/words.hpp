// The words of cases, as the compiled half knows them: what swiperig/words.py says is checked against these.
#pragma once

#include <pybind11/pybind11.h>

namespace swiperig {

/// Lists by what they name; "parts" a dict of their states.
pybind11::dict words();

}  // namespace swiperig
