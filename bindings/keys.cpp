#include "bindings/keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "bindings/runtime_folder.hpp"
#include "reports/visible.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

constexpr std::array role_names = {"observer", "operator", "admin"};
constexpr const char *risk = "take the keys", *public_end = ".key", *secret_end = ".key_secret";
constexpr std::size_t longest_file = 1 << 16;

void check_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > 32 || name[0] == '-' || !std::all_of(name.begin(), name.end(), fits)) {
    throw ConfigError("\"" + name + "\": expected a name of 1 to 32 letters, digits, - and _");
  }
}

Role role_of(const std::string& name) {
  for (std::size_t i = 0; i < role_names.size(); ++i) {
    if (name == role_names[i]) return static_cast<Role>(i);
  }
  throw ConfigError("\"" + name + "\": expected the role observer, operator or admin");
}

std::string read_small(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(longest_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.eof() || text.empty()) throw ConfigError(path + ": expected a file of keys that can be read");
  return text;
}

/// The `public-key` and `secret-key` of a certificate; nothing of its text is told, it may be a secret.
KeyPair read_certificate(const std::string& path) {
  std::istringstream text(read_small(path));
  KeyPair pair;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    const std::string where = path + ":" + std::to_string(++number) + ":1: ";
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos || line[begin] == '#') continue;
    if (begin == 0) {
      if (line == "curve" || line == "metadata") continue;
      throw ConfigError(where + "expected \"metadata\" or \"curve\"");
    }
    const std::size_t equals = line.find(" = \"");
    if (equals == line.npos || line.back() != '"' || line.size() < equals + 5) {
      throw ConfigError(where + "expected NAME = \"TEXT\"");
    }
    const std::string name = line.substr(begin, equals - begin);
    const std::string value = line.substr(equals + 4, line.size() - equals - 5);
    if (name != "public-key" && name != "secret-key") continue;
    if (!is_key(value)) throw ConfigError(where + "expected a key of 40 characters (Z85) as " + name);
    std::string& into = name == "public-key" ? pair.open : pair.secret;
    if (!into.empty()) throw ConfigError(where + "a second " + name);
    into = value;
  }
  return pair;
}

std::string certificate(const std::string& name, const KeyPair& pair, bool with_secret) {
  std::string text = with_secret ? "# Secret: who has this file is this peer. Made by swiperig keys new.\n"
                                 : "# Public: for the other side. Made by swiperig keys new.\n";
  text += "metadata\n    name = \"" + name + "\"\ncurve\n    public-key = \"" + pair.open + "\"\n";
  if (with_secret) text += "    secret-key = \"" + pair.secret + "\"\n";
  return text;
}

std::string allow_list_in(const std::string& folder) { return (fs::path(folder) / "allow.toml").string(); }

}  // namespace

const char* role_name(Role role) { return role_names[static_cast<std::size_t>(role)]; }

std::string keys_folder() {
  const char* given = std::getenv("XDG_CONFIG_HOME");
  if (given != nullptr && *given == '/') return std::string(given) + "/swiperig";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') throw ConfigError("no home folder: name the folder of the keys with --dir");
  return std::string(home) + "/.config/swiperig";
}

int new_keys(const std::string& folder, const std::string& name) {
  check_name(name);
  std::error_code ignored;
  fs::create_directories(fs::path(folder).parent_path(), ignored);
  own_folder(folder, risk);
  const std::string secret = folder + "/" + name + secret_end, open = folder + "/" + name + public_end;
  const KeyPair pair = new_key_pair();
  write_new(secret, certificate(name, pair, true), 0600);
  try {
    write_new(open, certificate(name, pair, false), 0644);
  } catch (const ConfigError&) {
    ::unlink(secret.c_str());
    throw;
  }
  std::cout << "secret  " << visible(secret) << " (stays here)\npublic  " << visible(open) << "\nkey     '" << pair.open
            << "'\n";
  return 0;
}

int allow_key(const std::string& folder, const std::string& name, const std::string& key, const std::string& role) {
  check_name(name);
  role_of(role);
  const std::string open = read_public_key(key);
  std::error_code ignored;
  fs::create_directories(fs::path(folder).parent_path(), ignored);
  own_folder(folder, risk);
  const std::string path = allow_list_in(folder);
  std::string text;
  if (fs::exists(path)) {
    for (const auto& [listed, peer] : read_allow_list(path)) {
      if (peer.name == name) throw ConfigError(path + ": " + name + " is listed already; remove that entry first");
      if (listed == open) throw ConfigError(path + ": this key is listed already, as " + peer.name);
    }
    text = read_small(path);
  }
  if (!text.empty() && text.back() != '\n') text += "\n";
  text += "[" + name + "]\npublic_key = \"" + open + "\"\nrole = \"" + role + "\"\n";
  write_over(path, text, 0600);
  std::cout << visible(path) << ": " << name << " may come as " << role << "\n";
  return 0;
}

int list_keys(const std::string& folder) {
  own_folder(folder, risk);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == secret_end) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::cout << visible(folder) << "\n";
  const auto row = [](const std::string& name, const char* what, const std::string& key) {
    std::cout << "  " << visible(name) << std::string(name.size() < 32 ? 33 - name.size() : 1, ' ') << what
              << std::string(10 - std::strlen(what), ' ') << "'" << key << "'\n";
  };
  for (const auto& file : files) row(file.stem().string(), "own pair", read_key_pair(file.string()).open);
  if (const std::string path = allow_list_in(folder); fs::exists(path)) {
    for (const auto& [key, peer] : read_allow_list(path)) row(peer.name, role_name(peer.role), key);
  }
  return 0;
}

KeyPair read_key_pair(const std::string& path) {
  if (!fs::is_regular_file(path)) {
    throw ConfigError(path + ": expected a secret key file; `swiperig keys new NAME` makes one");
  }
  if (!is_only_ours(path)) {
    throw ConfigError(path + ": others can read this secret key: expected a file of your own with mode 0600");
  }
  KeyPair pair = read_certificate(path);
  if (pair.secret.empty() || pair.open != public_of(pair.secret)) {
    throw ConfigError(path + ":1:1: expected a secret-key and the public-key that belongs to it");
  }
  return pair;
}

std::string read_public_key(const std::string& key_or_file) {
  if (is_key(key_or_file)) return key_or_file;
  if (!fs::is_regular_file(key_or_file)) {
    throw ConfigError("\"" + key_or_file + "\": expected a public key of 40 characters, in 'quotes', or its " +
                      "NAME.key file");
  }
  const KeyPair pair = read_certificate(key_or_file);
  if (pair.open.empty()) throw ConfigError(key_or_file + ":1:1: expected a public-key");
  return pair.open;
}

AllowList read_allow_list(const std::string& path) {
  AllowList allowed;
  const auto file = read_config(path);
  for (const auto& [name, entry] : file->all()) {
    const Table& t = entry.table();
    const Value& key = t.at("public_key");
    if (!is_key(key.text())) key.refuse("a public key of 40 characters (Z85)");
    const Role role = role_of(t.at("role").word({role_names.begin(), role_names.end()}));
    t.nothing_else();
    const auto [at, fresh] = allowed.emplace(key.text(), ListedPeer{name, role});
    if (!fresh) key.refuse("another key: this one is that of " + at->second.name);
  }
  if (allowed.empty()) throw ConfigError(path + ":1:1: nobody is listed: expected at least one [NAME]");
  return allowed;
}

std::string allow_list_beside(const std::string& secret_file) {
  return allow_list_in(fs::path(fs::absolute(secret_file)).parent_path().string());
}

namespace {

/// When a file was written last.
struct Written {
  explicit Written(const std::string& path) {
    struct stat at = {};
    if (::stat(path.c_str(), &at) != 0) return;
    inode = at.st_ino;
    bytes = at.st_size;
    s = at.st_mtim.tv_sec;
    ns = at.st_mtim.tv_nsec;
  }
  bool operator==(const Written&) const = default;
  std::uint64_t inode = 0;
  std::int64_t bytes = 0, s = 0, ns = 0;
};

/// The list when its file was written anew. One that is wrong changes nothing, and is told of.
std::optional<AllowList> list_if_changed(const std::string& path, Written& last) {
  const Written now(path);
  if (now == last) return std::nullopt;
  last = now;
  try {
    return read_allow_list(path);
  } catch (const std::exception& e) {
    std::cerr << "swiperig: " << visible(e.what()) << "; until that is mended, who was listed before still is\n";
    return std::nullopt;
  }
}

}  // namespace

Access read_access(const std::string& secret_file) {
  Access access{read_key_pair(secret_file), {}};
  const std::string path = allow_list_beside(secret_file);
  if (!fs::exists(path)) {
    throw ConfigError(
        path + ": nobody is listed there who may come: " + "swiperig keys allow NAME PUBLICKEY --role observer --dir " +
        fs::path(path).parent_path().string());
  }
  const Written read(path);
  access.allowed = read_allow_list(path);
  access.changed = [path, last = read]() mutable { return list_if_changed(path, last); };
  return access;
}

}  // namespace swiperig
