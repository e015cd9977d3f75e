#include "services/notifier/ingest/conversion.h"

#include <understudy/notifier/v1/notifier_service.pb.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace understudy::notifier {
namespace {

using serving::CallerError;

// Further than any database grows.
constexpr int64_t kMaxRow = int64_t{1} << 62;

CallerError Invalid(std::string reason, std::string field, std::string message) {
  return {.code = grpc::StatusCode::INVALID_ARGUMENT,
          .reason = std::move(reason),
          .field = std::move(field),
          .message = std::move(message)};
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const timespec spec = absl::ToTimespec(time);
  out->set_seconds(spec.tv_sec);
  out->set_nanos(static_cast<int32_t>(spec.tv_nsec));
}

Target FromProto(v1::Target target) {
  switch (target) {
    case v1::TARGET_PRIMARY:
      return Target::kPrimary;
    case v1::TARGET_FALLBACK:
      return Target::kFallback;
    default:
      return Target::kUnspecified;
  }
}

v1::Target ToProto(Target target) {
  switch (target) {
    case Target::kPrimary:
      return v1::TARGET_PRIMARY;
    case Target::kFallback:
      return v1::TARGET_FALLBACK;
    case Target::kUnspecified:
      break;
  }
  return v1::TARGET_UNSPECIFIED;
}

Outcome FromProto(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_FALLBACK_ANSWERED:
      return Outcome::kFallbackAnswered;
    case v1::OUTCOME_DEFAULT_ANSWERED:
      return Outcome::kDefaultAnswered;
    case v1::OUTCOME_WARNING:
      return Outcome::kWarning;
    default:
      return Outcome::kUnknown;
  }
}

v1::Outcome ToProto(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFallbackAnswered:
      return v1::OUTCOME_FALLBACK_ANSWERED;
    case Outcome::kDefaultAnswered:
      return v1::OUTCOME_DEFAULT_ANSWERED;
    case Outcome::kWarning:
      return v1::OUTCOME_WARNING;
    case Outcome::kUnknown:
      break;
  }
  return v1::OUTCOME_UNKNOWN;
}

v1::Kind ToProto(Kind kind) {
  return kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING;
}

// Both sides number phases alike; one we do not know yet is none.
Phase FromProto(v1::Phase phase) {
  return phase >= v1::PHASE_POLICY && phase <= v1::PHASE_PARSE ? static_cast<Phase>(phase)
                                                               : Phase::kNone;
}

Method FromProto(v1::Method method) {
  switch (method) {
    case v1::METHOD_GET:
      return Method::kGet;
    case v1::METHOD_POST:
      return Method::kPost;
    default:
      return Method::kUnspecified;
  }
}

v1::Method ToProto(Method method) {
  switch (method) {
    case Method::kGet:
      return v1::METHOD_GET;
    case Method::kPost:
      return v1::METHOD_POST;
    case Method::kUnspecified:
      break;
  }
  return v1::METHOD_UNSPECIFIED;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  const timespec spec = absl::ToTimespec(duration);
  out->set_seconds(spec.tv_sec);
  out->set_nanos(static_cast<int32_t>(spec.tv_nsec));
}

using FormMap = google::protobuf::Map<std::string, std::string>;

// By name: a map comes in any order, and the same event is to be the same.
twilio::Form FromProto(const FormMap& map) {
  twilio::Form form;
  form.reserve(map.size());
  for (const auto& [name, value] : map) form.push_back({.name = name, .value = value});
  std::sort(form.begin(), form.end(),
            [](const twilio::Parameter& a, const twilio::Parameter& b) { return a.name < b.name; });
  return form;
}

// Of parameters that came more than once, the first.
void SetForm(const twilio::Form& form, FormMap* out) {
  for (const auto& [name, value] : form) out->insert({name, value});
}

Attempt FromProto(const v1::Attempt& proto) {
  return {.url = proto.url(),
          .method = FromProto(proto.method()),
          .remote_address = proto.remote_address(),
          .http_status = proto.http_status(),
          .error_code = proto.error_code(),
          .phase = FromProto(proto.phase()),
          .detail = proto.detail(),
          .dns = FromProto(proto.dns()),
          .connect = FromProto(proto.connect()),
          .tls = FromProto(proto.tls()),
          .first_byte = FromProto(proto.first_byte()),
          .total = FromProto(proto.total())};
}

void SetAttempt(const Attempt& attempt, v1::Attempt* out) {
  out->set_url(attempt.url);
  out->set_method(ToProto(attempt.method));
  out->set_remote_address(attempt.remote_address);
  out->set_http_status(attempt.http_status);
  out->set_error_code(attempt.error_code);
  out->set_phase(static_cast<v1::Phase>(attempt.phase));
  out->set_detail(attempt.detail);
  SetDuration(attempt.dns, out->mutable_dns());
  SetDuration(attempt.connect, out->mutable_connect());
  SetDuration(attempt.tls, out->mutable_tls());
  SetDuration(attempt.first_byte, out->mutable_first_byte());
  SetDuration(attempt.total, out->mutable_total());
}

Event FromProto(const v1::ErrorEvent& proto) {
  Event event = {.event_id = proto.event_id(),
                 .account_sid = proto.account_sid(),
                 .kind = proto.kind() == v1::KIND_MESSAGING ? Kind::kMessaging : Kind::kVoice,
                 .phone_number = proto.phone_number(),
                 .resource_sid = proto.resource_sid(),
                 .level = proto.level() == v1::LEVEL_WARNING ? Level::kWarning : Level::kError,
                 .error_code = proto.error_code(),
                 .error_url = proto.error_url(),
                 .target = FromProto(proto.target()),
                 .outcome = FromProto(proto.outcome()),
                 .phase = FromProto(proto.phase()),
                 .http_status = proto.http_status(),
                 .detail = proto.detail(),
                 .elapsed = FromProto(proto.elapsed()),
                 .attempt_count = proto.attempt_count(),
                 .resolution_id = proto.resolution_id(),
                 .response_excerpt = proto.response_excerpt(),
                 .request_method = FromProto(proto.request_method()),
                 .parameters = FromProto(proto.parameters()),
                 .request_headers = FromProto(proto.request_headers()),
                 .response_headers = FromProto(proto.response_headers())};
  event.attempts.reserve(static_cast<size_t>(proto.attempts_size()));
  for (const v1::Attempt& attempt : proto.attempts()) event.attempts.push_back(FromProto(attempt));
  event.occurred_at =
      proto.has_occurred_at() ? FromProto(proto.occurred_at()) : absl::InfinitePast();
  return event;
}

std::optional<CallerError> ReadPageSize(int32_t requested, int& page_size) {
  if (requested < 0) {
    return Invalid("PAGE_SIZE_INVALID", "page_size", "page_size must not be negative");
  }
  page_size = requested == 0 ? kDefaultPageSize : std::min(requested, kMaxPageSize);
  return std::nullopt;
}

std::optional<CallerError> ReadGroupId(const std::string& text, int64_t& id) {
  if (text.empty() || (absl::SimpleAtoi(text, &id) && id > 0)) return std::nullopt;
  return Invalid("GROUP_ID_INVALID", "group_id", "group_id is not one of ours");
}

CallerError BadToken() {
  return Invalid("PAGE_TOKEN_INVALID", "page_token",
                 "page_token is not the next_page_token of an earlier page");
}

}  // namespace

std::variant<Batch, CallerError> ReadBatch(const v1::ReportErrorEventsRequest& request) {
  const auto count = static_cast<size_t>(request.events_size());
  if (count == 0 || count > kMaxBatchEvents) {
    return Invalid(
        "BATCH_SIZE_INVALID", "events",
        absl::StrCat("events has ", count, " events; 1 to ", kMaxBatchEvents, " are allowed"));
  }
  Batch batch;
  batch.events.reserve(count);
  batch.places.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const v1::ErrorEvent& proto = request.events(static_cast<int>(i));
    if (proto.kind() != v1::KIND_VOICE && proto.kind() != v1::KIND_MESSAGING) {
      batch.rejected.push_back(
          {.index = i,
           .event_id = proto.event_id().substr(0, kMaxEventIdBytes),
           .refusal = {.reason = "KIND_REQUIRED",
                       .field = "kind",
                       .message = "kind must be KIND_VOICE or KIND_MESSAGING"}});
      continue;
    }
    batch.events.push_back(FromProto(proto));
    batch.places.push_back(i);
  }
  return batch;
}

v1::ReportErrorEventsResponse ToResponse(const Batch& batch, const Intake& intake) {
  std::vector<RejectedEvent> rejected = batch.rejected;
  for (const RejectedEvent& event : intake.rejected) {
    rejected.push_back(event);
    rejected.back().index = batch.places[event.index];
  }
  std::sort(rejected.begin(), rejected.end(),
            [](const RejectedEvent& a, const RejectedEvent& b) { return a.index < b.index; });
  v1::ReportErrorEventsResponse response;
  response.set_duplicates(intake.duplicates);
  for (const RejectedEvent& event : rejected) {
    v1::RejectedEvent* out = response.add_rejected();
    out->set_index(static_cast<int32_t>(event.index));
    out->set_event_id(event.event_id);
    out->set_reason(event.refusal.reason);
    out->set_field(event.refusal.field);
    out->set_message(event.refusal.message);
  }
  return response;
}

std::variant<EventsQuery, CallerError> ReadQuery(const v1::ListErrorEventsRequest& request) {
  EventsQuery query = {.filter = {.event_id = request.event_id(),
                                  .account_sid = request.account_sid(),
                                  .resource_sid = request.resource_sid(),
                                  .phone_number = request.phone_number(),
                                  .error_code = request.error_code(),
                                  .host = absl::AsciiStrToLower(request.host())}};
  if (auto error = ReadGroupId(request.group_id(), query.filter.group_id)) {
    return *std::move(error);
  }
  if (request.has_start_time()) query.filter.start = FromProto(request.start_time());
  if (request.has_end_time()) query.filter.end = FromProto(request.end_time());
  if (auto error = ReadPageSize(request.page_size(), query.page_size)) return *std::move(error);
  if (!request.page_token().empty() &&
      (!absl::SimpleAtoi(request.page_token(), &query.before_row) || query.before_row <= 0)) {
    return BadToken();
  }
  if (!request.after_token().empty()) {
    if (!absl::SimpleAtoi(request.after_token(), &query.filter.after_row) ||
        query.filter.after_row < 0 || query.filter.after_row > kMaxRow) {
      return Invalid("AFTER_TOKEN_INVALID", "after_token",
                     "after_token is not the newest_token of an earlier response");
    }
    if (query.before_row != 0) {
      return Invalid("PAGE_TOKEN_INVALID", "page_token", "page_token does not go with after_token");
    }
    query.filter.oldest_first = true;
  }
  return query;
}

std::variant<GroupsQuery, CallerError> ReadQuery(const v1::ListErrorGroupsRequest& request) {
  GroupsQuery query = {.filter = {.account_sid = request.account_sid(),
                                  .error_code = request.error_code(),
                                  .host = absl::AsciiStrToLower(request.host())}};
  if (auto error = ReadGroupId(request.group_id(), query.filter.group_id)) {
    return *std::move(error);
  }
  switch (request.state()) {
    case v1::GROUP_STATE_UNSPECIFIED:
      break;
    case v1::GROUP_STATE_OPEN:
      query.filter.open = true;
      break;
    case v1::GROUP_STATE_RECOVERED:
      query.filter.open = false;
      break;
    default:
      return Invalid("STATE_INVALID", "state", "state is not one of GroupState");
  }
  if (auto error = ReadPageSize(request.page_size(), query.page_size)) return *std::move(error);
  if (!request.page_token().empty()) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(request.page_token(), absl::MaxSplits('.', 1));
    Store::GroupPlace place;
    if (!absl::SimpleAtoi(parts.first, &place.last_event_row) ||
        !absl::SimpleAtoi(parts.second, &place.id)) {
      return BadToken();
    }
    query.before = place;
  }
  return query;
}

void SetEvent(const Event& event, v1::ErrorEvent* out) {
  out->set_event_id(event.event_id);
  SetTime(event.occurred_at, out->mutable_occurred_at());
  out->set_account_sid(event.account_sid);
  out->set_kind(ToProto(event.kind));
  out->set_phone_number(event.phone_number);
  out->set_resource_sid(event.resource_sid);
  out->set_level(event.level == Level::kWarning ? v1::LEVEL_WARNING : v1::LEVEL_ERROR);
  out->set_error_code(event.error_code);
  out->set_error_url(event.error_url);
  out->set_target(ToProto(event.target));
  out->set_outcome(ToProto(event.outcome));
  out->set_phase(static_cast<v1::Phase>(event.phase));
  out->set_http_status(event.http_status);
  out->set_detail(event.detail);
  SetDuration(event.elapsed, out->mutable_elapsed());
  out->set_attempt_count(event.attempt_count);
  out->set_resolution_id(event.resolution_id);
  out->set_response_excerpt(event.response_excerpt);
  SetForm(event.parameters, out->mutable_parameters());
  for (const Attempt& attempt : event.attempts) SetAttempt(attempt, out->add_attempts());
  out->set_request_method(ToProto(event.request_method));
  SetForm(event.request_headers, out->mutable_request_headers());
  SetForm(event.response_headers, out->mutable_response_headers());
}

void SetGroup(const Group& group, v1::ErrorGroup* out) {
  out->set_group_id(absl::StrCat(group.id));
  out->set_account_sid(group.key.account_sid);
  out->set_kind(ToProto(group.key.kind));
  out->set_error_code(group.key.error_code);
  out->set_host(group.key.host);
  const GroupState& state = group.state;
  out->set_state(state.open ? v1::GROUP_STATE_OPEN : v1::GROUP_STATE_RECOVERED);
  out->set_event_count(state.counts.total());
  out->set_fallback_answered_count(state.counts.of(Outcome::kFallbackAnswered));
  out->set_default_answered_count(state.counts.of(Outcome::kDefaultAnswered));
  out->set_warning_count(state.counts.of(Outcome::kWarning));
  SetTime(state.first_at, out->mutable_first_event_at());
  SetTime(state.last_at, out->mutable_last_event_at());
  if (state.last_mail_at != absl::InfinitePast()) {
    SetTime(state.last_mail_at, out->mutable_last_mail_at());
  }
}

CallerError AfterTokenUnknown() {
  return Invalid("AFTER_TOKEN_UNKNOWN", "after_token",
                 "after_token is of another database than the one there is now");
}

std::string PageToken(int64_t row) {
  return absl::StrCat(row);
}

std::string PageToken(const Store::GroupPlace& place) {
  return absl::StrCat(place.last_event_row, ".", place.id);
}

}  // namespace understudy::notifier
