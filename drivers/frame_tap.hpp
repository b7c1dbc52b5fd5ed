// The messages of the network on their way into a capture: each direction of each connection is cut into frames as the
// host frames them, and every frame is masked. What cannot be cut any more is kept by its length alone.
#pragma once

#include <map>
#include <memory>

#include "rig/iso8583.hpp"
#include "rig/tap.hpp"

namespace swiperig {

class FrameTap {
 public:
  /// `tap` may be null: then nothing is done. `opaque`: there are no frames to be found.
  FrameTap(std::shared_ptr<Tap> tap, Framing framing, bool opaque = false)
      : tap_(std::move(tap)), framing_(framing), opaque_(opaque) {}
  void bytes(int connection, bool from_terminal, BytesView bytes, Time at);
  /// The connection is over; what was begun of a frame is kept as it is, masked whole.
  void forget(int connection, Time at);

 private:
  void keep(int connection, bool from_terminal, Bytes bytes, std::string masked, Time at);
  void blank(int connection, bool from_terminal, std::size_t size, Time at);

  struct Stream {
    Bytes begun;
    bool lost = false;  ///< no frame can be found in it any more
  };
  std::shared_ptr<Tap> tap_;
  Framing framing_;
  bool opaque_;
  std::map<std::pair<int, bool>, Stream> streams_;
};

}  // namespace swiperig
