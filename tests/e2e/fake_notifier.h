// A notifier on loopback that keeps events in memory, once for each id as the real one does, and
// fails as it is told.
#ifndef TESTS_E2E_FAKE_NOTIFIER_H_
#define TESTS_E2E_FAKE_NOTIFIER_H_

#include <grpcpp/grpcpp.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace understudy::testing {

class FakeNotifier {
 public:
  using Event = notifier::v1::ErrorEvent;
  using Predicate = std::function<bool(const Event&)>;

  FakeNotifier();
  ~FakeNotifier();
  FakeNotifier(const FakeNotifier&) = delete;
  FakeNotifier& operator=(const FakeNotifier&) = delete;

  // "dns:///127.0.0.1:PORT"; the port stays the same when it is stopped and started again.
  std::string target() const;
  // Stop ends RPCs under way. What was kept stays. Both may be called twice.
  void Stop();
  void Start();

  // Every RPC ends so, and nothing is kept. OK: back to normal.
  void Fail(grpc::Status status);
  // The next `count` RPCs keep their events, and the sender hears that they failed.
  void LoseAnswers(int count);
  // RPCs wait until they are given up, or this is called with false.
  void Hang(bool hangs);
  // Events that are rejected by name, and those with which no batch is taken.
  void RejectWhere(Predicate predicate);
  void RefuseWhere(Predicate predicate);

  std::map<std::string, Event> events() const;  // by id
  int rpcs() const;                             // that came
  int duplicates() const;                       // the same event again
  int conflicts() const;                        // another event under the same id
  std::vector<int> batch_sizes() const;
  // False if there are fewer when `bound` has passed.
  [[nodiscard]] bool WaitForEvents(size_t count, absl::Duration bound) const;

 private:
  class Service;

  const std::unique_ptr<Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_FAKE_NOTIFIER_H_
