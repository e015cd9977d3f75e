#include "common/serving/http_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace understudy::serving {

HttpMetrics::HttpMetrics(prometheus::Registry& registry)
    : connections_(&prometheus::BuildGauge()
                        .Name("understudy_http_connections")
                        .Help("Open HTTP connections.")
                        .Register(registry)
                        .Add({})) {
  auto& events = prometheus::BuildCounter()
                     .Name("understudy_http_events_total")
                     .Help("What happened to HTTP connections and requests.")
                     .Register(registry);
  for (size_t event = 0; event < events_.size(); ++event) {
    events_[event] = &events.Add({{"event", PublicEventName(static_cast<PublicEvent>(event))}});
  }
}

void HttpMetrics::Count(PublicEvent event) {
  events_[static_cast<size_t>(event)]->Increment();
}

void HttpMetrics::SetConnections(int connections) {
  connections_->Set(connections);
}

}  // namespace understudy::serving
