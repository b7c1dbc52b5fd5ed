#include "drivers/frame_tap.hpp"

#include "rig/masked_frame.hpp"
#include "rig/masked_stream.hpp"

namespace swiperig {

void FrameTap::bytes(int connection, bool from_terminal, BytesView bytes, Time at) {
  if (!tap_) return;
  Stream& stream = streams_[{connection, from_terminal}];
  if (stream.lost || opaque_) return blank(connection, from_terminal, bytes.size(), at);
  stream.begun.insert(stream.begun.end(), bytes.begin(), bytes.end());
  BytesView rest(stream.begun);
  while (!rest.empty()) {
    const FrameLength next = frame_length(rest, framing_);
    if (next.state == FrameLength::State::bad) {
      stream.lost = true;
      blank(connection, from_terminal, rest.size(), at);
      rest = {};
      break;
    }
    if (next.state == FrameLength::State::need_more) break;
    const BytesView frame = rest.first(next.total);
    tap_->take_whole(static_cast<std::uint32_t>(connection), from_terminal, frame, at);
    Bytes masked = masked_frame(frame, framing_);
    const std::string places = places_that_differ(text_of(frame), text_of(masked));
    keep(connection, from_terminal, std::move(masked), places, at);
    rest = rest.subspan(next.total);
  }
  stream.begun.erase(stream.begun.begin(), stream.begun.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

void FrameTap::forget(int connection, Time at) {
  for (const bool from_terminal : {true, false}) {
    const auto it = streams_.find({connection, from_terminal});
    if (it == streams_.end()) continue;
    if (!it->second.begun.empty()) blank(connection, from_terminal, it->second.begun.size(), at);
    streams_.erase(it);
  }
}

void FrameTap::blank(int connection, bool from_terminal, std::size_t size, Time at) {
  keep(connection, from_terminal, Bytes(size, '*'), "0-" + std::to_string(size - 1), at);
}

void FrameTap::keep(int connection, bool from_terminal, Bytes bytes, std::string masked, Time at) {
  NetworkFrame frame;
  frame.at = at;
  frame.connection = static_cast<std::uint32_t>(connection);
  frame.from_terminal = from_terminal;
  frame.bytes = std::move(bytes);
  frame.masked = std::move(masked);
  tap_->take(frame);
}

}  // namespace swiperig
