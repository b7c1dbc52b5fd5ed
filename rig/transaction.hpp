// The state machine of a cycle, folded over its events: what was attempted, how far each attempt came, and what the
// three books say of it. Attempts join by (batch, STAN); nothing here judges.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rig/event.hpp"
#include "rig/transaction_kinds.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// A fact with the event that proves it.
struct Mark {
  std::uint64_t seq = 0;
  Time at{};
  explicit operator bool() const { return seq != 0; }
};

inline constexpr const char* no_balance = "none";

struct Attempt {
  std::string batch, stan;
  int intent = -1;                ///< index into Transaction::intents
  std::int64_t amount_minor = 0;  ///< of the request
  std::string proc, pan;          ///< processing code, masked number
  const TransactionKind* kind = &the_sale;
  std::string original;      ///< batch and STAN that the request names, twelve digits
  std::string original_rrn;  ///< and the reference
  std::string rrn;           ///< of the response
  std::string balance;       ///< in minor units, of the response; no_balance: it has no such field
  int requests = 0;          ///< how often it was sent

  Mark entered, left, at_host, committed, response_entered, response_left, closed_by_terminal;
  std::string host_code;              ///< field 39 as it came from the host, of an answer that is its own
  Mark host_approved, host_declined;  ///< when the path held such an answer
  Mark host_undone;                   ///< the same of a reversal, with a code that ends it
  std::string host_undone_code;
  Mark foreign;                           ///< what went on to the terminal on its connection was no response to it
  Mark mangled;                           ///< a message of it went on as another one
  std::string code, mac;                  ///< of the response that reached the path
  Mark first_response_left;               ///< where a response came more than once
  std::string foreign_what;               ///< "STAN 000003 instead of 000002"
  Mark reversal_entered, reversal_ended;  ///< reversal_ended: a response that ends it was delivered
  std::int64_t reversal_amount_minor = 0;
  int reversals = 0;                ///< in all
  int most_reversals = 0;           ///< at one occasion: between two intents or restarts
  Mark unnamed;                     ///< a reversal under this number that names no original
  Mark secret;                      ///< a reversal that carried what must not be kept
  Mark gave_up;                     ///< the terminal reported that it tries no longer
  std::string entry, entry_reason;  ///< fields 22 and 60.5 of the request
  std::string reversal_code;
  Mark told;
  std::string told_outcome;  ///< APPROVED, DECLINED, UNKNOWN, FAILED; the last one told
  std::int64_t told_amount_minor = 0;
  bool reused_key = false;  ///< another request with this key and other content
  std::uint64_t reused_seq = 0;

  std::string journal, ledger;           ///< state in the books at the end; "" = no row
  std::int64_t ledger_amount_minor = 0;  ///< the sum, where a book has several rows of this key
  std::int64_t journal_amount_minor = 0;
  std::string issuer;  ///< held, posted, released; "": no row
  std::int64_t issuer_amount_minor = 0;
  Mark ledger_read;                 ///< when the ledger was last read with its batch in it, as far as is known
  int postings = 0;                 ///< how many rows the ledger had of it as approved
  Mark journal_read;                ///< when the journal last showed it
  bool closed_unread = false;       ///< its batch was closed before any book was read that had it
  Mark seen_clear;                  ///< the journal, read after the request, showed no pending reversal
  Mark last_result;                 ///< the terminal was asked what became of it
  std::string last_result_outcome;  ///< APPROVED, REVERSED, ...; "": nothing it could name
  Mark found_out;                   ///< before the next customer came, the till or customer service named it when asked
  std::string found_out_outcome;    ///< APPROVED, DECLINED, REVERSED, UNKNOWN
  bool carried = false;             ///< of an earlier cycle: in the books as before, and nothing else was seen of it
};

struct IntentSeen {
  std::string what;
  std::int64_t amount_minor = 0;
  Mark begun;
};

/// What a terminal says or shows of its own parts; of the case itself.
struct PartsSeen {
  Mark failed;  ///< the first part that was made to fail; an action, which diagnose never sees
  Mark printed, printer_failed, chip_failed, chip_refused, storage_failed, clock_lost, tampered;
  Mark usb_lost, usb_back;         ///< gone from its USB connection, and there again by itself
  Mark app_gone, app_back;         ///< its application's process, or another one in its place, as its system tells it
  Time app_gone_since{};           ///< it did not end before
  Mark adb_lost;                   ///< and its system tells nothing any more
  Mark system_new;                 ///< its uptime began anew
  Mark fed;                        ///< its rail measured as it should be while it was gone from USB or adb
  Mark restarted;                  ///< its application started, in the middle of the case
  Mark reset;                      ///< it reset a connection
  Mark alive;                      ///< the last sign of life before that
  Mark first_screen, last_screen;  ///< before the silence
  Mark pressed;
  std::string keys;  ///< that were hit, separated by a space
  std::vector<Mark> pins_wanted;
  std::vector<std::pair<Mark, std::string>> pins_typed;  ///< keys hit after that, and the name of the PIN they make
  Mark told_time;                                        ///< an authentic answer that says the time
  std::string host_time;                                 ///< MMDDhhmmss
  Mark misdated;                                         ///< a receipt after it, dated otherwise
  std::string receipt_time;
  Mark sold_tampered;  ///< a request after the keys were said to be erased
};

/// Requests, reversals and settlements in the order in which they left the terminal.
struct Sent {
  enum Kind { request, reversal, settlement } kind;
  std::string batch, stan;
  Mark mark;
};

struct Transaction {
  std::vector<IntentSeen> intents;
  int case_intent = -1;  ///< index; before it come the originals of what the case is about
  std::vector<Attempt> attempts;
  Attempt logon;  ///< of the case itself; stan and wire marks only
  std::vector<Sent> sent;
  Mark swipe_begun, swiped, card_read, read_error, card_wanted, silence, refused, unreached, over_limit, garbage, fault,
      recovery, settled;
  Mark last_text;  ///< before the silence
  Mark served;     ///< a service ended
  std::string served_outcome;
  std::string garbage_from;
  std::optional<MotionDone> swipe;  ///< measured, of the case itself
  Mark card_proved;                 ///< a card of the slot that the case swiped was read, in any sale of the cycle
  Mark lowest;                      ///< the lowest that the rail was measured in the case
  std::int64_t lowest_mv = 0;
  std::vector<Mark> refusals;         ///< every connection that the host did not take
  std::vector<Mark> power_lost;       ///< rail measured at the brown-out level or below
  std::map<std::string, Mark> books;  ///< when each was read
  std::string settlement_outcome;
  std::string settlement_batch;
  std::string settlement_totals, settlement_answer;  ///< field 48 of the request and of the response
  std::string settlement_said;                       ///< the same of the response as it came from the host
  Mark settlement_said_at;
  std::string fault_what;
  PartsSeen parts;
  Mark settlement_entered, settlement_left, settlement_answered;
  Mark closed_unheard;  ///< the terminal said that a settlement failed, and the host had closed its batch

  Attempt* find(std::string_view batch, std::string_view stan);
};

/// Not a remark of the rig ("rig") or of the driver of a link ("link").
inline bool terminal_says(const Text& t) { return t.place != "rig" && t.place != "link"; }

/// An intent of this name is the case's own: not one of its originals, nor of the recovery.
bool begins_case(std::string_view what);

/// Of the scope: the rail level below which the terminal is without power, and the codes that end a reversal.
Transaction replay(std::span<const Event> events, const Scope& scope);

}  // namespace swiperig
