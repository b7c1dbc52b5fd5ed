#pragma once
// SHA-256, plain and as the hash chain that makes a journal tamper-evident: each line's head is the hash of the head
// before it followed by the line's bytes, so a changed, dropped or moved line breaks every later head. Safe from any
// thread; throws std::runtime_error only if OpenSSL offers no SHA-256 at all.
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "rig/bytes.hpp"

struct evp_md_ctx_st;

namespace swiperig {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(BytesView data);

/// Of text that comes in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view);
  Digest end();

 private:
  struct Free {
    void operator()(evp_md_ctx_st*) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// head = SHA-256(head || line); a chain starts from a head of zeros or from the digest of its preamble.
void chain(Digest& head, std::string_view line, std::string_view more = {});

}  // namespace swiperig
