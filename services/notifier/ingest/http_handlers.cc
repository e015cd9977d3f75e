#include "services/notifier/ingest/http_handlers.h"

#include <google/protobuf/util/json_util.h>
#include <understudy/notifier/v1/notifier_service.pb.h>

#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/twilio/content_type.h"
#include "common/twilio/documents.h"
#include "common/twilio/form.h"
#include "common/twilio/json_writer.h"
#include "common/twilio/url.h"
#include "services/notifier/ingest/conversion.h"
#include "services/notifier/ingest/twilio_events.h"

namespace understudy::notifier {
namespace {

using serving::HttpRequest;
using serving::HttpResponse;

constexpr char kXml[] = "text/xml; charset=utf-8";
constexpr char kJson[] = "application/json";

HttpResponse Plain(int status, std::string text) {
  return {.status = status, .body = std::move(text) + "\n"};
}

HttpResponse NotAllowed(const char* methods) {
  HttpResponse response = Plain(405, absl::StrCat("This takes ", methods, "."));
  response.headers.push_back({"Allow", methods});
  return response;
}

std::string HeaderOf(const HttpRequest& request, absl::string_view name) {
  const std::string* value = serving::FindHeader(request.headers, name);
  return value == nullptr ? std::string() : *value;
}

bool HasType(const HttpRequest& request, absl::string_view type) {
  return twilio::ParseContentType(HeaderOf(request, "Content-Type")).type == type;
}

// The first event that names any: one sink sends them all.
std::vector<std::string> AccountsNamed(const std::vector<StreamItem>& items) {
  for (const StreamItem& item : items) {
    if (item.event.account_sid.empty()) continue;
    return {item.event.account_sid, item.master_account_sid};
  }
  return {};
}

// Its sender does not look at it; a person who tries it does.
std::string StreamAnswer(const Intake& intake, const std::vector<RejectedEvent>& rejected,
                         int skipped) {
  twilio::JsonWriter json;
  json.BeginObject();
  json.Number("stored", intake.stored);
  json.Number("duplicates", intake.duplicates);
  json.Number("skipped", skipped);
  json.Key("rejected");
  json.BeginArray();
  for (const RejectedEvent& event : rejected) {
    json.BeginObject();
    json.Number("index", static_cast<int64_t>(event.index));
    json.Text("event_id", event.event_id);
    json.Text("reason", event.refusal.reason);
    json.Text("field", event.refusal.field);
    json.Text("message", event.refusal.message);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

}  // namespace

struct HttpDoor::Asked {
  twilio::Form body = {};        // what a signature covers besides the URL
  twilio::Form parameters = {};  // the same, then the query's

  explicit Asked(const HttpRequest& request) {
    if (request.method == "POST" && HasType(request, "application/x-www-form-urlencoded")) {
      body = twilio::DecodeForm(request.body);
    }
    parameters = body;
    twilio::Form query = twilio::DecodeForm(request.query);
    parameters.insert(parameters.end(), std::make_move_iterator(query.begin()),
                      std::make_move_iterator(query.end()));
  }
};

HttpDoor::HttpDoor(Ingest& ingest, CallerIntake& callers, OnRefused on_refused,
                   HttpSettings settings)
    : ingest_(ingest),
      callers_(callers),
      on_refused_(std::move(on_refused)),
      settings_(std::make_shared<const HttpSettings>(std::move(settings))) {}

void HttpDoor::SetSettings(HttpSettings settings) {
  auto shared = std::make_shared<const HttpSettings>(std::move(settings));
  MutexLock lock(mutex_);
  settings_ = std::move(shared);
}

std::shared_ptr<const HttpSettings> HttpDoor::settings() const {
  MutexLock lock(mutex_);
  return settings_;
}

HttpResponse HttpDoor::Handle(const HttpRequest& request) {
  if (request.path == "/fallback" || absl::StartsWith(request.path, "/fallback/")) {
    return Fallback(request);
  }
  if (request.path == "/debugger") return Debugger(request);
  if (request.path == "/events/twilio") return Stream(request);
  if (request.path == "/v1/events") return Events(request);
  return Plain(404,
               "There is nothing here. See /fallback, /debugger, /events/twilio, /v1/events and "
               "/v1/Alerts.");
}

HttpResponse HttpDoor::Refuse(Door door, const SenderProblem& problem) {
  on_refused_(door, problem.reason);
  HttpResponse response = Plain(problem.http_status, problem.message);
  if (problem.http_status == 401) {
    response.headers.push_back({"WWW-Authenticate", "Basic realm=\"understudy\""});
  }
  return response;
}

HttpResponse HttpDoor::Busy(Door door, const absl::Status& status) {
  ingest_.TurnAway(status, door);
  const bool is_full = status.code() == absl::StatusCode::kResourceExhausted;
  HttpResponse response = Plain(is_full ? 429 : 503, std::string(status.message()));
  response.headers.push_back({"Retry-After", absl::StrCat(absl::ToInt64Seconds(kRetryDelay))});
  return response;
}

// Whatever else happens, a caller may be waiting for the document.
HttpResponse HttpDoor::Fallback(const HttpRequest& request) {
  const absl::string_view which = absl::StripPrefix(request.path, "/fallback");
  if (!which.empty() && which != "/voice" && which != "/messaging") {
    return Plain(404, "There are /fallback, /fallback/voice and /fallback/messaging.");
  }
  if (request.method != "GET" && request.method != "POST") return NotAllowed("GET, POST");
  const Asked asked(request);
  const std::shared_ptr<const HttpSettings> settings = this->settings();
  if (const auto problem = CheckTwilioRequest(settings->accounts, settings->public_url, request,
                                              asked.body, asked.parameters)) {
    return Refuse(Door::kFallback, *problem);
  }
  // The parameters know better than whoever typed the URL: a message must never hear a <Say>.
  std::optional<Kind> kind = KindOf(asked.parameters);
  if (!kind.has_value() && which == "/voice") kind = Kind::kVoice;
  if (!kind.has_value() && which == "/messaging") kind = Kind::kMessaging;

  const std::string token = HeaderOf(request, "I-Twilio-Idempotency-Token");
  const std::optional<Event> event =
      FallbackEvent(asked.parameters, kind.value_or(Kind::kVoice), token, absl::Now());
  if (!event.has_value()) {
    on_refused_(Door::kFallback, "NO_ERROR");
    // An empty document is one for either kind.
    return {.content_type = kXml, .body = twilio::MessageDocument("")};
  }
  callers_.Take(*event);
  return {.content_type = kXml,
          .body = kind.has_value() ? FallbackDocument(*settings, *event, token, *kind)
                                   : twilio::MessageDocument("")};
}

std::string HttpDoor::FallbackDocument(const HttpSettings& settings, const Event& event,
                                       absl::string_view token, Kind kind) {
  const FallbackAnswers& answers = settings.fallback;
  const std::string& url =
      answers.redirect_to == kRedirectToErrorUrl ? event.error_url : answers.redirect_to;
  if (!url.empty() && twilio::ParseUrl(url).ok()) {
    MutexLock lock(mutex_);
    if (recoveries_.MayRecover(event.resource_sid, token, answers.max_per_call, absl::Now())) {
      return twilio::RedirectDocument(url);
    }
  }
  return kind == Kind::kVoice ? twilio::DefaultDocument(kind, answers.voice_text)
                              : twilio::MessageDocument(answers.messaging_text);
}

HttpResponse HttpDoor::Debugger(const HttpRequest& request) {
  if (request.method != "POST") return NotAllowed("POST");
  const Asked asked(request);
  const std::shared_ptr<const HttpSettings> settings = this->settings();
  if (const auto problem = CheckTwilioRequest(settings->accounts, settings->public_url, request,
                                              asked.body, asked.parameters)) {
    return Refuse(Door::kDebugger, *problem);
  }
  std::variant<Event, Refusal> read = DebuggerEvent(asked.parameters);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    ingest_.Reject({.refusal = *refusal}, Door::kDebugger);
    return Plain(400, absl::StrCat(refusal->field, ": ", refusal->message));
  }
  const absl::StatusOr<Intake> intake =
      ingest_.Take({std::get<Event>(std::move(read))}, Door::kDebugger, absl::Now());
  if (!intake.ok()) return Busy(Door::kDebugger, intake.status());
  if (!intake->rejected.empty()) {
    const Refusal& refusal = intake->rejected.front().refusal;
    return Plain(400, absl::StrCat(refusal.field, ": ", refusal.message));
  }
  return {.status = 204, .content_type = ""};
}

HttpResponse HttpDoor::Events(const HttpRequest& request) {
  if (request.method != "POST") return NotAllowed("POST");
  const BasicSender sender = CheckBasicRequest(settings()->accounts, request);
  if (sender.problem.has_value()) return Refuse(Door::kEvents, *sender.problem);
  if (!HasType(request, kJson)) {
    return Refuse(Door::kEvents, {.http_status = 415,
                                  .reason = "TYPE_INVALID",
                                  .message = "The Content-Type must be application/json."});
  }
  v1::ReportErrorEventsRequest proto;
  const auto parsed = google::protobuf::util::JsonStringToMessage(request.body, &proto);
  if (!parsed.ok()) {
    return Refuse(Door::kEvents, {.http_status = 400,
                                  .reason = "JSON_INVALID",
                                  .message = absl::StrCat("This is no ReportErrorEventsRequest: ",
                                                          std::string(parsed.message()))});
  }
  std::variant<Batch, serving::CallerError> read = ReadBatch(proto);
  if (const auto* error = std::get_if<serving::CallerError>(&read)) {
    return Refuse(Door::kEvents,
                  {.http_status = 400, .reason = error->reason, .message = error->message});
  }
  Batch& batch = std::get<Batch>(read);
  if (!sender.account_sid.empty()) {
    for (const Event& event : batch.events) {
      if (event.account_sid == sender.account_sid) continue;
      return Refuse(Door::kEvents, {.http_status = 403,
                                    .reason = "ACCOUNT_MISMATCH",
                                    .message = "An event is of another account than its sender."});
    }
  }
  const absl::StatusOr<Intake> intake =
      ingest_.Take(std::move(batch.events), Door::kEvents, absl::Now());
  if (!intake.ok()) return Busy(Door::kEvents, intake.status());
  for (const RejectedEvent& event : batch.rejected) ingest_.Reject(event, Door::kEvents);
  HttpResponse response = {.content_type = kJson};
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString(ToResponse(batch, *intake), &response.body,
                                                   options)
           .ok()) {
    return Plain(500, "The answer could not be written.");
  }
  response.body += "\n";
  return response;
}

HttpResponse HttpDoor::Stream(const HttpRequest& request) {
  if (request.method != "POST") return NotAllowed("POST");
  if (!HasType(request, kJson) && !HasType(request, "application/cloudevents-batch+json") &&
      !HasType(request, "application/cloudevents+json")) {
    return Refuse(Door::kStream, {.http_status = 415,
                                  .reason = "TYPE_INVALID",
                                  .message = "The Content-Type must be application/json."});
  }
  std::variant<std::vector<StreamItem>, Refusal> read = StreamEvents(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    return Refuse(Door::kStream,
                  {.http_status = 400, .reason = refusal->reason, .message = refusal->message});
  }
  auto& items = std::get<std::vector<StreamItem>>(read);
  const std::shared_ptr<const HttpSettings> settings = this->settings();
  const StreamSender sender =
      CheckStreamRequest(settings->accounts, settings->public_url, request, AccountsNamed(items));
  if (sender.problem.has_value()) return Refuse(Door::kStream, *sender.problem);

  std::vector<Event> events;
  std::vector<size_t> places;  // of the events in the batch
  std::vector<RejectedEvent> rejected;
  int skipped = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    StreamItem& item = items[i];
    if (!item.refusal.has_value() &&
        !MayTellOf(settings->accounts, sender, item.event.account_sid, item.master_account_sid)) {
      item.refusal = Refusal{.reason = "ACCOUNT_MISMATCH",
                             .field = "data.account_sid",
                             .message = "the event is of another account than its sender"};
    }
    if (item.refusal.has_value()) {
      rejected.push_back({.index = i,
                          .event_id = std::move(item.event.event_id),
                          .refusal = *std::move(item.refusal)});
    } else if (item.is_info) {
      ++skipped;
    } else {
      events.push_back(std::move(item.event));
      places.push_back(i);
    }
  }
  const absl::StatusOr<Intake> intake = ingest_.Take(std::move(events), Door::kStream, absl::Now());
  if (!intake.ok()) return Busy(Door::kStream, intake.status());
  for (const RejectedEvent& event : rejected) ingest_.Reject(event, Door::kStream);
  for (int i = 0; i < skipped; ++i) ingest_.Skip(Door::kStream);
  for (const RejectedEvent& event : intake->rejected) {
    rejected.push_back(event);
    rejected.back().index = places[event.index];
  }
  return {.content_type = kJson, .body = StreamAnswer(*intake, rejected, skipped)};
}

}  // namespace understudy::notifier
