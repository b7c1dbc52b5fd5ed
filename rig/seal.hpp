// Closes messages so that only the holder of a key of 32 bytes reads them: AES-256-GCM under a key that HKDF-SHA256
// makes of that key and the salt of one run. The nonce is the message's number: a run numbers each once and its salt is
// its own, so no nonce is ever used twice under one key, with no draw for each message that could repeat. Throws
// std::runtime_error only where OpenSSL does not do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rig/bytes.hpp"
#include "rig/digest.hpp"

namespace swiperig {

class Seal {
 public:
  static constexpr std::size_t kKeyBytes = 32, kTagBytes = 16;

  Seal(BytesView key, BytesView salt);
  ~Seal();
  Seal(const Seal&) = delete;
  Seal& operator=(const Seal&) = delete;

  /// Tells whether a key is the one of before, and nothing else about it.
  const Digest& mark() const { return mark_; }
  /// The bytes and their tag. `beside` stays in the clear and is proved with them.
  Bytes close(std::uint64_t number, BytesView clear, BytesView beside) const;
  /// None: not what was closed under this number with this beside it.
  std::optional<Bytes> open(std::uint64_t number, BytesView closed, BytesView beside) const;
  /// What only a holder of the key can make of a text.
  Digest sign(BytesView text) const;

 private:
  Digest message_key_{}, log_key_{}, mark_{};
};

/// Overwrites what must not stay in memory.
void wipe(Bytes& bytes);

}  // namespace swiperig
