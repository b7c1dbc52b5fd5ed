// Any bytes as a report descriptor, and as reports: a descriptor is refused with a place or its reports are bounded; a
// report that is believed is one of them; what is kept of the reports has their length.
#include <cstdlib>

#include "drivers/hid_report.hpp"
#include "rig/masked_stream.hpp"

using namespace swiperig;

namespace {

void must(bool true_now) {
  if (!true_now) std::abort();
}

void keep(const HidReports& reports, BytesView report) {
  static const std::shared_ptr<const TerminalLink> text = [] {
    TerminalLink link;
    link.framing.kind = EcrFraming::Kind::hid_report;
    return std::make_shared<const TerminalLink>(link);
  }();
  MaskedStream stream(text, {.numbers_no_reports = !reports.numbered});
  UsbTransfer t;
  t.bytes.assign(report.begin(), report.end());
  const auto ready = stream.push(std::move(t));
  must(ready.size() == 1 && ready[0].bytes.size() == report.size());
}

}  // namespace

// The first byte says how many of the rest are the descriptor; what follows it is reports, of 1 to 16 bytes each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0) return 0;
  BytesView rest(bytes + 1, count - 1);
  const std::size_t size = std::min<std::size_t>(bytes[0], rest.size());
  const auto parsed = parse_hid_reports(rest.first(size));
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    must(why->starts_with("byte "));
    return 0;
  }
  const auto& reports = std::get<HidReports>(parsed);
  must(reports.in.size() <= 256 && reports.out.size() <= 256 && reports.longest_in() <= 8193);
  for (rest = rest.subspan(size); !rest.empty();) {
    const std::size_t n = std::min<std::size_t>(rest.size(), 1 + rest[0] % 16);
    const auto read = read_hid_report(reports, rest.first(n));
    if (const auto* report = std::get_if<HidReport>(&read))
      must(report->bytes.size() + (reports.numbered ? 1 : 0) == n);
    keep(reports, rest.first(n));
    rest = rest.subspan(n);
  }
  return 0;
}
