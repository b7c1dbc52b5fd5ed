#pragma once
// Byte strings as every codec of the rig passes them: an owned vector, a view, and the upper-case hex text used in
// traces, vectors and reports. Parsing is total: anything that is not an even number of hex digits yields nothing.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swiperig {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// Two upper-case digits per byte, no separators.
std::string to_hex(BytesView bytes);

// Either case, no separators; nullopt for an odd count or any other character. Empty text gives empty bytes.
std::optional<Bytes> from_hex(std::string_view hex);

// The characters of `text` as bytes; valid as long as the text is.
inline BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The bytes as characters, unchanged; valid as long as the bytes are.
inline std::string_view text_of(BytesView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace swiperig
