// For tests of drivers: why a call failed.
#pragma once

#include <string>
#include <utility>

#include "rig/equipment.hpp"
#include "rig/task.hpp"

namespace swiperig {

/// Runs a call and returns why it failed, or "".
template <class Result>
Task<std::string> failure_of(Task<Result> call) {
  std::string why;
  try {
    co_await std::move(call);
  } catch (const EquipmentError& error) {
    why = error.what();
  }
  co_return why;
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace swiperig
