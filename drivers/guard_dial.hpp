// How a guardian opens TCP instruments: before its watch begins, so that it may take time and memory for it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace swiperig {

struct DialledInstrument {
  int device = -1;  ///< connected, non-blocking
  sockaddr_storage where{};
  socklen_t where_bytes = 0;
};

/// Throws LinkError{refused | failed} in words; ends after 20 s.
DialledInstrument dial_instrument(const std::string& host, std::uint16_t port);

/// Makes an opened instrument this process's alone on this machine for as long as what it returns is open, however
/// others spell its address and wherever they keep their lock files. Throws LinkError where another process has it.
int claim_instrument(int device);

}  // namespace swiperig
