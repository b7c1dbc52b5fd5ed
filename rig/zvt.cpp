#include "rig/zvt.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>

namespace swiperig {

namespace {

constexpr int kLl = -2, kLll = -3, kTlv = -1;

struct Known {
  std::uint8_t bitmap;
  std::string_view name;
  int layout;
  ZvtTold told;
};

constexpr Known kKnown[] = {
#define ZVT_FIELD(bitmap, name, layout, told) {bitmap, #name, layout, ZvtTold::told},
#include "rig/zvt_fields.def"
#undef ZVT_FIELD
};
constexpr std::size_t kFields = std::size(kKnown);

/// By bitmap, the field's place in the table; kFields: unknown.
constexpr std::array<std::uint8_t, 256> kPlaces = [] {
  std::array<std::uint8_t, 256> places{};
  places.fill(static_cast<std::uint8_t>(kFields));
  for (std::size_t i = 0; i < kFields; ++i) places[kKnown[i].bitmap] = static_cast<std::uint8_t>(i);
  return places;
}();

/// What a command carries before its bitmaps, or instead of them.
struct Command {
  std::uint8_t command_class, instruction;
  std::array<ZvtField, 2> leading;  ///< `from` counted behind the header
  enum class Rest : std::uint8_t { bitmaps, text, unknown } rest;
};

constexpr ZvtField one(std::string_view name, std::size_t from) { return {name, ZvtTold::digits, from, 1, true}; }

constexpr Command kCommands[] = {
    {0x04, 0x0F, {}, Command::Rest::bitmaps},                                     // status information
    {0x04, 0xFF, {one("status", 0), one("minutes", 1)}, Command::Rest::bitmaps},  // intermediate status
    {0x06, 0x01, {}, Command::Rest::bitmaps},                                     // authorise
    {0x06, 0x0F, {}, Command::Rest::bitmaps},                                     // completion
    {0x06, 0x1E, {one("result", 0), {}}, Command::Rest::bitmaps},                 // abort
    {0x06, 0xD1, {one("attribute", 0), {}}, Command::Rest::text},                 // print a line
};

class Reading {
 public:
  Reading(std::string_view apdu, const std::function<void(const ZvtField&)>& tell) : apdu_(apdu), tell_(tell) {}

  void run() {
    if (apdu_.size() < 3) return rest_is_secret(std::min<std::size_t>(apdu_.size(), 2));
    at_ = byte(2) == 0xFF ? 5 : 3;
    if (at_ > apdu_.size()) return rest_is_secret(3);
    for (const Command& c : kCommands) {
      if (c.command_class != byte(0) || c.instruction != byte(1)) continue;
      for (ZvtField f : c.leading) {
        if (f.size == 0 || at_ + f.size > apdu_.size()) continue;
        f.from = at_;
        at_ += f.size;
        tell_(f);
      }
      if (c.rest == Command::Rest::text) return tell_({"text", ZvtTold::text, at_, apdu_.size() - at_, false});
      return bitmaps();
    }
    rest_is_secret(at_);
  }

 private:
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(apdu_[at]); }

  void rest_is_secret(std::size_t from) {
    if (from < apdu_.size()) tell_({"", ZvtTold::secret, from, apdu_.size() - from, true, kFields + 1});
  }

  void bitmaps() {
    std::bitset<kFields> found;
    while (at_ < apdu_.size()) {
      const std::size_t begin = at_, place = kPlaces[byte(at_)];
      if (place == kFields || found[place]) return rest_is_secret(begin);
      const Known& known = kKnown[place];
      const auto size = value_size(known.layout);
      if (!size || *size > apdu_.size() - at_) return rest_is_secret(begin);
      found.set(place);
      const bool packed = known.told == ZvtTold::digits || known.told == ZvtTold::pan;
      tell_({known.name, known.told, at_, *size, packed, place + 1});
      at_ += *size;
    }
  }

  /// Of the value whose bitmap is at `at_`, which goes on to the value itself; nullopt: it cannot be.
  std::optional<std::size_t> value_size(int layout) {
    ++at_;
    if (layout > 0) return static_cast<std::size_t>(layout);
    if (layout == kTlv) return tlv_size();
    std::size_t size = 0;
    for (int i = layout; i < 0; ++i, ++at_) {
      if (at_ >= apdu_.size() || byte(at_) < 0xF0 || byte(at_) > 0xF9) return std::nullopt;
      size = size * 10 + (byte(at_) & 15U);
    }
    return size;
  }

  std::optional<std::size_t> tlv_size() {
    if (at_ >= apdu_.size()) return std::nullopt;
    const std::uint8_t first = byte(at_++);
    if (first < 0x80) return first;
    const std::size_t more = first & 0x7FU;
    if (more == 0 || more > 2 || apdu_.size() - at_ < more) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 0; i < more; ++i) size = size << 8 | byte(at_++);
    return size;
  }

  std::string_view apdu_;
  const std::function<void(const ZvtField&)>& tell_;
  std::size_t at_ = 0;
};

}  // namespace

void for_each_zvt_field(std::string_view apdu, const std::function<void(const ZvtField&)>& tell) {
  Reading(apdu, tell).run();
}

std::vector<ZvtField> zvt_fields(std::string_view apdu) {
  std::vector<ZvtField> fields;
  for_each_zvt_field(apdu, [&](const ZvtField& f) { fields.push_back(f); });
  std::stable_sort(fields.begin(), fields.end(),
                   [](const ZvtField& a, const ZvtField& b) { return a.place < b.place; });
  return fields;
}

}  // namespace swiperig
