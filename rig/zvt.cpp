#include "rig/zvt.hpp"

#include <algorithm>
#include <array>
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
  explicit Reading(std::string_view apdu) : apdu_(apdu) {}

  std::vector<ZvtField> run() {
    if (apdu_.size() < 3) return rest_is_secret(std::min<std::size_t>(apdu_.size(), 2));
    at_ = byte(2) == 0xFF ? 5 : 3;
    if (at_ > apdu_.size()) return rest_is_secret(3);
    for (const Command& c : kCommands) {
      if (c.command_class != byte(0) || c.instruction != byte(1)) continue;
      for (ZvtField f : c.leading) {
        if (f.size == 0 || at_ + f.size > apdu_.size()) continue;
        f.from = at_;
        at_ += f.size;
        fields_.push_back(f);
      }
      if (c.rest == Command::Rest::text) {
        fields_.push_back({"text", ZvtTold::text, at_, apdu_.size() - at_, false});
        return fields_;
      }
      return bitmaps();
    }
    return rest_is_secret(at_);
  }

 private:
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(apdu_[at]); }

  std::vector<ZvtField> rest_is_secret(std::size_t from) {
    if (from < apdu_.size()) fields_.push_back({"", ZvtTold::secret, from, apdu_.size() - from, true});
    return fields_;
  }

  std::vector<ZvtField> bitmaps() {
    std::array<std::optional<ZvtField>, std::size(kKnown)> found;
    std::size_t unread = apdu_.size();
    while (at_ < apdu_.size()) {
      const auto* known =
          std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.bitmap == byte(at_); });
      const std::size_t begin = at_;
      const auto size = known == std::end(kKnown) ? std::nullopt : value_size(known->layout);
      auto& place = found[static_cast<std::size_t>(known == std::end(kKnown) ? 0 : known - std::begin(kKnown))];
      if (!size || *size > apdu_.size() - at_ || place) {
        unread = begin;
        break;
      }
      const bool packed = known->told == ZvtTold::digits || known->told == ZvtTold::pan;
      place = ZvtField{known->name, known->told, at_, *size, packed};
      at_ += *size;
    }
    for (const auto& f : found) {
      if (f) fields_.push_back(*f);
    }
    return rest_is_secret(unread);
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
  std::size_t at_ = 0;
  std::vector<ZvtField> fields_;
};

}  // namespace

std::vector<ZvtField> zvt_fields(std::string_view apdu) { return Reading(apdu).run(); }

}  // namespace swiperig
