#include "drivers/link_tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "rig/bytes.hpp"
#include "rig/clock.hpp"

namespace swiperig {

namespace {

constexpr int kFirstAlert = SSL_AD_REASON_OFFSET;  // reasons of received alerts begin there

std::string reason_of(unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? "unknown reason" : text;
}

[[noreturn]] void file_error(const std::string& file, const std::string& expected) {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  throw TlsError(TlsError::other, file + ": expected " + expected + (error == 0 ? "" : ": " + reason_of(error)));
}

bool is_address(const std::string& name) {
  std::array<std::uint8_t, sizeof(in6_addr)> any;
  return inet_pton(AF_INET, name.c_str(), any.data()) == 1 || inet_pton(AF_INET6, name.c_str(), any.data()) == 1;
}

int no_password(char*, int, int, void*) { return 0; }  // a rig asks nobody at its console

/// The names that a certificate is for.
std::string names_of(X509* certificate) {
  std::string names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    const bool dns = name->type == GEN_DNS;
    if (!dns && name->type != GEN_IPADD) continue;
    const ASN1_STRING* text = dns ? name->d.dNSName : name->d.iPAddress;
    std::string one(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                    static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (!dns) {
      std::array<char, INET6_ADDRSTRLEN> shown{};
      inet_ntop(one.size() == 4 ? AF_INET : AF_INET6, one.data(), shown.data(), shown.size());
      one = shown.data();
    }
    names += (names.empty() ? "" : ", ") + one;
  }
  GENERAL_NAMES_free(all);
  return names.empty() ? "no name" : names;
}

[[noreturn]] void refuse_certificate(SSL* ssl, long result, const TlsEnd& end) {
  const std::string its = "the far end's certificate ";
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      X509* shown = SSL_get0_peer_certificate(ssl);
      throw TlsError(TlsError::wrong_name, "wrong name: " + its + "is for " +
                                               (shown == nullptr ? "no name" : names_of(shown)) + ", not for " +
                                               end.peer());
    }
    case X509_V_ERR_CERT_HAS_EXPIRED: throw TlsError(TlsError::expired, "expired: " + its + "is no longer valid");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      throw TlsError(TlsError::not_yet_valid, "not yet valid: " + its + "begins later than this machine's clock");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      throw TlsError(TlsError::unknown_ca, "unknown CA: " + its + "is signed under none of " + end.ca());
    default: throw TlsError(TlsError::other, its + "is refused: " + X509_verify_cert_error_string(result));
  }
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

}  // namespace

TlsEnd::TlsEnd(bool server, std::string peer, std::string ca)
    : context_(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()), SSL_CTX_free),
      peer_(std::move(peer)),
      ca_(std::move(ca)) {
  if (!context_) throw TlsError(TlsError::other, "OpenSSL makes no context: " + reason_of(ERR_get_error()));
  SSL_CTX* c = context_.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  // every connection is made anew, and nothing but messages goes over it once it is
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(c, no_password);
}

std::shared_ptr<const TlsEnd> TlsEnd::server(const std::string& certificate, const std::string& key) {
  ERR_clear_error();
  std::shared_ptr<TlsEnd> end(new TlsEnd(true, "", ""));
  SSL_CTX* c = end->context();
  if (SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) != 1) file_error(certificate, "a certificate in PEM");
  if (SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(c) != 1) {
    file_error(key, "the key of " + certificate + " in PEM, without a password");
  }
  if (end->days_left() <= 0) {
    throw TlsError(TlsError::expired, certificate + ": expected a certificate that has not expired: make a new one");
  }
  return end;
}

std::shared_ptr<const TlsEnd> TlsEnd::client(const std::string& ca, const std::string& peer) {
  ERR_clear_error();
  std::shared_ptr<TlsEnd> end(new TlsEnd(false, peer, ca));
  if (SSL_CTX_load_verify_file(end->context(), ca.c_str()) != 1) file_error(ca, "certificates of a CA in PEM");
  SSL_CTX_set_verify(end->context(), SSL_VERIFY_PEER, nullptr);
  return end;
}

int TlsEnd::days_left() const {
  const X509* shown = SSL_CTX_get0_certificate(context_.get());
  ASN1_TIME* now = ASN1_TIME_set(nullptr, wall_clock_s());
  int days = 0, seconds = 0;
  if (shown == nullptr || ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(shown)) != 1) days = 0;
  ASN1_TIME_free(now);
  return days;
}

struct TlsLink::Session {
  Session(std::unique_ptr<Link> link, std::shared_ptr<const TlsEnd> e)
      : inner(std::move(link)), end(std::move(e)), ssl(SSL_new(end->context())) {
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl.get(), in, out);
    if (end->is_server()) {
      SSL_set_accept_state(ssl.get());
      return;
    }
    SSL_set_connect_state(ssl.get());
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_time(wanted, wall_clock_s());
    if (is_address(end->peer())) {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, end->peer().c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(wanted, end->peer().c_str(), 0);
      SSL_set_tlsext_host_name(ssl.get(), end->peer().c_str());
    }
  }

  Bytes take_out() {
    Bytes bytes(BIO_ctrl_pending(out));
    if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  /// What an operation that neither succeeded nor wants to read comes to.
  [[noreturn]] void fail() {
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    ERR_clear_error();
    const long result = SSL_get_verify_result(ssl.get());
    if (!end->is_server() && result != X509_V_OK) refuse_certificate(ssl.get(), result, *end);
    if (reason > kFirstAlert && reason < kFirstAlert + 256) {
      const std::string named = SSL_alert_desc_string_long(reason - kFirstAlert);
      throw TlsError(TlsError::alert, "alert: " + (named == "unknown" ? reason_of(error) : named));
    }
    throw TlsError(TlsError::other, "no TLS that this end understands: " + reason_of(error));
  }

  static Task<bool> handshake(std::shared_ptr<Session> self, std::function<Task<>()> line);
  static Task<std::size_t> read_some(std::shared_ptr<Session> self, std::span<std::uint8_t> into);
  static Task<> write(std::shared_ptr<Session> self, std::span<const std::uint8_t> bytes);
  static Task<> announce_end(std::shared_ptr<Session> self);
  static Task<std::size_t> more(std::shared_ptr<Session> self);

  std::unique_ptr<Link> inner;
  std::shared_ptr<const TlsEnd> end;
  std::unique_ptr<SSL, FreeSsl> ssl;
  BIO* in = nullptr;  // the session's own
  BIO* out = nullptr;
  std::array<std::uint8_t, 16384> chunk;
  bool closed = false;
};

/// Records, or a part of one, from the far end; 0: it has closed.
Task<std::size_t> TlsLink::Session::more(std::shared_ptr<Session> self) {
  const std::size_t n = co_await self->inner->read_some(self->chunk);
  if (n > 0) BIO_write(self->in, self->chunk.data(), static_cast<int>(n));
  co_return n;
}

Task<bool> TlsLink::Session::handshake(std::shared_ptr<Session> self, std::function<Task<>()> line) {
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(self->ssl.get());
    const int state = SSL_get_error(self->ssl.get(), done);
    const bool failed = done != 1 && state != SSL_ERROR_WANT_READ;
    const Bytes flight = self->take_out();  // or the alert
    std::exception_ptr why;
    if (failed) {
      try {
        self->fail();
      } catch (...) {
        why = std::current_exception();
      }
    }
    if (!flight.empty()) {
      co_await line();
      co_await self->inner->write(flight);
    }
    if (why) std::rethrow_exception(why);
    if (done == 1) co_return true;
    const std::size_t n = co_await more(self);
    if (n == 0) co_return false;
  }
}

Task<std::size_t> TlsLink::Session::read_some(std::shared_ptr<Session> self, std::span<std::uint8_t> into) {
  for (;;) {
    ERR_clear_error();
    const int n = SSL_read(self->ssl.get(), into.data(), static_cast<int>(into.size()));
    if (n > 0) co_return static_cast<std::size_t>(n);
    const int state = SSL_get_error(self->ssl.get(), n);
    if (state == SSL_ERROR_ZERO_RETURN) co_return 0;
    if (state != SSL_ERROR_WANT_READ) self->fail();
    const std::size_t got = co_await more(self);
    if (got == 0) co_return 0;
  }
}

Task<> TlsLink::Session::write(std::shared_ptr<Session> self, std::span<const std::uint8_t> bytes) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  while (!bytes.empty()) {
    ERR_clear_error();
    const int n = SSL_write(self->ssl.get(), bytes.data(), static_cast<int>(std::min(bytes.size(), most)));
    if (n <= 0) self->fail();
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    const Bytes records = self->take_out();
    co_await self->inner->write(records);
  }
}

Task<> TlsLink::Session::announce_end(std::shared_ptr<Session> self) {
  ERR_clear_error();
  SSL_shutdown(self->ssl.get());
  const Bytes said = self->take_out();
  if (!said.empty()) co_await self->inner->write(said);
}

TlsLink::TlsLink(std::unique_ptr<Link> inner, std::shared_ptr<const TlsEnd> end)
    : session_(std::make_shared<Session>(std::move(inner), std::move(end))) {}

TlsLink::~TlsLink() {
  // whoever waits within holds the session: the inner link is ended as if it were destroyed
  if (!session_->closed) session_->inner->close(Close::reset);
}

Task<bool> TlsLink::handshake(std::function<Task<>()> line) { return Session::handshake(session_, std::move(line)); }
Task<std::size_t> TlsLink::read_some(std::span<std::uint8_t> into) { return Session::read_some(session_, into); }
Task<> TlsLink::write(std::span<const std::uint8_t> bytes) { return Session::write(session_, bytes); }
Task<> TlsLink::announce_end() { return Session::announce_end(session_); }
void TlsLink::close(Close how) {
  session_->closed = session_->closed || how != Close::half;
  session_->inner->close(how);
}
bool TlsLink::end_was_announced() const { return (SSL_get_shutdown(session_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

}  // namespace swiperig
