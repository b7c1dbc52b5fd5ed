// What goes out over ZeroMQ: one JSON object for each entry of a trace, under a topic of its run. A pure function of
// the trace, so that a message is the same live and back-filled, byte for byte. Fields and their meaning are in
// reports/schemas. JSON is UTF-8: bytes of a far end that are none are told as the text \xNN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rig/trace_tail.hpp"

namespace swiperig {

constexpr int message_schema = 1;

struct PublishedMessage {
  std::string topic;  ///< run/<id>/cycle, event, verdict or health
  std::string json;
};

PublishedMessage published(std::string_view run_id, std::int64_t number, const TailEntry&);
/// The same into memory that is used again.
void publish_into(PublishedMessage&, std::string_view run_id, std::int64_t number, const TailEntry&);

}  // namespace swiperig
