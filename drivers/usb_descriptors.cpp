#include "drivers/usb_descriptors.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kMostBytes = 64 << 10;
constexpr std::uint8_t kDevice = 1, kConfiguration = 2, kInterface = 4, kEndpoint = 5, kClassInterface = 0x24;
constexpr std::size_t kDeviceBytes = 18, kConfigurationBytes = 9, kInterfaceBytes = 9, kEndpointBytes = 7;
constexpr std::uint8_t kCommunications = 2, kAcm = 2;  // class and function of CDC-ACM's control interface
constexpr std::uint8_t kHid = 0x21, kHidReports = 0x22;
constexpr std::uint8_t kAcmFunction = 2, kUnionFunction = 6;  // CDC functional descriptors

std::uint16_t word(BytesView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

std::string at_byte(std::size_t at, const std::string& what) { return "byte " + std::to_string(at) + ": " + what; }

class Walk {
 public:
  explicit Walk(BytesView bytes) : bytes_(bytes) {}

  std::variant<UsbDescriptors, std::string> run() {
    if (bytes_.size() > kMostBytes) return at_byte(kMostBytes, "more than 64 KiB of descriptors");
    if (bytes_.size() < kDeviceBytes || bytes_[0] < kDeviceBytes || bytes_[1] != kDevice) {
      return at_byte(0, "no device descriptor of 18 bytes");
    }
    result_.vendor = word(bytes_, 8);
    result_.product = word(bytes_, 10);
    for (std::size_t at = kDeviceBytes; at < bytes_.size() && fault_.empty();) at = configuration(at);
    if (!fault_.empty()) return fault_;
    return std::move(result_);
  }

 private:
  std::size_t refuse(std::size_t at, const std::string& what) {
    fault_ = at_byte(at, what);
    return bytes_.size();
  }

  /// One configuration; where the next begins.
  std::size_t configuration(std::size_t begin) {
    if (bytes_.size() - begin < kConfigurationBytes || bytes_[begin] < kConfigurationBytes ||
        bytes_[begin + 1] != kConfiguration) {
      return refuse(begin, "no configuration descriptor of 9 bytes");
    }
    const std::size_t total = word(bytes_, begin + 2);
    if (total < kConfigurationBytes || total > bytes_.size() - begin) {
      return refuse(begin, "a configuration of " + std::to_string(total) + " bytes where " +
                               std::to_string(bytes_.size() - begin) + " are left");
    }
    value_ = bytes_[begin + 5];
    open_ = false;
    const std::size_t end = begin + total;
    for (std::size_t at = begin; at < end;) {
      const std::size_t length = bytes_[at];
      if (length < 2 || length > end - at) {
        return refuse(at, "a descriptor of length " + std::to_string(length) + " where " + std::to_string(end - at) +
                              " bytes are left");
      }
      take(at, bytes_.subspan(at, length));
      if (!fault_.empty()) return bytes_.size();
      at += length;
    }
    return end;
  }

  void take(std::size_t at, BytesView one) {
    switch (one[1]) {
      case kInterface: take_interface(at, one); break;
      case kEndpoint: take_endpoint(at, one); break;
      case kClassInterface: take_class(one); break;
      case kHid: take_hid(one); break;
      default: break;  // what nobody here asks about
    }
  }

  void take_interface(std::size_t at, BytesView one) {
    if (one.size() < kInterfaceBytes) {
      refuse(at, "an interface descriptor shorter than 9 bytes");
      return;
    }
    for (const UsbInterface& other : result_.interfaces) {
      if (other.configuration == value_ && other.number == one[2] && other.alternate == one[3]) {
        refuse(at, "interface " + std::to_string(one[2]) + " is described twice");
        return;
      }
    }
    UsbInterface& i = result_.interfaces.emplace_back();
    i.configuration = value_;
    i.number = one[2];
    i.alternate = one[3];
    i.device_class = one[5];
    i.subclass = one[6];
    i.protocol = one[7];
    open_ = true;
  }

  void take_endpoint(std::size_t at, BytesView one) {
    if (one.size() < kEndpointBytes) {
      refuse(at, "an endpoint descriptor shorter than 7 bytes");
      return;
    }
    if (!open_) {
      refuse(at, "an endpoint before any interface");
      return;
    }
    UsbInterface& i = result_.interfaces.back();
    const UsbEndpoint e{one[2], one[3], static_cast<std::uint16_t>(word(one, 4) & 0x7FF)};
    for (const UsbEndpoint& other : i.endpoints) {
      if (other.address != e.address) continue;
      refuse(at, "one endpoint twice in interface " + std::to_string(i.number));
      return;
    }
    i.endpoints.push_back(e);
  }

  void take_class(BytesView one) {
    if (!open_ || one.size() < 3) return;
    UsbInterface& i = result_.interfaces.back();
    if (i.device_class != kCommunications) return;
    if (one[2] == kUnionFunction && one.size() >= 5) i.data_interface = one[4];
    if (one[2] == kAcmFunction && one.size() >= 4 && i.subclass == kAcm) i.acm_capabilities = one[3];
  }

  /// Its list of further descriptors, each with type and length, as far as it is there.
  void take_hid(BytesView one) {
    if (!open_ || one.size() < 9 || !result_.interfaces.back().hid()) return;
    for (std::size_t at = 6; at + 3 <= one.size() && at < 6 + std::size_t{one[5]} * 3; at += 3) {
      if (one[at] == kHidReports) result_.interfaces.back().hid_descriptor_bytes = word(one, at + 1);
    }
  }

  BytesView bytes_;
  UsbDescriptors result_;
  std::string fault_;
  std::uint8_t value_ = 0;
  bool open_ = false;
};

}  // namespace

std::variant<UsbDescriptors, std::string> parse_usb_descriptors(BytesView bytes) { return Walk(bytes).run(); }

}  // namespace swiperig
