// The part of the blind diagnosis that is about the terminal itself: programs that died or stand still, and parts that
// failed. Each answers only where the evidence separates its cause from all others; nothing where it says nothing.
#pragma once

#include <initializer_list>
#include <optional>

#include "rig/transaction.hpp"

namespace swiperig {

Diagnosis answer(std::string cause, std::string why, std::initializer_list<Mark> marks);
Diagnosis undecided(std::string why, std::vector<std::string> candidates, std::initializer_list<Mark> marks);

/// The system or the application went away or stood still while the power stayed, before anything was told. `a`: the
/// attempt, or null.
std::optional<Diagnosis> diagnose_gone(const Transaction& t, const Attempt* a, const Mark& told, const Scope& scope);
/// What proves that the terminal's system ran on while its application ended, as adb tells it; none: nothing does.
Mark system_stayed(const Transaction& t);
/// The application ended too soon after a sign of life for any watchdog to have done it.
bool sooner_than_a_watchdog(const Transaction& t, Mark died, const Scope& scope);
/// The terminal itself says which part failed, and the sale failed by it.
std::optional<Diagnosis> diagnose_said(const Transaction& t, const Attempt* a, const Mark& told);
/// Approved and told, but not as it should have been.
std::optional<Diagnosis> diagnose_approved(const Transaction& t, const Attempt& a, const Scope& scope);
/// A valid approval was delivered, and no result was told.
std::optional<Diagnosis> diagnose_untold(const Transaction& t, const Attempt& a, const Scope& scope);
/// The amount that the finger's keys make; -1: nobody knows.
std::int64_t pressed_minor(const Transaction& t);

}  // namespace swiperig
