// Any bytes as the descriptors of a USB device, and as what it says: a device is refused with a place or its pipes are
// within it; what is kept of a stream has its length, and no stream is held for ever.
#include "drivers/usb_device.hpp"
#include "rig/masked_stream.hpp"
#include "tests/fuzz/kept_stream.hpp"

using namespace swiperig;

namespace {

void walk(BytesView bytes) {
  const auto parsed = parse_usb_descriptors(bytes);
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    must(why->starts_with("byte "));
    return;
  }
  UsbDevice device;
  device.descriptors = std::get<UsbDescriptors>(parsed);
  for (const UsbInterface& i : device.descriptors.interfaces) {
    must(i.endpoints.size() <= 256);
    device.configuration = i.configuration;
    for (const std::optional<std::uint8_t> wanted : {std::optional<std::uint8_t>(), std::optional(i.number)}) {
      const auto found = find_pipes(device, wanted);
      if (const auto* pipes = std::get_if<UsbPipes>(&found)) must(pipes->in.in() && pipes->in.max_packet > 0);
    }
    if (&i - device.descriptors.interfaces.data() > 16) break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  walk({bytes, count});
  if (count < 4096) keeps_every_byte(MaskedStream(), {bytes, count}, MaskedStream::kMostHeldBytes + 64);
  return 0;
}
