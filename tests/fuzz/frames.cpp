// Any bytes as the stream of a register link, in every framing: each byte is in one cut or begun; what is masked has
// its length; what is kept of the stream has its length, and no stream is held for ever.
#include <algorithm>

#include "rig/framed_stream.hpp"
#include "tests/fuzz/kept_stream.hpp"

using namespace swiperig;

namespace {

constexpr std::size_t kLongest = 256;

std::shared_ptr<const TerminalLink> link_of(std::uint8_t choice) {
  TerminalLink link;
  EcrFraming& f = link.framing;
  f.kind = static_cast<EcrFraming::Kind>(choice % 6);
  f.binary = f.is_zvt() || (choice & 0x40) != 0;
  f.progress = (choice & 0x20) != 0;
  f.little_endian = (choice & 0x10) != 0;
  f.length_counts_itself = (choice & 0x08) != 0;
  f.length_bytes = 1 + (choice >> 6);
  f.longest = kLongest;
  if ((choice & 0x80) != 0) {
    MaskRule between, packed;
    between.after = "|";
    between.until = "|";
    packed.begins = "A";
    packed.from = 1;
    packed.to = 10;
    packed.leaves = f.binary ? MaskRule::Leaves::packed_pan : MaskRule::Leaves::pan;
    link.masks = {between, packed};
  }
  return std::make_shared<const TerminalLink>(link);
}

void cut(const TerminalLink& link, BytesView bytes) {
  EcrCutter cutter(link.framing);
  FrameMasker masker(link);
  std::size_t sizes = 0;
  for (const std::uint8_t byte : bytes) {
    const auto one = cutter.take(byte);
    must(cutter.begun() <= 2 * kLongest + 8);
    if (!one) continue;
    sizes += one->size;
    if (one->what != Cut::frame) continue;
    std::string data = one->data;
    masker.mask(data);
    must(data.size() == one->data.size());
    must(frame_text(link, data).size() <= 32 * (data.size() + 2));
  }
  must(sizes + cutter.begun() == bytes.size());
}

}  // namespace

// The first byte says which framing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0) return 0;
  const auto link = link_of(bytes[0]);
  cut(*link, {bytes + 1, count - 1});
  keeps_every_byte(FramedStream(link, {}), {bytes + 1, count - 1}, 2 * kLongest + 128);
  return 0;
}
