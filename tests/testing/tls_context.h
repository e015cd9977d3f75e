// What a TLS server of the test worlds offers.
#ifndef TESTS_TESTING_TLS_CONTEXT_H_
#define TESTS_TESTING_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/testing/certificates.h"

struct ssl_ctx_st;

namespace understudy::testing {

enum class TlsVersion { k10, k11, k12, k13 };

// All security levels of OpenSSL are off on this side: weak keys, digests and versions play.
struct TlsOptions {
  Certificate certificate = {};
  TlsVersion min_version = TlsVersion::k10;
  TlsVersion max_version = TlsVersion::k13;
  std::string ciphers = {};            // an OpenSSL cipher list, for TLS 1.2 and below
  std::string client_ca_pem = {};      // if set, a client certificate from it is required
  std::vector<std::string> alpn = {};  // such as {"h2", "http/1.1"}, most wanted first
};

// OpenSSL's context for servers. `options` must outlive it. Ends the process when OpenSSL refuses
// the options.
std::shared_ptr<ssl_ctx_st> MakeTlsContext(const TlsOptions& options);

}  // namespace understudy::testing

#endif  // TESTS_TESTING_TLS_CONTEXT_H_
