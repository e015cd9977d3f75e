// A client of a notifier process: reports events, lists what was kept.
#ifndef TESTS_E2E_NOTIFIER_CALLER_H_
#define TESTS_E2E_NOTIFIER_CALLER_H_

#include <grpcpp/grpcpp.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace understudy::testing {

// A loopback address that no other process uses: a port of it that was had once can be had again,
// as it must be by a service that is started anew while others know it by its address.
std::string OwnLoopbackAddress();

// A channel that looks often whether the other side is back.
std::shared_ptr<grpc::Channel> PatientChannel(const std::string& address);

// A good event of `account_sid`, whose primary at `host` failed.
notifier::v1::ErrorEvent ReportedEvent(const std::string& id, const std::string& account_sid,
                                       const std::string& host = "www.example.com");

class NotifierCaller {
 public:
  // `address` is host and port.
  explicit NotifierCaller(const std::string& address);

  // The answer's `rejected` count as a failure of the test's own: it reports good events.
  grpc::Status Report(const std::vector<notifier::v1::ErrorEvent>& events,
                      absl::Duration deadline = absl::Seconds(20));
  // All pages; `status` tells whether there were all.
  struct Listed {
    grpc::Status status = {};
    std::vector<notifier::v1::ErrorEvent> events = {};
    std::vector<notifier::v1::ErrorGroup> groups = {};
  };
  Listed Events(const std::string& account_sid);
  Listed Groups(const std::string& account_sid);

 private:
  std::unique_ptr<notifier::v1::NotifierService::Stub> stub_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_NOTIFIER_CALLER_H_
