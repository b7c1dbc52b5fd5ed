#pragma once
// The two-frequency (F2F, Aiken biphase) signal between a stripe and its head: where the flux transitions lie, when
// they pass under constant acceleration, and the bits a reader recovers from their times. A 0 is one interval of the
// bit time T, a 1 is two of about T/2. Positions are millimetres from the first clock transition, times nanoseconds of
// any origin. The decoder follows the reference rules of the domain notes: half of a 1 below 0.75 T, T follows with
// alpha 0.25, a gap over 1.5 T or 150 ms ends the track. It is total and never allocates beyond its result.
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "rig/track.hpp"

namespace swiperig {

inline constexpr double kTrack1BitsPerInch = 210.0;
inline constexpr double kTrack2BitsPerInch = 75.0;
inline constexpr double kTrack3BitsPerInch = 210.0;

// Nominal density of track 1-3, 0 for another number.
double nominal_bits_per_inch(int track);

// Positions of all transitions: both borders of every bit, and the middle of every 1. Empty for no bits or a density
// that is not positive.
std::vector<double> transitions(std::span<const std::uint8_t> bits, double bits_per_inch);

/// When a place `x_mm` away is passed, and how fast; nothing if it is never reached.
struct Crossing {
  double after_s, v_mm_s;
};
inline std::optional<Crossing> crossing(double x_mm, double v0_mm_s, double a_mm_s2) {
  const double square = v0_mm_s * v0_mm_s + 2.0 * a_mm_s2 * x_mm;
  if (!(x_mm >= 0.0) || !(v0_mm_s >= 0.0) || !(square >= 0.0)) return std::nullopt;
  const double v_mm_s = std::sqrt(square);
  if (x_mm == 0.0) return Crossing{0.0, v_mm_s};
  // the root of the motion equation in the form that holds for a = 0 too
  const double sum = v0_mm_s + v_mm_s;
  if (!(sum > 0.0)) return std::nullopt;
  return Crossing{2.0 * x_mm / sum, v_mm_s};
}

// Seconds from x = 0 at speed v0 (mm/s) to x_mm (>= 0) under constant acceleration (mm/s^2); nullopt where the card
// stops before, or does not move towards it at all.
std::optional<double> crossing_time(double x_mm, double v0_mm_s, double a_mm_s2);

// Times of ascending positions, rounded to nanoseconds after start_ns; ends early where the card stops.
std::vector<std::int64_t> crossing_times_ns(std::span<const double> x_mm, double v0_mm_s, double a_mm_s2,
                                            std::int64_t start_ns = 0);

// Bits from the first three similar intervals on (so at least three clocking zeros must lead). Times that do not rise
// end the track like a gap; a gap within eight bits of the lock starts the search anew. Reversal is the caller's.
std::vector<std::uint8_t> decode_f2f(std::span<const std::int64_t> t_ns);

// The same into a buffer: how many bits were written; more than the buffer holds are dropped.
std::size_t decode_f2f(std::span<const std::int64_t> t_ns, std::span<std::uint8_t> bits);

// What an automatic gain control lets through to the decoder: peaks of at least `floor` and a quarter of the last peak
// that counted. A peak that does not count lowers that level by a quarter of the way, so that one spike does not deafen
// for good. Writes the times that count to `out` (as long as t_ns, may be the same) and returns how many.
std::size_t follow_gain(std::span<const std::int64_t> t_ns, std::span<const std::int32_t> amplitude, std::int32_t floor,
                        std::span<std::int64_t> out);

// Times to text. A bidirectional reader tries the reversed bits if the forward ones fail and sets `reversed`; of two
// errors it reports the one that came further. Reads the first 4096 bits.
std::variant<TrackText, TrackError> read_track(int track, std::span<const std::int64_t> t_ns, bool bidirectional);

}  // namespace swiperig
