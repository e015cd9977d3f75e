// Every metric of the notifier, in one list. Label values come from closed sets: never a URL, a
// number or a sid. Safe from any thread.
#ifndef SERVICES_NOTIFIER_METRICS_H_
#define SERVICES_NOTIFIER_METRICS_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/serving/http_metrics.h"
#include "services/notifier/ingest/ingest.h"
#include "services/notifier/mail/mailer.h"
#include "services/notifier/page/page_door.h"
#include "services/notifier/store/store.h"

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

namespace understudy::notifier {

// What is read when a scrape asks.
struct NotifierFacts {
  absl::StatusOr<StoreStatus> store = StoreStatus{};
  bool store_is_healthy = false;
  bool holds_ballast = false;
  int64_t store_log_bytes = 0;
  int64_t store_queued_bytes = 0;
  int64_t store_moved_aside = 0;
  int64_t store_refused_appends = 0;
  size_t waiting_events = 0;  // CallerIntake's
  int http_connections = 0;
  absl::Time now = {};
};

class NotifierMetrics {
 public:
  NotifierMetrics();
  ~NotifierMetrics();
  NotifierMetrics(const NotifierMetrics&) = delete;
  NotifierMetrics& operator=(const NotifierMetrics&) = delete;

  // What a scrape asks; it asks `facts`, which must be set before.
  const prometheus::Collectable& collectable() const;
  void SetFacts(std::function<NotifierFacts()> facts);
  // Adds what certificates say of themselves. Once, before the first scrape.
  void SetCertificates(const serving::TlsIdentities* identities);

  void CountEvent(const Event& event);
  void CountDuplicate(Door door);
  void CountSkipped(Door door);
  void CountRejected(Door door, const std::string& reason);
  void CountDegraded();
  void CountLost();
  // A request to the Alerts resource was answered; 0: well.
  void CountApiRequest(int error_code);
  void CountHttp(serving::PublicEvent event);
  void CountMailWritten(Reason reason);
  void CountOverLimit(int64_t groups);
  void CountAttempt(const Mail& mail, const SendResult& result, absl::Time now);
  void ObserveCommit(absl::Duration took);
  void CountReload(bool good);
  void CountPage(PageResult result, absl::Duration took);

 private:
  class Scrape;

  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<serving::HttpMetrics> http_;
  std::unique_ptr<Scrape> scrape_;
  std::function<NotifierFacts()> facts_;
  const serving::TlsIdentities* certificates_ = nullptr;

  prometheus::Family<prometheus::Counter>* events_;
  prometheus::Family<prometheus::Counter>* rejected_;
  prometheus::Family<prometheus::Counter>* skipped_;
  prometheus::Family<prometheus::Counter>* api_requests_;
  prometheus::Family<prometheus::Counter>* mails_;
  prometheus::Family<prometheus::Counter>* written_;
  std::array<prometheus::Counter*, kDoors> duplicates_;
  std::array<prometheus::Counter*, 2> reloads_;  // refused, loaded
  std::array<prometheus::Counter*, kPageResults> page_requests_;
  prometheus::Counter* degraded_;
  prometheus::Counter* lost_;
  prometheus::Counter* over_limit_;
  prometheus::Counter* ambiguous_;
  prometheus::Gauge* last_success_;
  prometheus::Histogram* commits_;
  prometheus::Histogram* page_answers_;

  // Set at a scrape.
  std::array<prometheus::Gauge*, 2> groups_;  // open, recovered
  prometheus::Gauge* unsent_mails_;
  prometheus::Gauge* dead_mails_;
  prometheus::Gauge* oldest_unsent_;
  prometheus::Gauge* store_up_;
  prometheus::Gauge* store_ballast_;
  prometheus::Gauge* store_log_bytes_;
  prometheus::Gauge* store_queued_bytes_;
  prometheus::Gauge* store_moved_aside_;
  prometheus::Gauge* store_refused_;
  prometheus::Gauge* waiting_events_;
  prometheus::Gauge* log_lines_dropped_;

  // Series that exist once their first event has happened.
  Mutex mutex_;
  std::map<std::tuple<Kind, std::string, Outcome>, prometheus::Counter*> events_by_label_
      GUARDED_BY(mutex_);
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_METRICS_H_
