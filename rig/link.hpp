// A stream of bytes to one device, and the two ways streams come to be. Serial port, TCP connection, pseudo-terminal,
// in-memory pipe: drivers see only this, so what ships is what is simulated. A link never retries and never splits a
// write. Whoever owns a link closes it; a link that is destroyed open is closed by reset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "rig/clock.hpp"
#include "rig/close.hpp"
#include "rig/reception.hpp"

namespace swiperig {

/// The far end did something to the link that is not an orderly close, or the link could not be made.
struct LinkError : std::runtime_error {
  enum Kind { reset, refused, closed, failed } kind;
  LinkError(Kind k, const std::string& what) : std::runtime_error(what), kind(k) {}
};

struct Link {
  virtual ~Link() = default;
  /// Up to `into.size()` bytes, at least one; 0: nothing more comes, because the far end has closed in order or this
  /// end was closed (whoever closed it knows). Throws LinkError{reset} when the far end broke the link. At most one
  /// reader.
  virtual Task<std::size_t> read_some(std::span<std::uint8_t> into) = 0;
  /// All of it, or LinkError. At most one writer.
  virtual Task<> write(std::span<const std::uint8_t> bytes) = 0;
  /// With fin and reset a pending read of this end ends with 0.
  virtual void close(Close how) = 0;
};

struct Dialer {
  virtual ~Dialer() = default;
  /// A fresh link, or LinkError{refused | failed}.
  virtual Task<std::unique_ptr<Link>> dial() = 0;
  /// Dials under way, and later ones, end with LinkError{closed}.
  virtual void close() = 0;
  /// Dials under way end with LinkError{closed}: no SYN is sent any more for them.
  virtual void give_up() = 0;
};

struct Listener {
  virtual ~Listener() = default;
  /// The next link, or LinkError{closed} once `close` was called. Null: somebody dialled and was turned away.
  virtual Task<std::unique_ptr<Link>> accept() = 0;
  /// Stops listening: dialling is refused from now on. `reopen` listens again at the same place.
  virtual void close() = 0;
  virtual void reopen() = 0;
  /// How whoever dials is met from now on, `slow` after `wait`. False: this kind of listener cannot do it exactly.
  virtual bool meet(Reception how, Duration wait) {
    (void)wait;
    return how == Reception::open;
  }
};

}  // namespace swiperig
