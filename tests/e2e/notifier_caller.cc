#include "tests/e2e/notifier_caller.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kPageSize = 200;

void SetDeadline(absl::Duration deadline, grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
}

}  // namespace

std::string OwnLoopbackAddress() {
  // Numbers of processes have 22 bits. Connections to other addresses never come from this one.
  const auto pid = static_cast<unsigned>(getpid());
  return absl::StrCat("127.", 1 + (pid >> 16), ".", (pid >> 8) & 0xFFu, ".", pid & 0xFFu);
}

std::shared_ptr<grpc::Channel> PatientChannel(const std::string& address) {
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  options.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMs);
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), options);
}

notifier::v1::ErrorEvent ReportedEvent(const std::string& id, const std::string& account_sid,
                                       const std::string& host) {
  notifier::v1::ErrorEvent event;
  event.set_event_id(id);
  event.set_account_sid(account_sid);
  event.set_kind(notifier::v1::KIND_VOICE);
  event.set_phone_number("+14155550199");
  event.set_resource_sid("CA0123456789abcdef0123456789abcdef");
  event.set_error_code(11200);
  event.set_error_url(absl::StrCat("https://", host, "/voice?step=1"));
  event.set_target(notifier::v1::TARGET_PRIMARY);
  event.set_outcome(notifier::v1::OUTCOME_FALLBACK_ANSWERED);
  event.set_phase(notifier::v1::PHASE_STATUS);
  event.set_http_status(503);
  event.set_detail("The web server answered 503.");
  event.mutable_elapsed()->set_nanos(42'000'000);
  event.set_attempt_count(1);
  event.set_resolution_id(absl::StrCat("resolution-", id));
  event.set_response_excerpt("<html><body>Service Unavailable</body></html>");
  return event;
}

NotifierCaller::NotifierCaller(const std::string& address)
    : stub_(notifier::v1::NotifierService::NewStub(PatientChannel(address))) {}

grpc::Status NotifierCaller::Report(const std::vector<notifier::v1::ErrorEvent>& events,
                                    absl::Duration deadline) {
  grpc::ClientContext context;
  SetDeadline(deadline, context);
  context.set_wait_for_ready(true);
  notifier::v1::ReportErrorEventsRequest request;
  for (const auto& event : events) *request.add_events() = event;
  notifier::v1::ReportErrorEventsResponse response;
  grpc::Status status = stub_->ReportErrorEvents(&context, request, &response);
  Require(response.rejected_size() == 0, "a notifier that takes good events");
  return status;
}

NotifierCaller::Listed NotifierCaller::Events(const std::string& account_sid) {
  Listed listed;
  notifier::v1::ListErrorEventsRequest request;
  request.set_account_sid(account_sid);
  request.set_page_size(kPageSize);
  do {
    grpc::ClientContext context;
    SetDeadline(absl::Seconds(20), context);
    context.set_wait_for_ready(true);
    notifier::v1::ListErrorEventsResponse page;
    listed.status = stub_->ListErrorEvents(&context, request, &page);
    listed.events.insert(listed.events.end(), page.events().begin(), page.events().end());
    request.set_page_token(page.next_page_token());
  } while (listed.status.ok() && !request.page_token().empty());
  return listed;
}

NotifierCaller::Listed NotifierCaller::Groups(const std::string& account_sid) {
  Listed listed;
  notifier::v1::ListErrorGroupsRequest request;
  request.set_account_sid(account_sid);
  request.set_page_size(kPageSize);
  do {
    grpc::ClientContext context;
    SetDeadline(absl::Seconds(20), context);
    context.set_wait_for_ready(true);
    notifier::v1::ListErrorGroupsResponse page;
    listed.status = stub_->ListErrorGroups(&context, request, &page);
    listed.groups.insert(listed.groups.end(), page.groups().begin(), page.groups().end());
    request.set_page_token(page.next_page_token());
  } while (listed.status.ok() && !request.page_token().empty());
  return listed;
}

}  // namespace understudy::testing
