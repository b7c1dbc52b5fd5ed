#include "drivers/tls_ca.hpp"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace swiperig {

namespace {

constexpr int kCaDays = 3650, kRelayDays = 825;
constexpr int kDaysBefore = 2;  // terminals' clocks are seldom right
constexpr int kSerialBits = 127;

template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* t) const { free(t); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL does not ") + what);
}

// old terminals know RSA, and nothing else
Key make_key() {
  Key key(EVP_RSA_gen(2048));
  must(key != nullptr, "make a key");
  return key;
}

std::string text_of(BIO* bio) {
  char* at = nullptr;
  const long size = BIO_get_mem_data(bio, &at);
  std::string text(at, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}
std::string pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(PEM_write_bio_X509(bio, certificate) == 1, "write a certificate");
  return text_of(bio);
}
std::string pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write a key");
  return text_of(bio);
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no part of a certificate: " + value);
  must(X509_add_ext(certificate, extension, -1) == 1, "extend a certificate");
  X509_EXTENSION_free(extension);
}

/// Valid from a little before `now_s`, for so long; to be extended and signed.
Certificate begin(const std::string& name, EVP_PKEY* key, std::int64_t now_s, int days) {
  Certificate c(X509_new());
  must(c != nullptr && X509_set_version(c.get(), X509_VERSION_3) == 1, "make a certificate");
  BIGNUM* serial = BN_new();
  must(BN_rand(serial, kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(c.get())) != nullptr,
       "draw a serial number");
  BN_free(serial);
  X509_NAME* subject = X509_get_subject_name(c.get());
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0) == 1,
       "name a certificate");
  must(ASN1_TIME_adj(X509_getm_notBefore(c.get()), now_s, -kDaysBefore, 0) != nullptr &&
           ASN1_TIME_adj(X509_getm_notAfter(c.get()), now_s, days - kDaysBefore, 0) != nullptr &&
           X509_set_pubkey(c.get(), key) == 1,
       "fill in a certificate");
  return c;
}

void sign(X509* certificate, const X509_NAME* issuer, EVP_PKEY* key) {
  must(X509_set_issuer_name(certificate, issuer) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0,
       "sign a certificate");
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '.' || c == '-' || c == ':';
  });
}

/// As a certificate says for whom it is.
std::string alternative(const std::string& name) {
  if (!is_name(name)) throw std::runtime_error("\"" + name + "\" is no host name and no address");
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  const bool numeric = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  if (!numeric && name.find(':') != std::string::npos) {
    throw std::runtime_error("\"" + name + "\" is no host name and no address: without its port");
  }
  return (numeric ? "IP:" : "DNS:") + name;
}

}  // namespace

TestCa make_test_ca(const std::vector<std::string>& names, std::int64_t now_s) {
  std::string alternatives;
  for (const std::string& name : names) alternatives += (alternatives.empty() ? "" : ",") + alternative(name);
  if (alternatives.empty()) throw std::runtime_error("a certificate is for at least one name");

  const Key ca_key = make_key(), key = make_key();
  const Certificate ca = begin("swiperig test CA", ca_key.get(), now_s, kCaDays);
  extend(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  sign(ca.get(), X509_get_subject_name(ca.get()), ca_key.get());

  const Certificate relay = begin(names.front(), key.get(), now_s, kRelayDays);
  extend(relay.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(relay.get(), ca.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment");
  extend(relay.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  extend(relay.get(), ca.get(), NID_subject_alt_name, alternatives);
  extend(relay.get(), ca.get(), NID_subject_key_identifier, "hash");
  extend(relay.get(), ca.get(), NID_authority_key_identifier, "keyid");
  sign(relay.get(), X509_get_subject_name(ca.get()), ca_key.get());
  return {pem(ca.get()), pem(ca_key.get()), pem(relay.get()), pem(key.get())};
}

}  // namespace swiperig
