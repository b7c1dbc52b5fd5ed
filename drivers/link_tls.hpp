// TLS over any link, ended here. What is read and written is what the far end means; records and flights are nobody's
// business above. An end that was said (close_notify) and a bare FIN stay apart, in both directions: `announce_end`
// says it, close() never does by itself. What is wrong with a certificate or with the far end's TLS is told by name.
// One coroutine at a time reads, one writes; neither does before handshake() has returned. Like the links of this
// folder it may be destroyed under a suspended coroutine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "rig/link.hpp"

struct ssl_ctx_st;

namespace swiperig {

struct TlsError : LinkError {
  enum Why { unknown_ca, wrong_name, expired, not_yet_valid, alert, other } why;
  TlsError(Why w, const std::string& what) : LinkError(failed, what), why(w) {}
};

/// One end's part in TLS 1.2 and 1.3: the certificate it shows, or whom it believes.
class TlsEnd {
 public:
  /// Files in PEM; throws TlsError that names the file.
  static std::shared_ptr<const TlsEnd> server(const std::string& certificate, const std::string& key);
  /// `ca`: the certificates that the far end's must be signed under; `peer`: the name or address it must be for.
  static std::shared_ptr<const TlsEnd> client(const std::string& ca, const std::string& peer);

  ssl_ctx_st* context() const { return context_.get(); }
  bool is_server() const { return peer_.empty(); }
  const std::string& peer() const { return peer_; }
  const std::string& ca() const { return ca_; }
  /// Days until the shown certificate ends.
  int days_left() const;

 private:
  TlsEnd(bool server, std::string peer, std::string ca);
  std::shared_ptr<ssl_ctx_st> context_;
  std::string peer_, ca_;
};

class TlsLink final : public Link {
 public:
  TlsLink(std::unique_ptr<Link> inner, std::shared_ptr<const TlsEnd> end);
  ~TlsLink() override;

  /// `line`: awaited before each flight goes on. False: the far end closed in order before it was done. Throws
  /// TlsError, or whatever the inner link threw.
  Task<bool> handshake(std::function<Task<>()> line);
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override;
  Task<> write(std::span<const std::uint8_t> bytes) override;
  /// Says that nothing more comes; the writer's to call.
  Task<> announce_end();
  void close(Close how) override;
  /// The far end has said its end; else it just closed.
  bool end_was_announced() const;

 private:
  struct Session;
  std::shared_ptr<Session> session_;
};

}  // namespace swiperig
