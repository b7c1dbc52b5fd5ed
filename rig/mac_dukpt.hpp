#pragma once
// Derived unique keys per transaction (ANSI X9.24-1, TDES): a terminal is injected once with an initial key and a key
// serial number of 10 bytes whose last 21 bits count; every request has a key of its own, which both ends derive from
// that number. The host holds the base derivation key and derives any terminal's keys, the terminal only its own.
#include <array>
#include <cstdint>
#include <optional>

#include "rig/mac_cipher.hpp"

namespace swiperig {

using DukptKey = std::array<std::uint8_t, 16>;

inline constexpr std::size_t kKsnBytes = 10;

// The initial key of the terminal that this serial number names, whatever it counts; nullopt unless 16 and 10 bytes.
std::optional<DukptKey> dukpt_initial_key(BytesView base_derivation_key, BytesView ksn);

// The number after `count` that may be used: those with more than ten ones are left out. 0: the terminal has used up
// its keys.
std::uint32_t dukpt_next_count(std::uint32_t count);
// The serial number with this count.
Bytes dukpt_ksn(BytesView ksn, std::uint32_t count);

enum class DukptUse : std::uint8_t { plain, pin, mac_request, mac_response };

// The key of one transaction, in the variant of its use; nullopt unless the initial key and the number have 16 and 10
// bytes.
std::optional<DukptKey> dukpt_key(BytesView initial_key, BytesView ksn, DukptUse use);

}  // namespace swiperig
