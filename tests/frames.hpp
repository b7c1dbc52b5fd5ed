// Whole ISO 8583 frames for tests of the network path: small, told apart by their STAN.
#pragma once

#include <cassert>
#include <string>

#include "rig/iso8583.hpp"

namespace swiperig {

inline Bytes frame(const char* mti, int stan) {
  Message m;
  m.set_mti(mti);
  m.set_tpdu({0x60, 0x00, 0x03, 0x00, 0x00});
  const std::string digits = std::to_string(stan);
  m.set(11, std::string(6 - digits.size(), '0') + digits);
  m.set(4, "000000001234");
  m.set(60, "22000001");
  Bytes out;
  const auto error = pack(m, Framing{}, out);
  assert(!error);
  (void)error;
  return out;
}
inline Bytes request(int stan) { return frame("0200", stan); }
inline Bytes response(int stan) { return frame("0210", stan); }

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace swiperig
