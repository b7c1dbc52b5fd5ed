// What a frame of a terminal's link says: card data gone first, byte for byte of the same length, then the text that
// the rules of a profile look at. Characters are taken as they are. Other bytes are hex pairs ("52 01 0A"); a report of
// a human-interface device has its ID in front ("report 2: 52 01"); of a ZVT command the known fields have their names,
// in the order of rig/zvt_fields.def whatever the terminal's own ("04 0F amount=000000005100; trace=000123;
// result=00;"). What masked digits become shows that they were masked: `*`, or the nibble E, which is no digit.
#pragma once

#include <string>
#include <string_view>

#include "rig/profile.hpp"

namespace swiperig {

/// The frames of one direction of a link, one after another.
class FrameMasker {
 public:
  explicit FrameMasker(const TerminalLink& link) : link_(link) {}
  /// Masks the data of a frame by the rules of the profile, then whatever else looks like card data; errs towards too
  /// much where the data are binary. A number that goes on in the next report is masked whole.
  void mask(std::string& data);
  /// Puts what `data` became into the frame as it is on the wire; its check value goes, too: with it the digits could
  /// be counted back.
  void put(std::string_view data, std::string_view masked, std::string& wire) const;

 private:
  void mask_edges(std::string& report);

  const TerminalLink& link_;
  bool goes_on_ = false;  ///< the report before ended within digits
};

/// Of masked data. Total.
std::string frame_text(const TerminalLink& link, std::string_view data);

}  // namespace swiperig
