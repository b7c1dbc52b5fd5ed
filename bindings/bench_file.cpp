#include "bindings/bench_file.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "bindings/actuator_file.hpp"
#include "bindings/config.hpp"
#include "bindings/envelope.hpp"
#include "bindings/host_file.hpp"
#include "bindings/relay_options.hpp"
#include "drivers/link_usb.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

void check_schema(const Table& t) { t.at("schema").integer(1, 1); }

LinkUri uri(const Value& v) {
  auto parsed = parse_link_uri(v.text());
  if (auto* what = std::get_if<std::string>(&parsed)) v.refuse(*what);
  auto u = std::get<LinkUri>(std::move(parsed));
  return u;
}

/// Of equipment: a serial adapter on USB is a serial port to the rig, and only a terminal is captured on USB itself.
LinkUri equipment_uri(const Value& v) {
  auto u = uri(v);
  if (u.scheme == "usb") v.refuse("virtual:, serial: or tcp: (usb: is for the terminal's own connection)");
  return u;
}

/// The section's driver, one of those there are for it.
std::string driver(const Table& section, const char* kind) {
  std::vector<std::string> choices;
#define DRIVER(name, what, text) \
  if (std::string_view(#what) == kind) choices.emplace_back(#name);
#include "drivers/table.def"
#undef DRIVER
  return section.at("driver").word(choices);
}

/// Two places along a card, the first before the second.
void read_erased(const Value& v, Card& card) {
  const auto& ends = v.array();
  if (ends.size() != 2) v.refuse("two places in mm, [from, to]");
  card.erased_from_mm = static_cast<double>(ends[0].integer(0, 85));
  card.erased_to_mm = static_cast<double>(ends[1].integer(ends[0].integer(0, 85) + 1, 86));
}

void read_stripe(const Table& t, Card& card) {
  const auto share = [&](const char* key, double& into, double whole, std::int64_t least, std::int64_t most) {
    if (const Value* v = t.find(key)) into = static_cast<double>(v->integer(least, most)) / whole;
  };
  share("jitter_per_mille", card.jitter_share, 1000, 0, 300);
  share("dropout_per_million", card.dropout_rate, 1e6, 0, 1'000'000);
  share("extra_per_million", card.extra_rate, 1e6, 0, 1'000'000);
  share("burst_per_million", card.burst_rate, 1e6, 0, 1'000'000);
  share("density_per_mille", card.density_scale, 1000, 920, 1080);
  share("strength_per_mille", card.strength, 1000, 0, 1300);
  if (const Value* v = t.find("dirt")) card.dirt_um = static_cast<double>(v->quantity("um", 0, 500));
  if (const Value* v = t.find("erased_mm")) read_erased(*v, card);
  if (const Value* v = t.find("scratches_mm")) {
    if (v->array().size() > 20) v->refuse("at most 20 places");
    for (const Value& at : v->array()) card.scratches_mm.push_back(static_cast<double>(at.integer(0, 85)));
  }
  if (const Value* v = t.find("passes")) card.swipes = v->integer(0, 1'000'000'000);
  if (const Value* v = t.find("life_passes")) card.life_swipes = static_cast<double>(v->integer(1, 1'000'000'000));
  if (const Value* v = t.find("lies")) {
    const std::vector<std::string> words = {"front", "back", "upside_down"};
    card.lies = static_cast<Card::Lies>(std::find(words.begin(), words.end(), v->word(words)) - words.begin());
  }
  if (const Value* v = t.find("tilt")) card.tilt_deg = static_cast<double>(v->quantity("deg", 0, 20'000)) / 1000;
  if (const Value* v = t.find("cleaning")) card.cleaning = v->flag();
}

void read_cards(const Table& cards, BenchFile& bench) {
  for (const auto& [name, value] : cards.all()) {
    const Table& t = value.table();
    CardFile card;
    card.at = taught_place(t.at("at_mm"));
    for (auto [key, track] : {std::pair{"track1", &card.track1}, {"track2", &card.track2}, {"track3", &card.track3}}) {
      if (const Value* v = t.find(key)) *track = v->text();
    }
    read_stripe(t, card);
    t.nothing_else();
    const bool plain = card.track1.empty() && card.track2.empty() && card.track3.empty();
    if (plain != card.cleaning) value.refuse("a card with at least one track, or a cleaning card without any");
    bench.cards.emplace(name, std::move(card));
  }
}

void read_supply(const Table& power, BenchFile& b) {
  b.power = equipment_uri(power.at("link"));
  b.supply.voltage_mv = power.at("voltage").quantity("V", 1000, 60'000);
  b.supply.current_limit_ma = power.at("current_limit").quantity("A", 10, 20'000);
  if (b.supply.voltage_mv <= b.profile.brownout_mv) {
    power.at("voltage").refuse("more than the terminal's brown-out level of " + std::to_string(b.profile.brownout_mv) +
                               " mV");
  }
  b.supply.off_below_mv = b.profile.brownout_mv;
  b.supply.on_above_mv = b.supply.voltage_mv * 9 / 10;
  if (const Value* v = power.find("command_time")) b.supply.command_time = v->duration(1ms, 10s);
  if (const Value* v = power.find("resolution")) b.supply.resolution_mv = v->quantity("V", 1, 1000);
  if (const Value* v = power.find("safe")) {
    const std::string word = v->word({"off", "on", "leave"});
    b.safe_output = word == "on" ? SafeOutput::on : word == "leave" ? SafeOutput::leave : SafeOutput::off;
  }
}

/// What else keeps the terminal alive, and who measures that.
void read_other_rail(const Table& power, BenchFile& b) {
  const Value* by = power.find("also_fed_by");
  if (by != nullptr) {
    b.also_fed_by = by->word({"battery", "cable"});
    b.also_fed_where = by->where();
  }
  const Value* channel = power.find("second_rail_channel");
  if (channel == nullptr) return;
  if (b.hub) channel->refuse("no second_rail_channel: a hub measures nothing");
  if (by == nullptr) channel->refuse("also_fed_by = \"battery\" or \"cable\" beside it: what the second rail is");
  b.supply.second_rail_channel = static_cast<int>(channel->integer(2, 8));
}

/// A hub is told from others by what it is and, where there are several, by where it is.
UsbWanted hub_at(const Value& v) {
  const LinkUri u = uri(v);
  if (u.scheme != "usb") v.refuse("usb:<vendor>:<product>, as lsusb shows the hub");
  return usb_wanted(u);
}

void read_hub(const Table& power, BenchFile& b) {
  UsbHubSettings& hub = b.hub.emplace();
  b.power = uri(power.at("link"));
  hub.hub = hub_at(power.at("link"));
  hub.port = static_cast<int>(power.at("hub_port").integer(1, 255));
  if (const Value* v = power.find("twin")) hub.twin = hub_at(*v);
  if (const Value* v = power.find("min_off")) {
    hub.min_off = v->duration(std::chrono::milliseconds(100), std::chrono::seconds(60));
  }
  b.supply.voltage_mv = 5000;  // of a USB port
}

/// A link of the bench, where it is written, and whose it is.
struct Wired {
  const char* whose;
  const Value* at;
  const LinkUri* uri;
};

/// One port, however it is written: a name under /dev/serial/by-id leads to a device.
std::string port_of(const LinkUri& uri) {
  if (uri.scheme == "tcp") return uri.address + ":" + std::to_string(uri.port);
  std::error_code error;
  const auto real = std::filesystem::canonical(uri.address, error);
  return error ? uri.address : real.string();
}

/// An address at which this machine hears itself.
bool is_here(const std::string& address) {
  if (address == "localhost" || address.starts_with("127.") || address == "::1") return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool here = false;
  for (const ifaddrs* one = all; one != nullptr && !here; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = one->ifa_addr->sa_family;
    const void* bytes = family == AF_INET
                            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr)
                        : family == AF_INET6 ? &reinterpret_cast<sockaddr_in6*>(one->ifa_addr)->sin6_addr
                                             : nullptr;
    here =
        bytes != nullptr && ::inet_ntop(family, bytes, text.data(), text.size()) != nullptr && address == text.data();
  }
  ::freeifaddrs(all);
  return here;
}

/// Who listens at every address of this machine hears whoever dials one of them.
bool meet(const LinkUri& a, const LinkUri& b) {
  const auto everywhere = [](const LinkUri& uri) { return uri.address == "0.0.0.0" || uri.address == "::"; };
  return a.scheme == "tcp" && b.scheme == "tcp" && a.port == b.port &&
         ((everywhere(a) && is_here(b.address)) || (everywhere(b) && is_here(a.address)));
}

void refuse_shared_ports(const std::vector<Wired>& all) {
  for (std::size_t later = 1; later < all.size(); ++later) {
    for (std::size_t i = 0; i < later; ++i) {
      const LinkUri &a = *all[i].uri, &b = *all[later].uri;
      const bool same = a.scheme == b.scheme && (a.scheme == "tcp" || a.scheme == "serial") && port_of(a) == port_of(b);
      if (!same && !meet(a, b)) continue;
      all[later].at->refuse("a port of its own: " + port_of(b) + " is " + all[i].whose + " (" + all[i].at->where() +
                            ")");
    }
  }
}

/// Of a terminal that is read through adb.
void read_adb(const Table& terminal, BenchFile& b) {
  const Value& link = terminal.at("link");
  if (b.terminal.scheme != "tcp") link.refuse("where the adb server is, as in tcp:127.0.0.1:5037");
  b.adb_serial = terminal.at("serial").text();
  const bool named = !b.adb_serial->empty() && b.adb_serial->size() <= 128 &&
                     b.adb_serial->find_first_of(" \t\n") == std::string::npos;
  if (!named) terminal.at("serial").refuse("its serial number as `adb devices` shows it");
  if (b.profile.package.empty()) link.refuse("a profile with an [android] section");
}

}  // namespace

LinkUri actuator_link(const Value& v) { return equipment_uri(v); }

void read_reader(const Table& t, ReaderSettings& reader) {
  if (const Value* v = t.find("passes")) reader.passes = v->integer(0, 1'000'000'000);
  if (const Value* v = t.find("life_passes")) reader.life_passes = v->integer(1, 1'000'000'000);
  if (const Value* v = t.find("dirt")) reader.dirt_um = static_cast<double>(v->quantity("um", 0, 500));
  if (const Value* v = t.find("dirt_um_per_million_passes")) {
    reader.dirt_um_per_pass = static_cast<double>(v->integer(0, 100'000'000)) / 1e6;
  }
  if (const Value* v = t.find("noise_floor_per_mille")) {
    reader.noise_floor_per_mille = static_cast<std::int32_t>(v->integer(1, 1000));
  }
  t.nothing_else();
}

std::string beside(const Value& name) {
  const std::filesystem::path relative = name.text();
  const auto joined = std::filesystem::path(name.file()).parent_path() / relative;
  std::error_code error;
  const bool one_file = name.text().find('\0') == std::string::npos && std::filesystem::is_regular_file(joined, error);
  if (relative.is_absolute() || !one_file) {
    name.refuse("the name of a file, relative to this one");
  }
  return joined.lexically_normal().string();
}

std::shared_ptr<Table> read_bench_table(const std::string& path) {
  auto root = read_config(path);
  if (const Value* extends = root->find("extends")) {
    const auto extended = read_config(beside(*extends));
    if (const Value* another = extended->find("extends"))
      extends->refuse("a bench that extends none itself, as " + another->where() + " does");
    check_schema(*extended);
    root = root->over(*extended);
    root->find("extends");
  }
  check_schema(*root);
  return root;
}

BenchFile read_bench(const std::string& path, const std::string& terminal_profile) {
  const auto root = read_bench_table(path);
  BenchFile b;
  b.path = path;
  b.other_terminal = terminal_profile;
  b.name = root->at("name").text();

  const Table& terminal = root->at("terminal").table();
  const bool by_adb = driver(terminal, "terminal") == "terminal_adb";
  b.terminal = uri(terminal.at("link"));
  b.profile = read_terminal_profile(terminal_profile.empty() ? beside(terminal.at("profile")) : terminal_profile);
  if (!terminal_profile.empty()) terminal.at("profile").text();
  if (by_adb) read_adb(terminal, b);
  terminal.nothing_else();

  const Table& actuator = root->at("actuator").table();
  driver(actuator, "actuator");
  b.actuator = equipment_uri(actuator.at("link"));
  read_actuator(actuator, path, b);

  const Table& power = root->at("power").table();
  driver(power, "power") == "power_usb_hub" ? read_hub(power, b) : read_supply(power, b);
  read_other_rail(power, b);
  power.nothing_else();

  const Table& network = root->at("network").table();
  driver(network, "network");
  b.terminal_side = equipment_uri(network.at("terminal_side"));
  b.terminal_side_where = network.at("terminal_side").where();
  b.host_side = equipment_uri(network.at("host_side"));
  read_relay(network, b);
  network.nothing_else();

  const Table& host = root->at("host").table();
  driver(host, "host");
  b.host = equipment_uri(host.at("link"));
  read_host_profile(beside(host.at("profile")), b);
  if (const Value* v = host.find("issuer_book")) b.issuer_book = v->flag();
  host.nothing_else();

  if (const Value* v = root->find("parts")) {
    const Table& parts = v->table();
    driver(parts, "parts");
    b.parts = equipment_uri(parts.at("link"));
    parts.nothing_else();
  }

  std::vector<const LinkUri*> links = {&b.actuator, &b.power, &b.terminal_side, &b.host_side, &b.terminal, &b.host};
  if (b.parts) links.push_back(&*b.parts);
  std::vector<Wired> wired = {{"the robot's", &actuator.at("link"), &b.actuator},
                              {"the terminal's", &terminal.at("link"), &b.terminal},
                              {"the relay's end for the terminal", &network.at("terminal_side"), &b.terminal_side},
                              {"the relay's way to the host", &network.at("host_side"), &b.host_side},
                              {"the host's control port", &host.at("link"), &b.host}};
  if (!b.hub) wired.push_back({"the supply's", &power.at("link"), &b.power});
  if (b.parts) wired.push_back({"the parts'", &root->at("parts").table().at("link"), &*b.parts});
  refuse_shared_ports(wired);
  if (const Value* v = root->find("stand_in")) {
    const Table& stand_in = v->table();
    b.contact = equipment_uri(stand_in.at("contact"));
    links.push_back(&b.contact);
    if (const Value* swipes = stand_in.find("swipes")) b.swipes_as_text = swipes->word({"flux", "text"}) == "text";
    read_cards(stand_in.at("cards").table(), b);
    if (const Value* reader = stand_in.find("reader")) read_reader(reader->table(), b.reader);
    stand_in.nothing_else();
  }
  const Value* vault = root->find("vault");
  root->nothing_else();

  const auto virtual_links =
      std::count_if(links.begin(), links.end(), [](const LinkUri* u) { return u->scheme == "virtual"; });
  if (virtual_links != 0 && virtual_links != static_cast<std::ptrdiff_t>(links.size())) {
    throw ConfigError(path + ": expected all links virtual: or none; a bench lives in one kind of time");
  }
  b.is_virtual = virtual_links != 0;
  if (!b.is_virtual) hold_envelope(*root, b);
  fit_robot(actuator, b.robot);
  if (b.is_virtual && b.swipes_as_text) {
    root->at("stand_in").table().at("swipes").refuse("flux: the terminal of a virtual bench has a head");
  }
  if (vault != nullptr) read_vault_section(vault->table(), b);
  if (b.is_virtual && b.cards.empty()) throw ConfigError(path + ": a virtual bench needs [stand_in]");
  return b;
}

}  // namespace swiperig
