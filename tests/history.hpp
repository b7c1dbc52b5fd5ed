// Histories of one cycle written by hand, event by event, as an honest bench would record them. Each call returns the
// number of its event, so that a test can say which ones must be cited.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "rig/verdict.hpp"

namespace swiperig {

inline Scope full_scope() {
  Scope s;
  s.sources = {"network", "host", "terminal", "power", "actuator"};
  s.books = {"journal", "ledger"};
  s.answer_timeout = std::chrono::seconds(10);
  s.min_speed_mm_s = 76;
  s.max_speed_mm_s = 1524;
  s.brownout_mv = 3300;
  return s;
}

struct History {
  std::vector<Event> events;
  Time now{};

  std::uint64_t add(Source source, Body body) {
    Event e;
    e.seq = events.size() + 1;
    e.at = now += std::chrono::milliseconds(1);
    e.source = source;
    e.body = std::move(body);
    events.push_back(std::move(e));
    return events.size();
  }
  void wait(Duration d) { now += d; }

  std::uint64_t intent(const char* what, std::int64_t minor) { return add(Source::rig, Intent{what, minor, ""}); }
  std::uint64_t swipe(std::int64_t speed_mm_s = 500, bool reverse = false) {
    return add(Source::actuator, MotionDone{"swipe", speed_mm_s, reverse});
  }
  std::uint64_t mark(Source source, const char* name, Fields fields = {}) {
    return add(source, Milestone{name, std::move(fields)});
  }
  /// A milestone of the attempt `stan` seen in the path.
  std::uint64_t wire(const char* name, int stan, std::int64_t minor = 0, const char* code = "", const char* mac = "ok",
                     const char* pan = "621234******1265") {
    Fields f = {{"batch", "000001"}, {"stan", text(stan)}, {"connection", std::to_string(stan)}};
    if (minor != 0) f.emplace_back("amount", amount(minor));
    if (*code != '\0') f.emplace_back("code", code);
    f.emplace_back("proc", "000000");
    f.emplace_back("pan", pan);
    f.emplace_back("mac", mac);
    return mark(Source::network, name, std::move(f));
  }
  std::uint64_t told(int stan, const char* outcome, std::int64_t minor) {
    return mark(
        Source::terminal, "told",
        {{"batch", "000001"}, {"stan", text(stan)}, {"outcome", outcome}, {"code", "00"}, {"amount", amount(minor)}});
  }
  std::uint64_t book(const char* name, std::vector<Entry> rows) {
    return add(Source::terminal, BookRead{name, std::move(rows)});
  }
  std::uint64_t silence() { return add(Source::rig, Silence{std::chrono::seconds(25)}); }
  std::uint64_t rail(std::int64_t mv) { return add(Source::power, Reading{mv, 0}); }
  std::uint64_t gave_up(int stan) {
    return mark(Source::network, "closed", {{"connection", std::to_string(stan)}, {"by", "terminal"}, {"how", "fin"}});
  }

  // parts of honest histories
  void read_card() {
    mark(Source::terminal, "card_wanted");
    swipe();
    mark(Source::terminal, "card_read");
  }
  void asked(int stan, std::int64_t minor) {
    wire("request_entered", stan, minor);
    wire("request_left", stan, minor);
  }
  void answered(int stan, std::int64_t minor, const char* code = "00", const char* mac = "ok") {
    wire("response_entered", stan, minor, code, mac);
    wire("response_left", stan, minor, code, mac);
  }
  void reversed(int stan, std::int64_t minor, const char* code = "00") {
    wire("reversal_entered", stan, minor);
    wire("reversal_left", stan, minor);
    wire("reversal_response_entered", stan, minor, code);
    wire("reversal_response_left", stan, minor, code);
  }
  void good_sale(int stan, std::int64_t minor) {
    read_card();
    asked(stan, minor);
    answered(stan, minor);
    told(stan, "APPROVED", minor);
  }
  /// The recovery sale of 1.00, STAN 9, and what comes before it in a restart.
  void recover() {
    intent("recovery sale", 100);
    rail(0);
    rail(5000);
    good_sale(9, 100);
  }

  static std::string text(int stan) {
    const std::string digits = std::to_string(stan);
    return std::string(6 - digits.size(), '0') + digits;
  }
  static std::string amount(std::int64_t minor) {
    const std::string digits = std::to_string(minor);
    return std::string(12 - digits.size(), '0') + digits;
  }
  static Entry row(int stan, std::int64_t minor, const char* state) {
    return {"000001", text(stan), "sale", minor, state};
  }

  /// Without the events numbered so; the others keep their numbers.
  std::vector<Event> without(const std::vector<std::uint64_t>& cut) const {
    std::vector<Event> rest;
    for (const Event& e : events) {
      if (std::find(cut.begin(), cut.end(), e.seq) == cut.end()) rest.push_back(e);
    }
    return rest;
  }
};

/// A sale of 12.34 whose request has reached the host.
inline History asked() {
  History h;
  h.intent("sale", 1234);
  h.read_card();
  h.asked(1, 1234);
  return h;
}

}  // namespace swiperig
