// Text of terminals, hosts and damaged files on its way to a person's eyes. It is hostile: it may hold terminal control
// sequences, line breaks, overrides of reading direction, or bytes that are no UTF-8 at all. What is shown is one line
// that moves no cursor and reorders nothing.
#pragma once

#include <string>
#include <string_view>

namespace swiperig {

/// The same text with control characters and invalid bytes as \xNN and invisible or direction-changing ones as
/// \u{NNNN}.
std::string visible(std::string_view);
/// Bytes of the character that `text`, not empty, begins with; 0: no valid UTF-8 there.
std::size_t utf8_length(std::string_view text);

}  // namespace swiperig
