// Between the wire and the notifier's own words. Pure; the one place where the fields of the
// service meet ours.
#ifndef SERVICES_NOTIFIER_INGEST_CONVERSION_H_
#define SERVICES_NOTIFIER_INGEST_CONVERSION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/serving/grpc_error.h"
#include "services/notifier/ingest/ingest.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier::v1 {
class ErrorEvent;
class ErrorGroup;
class ListErrorEventsRequest;
class ListErrorGroupsRequest;
class ReportErrorEventsRequest;
class ReportErrorEventsResponse;
}  // namespace understudy::notifier::v1

namespace understudy::notifier {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 200;

// The batch, unchecked but for what Normalize could not know any more: an event whose kind is
// unspecified comes with a refusal.
struct Batch {
  std::vector<Event> events = {};
  std::vector<size_t> places = {};  // of `events` in the request
  std::vector<RejectedEvent> rejected = {};
};
std::variant<Batch, serving::CallerError> ReadBatch(const v1::ReportErrorEventsRequest& request);

// `intake` is of batch.events; its places become those of the request.
v1::ReportErrorEventsResponse ToResponse(const Batch& batch, const Intake& intake);

struct EventsQuery {
  EventFilter filter = {};
  int64_t before_row = 0;
  int page_size = kDefaultPageSize;
};
std::variant<EventsQuery, serving::CallerError> ReadQuery(
    const v1::ListErrorEventsRequest& request);

struct GroupsQuery {
  GroupFilter filter = {};
  std::optional<Store::GroupPlace> before = {};
  int page_size = kDefaultPageSize;
};
std::variant<GroupsQuery, serving::CallerError> ReadQuery(
    const v1::ListErrorGroupsRequest& request);

void SetEvent(const Event& event, v1::ErrorEvent* out);
void SetGroup(const Group& group, v1::ErrorGroup* out);
// What after_token leads to is behind the newest event.
serving::CallerError AfterTokenUnknown();
std::string PageToken(int64_t row);
std::string PageToken(const Store::GroupPlace& place);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_CONVERSION_H_
