// What is known about a terminal model and about an acquirer's host, as data read from TOML files: a new model or a new
// acquirer is a file, not code. Defaults are those of DOMAIN.md 2.11.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rig/iso8583.hpp"
#include "rig/mac.hpp"
#include "rig/time.hpp"

namespace swiperig {

/// Maps what the terminal says to a milestone. `match` is literal text with {name} captures, matched from the start;
/// `*` at either end matches anything. Place: "screen", "receipt", "ecr".
struct TextRule {
  std::string place, match, milestone;
};

struct TerminalProfile {
  std::string maker, model, application, acquirer;
  std::string merchant, terminal;                      ///< fields 42 (15) and 41 (8)
  Duration answer_timeout = std::chrono::seconds(60);  ///< Tw
  Duration connect_timeout = std::chrono::seconds(20);
  int reversal_tries = 3;
  bool keep_reversal_after_last_try = true;
  bool unprinted_sale_stands = true;  ///< else a sale whose receipt does not come out is reversed
  std::string fallback_entry = "02";  ///< field 22 of a swipe for a chip that failed: 02 or 80
  Duration watchdog{};                ///< how long its program may stand still before it is restarted; 0: not declared
  bool bidirectional_reader = false;
  Duration no_return_limit = std::chrono::seconds(90);  ///< Tmax: silence after this
  Duration boot_limit = std::chrono::seconds(30);
  std::int64_t min_speed_mm_s = 76, max_speed_mm_s = 1524;
  std::int64_t brownout_mv = 3300;
  std::string sale_keys = "{amount} OK", settle_keys = "F2 OK";  ///< {amount}: the digits, one key each
  std::vector<TextRule> rules;
};

struct HostProfile {
  std::string acquirer;
  Framing framing;
  MacKind mac = MacKind::unionpay_ecb;
  std::vector<std::string> reversal_done_codes = {"00", "12", "25"};
  Duration issuer_timeout = std::chrono::seconds(25);
  Bytes master_key;  ///< test TMK, from a key file with check value
};

/// What a scripted host can be told to do, with the names used in cases: `host = "silent"`.
/// normal; slow (answers `lasts` later); silent (reads, books nothing, never answers); commit_silent (books, never
/// answers); refuse (connections refused); reset (resets the connection instead of answering); decline (with `code`, 51
/// unless told); truncated (half a message, then FIN); wrong_mac; late (answers `lasts` later, after the terminal gave
/// up); maintenance (declines all with 96).
inline constexpr const char* host_behaviours[] = {"normal",    "slow",  "silent",     "commit_silent",
                                                  "refuse",    "reset", "decline",    "truncated",
                                                  "wrong_mac", "late",  "maintenance"};

}  // namespace swiperig
