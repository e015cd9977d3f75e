// Error events and groups of them, as the notifier tells of them, for people to read. Pure.
#ifndef SERVICES_CLI_RENDER_EVENT_H_
#define SERVICES_CLI_RENDER_EVENT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/cli/render.h"
#include "services/cli/table.h"

namespace understudy::notifier::v1 {
class ErrorEvent;
class ErrorGroup;
}  // namespace understudy::notifier::v1

namespace understudy::cli {

std::vector<Column> EventColumns();
std::vector<Cell> EventCells(const notifier::v1::ErrorEvent& event);

std::vector<Column> GroupColumns();
std::vector<Cell> GroupCells(const notifier::v1::ErrorGroup& group);

// Everything known of an event: what its code means, what became of the caller, each request with
// its phases, what was sent and came back, and what to check. `group` may be null.
std::string RenderEvent(const notifier::v1::ErrorEvent& event,
                        const notifier::v1::ErrorGroup* group, absl::Time now, const Style& style);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_RENDER_EVENT_H_
