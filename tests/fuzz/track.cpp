// Any bytes as the bits of a track, as the intervals under a head, and as the text of a track.
#include <cstdlib>

#include "rig/f2f.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0) return 0;
  const int track = bytes[0] % 5;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, count - 1);
  std::vector<std::uint8_t> bits;
  for (std::size_t i = 1; i < count; ++i) {
    for (int bit = 7; bit >= 0; --bit) bits.push_back((bytes[i] >> bit) & 1U);
  }
  (void)decode_track(track, bits);
  (void)parse_track2(text);
  (void)luhn_valid(text);
  const auto encoded = encode_track(track, text);
  const auto decoded = decode_track(track, encoded);
  // without a start sentinel at its beginning one may be found across two characters
  const bool begins = text.starts_with(track == 1 ? '%' : ';');
  if (const auto* read = std::get_if<TrackText>(&decoded); read != nullptr && begins) {
    if (!text.starts_with(read->text)) std::abort();
  }
  // 20 us a step; the top of the range is a gap, and 0 a time that does not rise
  std::vector<std::int64_t> times{0};
  std::vector<std::int32_t> amplitude{100};
  for (std::size_t i = 1; i < count; ++i) {
    times.push_back(times.back() + (bytes[i] == 255 ? 200'000'000 : bytes[i] * 20'000));
    amplitude.push_back(bytes[count - i]);
  }
  (void)read_track(track, times, (bytes[0] & 0x80) != 0);
  const std::size_t kept = follow_gain(times, amplitude, 20, times);
  if (kept > times.size()) std::abort();
  times.resize(kept);
  (void)decode_f2f(times);
  return 0;
}
