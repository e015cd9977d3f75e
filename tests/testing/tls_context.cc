#include "tests/testing/tls_context.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "absl/strings/string_view.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

int ToOpenSsl(TlsVersion version) {
  switch (version) {
    case TlsVersion::k10:
      return TLS1_VERSION;
    case TlsVersion::k11:
      return TLS1_1_VERSION;
    case TlsVersion::k12:
      return TLS1_2_VERSION;
    case TlsVersion::k13:
      return TLS1_3_VERSION;
  }
  return 0;
}

std::shared_ptr<BIO> Reader(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all};
}

std::shared_ptr<X509> ReadCertificate(BIO* bio) {
  return {PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), X509_free};
}

void UseCertificate(SSL_CTX* context, const Certificate& certificate) {
  const std::shared_ptr<BIO> chain = Reader(certificate.chain_pem);
  const std::shared_ptr<X509> leaf = ReadCertificate(chain.get());
  Require(leaf != nullptr && SSL_CTX_use_certificate(context, leaf.get()) == 1,
          "a TLS server's certificate");
  while (const std::shared_ptr<X509> next = ReadCertificate(chain.get())) {
    Require(SSL_CTX_add1_chain_cert(context, next.get()) == 1, "a certificate of the chain");
  }
  const std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Reader(certificate.key_pem).get(), nullptr, nullptr, nullptr),
      EVP_PKEY_free);
  Require(key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1,
          "a TLS server's key that fits the certificate");
}

void RequireClientCertificate(SSL_CTX* context, const std::string& ca_pem) {
  const std::shared_ptr<X509> ca = ReadCertificate(Reader(ca_pem).get());
  Require(ca != nullptr && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) == 1,
          "a clients' authority");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

// Takes the most wanted protocol that the client offers too; without one, goes on with none.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned offered_size, void* options) {
  const absl::string_view list(reinterpret_cast<const char*>(offered), offered_size);
  for (const std::string& wanted : static_cast<const TlsOptions*>(options)->alpn) {
    for (size_t at = 0; at < list.size();) {
      const size_t size = static_cast<unsigned char>(list[at]);
      if (list.substr(at + 1, size) == wanted) {
        *out = offered + at + 1;
        *out_size = static_cast<unsigned char>(size);
        return SSL_TLSEXT_ERR_OK;
      }
      at += 1 + size;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

std::shared_ptr<ssl_ctx_st> MakeTlsContext(const TlsOptions& options) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  Require(context != nullptr, "a TLS context");
  SSL_CTX_set_security_level(context.get(), 0);
  Require(SSL_CTX_set_min_proto_version(context.get(), ToOpenSsl(options.min_version)) == 1 &&
              SSL_CTX_set_max_proto_version(context.get(), ToOpenSsl(options.max_version)) == 1,
          "TLS versions");
  const char* const ciphers = options.ciphers.empty() ? "ALL" : options.ciphers.c_str();
  Require(SSL_CTX_set_cipher_list(context.get(), ciphers) == 1, "a cipher list");
  UseCertificate(context.get(), options.certificate);
  if (!options.client_ca_pem.empty()) {
    RequireClientCertificate(context.get(), options.client_ca_pem);
  }
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(context.get(), SelectProtocol, const_cast<TlsOptions*>(&options));
  }
  return context;
}

}  // namespace understudy::testing
