#include "drivers/hid_report.hpp"

#include <algorithm>
#include <map>

namespace swiperig {

namespace {

constexpr std::size_t kMostDepth = 16, kMostCollections = 64;
constexpr std::uint64_t kMostReportBits = 8192 * 8;
constexpr std::uint32_t kMostFieldBits = 256;
constexpr std::uint8_t kLongItem = 0xFE;
constexpr std::uint8_t kMain = 0, kGlobal = 1;  // types of an item
constexpr std::uint8_t kInput = 8, kOutput = 9, kCollection = 10, kFeature = 11, kEndCollection = 12;
constexpr std::uint8_t kUsagePage = 0, kReportSize = 7, kReportId = 8, kReportCount = 9, kPush = 10, kPop = 11;
constexpr std::uint32_t kKeyboardPage = 7;

std::string at_byte(std::size_t at, const std::string& what) { return "byte " + std::to_string(at) + ": " + what; }

struct Globals {
  std::uint32_t page = 0, size = 0, count = 0, id = 0;
};

class Walk {
 public:
  explicit Walk(BytesView bytes) : bytes_(bytes) {}

  std::variant<HidReports, std::string> run() {
    if (bytes_.size() > kMostHidDescriptorBytes) return at_byte(kMostHidDescriptorBytes, "more than 4096 bytes of it");
    for (std::size_t at = 0; at < bytes_.size() && fault_.empty();) at = item(at);
    if (fault_.empty() && depth_ != 0) refuse(bytes_.size(), "a collection does not end");
    if (fault_.empty() && in_.empty() && out_.empty()) refuse(bytes_.size(), "no report at all");
    if (!fault_.empty()) return fault_;
    for (const auto& [id, bits] : in_) result_.in.push_back({id, static_cast<std::size_t>((bits + 7) / 8)});
    for (const auto& [id, bits] : out_) result_.out.push_back({id, static_cast<std::size_t>((bits + 7) / 8)});
    return std::move(result_);
  }

 private:
  using Sizes = std::map<std::uint8_t, std::uint64_t>;  // bits, by report ID

  void refuse(std::size_t at, const std::string& what) {
    if (fault_.empty()) fault_ = at_byte(at, what);
  }

  /// One item; where the next begins.
  std::size_t item(std::size_t at) {
    const std::uint8_t prefix = bytes_[at];
    const std::size_t left = bytes_.size() - at - 1;
    if (prefix == kLongItem) {
      const std::size_t size = left >= 2 ? 2 + std::size_t{bytes_[at + 1]} : left + 1;
      if (size > left) refuse(at, "a long item that goes on behind the end");
      return at + 1 + size;
    }
    const std::size_t size = (prefix & 3) == 3 ? 4 : prefix & 3;
    if (size > left) {
      refuse(at, "an item of " + std::to_string(size) + " bytes where " + std::to_string(left) + " are left");
      return bytes_.size();
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint32_t>(bytes_[at + 1 + i]) << (8 * i);
    const auto tag = static_cast<std::uint8_t>(prefix >> 4);
    const auto type = static_cast<std::uint8_t>(prefix >> 2 & 3);
    if (type == kMain) take_main(at, tag);
    if (type == kGlobal) take_global(at, tag, value);
    return at + 1 + size;
  }

  void take_main(std::size_t at, std::uint8_t tag) {
    switch (tag) {
      case kCollection:
        if (++depth_ > kMostCollections) refuse(at, "more than 64 collections within one another");
        break;
      case kEndCollection:
        if (depth_ == 0) return refuse(at, "an end without a collection");
        --depth_;
        break;
      case kInput:
        result_.keyboard = result_.keyboard || (now_.page == kKeyboardPage && now_.count > 0);
        add(at, in_);
        break;
      case kOutput: add(at, out_); break;
      case kFeature: add(at, feature_); break;
      default: break;  // reserved
    }
  }

  void add(std::size_t at, Sizes& sizes) {
    if (result_.numbered && now_.id == 0) return refuse(at, "a field before the first report ID");
    if (!result_.numbered) unnumbered_ = true;
    std::uint64_t& bits = sizes[static_cast<std::uint8_t>(now_.id)];
    bits += std::uint64_t{now_.size} * now_.count;
    if (bits > kMostReportBits) refuse(at, "a report of more than 8192 bytes");
  }

  void take_global(std::size_t at, std::uint8_t tag, std::uint32_t value) {
    switch (tag) {
      case kUsagePage: now_.page = value; break;
      case kReportSize:
        if (value > kMostFieldBits) refuse(at, "a field of " + std::to_string(value) + " bits");
        now_.size = value;
        break;
      case kReportCount:
        if (value > kMostReportBits) refuse(at, std::to_string(value) + " fields");
        now_.count = value;
        break;
      case kReportId:
        if (value == 0 || value > 255) return refuse(at, "report ID " + std::to_string(value));
        if (unnumbered_) return refuse(at, "a report ID behind fields that have none");
        now_.id = value;
        result_.numbered = true;
        break;
      case kPush:
        if (stack_.size() == kMostDepth) return refuse(at, "more than 16 pushes");
        stack_.push_back(now_);
        break;
      case kPop:
        if (stack_.empty()) return refuse(at, "a pop without a push");
        now_ = stack_.back();
        stack_.pop_back();
        break;
      default: break;  // ranges and units, which nobody here asks about
    }
  }

  BytesView bytes_;
  HidReports result_;
  Globals now_;
  std::vector<Globals> stack_;
  std::size_t depth_ = 0;
  bool unnumbered_ = false;
  Sizes in_, out_, feature_;
  std::string fault_;
};

}  // namespace

std::size_t HidReports::longest_in() const {
  std::size_t longest = 0;
  for (const Report& r : in) longest = std::max(longest, r.bytes + (numbered ? 1 : 0));
  return longest;
}

std::variant<HidReports, std::string> parse_hid_reports(BytesView descriptor) { return Walk(descriptor).run(); }

std::variant<HidReport, std::string> read_hid_report(const HidReports& reports, BytesView transfer) {
  HidReport report{0, transfer};
  if (reports.numbered) {
    if (transfer.empty()) return "a report without its ID";
    report = {transfer[0], transfer.subspan(1)};
  }
  const auto known =
      std::find_if(reports.in.begin(), reports.in.end(), [&](const auto& r) { return r.id == report.id; });
  if (known == reports.in.end()) return "report " + std::to_string(report.id) + ", which its descriptor does not have";
  if (known->bytes != report.bytes.size()) {
    return "report " + std::to_string(report.id) + " of " + std::to_string(report.bytes.size()) + " bytes where its " +
           "descriptor says " + std::to_string(known->bytes);
  }
  return report;
}

}  // namespace swiperig
