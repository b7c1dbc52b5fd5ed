// Whole ISO 8583 frames fit for a file: card number, tracks, PIN block, chip data and keys gone, every length and every
// other byte as it was, so that a dissector still reads the message. For a vault the numbers and tracks of declared
// test cards stay.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "rig/iso8583.hpp"

namespace swiperig {

/// One frame, prefix included. Masked digits are zeros, masked bytes '*'. A frame that is no whole message, or that
/// does not come back byte for byte but for what is masked, keeps its prefix and nothing else.
Bytes masked_frame(BytesView frame, const Framing& framing);

using TestCards = std::set<std::string, std::less<>>;  ///< whole numbers

/// The same with the numbers and tracks of these cards as they were; PIN block, chip data, keys, and numbers of any
/// other card are gone here as well. None: it is no message of such a card. `answers_one`: it may be without a number,
/// as the answer to one that is.
std::optional<Bytes> test_card_frame(BytesView frame, const Framing& framing, const TestCards& cards, bool answers_one);

}  // namespace swiperig
