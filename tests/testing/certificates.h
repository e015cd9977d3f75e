// X.509 certificates made on the spot, good ones and every bad kind a client has to refuse.
#ifndef TESTS_TESTING_CERTIFICATES_H_
#define TESTS_TESTING_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::testing {

// What a server or client shows, and the key that proves it.
struct Certificate {
  std::string chain_pem = {};  // the leaf first, then its intermediates; never the root
  std::string key_pem = {};
};

struct CertificateOptions {
  // The alternative names. DNS names are written byte for byte: wildcards and NUL included.
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_addresses = {};
  std::string common_name = "understudy test";

  // Life of the leaf, counted from the moment of issue, exact to the second.
  absl::Duration not_before = -absl::Hours(1);
  absl::Duration not_after = absl::Hours(24);

  int rsa_bits = 0;      // of the leaf's key; 0 means elliptic curve P-256
  bool is_sha1 = false;  // the leaf is signed over SHA-1 rather than SHA-256
  bool is_self_signed = false;

  int intermediates = 0;             // authorities between the root and the leaf
  bool omits_intermediates = false;  // they signed, but the chain leaves them out

  // Unknown, not critical extensions that the leaf carries: their number and the bytes in each.
  // 1,000 of 100 bytes make a chain of more than 100 KB.
  int extra_extensions = 0;
  int extra_extension_bytes = 0;
};

// A root that exists as long as this object. Const methods may be called from any thread.
class TestAuthority {
 public:
  explicit TestAuthority(absl::string_view common_name = "understudy test root");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  // The root itself: what a client that trusts this authority has in its bundle.
  const std::string& ca_pem() const { return ca_pem_; }

  // Writes ca_pem() to "ca.pem" in the folder `dir`; returns the file's path.
  std::string WriteCaFile(absl::string_view dir) const;

  // Ends the process when OpenSSL refuses the options.
  Certificate Issue(const CertificateOptions& options) const;

 private:
  struct Issuer;
  std::unique_ptr<Issuer> root_;
  std::string ca_pem_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_CERTIFICATES_H_
