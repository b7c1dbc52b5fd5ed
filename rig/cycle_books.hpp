// What reconciliation reads of a cycle: of each attempt what the journal, the ledger, the issuer's book and the people
// at the terminal had of it in the end, with the numbers of the events that say so. A trace keeps it as one row beside
// the events (rig/trace.sql, table books), so that the books of a long run can be added up again without reading every
// event; that a row is what its events say is proved by `swiperig judge`. Pure; the same events give the same row.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rig/transaction_kinds.hpp"

namespace swiperig {

struct Transaction;
struct Scope;

/// The state of an attempt in a book, or what was told of it. The names are those of a row.
enum class BookState : std::uint8_t {
  nothing,
  approved,
  declined,
  reversed,
  pending,
  queued,
  unconfirmed,
  tombstone,
  held,
  posted,
  released,
  unknown,
  failed,
  other,  ///< a word that no rule knows
};

struct BookLine {
  std::string batch, stan;
  const TransactionKind* kind = &the_sale;
  std::int64_t intent = -1;          ///< index into CycleBooks::intents; -1: none of this cycle
  std::int64_t requested_minor = 0;  ///< by the request
  BookState told = BookState::nothing, journal = BookState::nothing, ledger = BookState::nothing,
            issuer = BookState::nothing;
  std::int64_t told_minor = 0, journal_minor = 0, ledger_minor = 0, issuer_minor = 0;
  // numbers of events; 0: it did not happen
  std::uint64_t requested = 0, told_at = 0, reversed = 0, ended = 0, gave_up = 0;
  bool doubt = false;    ///< money may have moved, and the terminal cannot know
  bool carried = false;  ///< of an earlier cycle: in the books as before, and nothing else was seen of it
  bool unread = false;   ///< its batch was closed before any book was read that had it
  bool operator==(const BookLine&) const = default;
};

struct CycleBooks {
  std::uint64_t journal = 0, ledger = 0, issuer = 0;  ///< numbers of the events that read them last; 0: not read
  std::vector<std::int64_t> intents;                  ///< amounts in minor units
  std::vector<BookLine> lines;
  bool operator==(const CycleBooks&) const = default;
};

CycleBooks books_of(const Transaction&, const Scope&);

/// Appends the row; `base` is added to every number of an event.
void append_row(const CycleBooks&, std::uint64_t base, std::string& out);
/// Into memory that is used again. Throws std::runtime_error that names the byte at which the text is no row.
void parse_row(std::string_view row, CycleBooks& into);

}  // namespace swiperig
