#include "services/notifier/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <vector>

#include "common/serving/log.h"
#include "common/serving/tls_metrics.h"
#include "common/twilio/error_codes.h"

namespace understudy::notifier {
namespace {

// From a commit on a quiet local disk to one on a busy network volume.
const prometheus::Histogram::BucketBoundaries kCommitSeconds = {
    0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

// Of a page, whose promise is 200 ms.
const prometheus::Histogram::BucketBoundaries kPageSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5};

prometheus::Family<prometheus::Counter>& AddCounters(prometheus::Registry& registry,
                                                     const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge* AddGauge(prometheus::Registry& registry, const char* name, const char* help,
                            const std::map<std::string, std::string>& labels = {}) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

const char* SendStateName(SendState state) {
  switch (state) {
    case SendState::kAccepted:
      break;
    case SendState::kTemporary:
      return "temporary";
    case SendState::kPermanent:
      return "permanent";
    case SendState::kAmbiguous:
      return "ambiguous";
  }
  return "accepted";
}

}  // namespace

// What others know better is fetched when it is asked for.
class NotifierMetrics::Scrape : public prometheus::Collectable {
 public:
  explicit Scrape(const NotifierMetrics& metrics) : metrics_(metrics) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const NotifierMetrics& m = metrics_;
    const NotifierFacts facts = m.facts_();
    if (facts.store.ok()) {
      m.groups_[0]->Set(static_cast<double>(facts.store->open_groups));
      m.groups_[1]->Set(static_cast<double>(facts.store->recovered_groups));
      m.unsent_mails_->Set(static_cast<double>(facts.store->due_mails));
      m.dead_mails_->Set(static_cast<double>(facts.store->dead_mails));
      const absl::Duration age = facts.now - facts.store->oldest_due_mail_at;
      m.oldest_unsent_->Set(age > absl::ZeroDuration() ? absl::ToDoubleSeconds(age) : 0);
    }
    m.store_up_->Set(facts.store_is_healthy ? 1 : 0);
    m.store_ballast_->Set(facts.holds_ballast ? 1 : 0);
    m.store_log_bytes_->Set(static_cast<double>(facts.store_log_bytes));
    m.store_queued_bytes_->Set(static_cast<double>(facts.store_queued_bytes));
    m.store_moved_aside_->Set(static_cast<double>(facts.store_moved_aside));
    m.store_refused_->Set(static_cast<double>(facts.store_refused_appends));
    m.waiting_events_->Set(static_cast<double>(facts.waiting_events));
    m.http_->SetConnections(facts.http_connections);
    m.log_lines_dropped_->Set(static_cast<double>(serving::DroppedLogLines()));
    std::vector<prometheus::MetricFamily> families = m.registry_->Collect();
    if (m.certificates_ != nullptr) serving::AppendTlsMetrics(*m.certificates_, families);
    return families;
  }

 private:
  const NotifierMetrics& metrics_;
};

NotifierMetrics::NotifierMetrics() : registry_(std::make_unique<prometheus::Registry>()) {
  prometheus::Registry& registry = *registry_;
  events_ = &AddCounters(registry, "understudy_error_events_total",
                         "Error events kept, by Twilio's code and what became of the caller.");
  rejected_ = &AddCounters(registry, "understudy_events_rejected_total",
                           "Events and requests that were not taken, by door and reason.");
  auto& duplicates = AddCounters(registry, "understudy_events_duplicate_total",
                                 "Events that were known already, by door.");
  for (size_t door = 0; door < duplicates_.size(); ++door) {
    duplicates_[door] = &duplicates.Add({{"door", DoorName(static_cast<Door>(door))}});
  }
  skipped_ = &AddCounters(registry, "understudy_events_skipped_total",
                          "Events that tell of no error, by door.");
  degraded_ = &AddCounters(registry, "understudy_ingest_degraded_total",
                           "Events of callers who were answered before the event was stored.")
                   .Add({});
  lost_ = &AddCounters(registry, "understudy_ingest_lost_total",
                       "Of these, events that made room for others and are in the log alone.")
               .Add({});
  http_ = std::make_unique<serving::HttpMetrics>(registry);
  api_requests_ =
      &AddCounters(registry, "understudy_api_requests_total",
                   "Requests to the Alerts resource, by the error they ended in (0: none).");
  api_requests_->Add({{"error_code", "0"}});
  mails_ = &AddCounters(registry, "understudy_mails_total",
                        "Attempts to send a mail, by how they ended and why.");
  written_ = &AddCounters(registry, "understudy_mails_written_total",
                          "Mails made to be sent, by the reason for them.");
  over_limit_ = &AddCounters(registry, "understudy_mail_over_limit_total",
                             "Groups that mail_limit let nobody hear of in a mail of their own.")
                     .Add({});
  ambiguous_ = &AddCounters(registry, "understudy_mail_ambiguous_total",
                            "Mails sent to the end whose reply never came; sent again unchanged.")
                    .Add({});
  last_success_ = AddGauge(registry, "understudy_mail_last_success_timestamp_seconds",
                           "When a mail was last accepted; 0: never since the start.");
  commits_ = &prometheus::BuildHistogram()
                  .Name("understudy_store_commit_duration_seconds")
                  .Help("A commit, flush to the disk included.")
                  .Register(registry)
                  .Add({}, kCommitSeconds);
  auto& pages = AddCounters(registry, "understudy_page_requests_total",
                            "Requests for the operator's page and its files, by how they ended.");
  for (size_t result = 0; result < page_requests_.size(); ++result) {
    page_requests_[result] =
        &pages.Add({{"result", PageResultName(static_cast<PageResult>(result))}});
  }
  page_answers_ = &prometheus::BuildHistogram()
                       .Name("understudy_page_duration_seconds")
                       .Help("From a request for the operator's page to its answer.")
                       .Register(registry)
                       .Add({}, kPageSeconds);
  auto& reloads = AddCounters(registry, "understudy_config_reloads_total",
                              "Times the configuration was read again.");
  reloads_ = {&reloads.Add({{"result", "refused"}}), &reloads.Add({{"result", "loaded"}})};

  auto& groups = prometheus::BuildGauge()
                     .Name("understudy_groups")
                     .Help("Groups of events, by whether they go on.")
                     .Register(registry);
  groups_ = {&groups.Add({{"state", "open"}}), &groups.Add({{"state", "recovered"}})};
  unsent_mails_ = AddGauge(registry, "understudy_mails_unsent", "Mails that wait to be sent.");
  dead_mails_ = AddGauge(registry, "understudy_mails_dead",
                         "Mails that were given up: refused for good, or too old.");
  oldest_unsent_ = AddGauge(registry, "understudy_mail_oldest_unsent_seconds",
                            "Age of the oldest mail that waits to be sent.");
  store_up_ = AddGauge(registry, "understudy_store_up", "Whether the store takes events.");
  store_ballast_ = AddGauge(registry, "understudy_store_ballast",
                            "Whether room on the disk is held back for when it is full.");
  store_log_bytes_ =
      AddGauge(registry, "understudy_store_log_bytes", "Size of the store's write-ahead log.");
  store_queued_bytes_ = AddGauge(registry, "understudy_store_queued_bytes",
                                 "Events that wait for the store's next commit.");
  store_moved_aside_ = AddGauge(registry, "understudy_store_files_moved_aside",
                                "Damaged database files set aside since the start.");
  store_refused_ = AddGauge(registry, "understudy_store_refused_appends",
                            "Batches refused since the start because too much was waiting.");
  waiting_events_ = AddGauge(registry, "understudy_ingest_waiting_events",
                             "Events of answered callers that wait for the store.");
  log_lines_dropped_ = AddGauge(registry, "understudy_log_lines_dropped",
                                "Log lines lost since the start because nobody read them.");
  scrape_ = std::make_unique<Scrape>(*this);
}

NotifierMetrics::~NotifierMetrics() = default;

const prometheus::Collectable& NotifierMetrics::collectable() const {
  return *scrape_;
}

void NotifierMetrics::SetFacts(std::function<NotifierFacts()> facts) {
  facts_ = std::move(facts);
}

void NotifierMetrics::CountEvent(const Event& event) {
  std::string label = twilio::ErrorCodeLabel(event.error_code);
  if (event.error_code == 0) label = "unknown";
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = events_by_label_[{event.kind, label, event.outcome}];
  if (counter == nullptr) {
    counter = &events_->Add({{"kind", KindName(event.kind)},
                             {"error_code", label},
                             {"outcome", OutcomeLabel(event.outcome)}});
  }
  counter->Increment();
}

void NotifierMetrics::SetCertificates(const serving::TlsIdentities* identities) {
  certificates_ = identities;
}

void NotifierMetrics::CountDuplicate(Door door) {
  duplicates_[static_cast<size_t>(door)]->Increment();
}

void NotifierMetrics::CountRejected(Door door, const std::string& reason) {
  rejected_->Add({{"door", DoorName(door)}, {"reason", reason}}).Increment();
}

void NotifierMetrics::CountSkipped(Door door) {
  skipped_->Add({{"door", DoorName(door)}}).Increment();
}
void NotifierMetrics::CountApiRequest(int error_code) {
  api_requests_->Add({{"error_code", twilio::ErrorCodeLabel(error_code)}}).Increment();
}

void NotifierMetrics::CountDegraded() {
  degraded_->Increment();
}
void NotifierMetrics::CountLost() {
  lost_->Increment();
}
void NotifierMetrics::CountHttp(serving::PublicEvent event) {
  http_->Count(event);
}
void NotifierMetrics::CountMailWritten(Reason reason) {
  written_->Add({{"reason", ReasonName(reason)}}).Increment();
}
void NotifierMetrics::CountOverLimit(int64_t groups) {
  over_limit_->Increment(static_cast<double>(groups));
}

void NotifierMetrics::CountAttempt(const Mail& mail, const SendResult& result, absl::Time now) {
  const bool is_expired = mail.state == MailState::kExpired;
  mails_
      ->Add({{"result", is_expired ? "expired" : SendStateName(result.state)},
             {"reason", is_expired ? "none" : SendReasonName(result.reason)}})
      .Increment();
  if (result.state == SendState::kAmbiguous && !is_expired) ambiguous_->Increment();
  if (mail.state == MailState::kAccepted) {
    last_success_->Set(absl::ToDoubleSeconds(now - absl::UnixEpoch()));
  }
}

void NotifierMetrics::ObserveCommit(absl::Duration took) {
  commits_->Observe(absl::ToDoubleSeconds(took));
}
void NotifierMetrics::CountPage(PageResult result, absl::Duration took) {
  page_requests_[static_cast<size_t>(result)]->Increment();
  page_answers_->Observe(absl::ToDoubleSeconds(took));
}
void NotifierMetrics::CountReload(bool good) {
  reloads_[good ? 1 : 0]->Increment();
}

}  // namespace understudy::notifier
