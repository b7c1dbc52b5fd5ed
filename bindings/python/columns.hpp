// Events side by side: a column for each property of all of them, which other programs read where it lies. Texts are
// one run of bytes with the place at which each event's begins, so that a million events are eight blocks of memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rig/event.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

/// Names behind the codes of the columns `source`, `kind` and `milestone`.
std::vector<std::string> source_names();
std::vector<std::string> body_kinds();

struct Columns {
  std::vector<std::int64_t> seq, cycle, at_ns, at_uncertainty_ns;
  std::vector<std::uint8_t> source, kind;  ///< places in source_names() and body_kinds()
  std::vector<std::int16_t> milestone;     ///< place in milestone_names(); -1: the event is none
  std::vector<std::int64_t> body_begin;    ///< in `bodies`; one more than there are events
  std::string bodies;                      ///< canonical JSON

  std::size_t size() const { return seq.size(); }
  std::string_view body(std::size_t i) const {
    const auto begin = static_cast<std::size_t>(body_begin[i]);
    return std::string_view(bodies).substr(begin, static_cast<std::size_t>(body_begin[i + 1]) - begin);
  }
};

Columns columns_of(std::span<const Event>);
/// Throws TraceError where the trace names a source or a kind that this program does not know.
Columns columns_of(const TraceReader&);

}  // namespace swiperig
