// What one of our doors or clients shows and trusts in TLS handshakes, in step with its files.
#ifndef COMMON_SERVING_TLS_IDENTITY_H_
#define COMMON_SERVING_TLS_IDENTITY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/serving/file_stamp.h"
#include "common/serving/tls_material.h"

namespace understudy::serving {

// For metrics.
struct TlsFacts {
  absl::Time not_after = absl::InfiniteFuture();  // infinite without a certificate
  int64_t loaded = 0;                             // times that files changed, after the start
  int64_t refused = 0;
};

class TlsIdentity {
 public:
  // `use` says what for, in the log and metrics: "grpc", "http", "notifier". FailedPrecondition,
  // with a sentence that names the file, if one is no good.
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Load(std::string use, TlsFiles files);

  const std::string& use() const { return use_; }

  // Reads files that have changed, to be called often: what is good counts for handshakes from now
  // on. What is not, such as half of a new pair, leaves the old in place, with a warning in the log
  // and until a file changes again. From one thread at a time.
  void Refresh();

  // What counts now; another object whenever it is renewed. From any thread.
  std::shared_ptr<const TlsMaterial> material() const;
  TlsFacts facts() const;

 private:
  TlsIdentity(std::string use, TlsFiles files);

  const std::string use_;
  const TlsFiles files_;
  std::vector<FileStamp> stamps_;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_ GUARDED_BY(mutex_);
  int64_t loaded_ GUARDED_BY(mutex_) = 0;
  int64_t refused_ GUARDED_BY(mutex_) = 0;
};

// Those of a process. Add and Refresh from one thread at a time; pointers to them stay good.
class TlsIdentities {
 public:
  // As TlsIdentity::Load; null without files.
  absl::StatusOr<const TlsIdentity*> Add(std::string use, const std::optional<TlsFiles>& files);
  void Refresh();
  const std::vector<std::unique_ptr<TlsIdentity>>& all() const { return all_; }

 private:
  std::vector<std::unique_ptr<TlsIdentity>> all_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_TLS_IDENTITY_H_
