#include "rig/rule_out.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "rig/attempt_facts.hpp"
#include "rig/diagnose_parts.hpp"

namespace swiperig {

namespace {

struct LookAlike {
  std::string_view cause, other;
};
constexpr LookAlike look_alikes[] = {
#define LOOK_ALIKE(cause, other) {#cause, #other},
#include "rig/look_alikes.def"
#undef LOOK_ALIKE
};

/// What speaks against a cause: in words, and the event that proves it.
struct Against {
  std::string why;
  Mark proof;
};
using Word = std::optional<Against>;

Word against(const char* why, Mark proof) {
  if (!proof) return std::nullopt;
  return Against{why, proof};
}

/// The terminal went on by itself after all it had to go on with: it had power, and its program ran.
Mark went_on(const Sight& s) {
  const Mark since = s.a != nullptr ? s.a->entered : s.t.swiped ? s.t.swiped : s.t.card_wanted;
  for (const Mark& m : {s.told, s.a != nullptr ? s.a->closed_by_terminal : Mark{}, s.t.last_text, s.t.read_error}) {
    if (m && m.seq > since.seq) return m;
  }
  return {};
}

Word not_power(const Sight& s) {
  if (const Word fed = against("its rail was measured while it was gone", s.t.parts.fed)) return fed;
  if (const Word on = against("its system counted its time on", system_stayed(s.t))) return on;
  if (s.t.parts.system_new) return std::nullopt;
  // what has started again may have lost its power, unless it never left its USB
  if (s.t.parts.restarted && (s.scope.sources.count("usb") == 0 || s.t.parts.usb_lost)) return std::nullopt;
  if (s.t.parts.restarted) return against("it never left its USB", s.t.parts.restarted);
  return against("the terminal went on by itself", went_on(s));
}

Word not_os_crash(const Sight& s) {
  if (!s.t.power_lost.empty()) return against("the rail was measured without power", s.t.power_lost.front());
  if (const Word on = against("its system counted its time on", system_stayed(s.t))) return on;
  if (s.t.parts.system_new || s.scope.sources.count("usb") == 0 || s.t.parts.usb_lost) return std::nullopt;
  return against("it never left its USB", s.t.parts.restarted ? s.t.parts.restarted : s.t.silence);
}

Word not_app_crash(const Sight& s) {
  if (s.t.parts.restarted || s.t.parts.app_gone) return std::nullopt;
  return against("the terminal went on by itself", went_on(s));
}

Word not_app_hang(const Sight& s) {
  const PartsSeen& p = s.t.parts;
  if (p.app_gone) {
    if (!sooner_than_a_watchdog(s.t, p.app_gone, s.scope)) return std::nullopt;
    return against("its process ended sooner than its watchdog bites", p.app_gone);
  }
  if (s.t.parts.restarted) return against("it started again sooner than its watchdog bites", s.t.parts.restarted);
  return against("the terminal went on by itself", went_on(s));
}

/// Between the path and the host nobody looks: only the host itself tells that all went well there.
Word not_network(const Sight& s) {
  if (s.t.refused) return against("the far end itself refused the connection", s.t.refused);
  if (s.a == nullptr) return std::nullopt;
  if (s.a->mangled || !s.a->foreign_what.empty() || s.a->mac == "wrong" || s.a->mac == "absent") {
    const Mark whole = s.a->foreign ? s.a->foreign : s.a->response_left ? s.a->response_left : s.a->mangled;
    if (whole) return against("what came was whole and well formed, and told something else", whole);
  }
  if (s.a->response_left && !approved_code(s.a->code)) return against("the host answered", s.a->response_left);
  return against("the host had the whole request in time", s.a->at_host);
}

Word not_host_down(const Sight& s) {
  if (s.t.unreached) return against("the path let nobody through to it", s.t.unreached);
  if (s.a == nullptr) return std::nullopt;
  if (s.a->response_entered) return against("the host answered", s.a->response_entered);
  if (!s.a->left) return against("the host was never asked: the path still holds the request", s.a->entered);
  return against("the path handed the request on too late", s.a->left);
}

Word not_forged(const Sight& s) {
  if (s.a == nullptr || s.a->mac != "ok") return std::nullopt;
  return against("the host's answer is signed with its key", s.a->response_left);
}

Word not_setup(const Sight& s) {
  if (s.a == nullptr) return std::nullopt;
  if (s.a->foreign) return against("more than the MAC differs", s.a->foreign);
  if (s.a->mangled) return against("the path saw it change on its way", s.a->mangled);
  return std::nullopt;
}

Word not_operator_swipe(const Sight& s) {
  return against("the actuator's own record of the swipe is within the reader's limits", s.t.swiped);
}

Word not_card_reader(const Sight& s) {
  return against("the same card was read when it was swiped as it should be", Mark{s.card_read, {}});
}

Word not_keypad(const Sight& s) {
  const PartsSeen& p = s.t.parts;
  const std::int64_t pressed = pressed_minor(s.t);
  if (s.a != nullptr && pressed == s.a->amount_minor)
    return against("the keys that were hit make that amount", p.pressed);
  return against("the terminal asked for the card after the keys", s.t.card_wanted);
}

Word not_wrong_amount(const Sight& s) {
  return against("the keys that were hit are those that were meant", s.t.parts.pressed);
}

Word not_display(const Sight& s) {
  const PartsSeen& p = s.t.parts;
  const Mark since = s.a != nullptr ? s.a->response_left : s.t.parts.pressed;
  if (p.last_screen.seq > since.seq) return against("the screen showed something after it", p.last_screen);
  return against("a slip came out", p.printed.seq > since.seq ? p.printed : Mark{});
}

Word not_ecr_link(const Sight& s) { return against("the register was told", s.told); }

Word not_database(const Sight& s) { return against("the terminal names another part", s.t.parts.chip_refused); }

struct Refutation {
  std::string_view cause;
  Word (*find)(const Sight&);
};
constexpr Refutation refutations[] = {{"power", not_power},
                                      {"os_crash", not_os_crash},
                                      {"app_crash", not_app_crash},
                                      {"app_hang", not_app_hang},
                                      {"network", not_network},
                                      {"host_down", not_host_down},
                                      {"forged", not_forged},
                                      {"setup", not_setup},
                                      {"operator_swipe", not_operator_swipe},
                                      {"card_reader", not_card_reader},
                                      {"keypad", not_keypad},
                                      {"wrong_amount", not_wrong_amount},
                                      {"display", not_display},
                                      {"ecr_link", not_ecr_link},
                                      {"database", not_database}};

}  // namespace

void rule_out(Diagnosis& d, const Sight& sight) {
  // told to the register, and nobody looks at the terminal: what is said there alone may have failed all the same
  if (d.cause == "none" && !sight.scope.sources.contains("screen"))
    d.open = {"display", "printer", "fallback", "clock"};
  for (const LookAlike& like : look_alikes) {
    if (like.cause != d.cause) continue;
    const auto how = std::find_if(std::begin(refutations), std::end(refutations),
                                  [&](const Refutation& r) { return r.cause == like.other; });
    const Word word = how == std::end(refutations) ? std::nullopt : how->find(sight);
    if (word) {
      d.ruled_out.push_back({std::string(like.other), word->why, {word->proof.seq}});
    } else {
      d.open.emplace_back(like.other);
    }
  }
}

}  // namespace swiperig
