// Turns the frames that pass a point of the network into the names and masked fields a trace may hold. It is a tap:
// it never changes a byte, and it judges nothing but whether a MAC is right. The MAC key comes from the logon response
// that passes (field 62 under the host profile's test master key, either layout, check value verified), or is derived
// per message where the profile says DUKPT; without one, MACs are "unchecked". Card numbers leave it as first six and
// last four, tracks, PIN blocks, chip data and keys never.
#pragma once

#include <optional>
#include <string>

#include "rig/event.hpp"
#include "rig/iso8583.hpp"
#include "rig/mac.hpp"
#include "rig/profile.hpp"

namespace swiperig {

class Wire {
 public:
  explicit Wire(const HostProfile&);

  struct Look {
    /// request, response, reversal, reversal_response, settlement, settlement_response, logon, logon_response, other
    std::string stem;
    /// `stan` and `batch` of a reversal are its original's, from field 61; own_stan is there where it took another.
    /// `kind` is there where it is no sale, `original` (batch and STAN) where a request names one.
    /// Those of mti stan own_stan batch kind original amount balance code proc pan entry reason totals mid tid rrn that
    /// the message has, then `has` (the numbers of all fields present, "3,4,11") and `mac` (ok, wrong, absent,
    /// unchecked).
    Fields fields;
    bool good = false;  ///< the frame is one whole message; else stem is "other" and there are no fields
  };
  /// One whole frame, prefix included. `from_terminal`: it travels towards the host.
  Look look(bool from_terminal, BytesView frame);

 private:
  void learn(std::string_view field62);
  std::string_view mac_state(BytesView frame) const;

  HostProfile host_;
  std::optional<CipherKey> master_key_;
  std::optional<MacKey> mac_key_;
  std::string learned_;  // the keys it came in
  Message message_;  // reused: a message is too large to make anew for every frame
};

}  // namespace swiperig
