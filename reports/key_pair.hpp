// CURVE keys as text of 40 characters (Z85): who has the secret one can prove that the other is its own.
#pragma once

#include <string>
#include <string_view>

namespace swiperig {

struct KeyPair {
  std::string open, secret;
};

KeyPair new_key_pair();
bool is_key(std::string_view text);
/// The public key of a secret one; "" for what is no key.
std::string public_of(const std::string& secret);

}  // namespace swiperig
