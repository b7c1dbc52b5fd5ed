#include "rig/diagnose_parts.hpp"

#include <algorithm>

namespace swiperig {

Diagnosis answer(std::string cause, std::string why, std::initializer_list<Mark> marks) {
  Diagnosis d{std::move(cause), std::move(why), {}, {}};
  for (const Mark& m : marks) {
    if (m) d.evidence.push_back(m.seq);
  }
  std::sort(d.evidence.begin(), d.evidence.end());
  return d;
}

Diagnosis undecided(std::string why, std::vector<std::string> candidates, std::initializer_list<Mark> marks) {
  Diagnosis d = answer("unknown", std::move(why), marks);
  d.candidates = std::move(candidates);
  return d;
}

namespace {

/// Nearer to the brown-out level than this share of it, what measures the rail and what it feeds may disagree.
constexpr std::int64_t kNearShare = 20;

/// No watchdog bites sooner, whatever a profile says or does not.
constexpr Duration kNoWatchdog = std::chrono::seconds(5);
/// A terminal whose system goes down is told as lost by then.
constexpr Duration kAdbTells = std::chrono::seconds(10);

/// When the terminal last had everything that it needed to say something: the response, or else the card.
Mark owed_since(const Transaction& t, const Attempt* a) {
  if (a != nullptr) return a->response_left;
  if (!t.card_wanted) return t.parts.alive.seq > t.parts.pressed.seq ? Mark{} : t.parts.pressed;
  return t.card_read || t.read_error ? Mark{} : t.swiped;
}

/// Near the level at which it loses its power.
bool near_brownout(const Transaction& t, const Scope& scope) {
  return t.lowest && t.lowest_mv <= scope.brownout_mv + scope.brownout_mv / kNearShare;
}

Diagnosis system_new(const Transaction& t, const Scope& scope) {
  const PartsSeen& p = t.parts;
  if (!t.lowest) {
    return undecided("the terminal's uptime began anew, and nobody measured its rail", {"os_crash", "power"},
                     {p.adb_lost, p.system_new});
  }
  if (near_brownout(t, scope)) {
    return undecided("the terminal's uptime began anew, and its rail was near the brown-out level",
                     {"power", "os_crash"}, {t.lowest, p.system_new});
  }
  return answer("os_crash", "the terminal's uptime began anew while its power stayed",
                {p.usb_lost, t.lowest, p.system_new, p.restarted});
}

/// When it is seen to have ended: it leaves its connection to a reset, or starts again.
Mark died_at(const PartsSeen& p) {
  return p.reset && (!p.restarted || p.reset.seq < p.restarted.seq) ? p.reset : p.restarted;
}

/// Its system is known to have stayed: it broke, or its watchdog ended it because it hung.
Diagnosis application_ended(const Transaction& t, const Attempt* a, Mark died, const Scope& scope) {
  const PartsSeen& p = t.parts;
  const Duration window = scope.watchdog;
  const Mark owed = owed_since(t, a);
  const Time since = died.seq == p.app_gone.seq ? p.app_gone_since : died.at;
  const bool another = p.app_gone && p.app_back;
  if (window.count() != 0 && owed && (!p.alive || owed.at <= p.alive.at + window) && since - owed.at >= window &&
      since - p.alive.at >= window) {
    return answer("app_hang", "the terminal owed a word for its watchdog's " + to_text(window) + ", and was restarted",
                  {owed, p.reset, p.app_gone, p.restarted});
  }
  if (sooner_than_a_watchdog(t, died, scope)) {
    const char* how = p.app_gone && !another ? "ended, as its system tells, which went on"
                      : p.app_gone           ? "is another process than before, and its system went on"
                      : p.reset              ? "left its connection to a reset and started again"
                                             : "ended and started again";
    return answer("app_crash", std::string("the terminal's application ") + how + ", sooner than its watchdog bites",
                  {p.alive, p.reset, p.app_gone, p.app_back, p.restarted});
  }
  return undecided("the terminal's application started again after it was silent for a while",
                   {"app_crash", "app_hang"}, {p.alive, p.reset, p.app_gone, p.restarted});
}

}  // namespace

Mark system_stayed(const Transaction& t) {
  const PartsSeen& p = t.parts;
  if (!p.app_gone || p.system_new) return {};
  if (p.app_back) return p.app_back;
  return !p.adb_lost && t.silence && t.silence.at - p.app_gone.at >= kAdbTells ? t.silence : Mark{};
}

bool sooner_than_a_watchdog(const Transaction& t, Mark died, const Scope& scope) {
  const Duration window = scope.watchdog.count() != 0 ? scope.watchdog : t.parts.app_gone ? kNoWatchdog : Duration{};
  return died.at - t.parts.alive.at < window;
}

std::optional<Diagnosis> diagnose_gone(const Transaction& t, const Attempt* a, const Mark& told, const Scope& scope) {
  const PartsSeen& p = t.parts;
  const auto too_late = [&](const Mark& m) { return !m || (told && told.seq < m.seq); };
  if (!too_late(p.system_new)) return system_new(t, scope);
  const bool process_ended = !too_late(p.app_gone);
  if (process_ended && !system_stayed(t)) {
    return undecided("the terminal's application ended, and nobody saw whether its system did",
                     {"app_crash", "os_crash"}, {p.app_gone, p.adb_lost});
  }
  if (process_ended) {
    const Mark left = died_at(p);
    return application_ended(t, a, left && left.seq < p.app_gone.seq ? left : p.app_gone, scope);
  }
  if (!too_late(p.usb_lost) && !p.usb_back) {
    return undecided("the terminal vanished from its USB and stayed away", {"os_crash", "power"}, {p.usb_lost});
  }
  if (!too_late(p.usb_lost)) {
    if (near_brownout(t, scope)) {
      return undecided("the terminal vanished from its USB while its rail was near the brown-out level",
                       {"power", "os_crash"}, {t.lowest, p.usb_lost});
    }
    return answer("os_crash", "the terminal vanished from its USB and came up again while its power stayed",
                  {p.usb_lost, p.usb_back, p.restarted});
  }
  const Mark died = died_at(p);
  if (too_late(died)) return std::nullopt;
  if (scope.sources.count("usb") == 0) {
    return undecided("the terminal's application started again, and nobody saw whether its system did",
                     {"app_crash", "app_hang", "os_crash"}, {p.reset, p.restarted});
  }
  return application_ended(t, a, died, scope);
}

std::optional<Diagnosis> diagnose_said(const Transaction& t, const Attempt* a, const Mark& told) {
  const PartsSeen& p = t.parts;
  if (a != nullptr && a->told_outcome == "APPROVED") return std::nullopt;
  const auto said = [&](const Mark& m) { return m && !(told && told.seq < m.seq); };
  if (said(p.tampered)) return answer("setup", "the terminal says that its keys are erased", {p.tampered});
  if (said(p.storage_failed))
    return answer("database", "the terminal says that its storage takes no record", {p.storage_failed});
  if (p.chip_refused) {
    return answer("chip", "approved, and then refused by the chip",
                  {a != nullptr ? a->response_left : Mark{}, p.chip_refused});
  }
  if (p.chip_failed && a == nullptr && !t.card_read) {
    return answer("chip", "the chip could not be used, and no card was read after it", {p.chip_failed});
  }
  return std::nullopt;
}

std::optional<Diagnosis> diagnose_approved(const Transaction& t, const Attempt& a, const Scope& scope) {
  const PartsSeen& p = t.parts;
  const auto dark = [&] {
    return answer("display", "approved and told to the register, and the screen showed nothing of it",
                  {p.last_screen, a.response_left, a.told});
  };
  const bool unshown = p.last_screen.seq < a.response_left.seq;
  if (p.printer_failed) {
    return answer("printer", "approved and told, and the printer does not print",
                  {a.response_left, p.printer_failed, a.told});
  }
  // what hides the result comes before what only goes with it
  if (p.first_screen && unshown) return dark();
  if (p.chip_failed) {
    return answer("fallback", "the chip could not be used and the stripe was, approved and told",
                  {p.chip_failed, a.entered, a.told});
  }
  if (p.clock_lost) {
    return answer("clock", "approved and told; the terminal had lost the time before", {p.clock_lost, a.told});
  }
  if (p.tampered && p.tampered.seq < a.told.seq) {
    return answer("setup", "approved and told; the terminal says that its keys are erased", {p.tampered, a.told});
  }
  if (scope.sources.count("screen") != 0 && unshown) return dark();
  return std::nullopt;
}

std::optional<Diagnosis> diagnose_untold(const Transaction& t, const Attempt& a, const Scope& scope) {
  if (!a.response_left || a.told_outcome == "APPROVED") return std::nullopt;
  const PartsSeen& p = t.parts;
  if (!scope.unprinted_sale_stands && p.printer_failed.seq > a.response_left.seq) {
    return answer("printer", "approved, and taken back because the printer does not print",
                  {a.response_left, p.printer_failed, a.told});
  }
  if (a.told) return std::nullopt;
  const bool shown = p.last_screen.seq > a.response_left.seq || p.printed.seq > a.response_left.seq;
  // a connection that the terminal keeps open says nothing about it, a receipt does
  if (shown && (a.closed_by_terminal || p.printed.seq > a.response_left.seq)) {
    return answer("ecr_link", "approved and shown or printed, but the register was told no result",
                  {a.response_left, p.last_screen, p.printed, t.silence});
  }
  if (!shown && !a.closed_by_terminal && t.silence && scope.sources.count("usb") != 0 &&
      t.silence.at - a.response_left.at > scope.answer_timeout) {
    return answer("app_hang",
                  "the response was delivered, its connection stayed open, and the terminal said nothing any more",
                  {a.response_left, t.silence});
  }
  return std::nullopt;
}

std::int64_t pressed_minor(const Transaction& t) {
  std::int64_t amount = -1;
  bool ended = true;  // the digits of a number before the amount
  for (std::size_t at = 0; at < t.parts.keys.size();) {
    const std::string_view key = std::string_view(t.parts.keys).substr(at, t.parts.keys.find(' ', at) - at);
    at += key.size() + 1;
    const bool digit = key.size() == 1 && key[0] >= '0' && key[0] <= '9';
    if (digit && amount > 99'999'999'999) return -1;
    if (digit) amount = (std::exchange(ended, false) ? 0 : amount * 10) + (key[0] - '0');
    ended = ended || !digit;
  }
  return amount;
}

}  // namespace swiperig
