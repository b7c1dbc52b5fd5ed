#include "drivers/uri.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

namespace swiperig {

namespace {

constexpr std::size_t kMaxLength = 1024;
constexpr std::string_view kChoices =
    "virtual:<place>, serial:<device>?baud=<rate>, tcp:<host>:<port> or usb:<vendor>:<product>";
constexpr std::array<std::string_view, 7> kUsbOptions = {"serial", "port",     "interface", "baud",
                                                         "boot",   "transfer", "chip"};

using Result = std::variant<LinkUri, std::string>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<int> whole_number(std::string_view text, int least, int most) {
  int value = 0;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

/// Reads "a=b&c=d"; what was expected, or "".
std::string read_options(std::string_view text, LinkUri& uri) {
  for (bool more = true; more;) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view one = text.substr(0, end);
    more = end < text.size();
    text.remove_prefix(more ? end + 1 : end);
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) return "an option as name=value after '?'";
    const std::string name(one.substr(0, equals));
    const bool of_usb = std::find(kUsbOptions.begin(), kUsbOptions.end(), name) != kUsbOptions.end();
    if (uri.scheme == "usb" ? !of_usb : uri.scheme != "serial" || name != "baud") {
      return "no option \"" + name + "\" for " + uri.scheme +
             "; serial has baud, usb has serial, port, interface, baud, boot, transfer and chip, the others "
             "have none";
    }
    if (!uri.options.emplace(name, one.substr(equals + 1)).second) return "option \"" + name + "\" only once";
  }
  return "";
}

Result read_virtual(std::string_view address, LinkUri uri) {
  const bool named = !address.empty() && std::all_of(address.begin(), address.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
  });
  if (!named) return "the name of a place, as in virtual:robot (letters, digits, '_', '-', '.')";
  uri.address = address;
  return uri;
}

Result read_serial(std::string_view address, LinkUri uri) {
  if (address.size() < 2 || address.find('/') == address.npos) return "a device path, as in serial:/dev/ttyACM0";
  const std::string& baud = uri.options.try_emplace("baud", "115200").first->second;
  if (!whole_number(baud, 1, 100'000'000)) return "a baud rate in digits, as in ?baud=115200";
  uri.address = address;
  return uri;
}

Result read_tcp(std::string_view address, LinkUri uri) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return "a host and a port, as in tcp:supply.lab:5025";
  std::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    const bool v6 = host.find(':') != std::string_view::npos && std::all_of(host.begin(), host.end(), [](char c) {
                      return is_letter(c) || is_digit(c) || c == ':' || c == '.' || c == '%' || c == '-' || c == '_';
                    });
    if (!v6) return "an IPv6 address within the brackets, as in tcp:[::1]:5025";
  } else {
    if (host.find(':') != std::string_view::npos) return "brackets around an IPv6 address, as in tcp:[::1]:5025";
    const bool named = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
      return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
    });
    if (!named) return "a host name or address before the port, as in tcp:supply.lab:5025";
  }
  const auto port = whole_number(address.substr(colon + 1), 1, 65535);
  if (!port) return "a port from 1 to 65535 after the last ':', as in tcp:supply.lab:5025";
  uri.address = host;
  uri.port = static_cast<std::uint16_t>(*port);
  return uri;
}

/// "vvvv:pppp" in lower case; "" when the text is something else.
std::string identity(std::string_view text) {
  bool good = text.size() == 9 && text[4] == ':';
  std::string lower(text);
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    char& c = lower[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (i != 4) good = is_digit(c) || (c >= 'a' && c <= 'f');
  }
  return good ? lower : "";
}

/// "1-2.3": a bus and the ports on the way.
bool is_port_path(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == 0 || dash == text.npos || dash + 1 == text.size() || text.size() > 32) return false;
  char before = '.';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == dash ? !is_digit(before) : !is_digit(c) && (c != '.' || i < dash || !is_digit(before))) return false;
    before = c;
  }
  return is_digit(before);
}

Result read_usb(std::string_view address, LinkUri uri) {
  uri.address = identity(address);
  if (uri.address.empty()) return "vendor and product as four hex digits each, as in usb:1234:5678";
  const auto unless = [&](const char* name, const char* usual, int least, int most) {
    const std::string& text = uri.options.try_emplace(name, usual).first->second;
    return whole_number(text, least, most).has_value();
  };
  if (!unless("baud", "115200", 1, 100'000'000)) return "a baud rate in digits, as in ?baud=115200";
  if (!unless("transfer", "0", 0, 1 << 20)) return "bytes of a transfer up to 1048576, as in ?transfer=16384";
  if (const auto chip = uri.options.find("chip"); chip != uri.options.end() && chip->second != "ftdi") {
    return "the kind of a serial chip that is no CDC-ACM port, ?chip=ftdi";
  }
  if (uri.options.contains("interface") && !unless("interface", "", 0, 255)) {
    return "the number of an interface, as in ?interface=1";
  }
  if (const auto port = uri.options.find("port"); port != uri.options.end() && !is_port_path(port->second)) {
    return "a port path, as in ?port=1-2.3 (lsusb -t shows buses and ports)";
  }
  if (const auto serial = uri.options.find("serial"); serial != uri.options.end() && serial->second.empty()) {
    return "a serial number, as in ?serial=42";
  }
  if (const auto boot = uri.options.find("boot"); boot != uri.options.end()) {
    boot->second = identity(boot->second);
    if (boot->second.empty()) return "the boot loader's vendor and product, as in ?boot=1234:0001";
  }
  return uri;
}

/// What the text holds, shortened and without control characters, for an error sentence.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return '"' + out + (text.size() > 80 ? "...\"" : "\"");
}

Result read(std::string_view text) {
  if (text.size() > kMaxLength) return "at most " + std::to_string(kMaxLength) + " characters";
  // bytes above 0x7f stay: a device path may be UTF-8
  const bool clean =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
  if (!clean) return std::string("no spaces or control characters");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return "one of " + std::string(kChoices);
  LinkUri uri;
  uri.scheme = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  const std::size_t question = std::min(rest.find('?'), rest.size());
  const std::string_view address = rest.substr(0, question);
  Result (*reader)(std::string_view, LinkUri) = nullptr;
  if (uri.scheme == "virtual") reader = read_virtual;
  if (uri.scheme == "serial") reader = read_serial;
  if (uri.scheme == "tcp") reader = read_tcp;
  if (uri.scheme == "usb") reader = read_usb;
  if (reader == nullptr) return "one of " + std::string(kChoices) + ", not the scheme " + shown(uri.scheme);
  if (question < rest.size()) {
    std::string expected = read_options(rest.substr(question + 1), uri);
    if (!expected.empty()) return expected;
  }
  return reader(address, std::move(uri));
}

}  // namespace

std::variant<LinkUri, std::string> parse_link_uri(std::string_view text) {
  Result result = read(text);
  if (auto* expected = std::get_if<std::string>(&result)) *expected = "link " + shown(text) + ": expected " + *expected;
  return result;
}

std::string device_of(const LinkUri& uri) {
  return uri.scheme + ":" + uri.address + (uri.scheme == "tcp" ? ":" + std::to_string(uri.port) : "");
}

}  // namespace swiperig
