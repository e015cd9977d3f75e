// What moved between two looks at a /metrics page. Pure.
#ifndef SERVICES_CLI_METRICS_CHANGE_H_
#define SERVICES_CLI_METRICS_CHANGE_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace understudy::cli {

// By series: name and labels as they stand on the page.
using Metrics = std::map<std::string, double>;

// The counters of a page in Prometheus's text format: those whose name ends in _total.
Metrics ReadCounters(absl::string_view page);

// What `after` has more of than `before`; a series that was not there counted from 0.
Metrics ChangeOf(const Metrics& before, const Metrics& after);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_METRICS_CHANGE_H_
