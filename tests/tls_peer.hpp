// The far ends of TLS in tests: OpenSSL in its own blocking way over a socket, and certificates good and bad. Nothing
// of what is tested is in them but make_test_ca, which a test of its own hands to OpenSSL's verification.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "drivers/tls_ca.hpp"
#include "rig/bytes.hpp"
#include "rig/clock.hpp"
#include "tests/folder.hpp"

namespace swiperig {

/// Of the relay, of a host, and of what a host may have instead; all in one folder.
struct Certificates {
  Certificates() {
    ::signal(SIGPIPE, SIG_IGN);
    const std::int64_t now = wall_clock_s(), day = 86'400;
    store("rig", make_test_ca({"localhost", "127.0.0.1"}, now));
    store("host", make_test_ca({"host.lab"}, now));
    store("foreign", make_test_ca({"host.lab"}, now));
    store("expired", make_test_ca({"host.lab"}, now - 900 * day));
    store("early", make_test_ca({"host.lab"}, now + 10 * day));
  }
  void store(const std::string& who, const TestCa& made) {
    for (const auto& [name, text] : {std::pair{"ca.pem", &made.ca_certificate},
                                     {"ca.key", &made.ca_key},
                                     {"relay.pem", &made.certificate},
                                     {"relay.key", &made.key}}) {
      folder.write(who + "/" + name, *text);
      std::filesystem::permissions(folder / (who + "/" + name), std::filesystem::perms(0600));
    }
  }
  std::string ca(const std::string& who) const { return folder / (who + "/ca.pem"); }
  std::string certificate(const std::string& who) const { return folder / (who + "/relay.pem"); }
  std::string key(const std::string& who) const { return folder / (who + "/relay.key"); }
  Folder folder;
};
inline const Certificates& certificates() {
  static const Certificates all;
  return all;
}

inline int loopback_socket(std::uint16_t& port, bool listening) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* any = reinterpret_cast<sockaddr*>(&at);
  if (listening) {
    EXPECT_EQ(::bind(fd, any, size), 0);
    EXPECT_EQ(::listen(fd, 16), 0);
    EXPECT_EQ(::getsockname(fd, any, &size), 0);
    port = ntohs(at.sin_port);
  } else if (::connect(fd, any, size) != 0) {
    ADD_FAILURE() << "nobody listens";
  }
  return fd;
}

class TlsPeer {
 public:
  struct Wants {
    bool server = false;
    std::string certificate = {}, key = {};  ///< a server's
    std::string ca = {}, name = {};          ///< a client's: whom it believes, and who it wants
    bool wants_client_certificate = false;
    int most_version = 0;
  };
  /// Takes over a connected socket; nothing waits for longer than 5 s.
  TlsPeer(int fd, const Wants& wants)
      : fd_(fd), context_(SSL_CTX_new(wants.server ? TLS_server_method() : TLS_client_method())) {
    const timeval limit{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (wants.server) {
      EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_, wants.certificate.c_str()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, wants.key.c_str(), SSL_FILETYPE_PEM), 1);
      if (wants.wants_client_certificate)
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    } else {
      EXPECT_EQ(SSL_CTX_load_verify_locations(context_, wants.ca.c_str(), nullptr), 1);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }
    if (wants.most_version != 0) SSL_CTX_set_max_proto_version(context_, wants.most_version);
    ssl_ = SSL_new(context_);
    if (!wants.server && !wants.name.empty()) SSL_set1_host(ssl_, wants.name.c_str());
    SSL_set_fd(ssl_, fd);
    wants.server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;
  ~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    if (fd_ >= 0) ::close(fd_);
  }

  bool shake() { return shake_or_end().empty(); }
  /// "": shaken; else how the connection ended, as end() says it.
  std::string shake_or_end() {
    ERR_clear_error();
    const int n = SSL_do_handshake(ssl_);
    return n == 1 ? "" : why(n);
  }
  /// Says nothing at all, and how the connection ends.
  std::string listen() {
    char byte = 0;
    const ssize_t n = ::recv(fd_, &byte, 1, 0);
    return n == 0 ? "fin" : n > 0 ? "bytes" : errno == ECONNRESET ? "reset" : "nothing";
  }
  bool send(BytesView bytes) { return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0; }
  /// So many bytes, or fewer where the end comes before.
  Bytes read(std::size_t size) {
    Bytes all(size);
    std::size_t got = 0;
    while (got < size) {
      ERR_clear_error();
      const int n = SSL_read(ssl_, all.data() + got, static_cast<int>(size - got));
      if (n <= 0) {
        end_ = why(n);
        break;
      }
      got += static_cast<std::size_t>(n);
    }
    all.resize(got);
    return all;
  }
  /// Reads on to the end, which is "close_notify", "fin" (without), "reset", "nothing" (within 5 s) or an alert.
  std::string end() {
    while (end_.empty()) read(1);
    return end_;
  }
  void say_end() { SSL_shutdown(ssl_); }
  void fin() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd_);
    fd_ = -1;
  }
  void raw(const std::string& text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

 private:
  std::string why(int n) {
    const int error = errno;
    switch (SSL_get_error(ssl_, n)) {
      case SSL_ERROR_ZERO_RETURN: return "close_notify";
      case SSL_ERROR_WANT_READ: return "nothing";
      case SSL_ERROR_SYSCALL: return error == ECONNRESET ? "reset" : "system error " + std::to_string(error);
      default: break;
    }
    const unsigned long reason = ERR_peek_error();
    return ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? "fin" : ERR_reason_error_string(reason);
  }

  int fd_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  std::string end_;
};

}  // namespace swiperig
