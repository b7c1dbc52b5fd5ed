// The commands of the ZVT protocol as far as a register's link is watched: which fields one has and what of them may be
// told. Total: any bytes give fields that lie within them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace swiperig {

enum class ZvtTold : std::uint8_t { digits, pan, text, secret };

struct ZvtField {
  std::string_view name;
  ZvtTold told = ZvtTold::digits;
  std::size_t from = 0, size = 0;  ///< of its value, in the APDU
  bool packed = false;             ///< of digits: two in a byte, or bytes that are shown as such
  std::size_t place = 0;           ///< in the table, from 1; 0: before its fields
};

/// In the order of the wire.
void for_each_zvt_field(std::string_view apdu, const std::function<void(const ZvtField&)>& tell);
/// In the order of the table. What is not read is one last field without a name, secret.
std::vector<ZvtField> zvt_fields(std::string_view apdu);

}  // namespace swiperig
