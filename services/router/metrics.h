// Every metric of the router, in one list. Label values come from closed sets: never a URL, a
// number or a sid. Safe from any thread.
#ifndef SERVICES_ROUTER_METRICS_H_
#define SERVICES_ROUTER_METRICS_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/serving/http_metrics.h"
#include "services/router/fetch/egress.h"
#include "services/router/report/outbox.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/session_seal.h"
#include "services/router/routes/numbers.h"

namespace prometheus {
class Collectable;
class Counter;
class Gauge;
class Histogram;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace understudy::serving {
class TlsIdentities;
}

namespace understudy::router {

class RouterMetrics {
 public:
  RouterMetrics();
  ~RouterMetrics();
  RouterMetrics(const RouterMetrics&) = delete;
  RouterMetrics& operator=(const RouterMetrics&) = delete;

  // What a scrape asks.
  const prometheus::Collectable& collectable() const;

  // Adds what the outbox counts for itself, asked at each scrape. Once, before the first scrape.
  void SetOutbox(std::function<OutboxStats()> stats);

  // Adds what certificates say of themselves, likewise.
  void SetCertificates(const serving::TlsIdentities* identities);

  // Adds what is told of the HTTP port and its requests. Once, before it is served and before the
  // first scrape; `connections` is asked at each scrape.
  void SetHttp(std::function<int()> connections);
  // REQUIRES: SetHttp was called.
  void CountHttp(serving::PublicEvent event);
  void CountApiRequest(int error_code);

  // Adds what there is to tell of numbers and their database, likewise.
  void SetNumbers(std::function<NumbersStats()> stats);
  // REQUIRES: SetNumbers was called.
  void CountNumbersWrite(absl::Duration took, bool good);

  void SetMaxInFlight(int max);
  void AddInFlight(int change);
  void CountRefused();  // over the in-flight limit
  void CountResolution(Kind kind, const Outcome& outcome, absl::Duration took);
  void CountDenied(AddressClass address_class);
  void CountReload(bool good);
  void CountSession(SessionUse use);  // none is not counted

 private:
  prometheus::Counter& AttemptsOf(Target target, int code);
  prometheus::Counter& WarningsOf(int code);

  class Scrape;

  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Scrape> scrape_;
  std::function<OutboxStats()> outbox_;
  const serving::TlsIdentities* certificates_ = nullptr;
  std::unique_ptr<serving::HttpMetrics> http_;  // these with SetHttp only
  std::function<int()> http_connections_;
  prometheus::Family<prometheus::Counter>* api_requests_ = nullptr;
  std::function<NumbersStats()> numbers_;                             // these with SetNumbers
  std::array<prometheus::Histogram*, 2> numbers_write_seconds_ = {};  // failed, kept
  std::array<std::array<prometheus::Counter*, 3>, 2> resolutions_;    // by kind, source
  std::array<std::array<prometheus::Histogram*, 3>, 2> resolution_seconds_;
  std::array<prometheus::Histogram*, 2> attempt_seconds_;         // by target
  std::array<prometheus::Counter*, 2> good_attempts_;             // error_code="0"
  std::array<prometheus::Counter*, 2> cancelled_;                 // by kind
  std::array<prometheus::Counter*, 2> reloads_;                   // refused, loaded
  std::array<prometheus::Counter*, kSessionUses> sessions_ = {};  // none of kNone
  prometheus::Counter* session_parts_left_out_;
  prometheus::Gauge* in_flight_;
  prometheus::Gauge* max_in_flight_;
  prometheus::Counter* refused_;
  prometheus::Gauge* log_lines_dropped_;
  prometheus::Family<prometheus::Counter>* attempts_;
  prometheus::Family<prometheus::Counter>* warnings_;
  prometheus::Family<prometheus::Counter>* denied_;

  // Series that exist once their first failure has happened.
  Mutex mutex_;
  std::map<std::pair<Target, int>, prometheus::Counter*> attempts_by_code_ GUARDED_BY(mutex_);
  std::map<int, prometheus::Counter*> warnings_by_code_ GUARDED_BY(mutex_);
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_METRICS_H_
