#include "tests/bench/codec_rates.hpp"

#include <cstdio>
#include <cstdlib>
#include <variant>

#include "fixtures/reader.hpp"
#include "rig/clock.hpp"
#include "rig/f2f.hpp"
#include "rig/iso8583.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kMessageBytes = 172;

/// Does `once` for about a second; times per second. `once` says whether it did its work.
template <class Once>
double rate(Once once) {
  std::int64_t times = 0;
  const double began = machine_seconds();
  double passed = 0;
  do {
    for (int i = 0; i < 1000; ++i) {
      if (!once()) std::abort();
    }
    times += 1000;
    passed = machine_seconds() - began;
  } while (passed < 1);
  return static_cast<double>(times) / passed;
}

/// A sale request whose field 48 fills it up to the size that is spoken of.
Message sale(std::size_t filler) {
  Message m;
  m.set_mti("0200");
  m.set(2, "6212345678901265");
  m.set(3, "000000");
  m.set(4, "000000001234");
  m.set(11, "000012");
  m.set(14, "3012");
  m.set(22, "021");
  m.set(25, "00");
  m.set(35, "6212345678901265=30125010000000000000");
  m.set(41, "99900001");
  m.set(42, "999000000000001");
  if (filler > 0) m.set(48, std::string(filler, '0'));
  m.set(49, "156");
  m.set(60, "22000001");
  m.set(64, std::string(8, '\0'));
  return m;
}

Bytes frame_of_172(const Framing& framing, Message& message) {
  Bytes frame;
  for (std::size_t filler = 0; filler < 200; ++filler) {
    message = sale(filler);
    frame.clear();
    if (!pack(message, framing, frame) && frame.size() == kMessageBytes) return frame;
  }
  std::abort();
}

}  // namespace

std::string codec_rates() {
  const Framing framing;
  Message message;
  const Bytes frame = frame_of_172(framing, message);
  const BytesView body = BytesView(frame).subspan(prefix_bytes(framing));
  Message into;
  const double unpacked = rate([&] { return !unpack(body, framing, into); });
  Bytes out;
  const double packed = rate([&] {
    out.clear();
    return !pack(message, framing, out);
  });

  // 40 characters with sentinels and LRC, between the clocking zeros of a card
  std::vector<std::uint8_t> bits(25, 0);
  for (const std::uint8_t bit : encode_track(2, ";6212345678901265=30125010000000000000?")) bits.push_back(bit);
  bits.insert(bits.end(), 25, 0);
  TrackSignal signal;
  signal.t_ns = crossing_times_ns(transitions(bits, kTrack2BitsPerInch), 500, 0);
  signal.amplitude_per_mille.assign(signal.t_ns.size(), 1000);
  const double decoded = rate([&] { return std::holds_alternative<TrackText>(read_track(2, signal.t_ns, false)); });
  Reader reader;
  reader.rub();
  const HeadSignal head = {signal};
  const double read = rate([&] { return std::holds_alternative<TrackText>(reader.read(2, head, false)); });

  char text[300];
  std::snprintf(text, sizeof text,
                "\"iso8583_message_bytes\":%zu,\"iso8583_unpack_per_s\":%.0f,\"iso8583_pack_per_s\":%.0f,"
                "\"f2f_decode_track2_per_s\":%.0f,\"reader_track2_per_s\":%.0f",
                frame.size(), unpacked, packed, decoded, read);
  return text;
}

}  // namespace swiperig
