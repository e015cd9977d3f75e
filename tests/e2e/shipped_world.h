// Both services as `make run` starts them, with the shipped configuration, its addresses replaced
// by web servers and a mail server on loopback.
#ifndef TESTS_E2E_SHIPPED_WORLD_H_
#define TESTS_E2E_SHIPPED_WORLD_H_

#include <understudy/router/v1/router_service.grpc.pb.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/mutex.h"
#include "tests/e2e/notifier_process.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/secret_mount.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

class ShippedWorld {
 public:
  // The notifier's waits are those shipped, divided by `factor`; ends the test process if one of
  // the two does not serve. All web servers give documents.
  explicit ShippedWorld(int factor);
  ~ShippedWorld();
  ShippedWorld(const ShippedWorld&) = delete;
  ShippedWorld& operator=(const ShippedWorld&) = delete;

  Origin& primary() { return primary_; }
  Origin& fallback() { return fallback_; }  // of messages; that of calls is a bin
  SmtpServer& smtp() { return *smtp_; }
  RouterProcess& router() { return *router_; }
  NotifierProcess& notifier() { return *notifier_; }
  void KillNotifier() { notifier_.reset(); }
  void KillMailServer() { smtp_.reset(); }

  // From now on a call and a message about ten times a second each, until the end of the world.
  void StartTraffic();
  // What it got: each had status OK.
  bool AllAnswered() const;

 private:
  void Send(understudy::router::v1::Kind kind);

  const TempDir folder_;
  const SecretMount tls_;
  Origin primary_;
  Origin fallback_;
  std::optional<SmtpServer> smtp_;
  std::optional<NotifierProcess> notifier_;
  std::optional<RouterProcess> router_;
  std::unique_ptr<understudy::router::v1::RouterService::Stub> stub_;

  mutable Mutex mutex_;
  CondVar stopping_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  int answered_ GUARDED_BY(mutex_) = 0;
  int failed_ GUARDED_BY(mutex_) = 0;
  std::thread traffic_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_SHIPPED_WORLD_H_
