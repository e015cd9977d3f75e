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

json ParsePayload(const std::string& text) {
  const json::parser_callback_t is_shallow = [](int depth, json::parse_event_t, json&) {
    return depth <= kMaxPayloadDepth;
  };
  json payload = json::parse(text, is_shallow, /*allow_exceptions=*/false);
  return payload.is_object() ? payload : json();
}

Kind KindOfResource(const json& payload, absl::string_view resource_sid) {
  const bool is_message = absl::StartsWith(resource_sid, "SM") ||
                          absl::StartsWith(resource_sid, "MM") ||
                          TextAt(payload, {"more_info", "sourceComponent"}) == "14100";
  return is_message ? Kind::kMessaging : Kind::kVoice;
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
  event.event_id = absl::StrCat("debugger-", ForEventId(sid));
  if (absl::EqualsIgnoreCase(Find(parameters, "Level"), "warning")) {
    event.level = Level::kWarning;
    event.outcome = Outcome::kWarning;
  }
  absl::Time occurred_at;
  if (absl::ParseTime(absl::RFC3339_full, Find(parameters, "Timestamp"), &occurred_at, nullptr)) {
    event.occurred_at = occurred_at;
  }
  const json payload = ParsePayload(Find(parameters, "Payload"));
  if (payload.is_null()) {
    return Refusal{
        .reason = "PAYLOAD_INVALID", .field = "Payload", .message = "Payload is not a JSON object"};
  }
  event.error_code = CodeOf(FirstTextAt(payload, {{"error_code"}, {"more_info", "ErrorCode"}}));
  event.resource_sid = TextAt(payload, {"resource_sid"});
  event.kind = KindOfResource(payload, event.resource_sid);
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
  return event;
}

}  // namespace understudy::notifier
