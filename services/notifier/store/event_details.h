// An event's request, its headers and its attempts as text in the database: a form (form.h) for
// parameters and headers, a form on a line of its own for each attempt. An attempt has the fields
// of the service (durations in nanoseconds); what is empty or 0 is left out, and what is not known
// is skipped, so that fields can be added. Pure.
#ifndef SERVICES_NOTIFIER_STORE_EVENT_DETAILS_H_
#define SERVICES_NOTIFIER_STORE_EVENT_DETAILS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

bool HasDetails(const Event& event);

std::string EncodeAttempts(const std::vector<Attempt>& attempts);
// What is no attempt of ours reads as one of which nothing is known.
std::vector<Attempt> DecodeAttempts(absl::string_view text);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_EVENT_DETAILS_H_
