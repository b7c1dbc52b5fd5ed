#include "rig/f2f.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace swiperig {
namespace {

constexpr double kMillimetresPerInch = 25.4;
constexpr double kHalfBitShare = 0.75;
constexpr double kFollow = 0.25;
constexpr double kGapShare = 1.5;
constexpr double kGapNs = 150e6;
constexpr double kPeakShare = 0.25;
constexpr double kSimilar = 0.25;
constexpr std::size_t kLockIntervals = 3;
constexpr std::size_t kLockConfirmedBits = 8;
constexpr std::size_t kMaxReadBits = 4096;

// The interval behind transition i; 0 if time does not rise. Unsigned, so that no pair of times overflows.
double interval(std::span<const std::int64_t> t, std::size_t i) {
  if (t[i + 1] <= t[i]) return 0.0;
  return static_cast<double>(static_cast<std::uint64_t>(t[i + 1]) - static_cast<std::uint64_t>(t[i]));
}

bool similar(double a, double b) {
  return a > 0.0 && b > 0.0 && a <= kGapNs && b <= kGapNs && std::abs(a - b) <= kSimilar * std::max(a, b);
}

// First transition at or behind `from` that starts kLockIntervals similar intervals; t.size() if none.
std::size_t find_lock(std::span<const std::int64_t> t, std::size_t from) {
  std::size_t run = 1;
  for (std::size_t i = from; i + 2 < t.size(); ++i) {
    run = similar(interval(t, i), interval(t, i + 1)) ? run + 1 : 1;
    if (run == kLockIntervals) return i + 2 - kLockIntervals;
  }
  return t.size();
}

// Feeds the bits to `put`, which says whether it wants more; `restart` tells it to forget them.
template <class Put, class Restart>
void decode(std::span<const std::int64_t> t, Put put, Restart restart) {
  for (std::size_t start = find_lock(t, 0); start < t.size();) {
    double bit_ns = interval(t, start);
    std::size_t i = start;
    std::size_t count = 0;
    bool gap = false;
    while (i + 1 < t.size()) {
      double d = interval(t, i);
      std::size_t used = 1;
      std::uint8_t bit = 0;
      if (d > 0.0 && d < kHalfBitShare * bit_ns) {
        if (i + 2 >= t.size()) return;
        const double second = interval(t, i + 1);
        d = second > 0.0 ? d + second : 0.0;
        used = 2;
        bit = 1;
      }
      if (d <= 0.0 || d > kGapShare * bit_ns || d > kGapNs) {
        gap = true;
        break;
      }
      if (!put(bit)) return;
      ++count;
      bit_ns += kFollow * (d - bit_ns);
      i += used;
    }
    if (!gap || count >= kLockConfirmedBits) return;
    restart();
    start = find_lock(t, i + 1);
  }
}

}  // namespace

double nominal_bits_per_inch(int track) {
  switch (track) {
    case 1: return kTrack1BitsPerInch;
    case 2: return kTrack2BitsPerInch;
    case 3: return kTrack3BitsPerInch;
    default: return 0.0;
  }
}

std::vector<double> transitions(std::span<const std::uint8_t> bits, double bits_per_inch) {
  std::vector<double> x_mm;
  if (bits.empty() || !(bits_per_inch > 0.0)) return x_mm;
  const double bit_mm = kMillimetresPerInch / bits_per_inch;
  x_mm.reserve(bits.size() * 2 + 1);
  for (std::size_t k = 0; k < bits.size(); ++k) {
    x_mm.push_back(static_cast<double>(k) * bit_mm);
    if (bits[k] != 0) x_mm.push_back((static_cast<double>(k) + 0.5) * bit_mm);
  }
  x_mm.push_back(static_cast<double>(bits.size()) * bit_mm);
  return x_mm;
}

std::optional<double> crossing_time(double x_mm, double v0_mm_s, double a_mm_s2) {
  const auto there = crossing(x_mm, v0_mm_s, a_mm_s2);
  return there ? std::optional(there->after_s) : std::nullopt;
}

std::vector<std::int64_t> crossing_times_ns(std::span<const double> x_mm, double v0_mm_s, double a_mm_s2,
                                            std::int64_t start_ns) {
  std::vector<std::int64_t> t_ns;
  t_ns.reserve(x_mm.size());
  for (const double x : x_mm) {
    const auto t = crossing_time(x, v0_mm_s, a_mm_s2);
    // a swipe of over an hour is a standstill, and would leave the range of the sum
    if (!t || !(*t < 3600.0)) break;
    t_ns.push_back(start_ns + std::llround(*t * 1e9));
  }
  return t_ns;
}

std::vector<std::uint8_t> decode_f2f(std::span<const std::int64_t> t_ns) {
  std::vector<std::uint8_t> bits;
  bits.reserve(t_ns.size());
  const auto put = [&](std::uint8_t bit) {
    bits.push_back(bit);
    return true;
  };
  decode(t_ns, put, [&] { bits.clear(); });
  return bits;
}

std::size_t decode_f2f(std::span<const std::int64_t> t_ns, std::span<std::uint8_t> bits) {
  std::size_t count = 0;
  const auto put = [&](std::uint8_t bit) {
    if (count == bits.size()) return false;
    bits[count++] = bit;
    return true;
  };
  decode(t_ns, put, [&] { count = 0; });
  return count;
}

std::size_t follow_gain(std::span<const std::int64_t> t_ns, std::span<const std::int32_t> amplitude, std::int32_t floor,
                        std::span<std::int64_t> out) {
  std::size_t count = 0;
  double level = 0.0;
  const std::size_t peaks = std::min({t_ns.size(), amplitude.size(), out.size()});
  for (std::size_t i = 0; i < peaks; ++i) {
    if (amplitude[i] < floor) continue;
    const double peak = amplitude[i];
    if (peak < kPeakShare * level) {
      level += kFollow * (peak - level);
      continue;
    }
    level = peak;
    out[count++] = t_ns[i];
  }
  return count;
}

std::variant<TrackText, TrackError> read_track(int track, std::span<const std::int64_t> t_ns, bool bidirectional) {
  if (nominal_bits_per_inch(track) == 0.0) return TrackError{TrackFault::no_such_track};
  if (t_ns.size() < 2) return TrackError{TrackFault::no_transitions};
  std::array<std::uint8_t, kMaxReadBits> buffer;
  const std::span<std::uint8_t> bits = std::span(buffer).first(decode_f2f(t_ns, buffer));
  if (bits.empty()) return TrackError{TrackFault::no_lock};
  auto forward = decode_track(track, bits);
  if (!bidirectional || std::holds_alternative<TrackText>(forward)) return forward;
  std::reverse(bits.begin(), bits.end());
  auto backward = decode_track(track, bits);
  if (auto* text = std::get_if<TrackText>(&backward)) {
    text->reversed = true;
    return backward;
  }
  auto& error = std::get<TrackError>(backward);
  error.reversed = true;
  return error.character > std::get<TrackError>(forward).character ? backward : forward;
}

}  // namespace swiperig
