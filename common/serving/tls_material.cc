#include "common/serving/tls_material.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/serving/secret_file.h"

namespace understudy::serving {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;

BioPtr Over(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is there to be asked for a passphrase.
int NoPassphrase(char*, int, int, void*) {
  return -1;
}

// OpenSSL's own words for what failed last, which are then forgotten.
std::string TakeReason() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

// Every certificate there is; none if one of them cannot be read.
std::vector<CertificatePtr> CertificatesIn(const std::string& pem) {
  std::vector<CertificatePtr> certificates;
  const BioPtr bio = Over(pem);
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(next);
  }
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_end) certificates.clear();
  return certificates;
}

absl::Time NotAfterOf(const X509* certificate) {
  std::tm fields = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &fields) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&fields));
}

std::optional<TlsMistake> ReadInto(const std::string& path, TlsFile file, Secret& out) {
  absl::StatusOr<Secret> content = ReadSecretFile(path, kMaxTlsFileBytes);
  if (!content.ok()) {
    return TlsMistake{.file = file, .what = std::string(content.status().message())};
  }
  out = *std::move(content);
  return std::nullopt;
}

std::optional<TlsMistake> ReadCertificates(const std::string& path, TlsFile file, std::string& out,
                                           absl::Time& not_after) {
  Secret content;
  if (auto mistake = ReadInto(path, file, content)) return mistake;
  const std::vector<CertificatePtr> certificates = CertificatesIn(content.Reveal());
  if (certificates.empty()) {
    return TlsMistake{.file = file,
                      .what = absl::StrCat(path, " is not made of certificates in PEM alone")};
  }
  out = content.Reveal();
  not_after = NotAfterOf(certificates.front().get());
  return std::nullopt;
}

}  // namespace

std::optional<TlsMistake> LoadTls(const TlsFiles& files, TlsMaterial& out) {
  TlsMaterial loaded;
  if (!files.certificate.empty()) {
    if (auto mistake = ReadCertificates(files.certificate, TlsFile::kCertificate,
                                        loaded.certificate, loaded.not_after)) {
      return mistake;
    }
    if (auto mistake = ReadInto(files.key, TlsFile::kKey, loaded.key)) return mistake;
    TlsMistake why;
    if (MakeTlsContext(loaded, why) == nullptr) {
      const bool is_certificate = why.file == TlsFile::kCertificate;
      why.what = absl::StrCat(is_certificate ? files.certificate : files.key, ": ", why.what);
      return why;
    }
  }
  if (!files.ca.empty()) {
    absl::Time not_after;
    if (auto mistake = ReadCertificates(files.ca, TlsFile::kCa, loaded.ca, not_after)) {
      return mistake;
    }
  }
  out = std::move(loaded);
  return std::nullopt;
}

std::shared_ptr<SSL_CTX> MakeTlsContext(const TlsMaterial& material, TlsMistake& why) {
  const auto refused = [&why](TlsFile file, std::string what) {
    why = {.file = file, .what = std::move(what)};
    return nullptr;
  };
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  const std::vector<CertificatePtr> chain = CertificatesIn(material.certificate);
  if (chain.empty()) return refused(TlsFile::kCertificate, "no certificate");
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    return refused(TlsFile::kCertificate, TakeReason());
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1) {
      return refused(TlsFile::kCertificate, TakeReason());
    }
  }
  const KeyPtr key(
      PEM_read_bio_PrivateKey(Over(material.key.Reveal()).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return refused(TlsFile::kKey, "not a private key in PEM, without a passphrase");
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return refused(TlsFile::kKey, "not the key of the certificate");
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return refused(TlsFile::kKey, TakeReason());
  }
  return context;
}

}  // namespace understudy::serving
