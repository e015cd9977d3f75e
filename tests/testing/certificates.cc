#include "tests/testing/certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;

// Authorities outlive every leaf, the expired and the not yet valid ones included.
constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);

// An arc kept for examples in documents; numbers below it mean nothing to anybody.
constexpr char kExampleArc[] = "1.3.6.1.4.1.32473.1.";

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int Size(const std::string& text) {
  return static_cast<int>(text.size());
}

std::string TakePem(const BioPtr& bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string ToPem(const X509Ptr& certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "a certificate as PEM");
  return TakePem(bio);
}

std::string ToPem(const KeyPtr& key) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
          "a key as PEM");
  return TakePem(bio);
}

KeyPtr MakeKey(int rsa_bits) {
  KeyPtr key(rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(rsa_bits)) : EVP_EC_gen("P-256"));
  Require(key != nullptr, "a key");
  return key;
}

void SetLife(X509* certificate, absl::Duration not_before, absl::Duration not_after) {
  X509_gmtime_adj(X509_getm_notBefore(certificate), absl::ToInt64Seconds(not_before));
  X509_gmtime_adj(X509_getm_notAfter(certificate), absl::ToInt64Seconds(not_after));
}

// A certificate with a name, a life and a key, still without issuer, extensions and signature.
X509Ptr MakeBlank(const std::string& common_name, const KeyPtr& key) {
  X509Ptr certificate(X509_new());
  Require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1,
          "a certificate");
  uint64_t serial = 0;
  Require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1, "a serial");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  Require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                     Bytes(common_name), Size(common_name), -1, 0) == 1,
          "a common name of 1 to 64 bytes");
  Require(X509_set_pubkey(certificate.get(), key.get()) == 1, "a public key");
  return certificate;
}

void Add(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context = {};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

void AddAlternativeNames(X509* certificate, const CertificateOptions& options) {
  if (options.dns_names.empty() && options.ip_addresses.empty()) return;
  NamesPtr names(GENERAL_NAMES_new());
  for (const std::string& dns_name : options.dns_names) {
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, dns_name.data(), Size(dns_name));
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DNS, value);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  for (const std::string& ip_address : options.ip_addresses) {
    std::array<unsigned char, 16> bytes = {};
    const bool is_v4 = inet_pton(AF_INET, ip_address.c_str(), bytes.data()) == 1;
    Require(is_v4 || inet_pton(AF_INET6, ip_address.c_str(), bytes.data()) == 1, "an IP address");
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, bytes.data(), is_v4 ? 4 : 16);
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  Require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1,
          "alternative names");
}

void AddPadding(X509* certificate, const CertificateOptions& options) {
  const std::string filling(static_cast<size_t>(options.extra_extension_bytes), 'x');
  OctetsPtr value(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(value.get(), Bytes(filling), Size(filling));
  for (int i = 0; i < options.extra_extensions; ++i) {
    ObjectPtr object(OBJ_txt2obj(absl::StrCat(kExampleArc, i).c_str(), 1));
    ExtensionPtr extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, value.get()));
    Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
            "an extra extension");
  }
}

void Sign(X509* certificate, X509* issuer, const KeyPtr& issuer_key, bool is_sha1 = false) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  Require(X509_sign(certificate, issuer_key.get(), is_sha1 ? EVP_sha1() : EVP_sha256()) > 0,
          "a signature");
}

}  // namespace

struct TestAuthority::Issuer {
  X509Ptr certificate;
  KeyPtr key;

  // An authority that `parent` vouches for; without one it vouches for itself.
  static Issuer Make(const std::string& common_name, const Issuer* parent) {
    Issuer issuer;
    issuer.key = MakeKey(0);
    issuer.certificate = MakeBlank(common_name, issuer.key);
    X509* const own = issuer.certificate.get();
    X509* const signer = parent != nullptr ? parent->certificate.get() : own;
    SetLife(own, -kAuthorityLife, kAuthorityLife);
    Add(own, signer, NID_basic_constraints, "critical,CA:TRUE");
    Add(own, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    Add(own, signer, NID_subject_key_identifier, "hash");
    Add(own, signer, NID_authority_key_identifier, "keyid:always");
    Sign(own, signer, parent != nullptr ? parent->key : issuer.key);
    return issuer;
  }
};

TestAuthority::TestAuthority(absl::string_view common_name)
    : root_(std::make_unique<Issuer>(Issuer::Make(std::string(common_name), nullptr))),
      ca_pem_(ToPem(root_->certificate)) {}

TestAuthority::~TestAuthority() = default;

std::string TestAuthority::WriteCaFile(absl::string_view dir) const {
  std::string path = absl::StrCat(dir, "/ca.pem");
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << ca_pem_;
  file.close();
  Require(file.good(), "writing ca.pem");
  return path;
}

Certificate TestAuthority::Issue(const CertificateOptions& options) const {
  std::vector<Issuer> intermediates;  // from the root's neighbour to the leaf's
  intermediates.reserve(static_cast<size_t>(options.intermediates));
  for (int i = 0; i < options.intermediates; ++i) {
    intermediates.push_back(Issuer::Make(absl::StrCat("understudy test intermediate ", i + 1),
                                         i == 0 ? root_.get() : &intermediates.back()));
  }
  const Issuer& issuer = intermediates.empty() ? *root_ : intermediates.back();

  KeyPtr key = MakeKey(options.rsa_bits);
  X509Ptr leaf = MakeBlank(options.common_name, key);
  X509* const signer = options.is_self_signed ? leaf.get() : issuer.certificate.get();
  SetLife(leaf.get(), options.not_before, options.not_after);
  Add(leaf.get(), signer, NID_basic_constraints, "critical,CA:FALSE");
  Add(leaf.get(), signer, NID_subject_key_identifier, "hash");
  Add(leaf.get(), signer, NID_authority_key_identifier, "keyid");
  AddAlternativeNames(leaf.get(), options);
  AddPadding(leaf.get(), options);
  Sign(leaf.get(), signer, options.is_self_signed ? key : issuer.key, options.is_sha1);

  Certificate issued = {.chain_pem = ToPem(leaf), .key_pem = ToPem(key)};
  if (!options.omits_intermediates) {
    for (size_t i = intermediates.size(); i > 0; --i) {
      issued.chain_pem += ToPem(intermediates[i - 1].certificate);
    }
  }
  return issued;
}

}  // namespace understudy::testing
