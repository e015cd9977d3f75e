// The notifier process as an object, so that tests run what main runs. Wiring only.
#ifndef SERVICES_NOTIFIER_NOTIFIER_H_
#define SERVICES_NOTIFIER_NOTIFIER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace understudy::notifier {

struct NotifierConfig;

// How long requests under way may go on after Stop; and how long what they left behind, and a mail
// being sent, may take then at least.
inline constexpr absl::Duration kDrainTime = absl::Seconds(7);
inline constexpr absl::Duration kLastTime = absl::Seconds(1);

class Notifier {
 public:
  // Opens the store, listens and serves. Unavailable if an address cannot be had,
  // FailedPrecondition if another notifier has the store, a newer one wrote it, its folder is no
  // good or files for TLS are not.
  static absl::StatusOr<std::unique_ptr<Notifier>> Start(const NotifierConfig& config);

  // As Stop(zero), if Stop was not called.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  int grpc_port() const;
  int http_port() const;
  int admin_port() const;

  // Accounts, answers, alerts and routes of `config` count from now on; the other settings stay as
  // they were at the start. From any thread.
  void Reload(const NotifierConfig& config);
  // Looks whether files of certificates have changed; those that are good count from then on. From
  // one thread at a time.
  void RefreshCertificates();
  // For a configuration that was refused: counted, nothing else.
  void CountRefusedReload();

  // Says NOT_SERVING, takes nothing new, finishes what is under way for up to `grace`, a mail that
  // is being sent included. What waits to be sent is sent by the next process. False if a mail or
  // the disk takes longer: the destructor would wait for it, but the process may just as well end;
  // the next one sends such a mail again.
  bool Stop(absl::Duration grace);

 private:
  struct Parts;
  explicit Notifier(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_NOTIFIER_H_
