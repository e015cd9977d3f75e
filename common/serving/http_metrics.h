// What a public server tells of itself, as metrics; the same names in every service.
#ifndef COMMON_SERVING_HTTP_METRICS_H_
#define COMMON_SERVING_HTTP_METRICS_H_

#include <array>

#include "common/serving/public_server.h"

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace understudy::serving {

// Counters and gauges of a registry, which must outlive it. Safe from any thread.
class HttpMetrics {
 public:
  explicit HttpMetrics(prometheus::Registry& registry);

  void Count(PublicEvent event);
  void SetConnections(int connections);

 private:
  std::array<prometheus::Counter*, kPublicEvents> events_ = {};
  prometheus::Gauge* connections_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_HTTP_METRICS_H_
