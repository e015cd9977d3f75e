#include "services/router/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <string>
#include <utility>
#include <vector>

#include "common/serving/log.h"
#include "common/serving/tls_metrics.h"
#include "common/twilio/error_codes.h"

namespace understudy::router {
namespace {

constexpr std::array<Kind, 2> kKinds = {Kind::kVoice, Kind::kMessaging};
constexpr std::array<const char*, 3> kSourceNames = {"primary", "fallback", "default"};
constexpr std::array<const char*, 2> kTargetNames = {"primary", "fallback"};

// From a healthy call on a local network to two targets that use up all their time.
const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30};

// From a fast disk to an import that others wait for.
const prometheus::Histogram::BucketBoundaries kWriteSeconds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};

size_t Index(Kind kind) {
  return static_cast<size_t>(kind);
}
size_t Index(Target target) {
  return static_cast<size_t>(target);
}
size_t Index(Source source) {
  return static_cast<size_t>(source);
}

prometheus::Family<prometheus::Counter>& AddCounter(prometheus::Registry& registry,
                                                    const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge* AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily OneValue(const char* name, const char* help, MetricType type, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {.name = name, .help = help, .type = type, .metric = {metric}};
}

void AppendOutbox(const OutboxStats& stats, std::vector<MetricFamily>& families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(OneValue(name, help, MetricType::Gauge, value));
  };
  const auto counter = [&](const char* name, const char* help, int64_t value) {
    families.push_back(OneValue(name, help, MetricType::Counter, static_cast<double>(value)));
  };
  gauge("understudy_outbox_events", "Error events that wait for the notifier.",
        static_cast<double>(stats.events));
  gauge("understudy_outbox_oldest_seconds", "How long the oldest of them has waited.",
        absl::ToDoubleSeconds(stats.oldest));
  gauge("understudy_outbox_bytes", "Of the outbox's files.", static_cast<double>(stats.bytes));
  gauge("understudy_outbox_bytes_limit", "What they may be (notifier.outbox_max_bytes).",
        static_cast<double>(stats.max_bytes));
  counter("understudy_outbox_sent_total", "Events that the notifier has taken.", stats.sent);
  counter("understudy_outbox_rejected_total", "Events that the notifier will never take.",
          stats.rejected);
  counter("understudy_outbox_dropped_total", "Events lost to a full outbox or a failing disk.",
          stats.dropped);
  counter("understudy_outbox_send_failures_total", "Batches to be sent again later.",
          stats.send_failures);
  counter("understudy_outbox_write_failures_total", "Times the outbox's disk took nothing.",
          stats.write_failures);
  counter("understudy_outbox_damaged_bytes_total",
          "Bytes in the outbox that were no event, found at the start.", stats.damaged_bytes);
}

void AppendNumbers(const NumbersStats& stats, std::vector<MetricFamily>& families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(OneValue(name, help, MetricType::Gauge, value));
  };
  MetricFamily numbers = OneValue("understudy_numbers", "Phone numbers, by where they are kept.",
                                  MetricType::Gauge, static_cast<double>(stats.configured));
  numbers.metric.push_back(numbers.metric.front());
  numbers.metric[0].label = {{"source", "configuration"}};
  numbers.metric[1].label = {{"source", "database"}};
  numbers.metric[1].gauge.value = static_cast<double>(stats.stored);
  families.push_back(std::move(numbers));
  gauge("understudy_applications", "TwiML applications of the numbers' database.",
        static_cast<double>(stats.applications));
  gauge("understudy_numbers_up", "1 if the numbers' database could be read just now.",
        stats.is_current ? 1 : 0);
  gauge("understudy_numbers_refresh_lag_seconds",
        "From the last change of the database to the next call that went by it.",
        absl::ToDoubleSeconds(stats.lag));
  families.push_back(OneValue("understudy_numbers_refresh_failures_total",
                              "Times the numbers' database could not be read for its changes.",
                              MetricType::Counter, static_cast<double>(stats.refresh_failures)));
}

}  // namespace

// The log and the outbox count for themselves; their figures are fetched when they are asked for.
class RouterMetrics::Scrape : public prometheus::Collectable {
 public:
  explicit Scrape(const RouterMetrics& metrics) : metrics_(metrics) {}

  std::vector<MetricFamily> Collect() const override {
    metrics_.log_lines_dropped_->Set(static_cast<double>(serving::DroppedLogLines()));
    if (metrics_.http_ != nullptr) metrics_.http_->SetConnections(metrics_.http_connections_());
    std::vector<MetricFamily> families = metrics_.registry_->Collect();
    if (metrics_.outbox_) AppendOutbox(metrics_.outbox_(), families);
    if (metrics_.numbers_) AppendNumbers(metrics_.numbers_(), families);
    if (metrics_.certificates_ != nullptr) {
      serving::AppendTlsMetrics(*metrics_.certificates_, families);
    }
    return families;
  }

 private:
  const RouterMetrics& metrics_;
};

RouterMetrics::RouterMetrics() : registry_(std::make_unique<prometheus::Registry>()) {
  auto& resolutions =
      AddCounter(*registry_, "understudy_resolutions_total", "Calls answered, by who answered.");
  auto& resolution_seconds = prometheus::BuildHistogram()
                                 .Name("understudy_resolution_duration_seconds")
                                 .Help("From a call's request to its document.")
                                 .Register(*registry_);
  auto& cancelled = AddCounter(*registry_, "understudy_cancelled_total",
                               "Calls whose caller went away before the answer.");
  for (const Kind kind : kKinds) {
    const std::string name = KindName(kind);
    for (size_t source = 0; source < kSourceNames.size(); ++source) {
      const std::map<std::string, std::string> labels = {{"kind", name},
                                                         {"source", kSourceNames[source]}};
      resolutions_[Index(kind)][source] = &resolutions.Add(labels);
      resolution_seconds_[Index(kind)][source] = &resolution_seconds.Add(labels, kSeconds);
    }
    cancelled_[Index(kind)] = &cancelled.Add({{"kind", name}});
  }

  attempts_ = &AddCounter(*registry_, "understudy_attempts_total",
                          "Requests to web servers, by the error they ended in (0: none).");
  auto& attempt_seconds = prometheus::BuildHistogram()
                              .Name("understudy_attempt_duration_seconds")
                              .Help("One request to a web server, name look-up included.")
                              .Register(*registry_);
  for (size_t target = 0; target < kTargetNames.size(); ++target) {
    good_attempts_[target] =
        &attempts_->Add({{"target", kTargetNames[target]}, {"error_code", "0"}});
    attempt_seconds_[target] = &attempt_seconds.Add({{"target", kTargetNames[target]}}, kSeconds);
  }

  warnings_ = &AddCounter(*registry_, "understudy_twiml_warnings_total",
                          "Parts of documents that will be skipped, by Twilio's code.");
  denied_ = &AddCounter(*registry_, "understudy_egress_denied_total",
                        "Requests stopped because of the address they would go to.");
  // From the start, so that the first denial is a change and not a new series.
  for (size_t i = 0; i < kAddressClasses; ++i) {
    const auto address_class = static_cast<AddressClass>(i);
    if (!MayDial(address_class)) denied_->Add({{"class", AddressClassName(address_class)}});
  }
  in_flight_ = AddGauge(*registry_, "understudy_in_flight", "Calls being answered now.");
  max_in_flight_ = AddGauge(*registry_, "understudy_in_flight_limit",
                            "Calls that may be under way at once (fetch.max_in_flight).");
  refused_ = &AddCounter(*registry_, "understudy_refused_total",
                         "Calls refused because too many were under way.")
                  .Add({});
  auto& reloads = AddCounter(*registry_, "understudy_config_reloads_total",
                             "Times the configuration was read again.");
  reloads_ = {&reloads.Add({{"result", "refused"}}), &reloads.Add({{"result", "loaded"}})};
  auto& sessions = AddCounter(*registry_, "understudy_sessions_total",
                              "Sessions that came with calls, by what became of them.");
  for (const SessionUse use :
       {SessionUse::kAccepted, SessionUse::kForged, SessionUse::kForeign, SessionUse::kStale}) {
    sessions_[static_cast<size_t>(use)] = &sessions.Add({{"result", SessionUseName(use)}});
  }
  session_parts_left_out_ = &AddCounter(*registry_, "understudy_session_parts_left_out_total",
                                        "Cookies and credentials that a session had no room for.")
                                 .Add({});
  log_lines_dropped_ = AddGauge(*registry_, "understudy_log_lines_dropped",
                                "Log lines lost since the start because nobody read them.");
  scrape_ = std::make_unique<Scrape>(*this);
}

RouterMetrics::~RouterMetrics() = default;

const prometheus::Collectable& RouterMetrics::collectable() const {
  return *scrape_;
}

void RouterMetrics::SetOutbox(std::function<OutboxStats()> stats) {
  outbox_ = std::move(stats);
}

void RouterMetrics::SetCertificates(const serving::TlsIdentities* identities) {
  certificates_ = identities;
}

void RouterMetrics::SetHttp(std::function<int()> connections) {
  http_ = std::make_unique<serving::HttpMetrics>(*registry_);
  http_connections_ = std::move(connections);
  api_requests_ = &AddCounter(*registry_, "understudy_api_requests_total",
                              "Requests to the numbers API, by the error they ended in (0: none).");
  api_requests_->Add({{"error_code", "0"}});
}

void RouterMetrics::CountHttp(serving::PublicEvent event) {
  http_->Count(event);
}
void RouterMetrics::CountApiRequest(int error_code) {
  api_requests_->Add({{"error_code", twilio::ErrorCodeLabel(error_code)}}).Increment();
}

void RouterMetrics::SetNumbers(std::function<NumbersStats()> stats) {
  auto& seconds = prometheus::BuildHistogram()
                      .Name("understudy_numbers_write_duration_seconds")
                      .Help("A change of the numbers' database, with its flush to the disk.")
                      .Register(*registry_);
  numbers_write_seconds_ = {&seconds.Add({{"result", "failed"}}, kWriteSeconds),
                            &seconds.Add({{"result", "kept"}}, kWriteSeconds)};
  numbers_ = std::move(stats);
}

void RouterMetrics::CountNumbersWrite(absl::Duration took, bool good) {
  numbers_write_seconds_[good ? 1 : 0]->Observe(absl::ToDoubleSeconds(took));
}

void RouterMetrics::SetMaxInFlight(int max) {
  max_in_flight_->Set(max);
}
void RouterMetrics::AddInFlight(int change) {
  in_flight_->Increment(change);
}
void RouterMetrics::CountRefused() {
  refused_->Increment();
}
void RouterMetrics::CountReload(bool good) {
  reloads_[good ? 1 : 0]->Increment();
}

void RouterMetrics::CountSession(SessionUse use) {
  if (use != SessionUse::kNone) sessions_[static_cast<size_t>(use)]->Increment();
}

void RouterMetrics::CountDenied(AddressClass address_class) {
  denied_->Add({{"class", AddressClassName(address_class)}}).Increment();
}

void RouterMetrics::CountResolution(Kind kind, const Outcome& outcome, absl::Duration took) {
  for (const Attempt& attempt : outcome.attempts) {
    attempt_seconds_[Index(attempt.target)]->Observe(absl::ToDoubleSeconds(attempt.timings.total));
    AttemptsOf(attempt.target, attempt.error_code).Increment();
  }
  for (const Warning& warning : outcome.warnings) WarningsOf(warning.code).Increment();
  if (outcome.session_parts_left_out > 0) {
    session_parts_left_out_->Increment(outcome.session_parts_left_out);
  }
  if (outcome.cancelled) {
    cancelled_[Index(kind)]->Increment();
    return;
  }
  resolutions_[Index(kind)][Index(outcome.source)]->Increment();
  resolution_seconds_[Index(kind)][Index(outcome.source)]->Observe(absl::ToDoubleSeconds(took));
}

prometheus::Counter& RouterMetrics::AttemptsOf(Target target, int code) {
  if (code == 0) return *good_attempts_[Index(target)];
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = attempts_by_code_[{target, code}];
  if (counter == nullptr) {
    counter = &attempts_->Add(
        {{"target", kTargetNames[Index(target)]}, {"error_code", twilio::ErrorCodeLabel(code)}});
  }
  return *counter;
}

prometheus::Counter& RouterMetrics::WarningsOf(int code) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = warnings_by_code_[code];
  if (counter == nullptr) {
    counter = &warnings_->Add({{"code", twilio::ErrorCodeLabel(code)}});
  }
  return *counter;
}

}  // namespace understudy::router
