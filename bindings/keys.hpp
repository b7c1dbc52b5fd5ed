// Keys of those who follow or control from another machine, as files in a folder that only its owner may enter:
// NAME.key is public, NAME.key_secret (mode 0600) is not and is never printed; both are certificates as pyzmq and czmq
// read them. allow.toml beside them lists whom this machine lets in:
//
//   [wall]
//   public_key = "..."
//   role = "observer"
#pragma once

#include <string>

#include "reports/access.hpp"

namespace swiperig {

/// $XDG_CONFIG_HOME/swiperig, or ~/.config/swiperig.
std::string keys_folder();

/// The verbs of `swiperig keys`. Throw ConfigError with file and line.
int new_keys(const std::string& folder, const std::string& name);
/// `key`: the public key, or the NAME.key file that has it.
int allow_key(const std::string& folder, const std::string& name, const std::string& key, const std::string& role);
int list_keys(const std::string& folder);

/// Of a NAME.key_secret file that nobody else can read.
KeyPair read_key_pair(const std::string& path);
/// A public key, or that of a NAME.key file.
std::string read_public_key(const std::string& key_or_file);
AllowList read_allow_list(const std::string& path);
/// A server's own pair, and the allow.toml beside it.
Access read_access(const std::string& secret_file);
std::string allow_list_beside(const std::string& secret_file);

const char* role_name(Role);

}  // namespace swiperig
