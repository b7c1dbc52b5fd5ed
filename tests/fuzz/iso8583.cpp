// Any bytes as a stream of frames and as one message; what unpacks is packed again to the same bytes.
#include <cstdlib>

#include "rig/wire.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0) return 0;
  const BytesView rest = BytesView(bytes, count).subspan(1);
  const Framing framing{static_cast<LengthPrefix>(bytes[0] & 3), (bytes[0] & 4) == 0,
                        static_cast<std::uint8_t>((bytes[0] >> 3) % 7)};
  static Message message;
  const FrameLength length = frame_length(rest, framing);
  if (length.state == FrameLength::State::ready && length.total > rest.size()) std::abort();
  if (rest.size() >= prefix_bytes(framing) && !unpack(rest.subspan(prefix_bytes(framing)), framing, message)) {
    static Bytes again;
    if (pack(message, framing, again)) std::abort();
    const BytesView body = BytesView(again).subspan(prefix_bytes(framing));
    if (!std::equal(body.begin(), body.end(), rest.begin() + static_cast<long>(prefix_bytes(framing)), rest.end()))
      std::abort();
  }
  (void)mac_span(rest, framing);
  HostProfile profile;
  profile.framing = framing;
  profile.master_key = Bytes(16, 0x31);
  Wire wire(profile);
  const bool from_terminal = (bytes[0] & 0x80) != 0;
  const bool good = wire.look(from_terminal, rest).good;
  if (good && length.state != FrameLength::State::ready) std::abort();
  (void)wire.look(!from_terminal, rest);  // the second time with a key that the first may have taught
  return 0;
}
