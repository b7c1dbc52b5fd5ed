// How each attempt of a cycle stands: what the three books have of it and the one class in which that puts it
// (the cells of DOMAIN.md 3.5). A run adds them up (reports/run_books.hpp). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rig/cycle_books.hpp"

namespace swiperig {

struct Standing {
  enum Class : std::uint8_t {
    nothing,      ///< journal, ledger and told: no money in any
    sold,         ///< in all three
    untold,       ///< booked on both sides and not told: the sale stands, and may be asked for
    reversed,     ///< it was booked, and is undone
    doubtful,     ///< the terminal holds it open: to be reversed, sent, or asked about
    reported,     ///< a doubt that the terminal could not end and has reported
    unread,       ///< no book was read that could have it
    silent,       ///< the host has the money, the journal has not, and no approval was told
    lost_record,  ///< the host has the money and approval was told, the journal has it not
    free_goods,   ///< approval was told, and the host has no money
    phantom,      ///< in the journal alone
    differs,      ///< booked on both sides, not for the same amount
  };
  std::string batch, stan;
  std::string_view kind;
  int sign = 0;
  std::int64_t journal_minor = 0, ledger_minor = 0, told_minor = 0;  ///< what each has of it as approved
  std::int64_t issuer_minor = 0;                                     ///< and what the card's bank holds or has posted
  bool issuer_read = false;                                          ///< else it is 0
  bool issuer_differs = false;  ///< it was read, and does not have what the ledger has
  Class state = nothing;
  bool carried = false;  ///< from an earlier cycle, and nothing new was seen of it
};

inline constexpr std::string_view standing_classes[] = {"nothing",     "sold",       "untold",  "reversed",
                                                        "doubtful",    "reported",   "unread",  "silent",
                                                        "lost_record", "free_goods", "phantom", "differs"};
/// Money that one of the books cannot explain.
inline bool unexplained(Standing::Class c) { return c >= Standing::silent; }

/// Of which more may come to be known.
inline bool unsettled(Standing::Class c) { return c == Standing::doubtful || c == Standing::unread; }

/// What a later cycle saw of an attempt goes into how it stands; true: that is another than before.
bool amend(Standing& kept, const Standing& seen);

/// Into memory that is used again.
void stand(const CycleBooks&, std::vector<Standing>& into);
std::vector<Standing> standings_of(const CycleBooks&);

/// A purchase for which the cardholder was charged more than once and more than was meant (I1), or credited so (I4).
struct Overcharge {
  std::size_t intent = 0;  ///< index into CycleBooks::intents
  std::int64_t meant_minor = 0, charged_minor = 0, credited_minor = 0;
  bool charged = false, credited = false;  ///< too much
};
std::vector<Overcharge> overcharges_of(const CycleBooks&);

}  // namespace swiperig
