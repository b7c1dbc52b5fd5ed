// Whole ISO 8583 frames fit for a file: card number, tracks, PIN block, chip data and keys gone, every length and every
// other byte as it was, so that a dissector still reads the message.
#pragma once

#include "rig/iso8583.hpp"

namespace swiperig {

/// One frame, prefix included. Masked digits are zeros, masked bytes '*'. A frame that is no whole message, or that
/// does not come back byte for byte but for what is masked, keeps its prefix and nothing else.
Bytes masked_frame(BytesView frame, const Framing& framing);

}  // namespace swiperig
