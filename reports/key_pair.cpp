#include "reports/key_pair.hpp"

#include <array>
#include <stdexcept>
#include <zmq.hpp>

namespace swiperig {

namespace {
constexpr std::size_t key_text = 40, key_bytes = 32;
}

KeyPair new_key_pair() {
  std::array<char, key_text + 1> open{}, secret{};
  do {
    if (zmq_curve_keypair(open.data(), secret.data()) != 0) {
      throw std::runtime_error("this libzmq makes no CURVE keys: it was built without them");
    }
  } while (open[0] == '-');  // on a command line that would be an option
  return {open.data(), secret.data()};
}

bool is_key(std::string_view text) {
  std::array<unsigned char, key_bytes> bytes{};
  return text.size() == key_text && zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

std::string public_of(const std::string& secret) {
  std::array<char, key_text + 1> open{};
  if (!is_key(secret) || zmq_curve_public(open.data(), secret.c_str()) != 0) return "";
  return open.data();
}

}  // namespace swiperig
