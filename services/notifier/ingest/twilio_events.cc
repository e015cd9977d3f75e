#include "services/notifier/ingest/twilio_events.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/kept_form.h"

namespace understudy::notifier {
namespace {

using nlohmann::json;

// Of a payload's objects within each other; deeper ones tell nothing we read.
constexpr int kMaxPayloadDepth = 32;
constexpr char kStreamEventType[] = "com.twilio.error-logs.error.logged";
// Of what tells a sender's events apart, within our event_id.
constexpr size_t kMaxNameBytes = 64;

std::string Find(const twilio::Form& form, absl::string_view name) {
  const std::string* value = twilio::FindParameter(form, name);
  return value == nullptr ? std::string() : *value;
}

// The first of `names` that has a value.
std::string FindAny(const twilio::Form& form, std::initializer_list<absl::string_view> names) {
  for (const absl::string_view name : names) {
    std::string value = Find(form, name);
    if (!value.empty()) return value;
  }
  return {};
}

int CodeOf(absl::string_view text) {
  int code = 0;
  return absl::SimpleAtoi(text, &code) && code > 0 ? code : 0;
}

// 128 bits of SHA-256, in hexadecimal digits.
std::string Digest(absl::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash = {};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(hash.data()), 16));
}

// `text`, or its digest where it does not fit into an event_id of ours: whatever a stranger calls
// its event, the event is no worse for it.
std::string ForEventId(absl::string_view text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  return is_plain && text.size() <= kMaxNameBytes ? std::string(text) : Digest(text);
}

// Null if nothing is there.
const json* NodeAt(const json& root, std::initializer_list<const char*> path) {
  const json* node = &root;
  for (const char* name : path) {
    if (!node->is_object()) return nullptr;
    const auto child = node->find(name);
    if (child == node->end()) return nullptr;
    node = &*child;
  }
  return node;
}

// A value anywhere in `root`, as text; "" if it is not there, or no text or number.
std::string TextAt(const json& root, std::initializer_list<const char*> path) {
  const json* const node = NodeAt(root, path);
  if (node == nullptr) return {};
  if (node->is_string()) return node->get<std::string>();
  if (node->is_number_integer()) return absl::StrCat(node->get<int64_t>());
  return {};
}

// The texts and numbers of an object anywhere in `root`, by name.
twilio::Form FormAt(const json& root, std::initializer_list<const char*> path) {
  twilio::Form form;
  const json* const node = NodeAt(root, path);
  if (node == nullptr || !node->is_object()) return form;
  for (const auto& [name, value] : node->items()) {
    form.push_back({.name = name, .value = TextAt(value, {})});
  }
  return form;
}

Method MethodOf(absl::string_view name) {
  if (absl::EqualsIgnoreCase(name, "GET")) return Method::kGet;
  if (absl::EqualsIgnoreCase(name, "POST")) return Method::kPost;
  return Method::kUnspecified;
}

std::string FirstTextAt(const json& root,
                        std::initializer_list<std::initializer_list<const char*>> paths) {
  for (const auto& path : paths) {
    std::string text = TextAt(root, path);
    if (!text.empty()) return text;
  }
  return {};
}

// Discarded if `text` is no JSON.
json ParseJson(const std::string& text) {
  const json::parser_callback_t is_shallow = [](int depth, json::parse_event_t, json&) {
    return depth <= kMaxPayloadDepth;
  };
  return json::parse(text, is_shallow, /*allow_exceptions=*/false);
}

json ParsePayload(const std::string& text) {
  json payload = ParseJson(text);
  return payload.is_object() ? payload : json();
}

Kind KindOfResource(const json& payload, absl::string_view resource_sid) {
  const bool is_message = absl::StartsWith(resource_sid, "SM") ||
                          absl::StartsWith(resource_sid, "MM") ||
                          TextAt(payload, {"more_info", "sourceComponent"}) == "14100";
  return is_message ? Kind::kMessaging : Kind::kVoice;
}

// What a payload tells of the request that failed.
void ReadExchange(const json& payload, Event& event) {
  event.error_url = FirstTextAt(payload, {{"more_info", "url"}, {"webhook", "request", "url"}});
  event.phone_number = TextAt(payload, {"webhook", "request", "parameters", "To"});
  event.http_status = CodeOf(FirstTextAt(
      payload, {{"webhook", "response", "status_code"}, {"more_info", "httpResponse"}}));
  event.detail = FirstTextAt(
      payload, {{"more_info", "msg"}, {"more_info", "Msg"}, {"more_info", "parserMessage"}});
  event.response_excerpt = TextAt(payload, {"webhook", "response", "body"});
  event.request_method = MethodOf(TextAt(payload, {"webhook", "request", "method"}));
  event.parameters = FormAt(payload, {"webhook", "request", "parameters"});
  event.request_headers = FormAt(payload, {"webhook", "request", "headers"});
  event.response_headers = FormAt(payload, {"webhook", "response", "headers"});
}

void SetLevel(absl::string_view level, Event& event) {
  if (!absl::EqualsIgnoreCase(level, "warning")) return;
  event.level = Level::kWarning;
  event.outcome = Outcome::kWarning;
}

absl::Time DateOf(absl::string_view text) {
  absl::Time date;
  return absl::ParseTime(absl::RFC3339_full, text, &date, nullptr) ? date : absl::Time();
}

StreamItem ReadStreamItem(const json& cloud_event) {
  StreamItem item;
  if (TextAt(cloud_event, {"type"}) != kStreamEventType) {
    item.refusal = Refusal{.reason = "EVENT_TYPE_UNKNOWN",
                           .field = "type",
                           .message = absl::StrCat("type is not ", kStreamEventType)};
    return item;
  }
  const std::string sid = FirstTextAt(cloud_event, {{"data", "sid"}, {"id"}});
  if (sid.empty()) {
    item.refusal = Refusal{
        .reason = "SID_REQUIRED", .field = "data.sid", .message = "sid is missing or empty"};
    return item;
  }
  const std::string level = TextAt(cloud_event, {"data", "level"});
  item.is_info = absl::EqualsIgnoreCase(level, "info");
  item.master_account_sid = TextAt(cloud_event, {"data", "master_account_sid"});
  Event& event = item.event;
  event.event_id = absl::StrCat(kTwilioEventPrefix, ForEventId(sid));
  event.occurred_at = DateOf(FirstTextAt(cloud_event, {{"data", "date_created"}, {"time"}}));
  event.account_sid = TextAt(cloud_event, {"data", "account_sid"});
  event.resource_sid = TextAt(cloud_event, {"data", "correlation_sid"});
  SetLevel(level, event);
  // JSON in a string; where it is not, it is still what there is to say.
  const std::string text = TextAt(cloud_event, {"data", "payload"});
  const json payload = ParsePayload(text);
  event.kind = KindOfResource(payload, event.resource_sid);
  if (absl::StrContains(TextAt(cloud_event, {"data", "product_name"}), "Messaging")) {
    event.kind = Kind::kMessaging;
  }
  ReadExchange(payload, event);
  if (payload.is_null()) event.detail = text;
  event.error_code = CodeOf(FirstTextAt(cloud_event, {{"data", "error_code"}}));
  if (event.error_code == 0) {
    event.error_code = CodeOf(FirstTextAt(payload, {{"error_code"}, {"more_info", "ErrorCode"}}));
  }
  return item;
}

}  // namespace

std::optional<Kind> KindOf(const twilio::Form& parameters) {
  if (!FindAny(parameters, {"MessageSid", "SmsSid", "SmsMessageSid"}).empty()) {
    return Kind::kMessaging;
  }
  if (!Find(parameters, "CallSid").empty()) return Kind::kVoice;
  return std::nullopt;
}

std::optional<Event> FallbackEvent(const twilio::Form& parameters, Kind kind,
                                   absl::string_view idempotency_token, absl::Time now) {
  Event event = {.occurred_at = now,
                 .account_sid = Find(parameters, "AccountSid"),
                 .kind = kind,
                 .phone_number = FindAny(parameters, {"To", "Called"}),
                 .error_url = Find(parameters, "ErrorUrl"),
                 .target = Target::kPrimary,
                 // Whoever executes our answer has a document.
                 .outcome = Outcome::kFallbackAnswered,
                 .parameters = twilio::KeptParameters(parameters)};
  const std::string code = Find(parameters, "ErrorCode");
  if (code.empty() || event.error_url.empty()) return std::nullopt;
  event.error_code = CodeOf(code);
  event.resource_sid = kind == Kind::kVoice
                           ? Find(parameters, "CallSid")
                           : FindAny(parameters, {"MessageSid", "SmsSid", "SmsMessageSid"});
  event.detail = absl::StrCat("the platform asked for the fallback's document; from ",
                              FindAny(parameters, {"From", "Caller"}));
  const std::string what =
      idempotency_token.empty()
          ? absl::StrCat(Digest(twilio::EncodeForm(parameters)), "-",
                         absl::ToUnixSeconds(now) / absl::ToInt64Seconds(kSameRequestTime))
          : ForEventId(idempotency_token);
  event.event_id = absl::StrCat("fallback-", event.account_sid, "-", what);
  return event;
}

std::variant<Event, Refusal> DebuggerEvent(const twilio::Form& parameters) {
  Event event = {.account_sid = Find(parameters, "AccountSid")};
  const std::string sid = Find(parameters, "Sid");
  if (sid.empty()) {
    return Refusal{.reason = "SID_REQUIRED", .field = "Sid", .message = "Sid is missing or empty"};
  }
  event.event_id = absl::StrCat(kTwilioEventPrefix, ForEventId(sid));
  SetLevel(Find(parameters, "Level"), event);
  event.occurred_at = DateOf(Find(parameters, "Timestamp"));
  const json payload = ParsePayload(Find(parameters, "Payload"));
  if (payload.is_null()) {
    return Refusal{
        .reason = "PAYLOAD_INVALID", .field = "Payload", .message = "Payload is not a JSON object"};
  }
  event.error_code = CodeOf(FirstTextAt(payload, {{"error_code"}, {"more_info", "ErrorCode"}}));
  event.resource_sid = TextAt(payload, {"resource_sid"});
  event.kind = KindOfResource(payload, event.resource_sid);
  ReadExchange(payload, event);
  return event;
}

std::variant<std::vector<StreamItem>, Refusal> StreamEvents(const std::string& body) {
  const json batch = ParseJson(body);
  std::vector<StreamItem> items;
  if (batch.is_object()) {
    items.push_back(ReadStreamItem(batch));
    return items;
  }
  if (!batch.is_array()) {
    return Refusal{.reason = "JSON_INVALID",
                   .message = "The body is no JSON array of CloudEvents, and no CloudEvent."};
  }
  if (batch.empty() || batch.size() > kMaxStreamEvents) {
    return Refusal{.reason = "BATCH_SIZE_INVALID",
                   .message = absl::StrCat("The batch has ", batch.size(), " events; 1 to ",
                                           kMaxStreamEvents, " are allowed.")};
  }
  items.reserve(batch.size());
  for (const json& cloud_event : batch) items.push_back(ReadStreamItem(cloud_event));
  return items;
}

}  // namespace understudy::notifier
