// The way to the notifier: events in the words of its service, and the RPC that hands them over.
// The one place where the fields of that service meet ours.
#ifndef SERVICES_ROUTER_REPORT_NOTIFIER_CLIENT_H_
#define SERVICES_ROUTER_REPORT_NOTIFIER_CLIENT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "services/router/report/error_event.h"
#include "services/router/report/outbox.h"

namespace grpc {
class ClientContext;
}

namespace understudy::serving {
class TlsIdentity;
struct TlsMaterial;
}  // namespace understudy::serving

namespace understudy::router {

// What the notifier takes of a field; the rest is cut, between characters. Together they make
// records well under kMaxRecordBytes.
inline constexpr size_t kMaxEventUrlBytes = 2048;
inline constexpr size_t kMaxEventTextBytes = 4096;  // detail and response_excerpt
inline constexpr size_t kMaxEventWordBytes = 256;   // every other text
inline constexpr size_t kMaxAttemptDetailBytes = 512;
// Of more attempts the middle ones are left out.
inline constexpr size_t kMaxEventAttempts = 8;

// An RPC may take so long; a notifier that is slower than that is one that is away.
inline constexpr absl::Duration kReportTimeout = absl::Seconds(10);

// `event` as a record of the outbox.
std::string ToRecord(const ErrorEvent& event);

class NotifierClient {
 public:
  // `target` as gRPC has it: "dns:///host:port". Connects when there is something to say; with
  // `tls` (null: plaintext; must outlive this) by what it has then, and anew when it is renewed.
  explicit NotifierClient(std::string target, const serving::TlsIdentity* tls = nullptr,
                          absl::Duration timeout = kReportTimeout);
  ~NotifierClient();
  NotifierClient(const NotifierClient&) = delete;
  NotifierClient& operator=(const NotifierClient&) = delete;

  // Hands over up to kMaxBatchEvents records; blocks for the timeout at most. What the notifier
  // rejects, and what is no event, is logged by id. From one thread at a time.
  SendResult Report(const std::vector<std::string>& records);

  // Ends a Report under way, and those to come, at once. From any thread.
  void Cancel();

 private:
  struct Stub;

  void Connect();

  const std::string target_;
  const serving::TlsIdentity* const tls_;
  std::shared_ptr<const serving::TlsMaterial> material_;  // that stub_ connects with
  std::unique_ptr<Stub> stub_;
  const absl::Duration timeout_;
  Mutex mutex_;
  bool is_cancelled_ GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ GUARDED_BY(mutex_) = nullptr;  // of the RPC under way
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_REPORT_NOTIFIER_CLIENT_H_
