#include "services/notifier/ingest/grpc_service.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "services/notifier/ingest/conversion.h"

namespace understudy::notifier {
namespace {

// What a store that failed is to a client.
grpc::Status ToStatus(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    return serving::TryLater(status.message(), kRetryDelay);
  }
  return {grpc::StatusCode::UNAVAILABLE, std::string(status.message())};
}

}  // namespace

grpc::Status GrpcService::ReportErrorEvents(grpc::ServerContext*,
                                            const v1::ReportErrorEventsRequest* request,
                                            v1::ReportErrorEventsResponse* response) {
  return Seated([&] { return Report(*request, *response); });
}

grpc::Status GrpcService::ListErrorEvents(grpc::ServerContext*,
                                          const v1::ListErrorEventsRequest* request,
                                          v1::ListErrorEventsResponse* response) {
  return Seated([&] { return ListEvents(*request, *response); });
}

grpc::Status GrpcService::ListErrorGroups(grpc::ServerContext*,
                                          const v1::ListErrorGroupsRequest* request,
                                          v1::ListErrorGroupsResponse* response) {
  return Seated([&] { return ListGroups(*request, *response); });
}

grpc::Status GrpcService::Seated(const std::function<grpc::Status()>& answer) {
  const absl::Cleanup leave = [this] { --calls_; };
  if (++calls_ <= kMaxGrpcCalls) return answer();
  ingest_.Reject({.refusal = {.reason = "TOO_MANY_CALLS"}}, Door::kGrpc);
  return serving::TryLater("too many calls wait for the disk", kRetryDelay);
}

grpc::Status GrpcService::Report(const v1::ReportErrorEventsRequest& request,
                                 v1::ReportErrorEventsResponse& response) {
  std::variant<Batch, serving::CallerError> read = ReadBatch(request);
  if (const auto* error = std::get_if<serving::CallerError>(&read)) {
    return serving::ToStatus(*error);
  }
  Batch& batch = std::get<Batch>(read);
  const absl::StatusOr<Intake> intake =
      ingest_.Take(std::move(batch.events), Door::kGrpc, absl::Now());
  if (!intake.ok()) {
    ingest_.TurnAway(intake.status(), Door::kGrpc);
    return ToStatus(intake.status());
  }
  for (const RejectedEvent& event : batch.rejected) ingest_.Reject(event, Door::kGrpc);
  response = ToResponse(batch, *intake);
  return grpc::Status::OK;
}

grpc::Status GrpcService::ListEvents(const v1::ListErrorEventsRequest& request,
                                     v1::ListErrorEventsResponse& response) {
  const std::variant<EventsQuery, serving::CallerError> read = ReadQuery(request);
  if (const auto* error = std::get_if<serving::CallerError>(&read)) {
    return serving::ToStatus(*error);
  }
  EventsQuery query = std::get<EventsQuery>(read);
  if (query.before_row == 0) {
    // What is stored from here on is for the next list: rows grow with time.
    const absl::StatusOr<std::vector<StoredEvent>> newest = store_.ListEvents({}, 0, 1);
    if (!newest.ok()) return ToStatus(newest.status());
    const int64_t newest_row = newest->empty() ? query.filter.after_row : newest->front().row;
    if (newest_row < query.filter.after_row) return serving::ToStatus(AfterTokenUnknown());
    query.before_row = newest_row + 1;
    response.set_newest_token(PageToken(newest_row));
  }
  // One more, to know whether there is a next page.
  absl::StatusOr<std::vector<StoredEvent>> events =
      store_.ListEvents(query.filter, query.before_row, query.page_size + 1);
  if (!events.ok()) return ToStatus(events.status());
  if (static_cast<int>(events->size()) > query.page_size) {
    events->pop_back();
    const std::string last = PageToken(events->back().row);
    query.filter.oldest_first ? response.set_newest_token(last)
                              : response.set_next_page_token(last);
  }
  for (const StoredEvent& stored : *events) {
    v1::ErrorEvent* event = response.add_events();
    SetEvent(stored.event, event);
    event->set_group_id(absl::StrCat(stored.group_id));
  }
  return grpc::Status::OK;
}

grpc::Status GrpcService::ListGroups(const v1::ListErrorGroupsRequest& request,
                                     v1::ListErrorGroupsResponse& response) {
  const std::variant<GroupsQuery, serving::CallerError> read = ReadQuery(request);
  if (const auto* error = std::get_if<serving::CallerError>(&read)) {
    return serving::ToStatus(*error);
  }
  const GroupsQuery& query = std::get<GroupsQuery>(read);
  absl::StatusOr<std::vector<Store::ListedGroup>> groups =
      store_.ListGroups(query.filter, query.before, query.page_size + 1);
  if (!groups.ok()) return ToStatus(groups.status());
  if (static_cast<int>(groups->size()) > query.page_size) {
    groups->pop_back();
    response.set_next_page_token(PageToken(groups->back().place));
  }
  for (const Store::ListedGroup& listed : *groups) SetGroup(listed.group, response.add_groups());
  return grpc::Status::OK;
}

}  // namespace understudy::notifier
