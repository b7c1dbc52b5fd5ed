// What is known about a terminal model and about an acquirer's host, as data read from TOML files: a new model or a new
// acquirer is a file, not code. Defaults are those of DOMAIN.md 2.11.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rig/ecr_framing.hpp"
#include "rig/iso8583.hpp"
#include "rig/mac.hpp"
#include "rig/time.hpp"

namespace swiperig {

/// Maps what the terminal says to a milestone. `match` is literal text with {name} captures, matched from the start;
/// `*` at either end matches anything. Place: "screen", "receipt", "ecr", "log". `with`: fields that the rule itself
/// knows. Of several rules for one milestone the first that fits a text counts.
struct TextRule {
  std::string place, match, milestone;
  std::vector<std::pair<std::string, std::string>> with = {};
};

/// Card data in a place where nothing but the profile can know of it.
struct MaskRule {
  enum class Leaves : std::uint8_t { nothing, pan, packed_pan };  ///< pan: the first six and the last four digits
  std::string begins;                                             ///< of frames whose data begin so; "": of all
  std::string after, until;                                       ///< what is between; "": from `from`, to `to`
  std::size_t from = 0, to = static_cast<std::size_t>(-1);        ///< first and last byte of the data
  Leaves leaves = Leaves::nothing;
};

/// How a model speaks to its cash register. What is here by default is the fixture terminal's way.
struct TerminalLink {
  EcrFraming framing;
  /// What is heard of each place begins so, and is told without it; everything else is "ecr".
  std::vector<std::pair<std::string, std::string>> places = {{"screen", "S|"}, {"receipt", "P|"}};
  enum class Acknowledges : std::uint8_t { results, frames, nothing } acknowledges = Acknowledges::results;
  std::string results = "R|";                      ///< what a result begins with
  std::string journal = "J?", last_result = "L?";  ///< what the register asks with; "": nothing of the kind
  std::vector<MaskRule> masks;
};

/// When a terminal reverses what it is in doubt about. All of them do so at the latest before the next sale.
enum class ReversalHabit : std::uint8_t {
  before_next_sale,
  at_once,            ///< right after the doubt, before it is ready again
  store_and_forward,  ///< by itself while it is ready and nobody wants anything
};

struct TerminalProfile {
  std::string maker, model, application, acquirer;
  std::string merchant, terminal;                      ///< fields 42 (15) and 41 (8)
  Duration answer_timeout = std::chrono::seconds(60);  ///< Tw
  Duration connect_timeout = std::chrono::seconds(20);
  int reversal_tries = 3;  ///< at each occasion; 0: endless
  bool keep_reversal_after_last_try = true;
  ReversalHabit reversal_habit = ReversalHabit::before_next_sale;
  Duration forward_after = std::chrono::seconds(2);  ///< ready for so long, a store-and-forward terminal reverses
  bool reverses_host_timeouts = false;               ///< codes 68 and 98 leave the doubt open
  bool secrets_in_reversal = false;                  ///< fields 35, 36, 52 may be kept and sent again
  bool reversal_takes_stan = false;                  ///< each try counts the STAN on; field 61 names the original
  bool keeps_connection = false;
  bool asks_pin = false;           ///< of a swiped card whose service code wants one
  int connect_tries = 1;           ///< dials again, over its other network, as long as no byte has left
  bool relogon_at_once = false;    ///< signs in again and asks again where the host wants that, else at the next sale
  bool spare_storage = false;      ///< writes into a second area what the first does not take
  bool update_mends_hang = false;  ///< software that was updated no longer hangs
  int largest_batch = 500;
  bool unprinted_sale_stands = true;  ///< else a sale whose receipt does not come out is reversed
  std::string fallback_entry = "02";  ///< field 22 of a swipe for a chip that failed: 02 or 80
  Duration watchdog{};                ///< how long its program may stand still before it is restarted; 0: not declared
  bool bidirectional_reader = false;
  Duration no_return_limit = std::chrono::seconds(90);  ///< Tmax: silence after this
  Duration boot_limit = std::chrono::seconds(30);
  std::int64_t min_speed_mm_s = 76, max_speed_mm_s = 1524;
  std::int64_t brownout_mv = 3300;
  std::string sale_keys = "{amount} OK", settle_keys = "F2 OK";  ///< {amount}: the digits, one key each
  /// Of every other kind of transaction and service that the model has, by its name; {stan}: the original's.
  std::map<std::string, std::string, std::less<>> more_keys;
  int completion_limit_percent = 115;  ///< of the pre-authorisation
  bool e_signature = false;            ///< uploads a signature after each approval
  std::vector<TextRule> rules;
  TerminalLink link;
  /// Of a smart terminal that is read through adb: its payment application, and what of the log is asked for.
  std::string package, log_filter;
};

/// The keys of a kind or a service, or "": the model does not have it.
inline std::string_view keys_of(const TerminalProfile& p, std::string_view name) {
  if (name == "sale") return p.sale_keys;
  if (name == "settlement") return p.settle_keys;
  if (name == "reprint") return "F2 1 OK";
  const auto at = p.more_keys.find(name);
  return at == p.more_keys.end() ? std::string_view{} : std::string_view(at->second);
}

/// Longer than an honest terminal of this profile needs for one occasion to reverse and a sale after it.
inline Duration patience_of(const TerminalProfile& p) {
  constexpr int most_tries = 9;
  return p.answer_timeout * ((p.reversal_tries == 0 ? most_tries : p.reversal_tries) + 1) + std::chrono::seconds(30);
}

/// How the working keys of a logon lie in field 62: PIN key, check value, MAC key, check value, perhaps a track key.
enum class KeyLayout : std::uint8_t {
  filled,  ///< a single-length MAC key beside a long PIN key is filled up with zeros: 24, 40, 60 bytes
  bare,    ///< it is not: 24, 32, 52 bytes
  none,    ///< no keys: DUKPT
};

struct HostProfile {
  std::string acquirer;
  Framing framing;
  bool tpdu_swap = true;  ///< answers travel back to where the request came from
  MacKind mac = MacKind::unionpay_ecb;
  int ksn_field = 62;  ///< of a DUKPT request and of its answer: the ten bytes of the key serial number
  KeyLayout key_layout = KeyLayout::filled;
  std::string sign_in = "003";  ///< 60.3 of the logon: 001, 003, 004
  std::vector<std::string> reversal_done_codes = {"00", "12", "25"};
  Duration issuer_timeout = std::chrono::seconds(25);
  bool kept_open = true;  ///< a connection may carry more than one message
  // field 39 where hosts differ
  std::string issuer_silent_code = "98", maintenance_code = "96";
  std::string repeated_code;                                   ///< of a repeated request; "": its stored answer again
  std::string not_found_code = "25", of_declined_code = "12";  ///< of a reversal
  /// Of a reversal without field 61 whose STAN fits nothing, where card and amount fit several sales; "": such a
  /// reversal is not found, whatever its content.
  std::string ambiguous_code;
  bool maintenance_notice = false;  ///< tells terminals at their sign-in that it is not to be asked for a while
  bool refuses_secrets = false;     ///< a 0400 with field 35, 36 or 52 is answered 30

  Bytes master_key;                 ///< test TMK, from a key file with check value
  Bytes derivation_key, first_ksn;  ///< DUKPT: of the acquirer, and what the terminal was injected with
};

inline MacTurn mac_turn(const HostProfile& host, const Message& message) {
  if (host.mac != MacKind::dukpt) return {};
  return {message.field(host.ksn_field), !is_request(message.mti())};
}

}  // namespace swiperig
