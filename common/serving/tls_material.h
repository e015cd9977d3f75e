// What TLS needs from files, in PEM: a certificate with its key, and whom to trust.
#ifndef COMMON_SERVING_TLS_MATERIAL_H_
#define COMMON_SERVING_TLS_MATERIAL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/secret.h"

struct ssl_ctx_st;

namespace understudy::serving {

inline constexpr size_t kMaxTlsFileBytes = size_t{1} << 20;  // the system's bundle is a quarter

// Paths; empty: none. Certificate and key come together.
struct TlsFiles {
  std::string certificate = {};  // a chain, its leaf first
  std::string key = {};
  std::string ca = {};  // who signs for the other side; on a server: for all clients

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// Which of them a mistake is in.
enum class TlsFile : uint8_t { kCertificate, kKey, kCa };

struct TlsMistake {
  TlsFile file = TlsFile::kCertificate;
  std::string what = {};  // a sentence that names the path
};

// What the files hold.
struct TlsMaterial {
  std::string certificate = {};
  Secret key = {};
  std::string ca = {};
  absl::Time not_after = absl::InfiniteFuture();  // of the leaf; it may have passed
};

// Reads and checks: the key is the certificate's and strong enough for OpenSSL, and each
// certificate can be read. Whether one is valid at this time is not a question here. What is wrong
// first, with `out` as it was; nothing if all is well.
std::optional<TlsMistake> LoadTls(const TlsFiles& files, TlsMaterial& out);

// OpenSSL's context for one side or the other, TLS 1.2 and up, with certificate and key of
// `material`; null, and the reason in `why`, if it takes them not.
std::shared_ptr<ssl_ctx_st> MakeTlsContext(const TlsMaterial& material, TlsMistake& why);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_TLS_MATERIAL_H_
