// The metrics of certificates.
#ifndef COMMON_SERVING_TLS_METRICS_H_
#define COMMON_SERVING_TLS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "common/serving/tls_identity.h"

namespace understudy::serving {

// Appends what `identities` say of themselves now; nothing if there are none.
void AppendTlsMetrics(const TlsIdentities& identities,
                      std::vector<prometheus::MetricFamily>& families);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_TLS_METRICS_H_
