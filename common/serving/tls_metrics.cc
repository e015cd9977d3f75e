#include "common/serving/tls_metrics.h"

#include <utility>

namespace understudy::serving {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

void AppendTlsMetrics(const TlsIdentities& identities, std::vector<MetricFamily>& families) {
  if (identities.all().empty()) return;
  MetricFamily expiry = {.name = "understudy_certificate_expiry_timestamp_seconds",
                         .help = "When a certificate of ours expires.",
                         .type = MetricType::Gauge,
                         .metric = {}};
  MetricFamily reloads = {.name = "understudy_certificate_reloads_total",
                          .help = "Times that files of certificates changed.",
                          .type = MetricType::Counter,
                          .metric = {}};
  for (const std::unique_ptr<TlsIdentity>& identity : identities.all()) {
    const ClientMetric::Label use = {.name = "use", .value = identity->use()};
    const TlsFacts facts = identity->facts();
    if (facts.not_after != absl::InfiniteFuture()) {
      ClientMetric& metric = expiry.metric.emplace_back();
      metric.label = {use};
      metric.gauge.value = absl::ToDoubleSeconds(facts.not_after - absl::UnixEpoch());
    }
    for (const auto& [result, count] :
         {std::pair("loaded", facts.loaded), std::pair("refused", facts.refused)}) {
      ClientMetric& metric = reloads.metric.emplace_back();
      metric.label = {use, {.name = "result", .value = result}};
      metric.counter.value = static_cast<double>(count);
    }
  }
  if (!expiry.metric.empty()) families.push_back(std::move(expiry));
  families.push_back(std::move(reloads));
}

}  // namespace understudy::serving
