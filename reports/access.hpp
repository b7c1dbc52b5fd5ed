// Who may come: public keys that were listed beforehand, each with a name and a role.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "reports/key_pair.hpp"

namespace swiperig {

/// Each may what those before it may. observer: follow and ask; operator: move the bench; admin: take it from others.
enum class Role { observer, operates, admin };

struct ListedPeer {
  std::string name;
  Role role = Role::observer;
};
using AllowList = std::map<std::string, ListedPeer>;  ///< by public key

/// What a socket needs that is reached with keys only.
struct Access {
  KeyPair own;
  AllowList allowed;
  /// Asked every second: the list, where it is another one now. Does not throw; empty: it stays as it is.
  std::function<std::optional<AllowList>()> changed = {};
};

/// What whoever comes needs: its own keys, and the public one of the server, which is thereby proved, too.
struct ClientKeys {
  KeyPair own;
  std::string server;
};

}  // namespace swiperig
