#pragma once
// Keeps card data out of everything the rig writes: PANs show their first six and last four digits, tracks and names
// nothing else, PIN blocks, chip data and transported keys nothing at all. Every function keeps the length of what it
// masks, so offsets in traces stay true, and errs towards masking too much; a digest or other long hex text that must
// stay exact does not belong in scrub.
#include <cstdint>
#include <string>
#include <string_view>

#include "rig/iso8583.hpp"

namespace swiperig {

// first8_last4 applies to 16 or more digits and falls back to first6_last4 below.
enum class PanMask : std::uint8_t { first6_last4, last4, first8_last4 };

// Masks a value known to be a PAN (no Luhn check); one under 13 characters is masked whole.
std::string mask_pan(std::string_view pan, PanMask mask = PanMask::first6_last4);

// Free text with all card data masked: numbers of 13-19 digits that pass Luhn and do not start with 0 or 1 (up to three
// blanks, tabs or any of -./_ may divide the groups, full-width signs count as what they look like), numbers with a few
// digits of something else joined to them, numbers inside hex dumps, everything of track 1 and 2 data but the masked
// PAN. Other characters, and the length, stay.
std::string scrub(std::string_view free_text);

// Whether scrub may find anything; quick, and never wrongly false.
bool may_hold_card_data(std::string_view text);

// A message fit for a trace: 2, 35, 36 masked, 48 scrubbed (batch records carry PANs), 52, 55 and the keys in 62 of an
// 0810 blanked. A masked message that held any of these as digits can no longer be packed.
void mask_fields(Message& message);

}  // namespace swiperig
