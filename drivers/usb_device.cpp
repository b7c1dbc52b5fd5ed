#include "drivers/usb_device.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace swiperig {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostDevices = 1024, kMostTextBytes = 256, kMostDescriptorBytes = (64 << 10) + 1;
constexpr std::uint8_t kCdcData = 0x0A, kVendor = 0xFF, kCommunications = 0x02;
constexpr std::uint8_t kAdbSubclass = 0x42;  // a smart terminal's debugging port is no ECR link

std::string hex4(std::uint16_t value) {
  std::array<char, 5> text{};
  std::snprintf(text.data(), text.size(), "%04x", value);
  return text.data();
}

/// What a device says of itself, in an error sentence.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

std::string read_all(const fs::path& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most, '\0');
  file.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

std::string attribute(const fs::path& device, const char* name) {
  std::string text = read_all(device / name, kMostTextBytes);
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  return text;
}

std::optional<int> number(const fs::path& device, const char* name, int radix) {
  const std::string text = attribute(device, name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 0xFFFF) return std::nullopt;
  return value;
}

/// "1-2.3", not "usb1" (a root hub) or "1-2.3:1.0" (an interface).
bool is_port(std::string_view name) {
  return !name.empty() && name[0] >= '0' && name[0] <= '9' && name.find('-') != name.npos &&
         name.find(':') == name.npos;
}

std::optional<UsbDevice> read_device(const fs::path& place) {
  UsbDevice d;
  d.port = place.filename().string();
  const auto bus = number(place, "busnum", 10), address = number(place, "devnum", 10);
  const auto vendor = number(place, "idVendor", 16), product = number(place, "idProduct", 16);
  if (!bus || !address || !vendor || !product) return std::nullopt;
  d.bus = *bus;
  d.address = *address;
  d.vendor = static_cast<std::uint16_t>(*vendor);
  d.product = static_cast<std::uint16_t>(*product);
  d.serial = attribute(place, "serial");
  d.superspeed = number(place, "speed", 10).value_or(0) >= 5000;
  const std::string bytes = read_all(place / "descriptors", kMostDescriptorBytes);
  auto parsed = parse_usb_descriptors(bytes_of(bytes));
  if (auto* fault = std::get_if<std::string>(&parsed)) {
    d.fault = "its descriptors cannot be: " + *fault;
  } else {
    d.descriptors = std::move(std::get<UsbDescriptors>(parsed));
  }
  const auto value = number(place, "bConfigurationValue", 10);
  if (value && *value <= 0xFF) d.configuration = static_cast<std::uint8_t>(*value);
  return d;
}

std::string kind_of(const UsbInterface& i) {
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "%02x/%02x/%02x", i.device_class, i.subclass, i.protocol);
  return std::to_string(i.number) + " (class " + code.data() + ")";
}

const UsbEndpoint* endpoint(const UsbInterface& i, bool in) {
  for (const bool bulk : {true, false}) {
    for (const UsbEndpoint& e : i.endpoints) {
      if (e.in() == in && e.max_packet > 0 && e.max_packet <= 1024 && (bulk ? e.bulk() : e.interrupt())) return &e;
    }
  }
  return nullptr;
}

/// May be the one that is meant where nobody has said which.
bool likely(const UsbInterface& i, bool reports) {
  if (endpoint(i, true) == nullptr) return false;
  if (reports) return i.hid();
  return i.device_class == kCdcData || (i.device_class == kVendor && i.subclass != kAdbSubclass);
}

}  // namespace

std::string UsbDevice::node() const {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "/dev/bus/usb/%03d/%03d", bus, address);
  return text.data();
}

std::string to_text(const UsbDevice& d) {
  std::string text = d.port + " " + hex4(d.vendor) + ":" + hex4(d.product);
  if (!d.serial.empty()) text += " serial " + printable(d.serial);
  return text;
}

std::string to_text(const UsbWanted& w) {
  std::string text = "usb:" + hex4(w.vendor) + ":" + hex4(w.product);
  if (!w.serial.empty()) text += " serial " + printable(w.serial);
  if (!w.port.empty()) text += " port " + w.port;
  return text;
}

std::vector<UsbDevice> usb_devices(const std::string& root) {
  std::vector<UsbDevice> devices;
  std::error_code error;
  fs::directory_iterator entry(root + "/bus/usb/devices", error);
  for (; !error && entry != fs::directory_iterator() && devices.size() < kMostDevices; entry.increment(error)) {
    if (!is_port(entry->path().filename().string())) continue;
    if (auto device = read_device(entry->path())) devices.push_back(std::move(*device));
  }
  std::sort(devices.begin(), devices.end(), [](const UsbDevice& a, const UsbDevice& b) { return a.port < b.port; });
  return devices;
}

bool fits(const UsbDevice& d, const UsbWanted& w) {
  return d.vendor == w.vendor && d.product == w.product && (w.port.empty() || d.port == w.port) &&
         (w.serial.empty() || d.serial == w.serial);
}

std::string plugged_in(const std::vector<UsbDevice>& devices) {
  if (devices.empty()) return "nothing is plugged in";
  std::string text = "plugged in: ";
  for (std::size_t i = 0; i < devices.size() && i < 8; ++i) text += (i == 0 ? "" : ", ") + to_text(devices[i]);
  if (devices.size() > 8) text += " and " + std::to_string(devices.size() - 8) + " more";
  return text;
}

std::variant<const UsbDevice*, std::string> choose(const std::vector<UsbDevice>& devices, const UsbWanted& wanted) {
  std::vector<UsbDevice> found;
  const UsbDevice* one = nullptr;
  for (const UsbDevice& d : devices) {
    if (!fits(d, wanted)) continue;
    found.push_back(d);
    one = &d;
  }
  if (found.size() < 2) return one;
  return std::to_string(found.size()) + " devices fit; say which with ?port= or ?serial= (" + plugged_in(found) + ")";
}

std::variant<UsbPipes, std::string> find_pipes(const UsbDevice& d, std::optional<std::uint8_t> interface,
                                               bool reports) {
  if (!d.fault.empty()) return d.fault;
  const UsbInterface* meant = nullptr;
  std::string all;
  int found = 0;
  for (const UsbInterface& i : d.descriptors.interfaces) {
    if (i.configuration != d.configuration) continue;
    if (i.alternate == 0 && all.size() < 400) all += (all.empty() ? "" : ", ") + kind_of(i);
    if (interface ? i.number != *interface || endpoint(i, true) == nullptr : !likely(i, reports)) continue;
    if (meant != nullptr && meant->number == i.number) continue;  // its first setting that has endpoints
    meant = &i;
    ++found;
  }
  const std::string list = all.empty() ? "it has none in its configuration" : "it has " + all;
  if (found == 0 && interface) {
    return "no interface " + std::to_string(*interface) + " with a bulk or interrupt endpoint towards the rig; " + list;
  }
  if (found == 0 && reports) {
    return "no human-interface device with an interrupt endpoint to listen to; say which with ?interface= (" + list +
           ")";
  }
  if (found == 0) return "no CDC data or vendor interface to listen to; say which with ?interface= (" + list + ")";
  if (found > 1) return "several interfaces may be meant; say which with ?interface= (" + list + ")";
  UsbPipes pipes;
  pipes.interface = meant->number;
  pipes.alternate = meant->alternate;
  if (reports && (!meant->hid() || meant->hid_descriptor_bytes == 0)) {
    return "interface " + std::to_string(meant->number) + " describes no reports, and the profile wants them (" + list +
           ")";
  }
  pipes.hid = reports;
  pipes.hid_descriptor_bytes = meant->hid_descriptor_bytes;
  pipes.in = *endpoint(*meant, true);
  if (const UsbEndpoint* out = endpoint(*meant, false)) pipes.out = *out;
  for (const UsbInterface& i : d.descriptors.interfaces) {
    if (i.configuration == d.configuration && i.number != meant->number) pipes.alone = false;
  }
  if (meant->device_class != kCdcData) return pipes;
  for (const UsbInterface& i : d.descriptors.interfaces) {
    if (i.configuration != d.configuration || i.device_class != kCommunications) continue;
    if (i.data_interface != meant->number || i.number == meant->number) continue;
    pipes.control_interface = i.number;
    pipes.takes_line_coding = (i.acm_capabilities & 2) != 0;
  }
  return pipes;
}

}  // namespace swiperig
