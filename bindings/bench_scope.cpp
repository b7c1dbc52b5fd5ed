// What a bench sees and has.
#include <algorithm>

#include "bindings/assembly.hpp"
#include "bindings/bench_file.hpp"

namespace swiperig {

namespace {

/// Whether texts of its screen reach the bench.
bool shows_screen(const TerminalProfile& profile) {
  return std::any_of(profile.rules.begin(), profile.rules.end(),
                     [](const TextRule& rule) { return rule.place == "screen"; });
}

}  // namespace

Scope scope_of(const BenchFile& file) {
  Scope s;
  s.sources = {"rig", "actuator", "power", "network", "host", "terminal"};
  s.books = {"ledger"};
  if (!file.adb_serial && !file.profile.link.journal.empty()) s.books.insert("journal");
  if (file.issuer_book) s.books.insert("issuer");
  s.answer_timeout = file.profile.answer_timeout;
  s.min_speed_mm_s = file.profile.min_speed_mm_s;
  s.max_speed_mm_s = file.profile.max_speed_mm_s;
  s.brownout_mv = file.profile.brownout_mv;
  s.bidirectional_reader = file.profile.bidirectional_reader;
  s.reversal_tries = file.profile.reversal_tries;
  s.keep_reversal_after_last_try = file.profile.keep_reversal_after_last_try;
  s.reverses_host_timeouts = file.profile.reverses_host_timeouts;
  s.secrets_in_reversal = file.profile.secrets_in_reversal;
  s.completion_limit_percent = file.profile.completion_limit_percent;
  s.unprinted_sale_stands = file.profile.unprinted_sale_stands;
  s.watchdog = file.profile.watchdog;
  if (file.relay.opaque) s.sources.erase("network");  // connections are seen, messages are not
  if (file.parts || file.terminal.scheme == "usb") s.sources.insert("usb");
  if (shows_screen(file.profile)) s.sources.insert("screen");
  if (!file.hub) s.sources.insert("current");
  if (file.robot.card_sensor) s.sources.insert("card");
  s.mac = file.host_profile.mac != MacKind::none;
  s.reversal_done_codes = file.host_profile.reversal_done_codes;
  return s;
}

std::vector<std::string> abilities_of(const BenchFile& file) {
  const Scope scope = scope_of(file);
  std::vector<std::string> names(scope.sources.begin(), scope.sources.end());
  names.insert(names.end(), scope.books.begin(), scope.books.end());
  if (file.parts) names.emplace_back("parts");
  if (file.is_virtual) names.emplace_back("virtual");
  for (const auto& [name, place] : file.robot.slots) names.push_back(name);
  return names;
}

}  // namespace swiperig
