#include "services/notifier/rest/alert_resource.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/json_writer.h"
#include "services/notifier/ingest/twilio_events.h"

namespace understudy::notifier {
namespace {

using twilio::JsonWriter;
using twilio::MakeRestError;
using twilio::RestError;

constexpr char kApiVersion[] = "2010-04-01";
constexpr absl::string_view kSidPrefix = "NO";
constexpr size_t kSidDigits = 32;

uint64_t HashOf(absl::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash = {};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) number = number << 8 | hash[i];
  return number;
}

// What the row is mixed with, so that sids tell nothing of how many events there are.
uint64_t MaskOf(uint64_t digest) {
  return HashOf(absl::StrCat("row ", digest));
}

uint64_t HexNumber(absl::string_view digits) {
  uint64_t number = 0;
  for (const char c : digits) {
    number = number << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return number;
}

const char* LevelName(Level level) {
  return level == Level::kWarning ? "warning" : "error";
}

const char* MethodName(Method method) {
  switch (method) {
    case Method::kUnspecified:
      break;
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
  }
  return "";
}

// As Twilio writes it, but that a blank is %20: whoever takes it apart need not know of forms.
std::string AlertText(const Event& event) {
  twilio::Form text = {{"Msg", event.detail}};
  if (event.error_code != 0) text.push_back({"ErrorCode", absl::StrCat(event.error_code)});
  if (event.http_status != 0) text.push_back({"httpResponse", absl::StrCat(event.http_status)});
  if (!event.error_url.empty()) text.push_back({"url", event.error_url});
  text.push_back({"LogLevel", absl::AsciiStrToUpper(LevelName(event.level))});
  return absl::StrReplaceAll(twilio::EncodeForm(text), {{"+", "%20"}});
}

void WriteItem(const StoredEvent& stored, absl::string_view base_url, JsonWriter& json) {
  const Event& event = stored.event;
  const std::string sid = AlertSid(stored);
  const std::string occurred_at = twilio::Iso8601Date(event.occurred_at);
  json.Text("sid", sid);
  json.Text("account_sid", event.account_sid);
  json.Text("alert_text", AlertText(event));
  json.Text("api_version", kApiVersion);
  json.Text("date_created", occurred_at);
  json.Text("date_generated", occurred_at);
  json.Text("date_updated", twilio::Iso8601Date(event.received_at));
  json.TextOrNull("error_code", event.error_code == 0 ? "" : absl::StrCat(event.error_code));
  json.Text("log_level", LevelName(event.level));
  json.TextOrNull("more_info", twilio::ErrorCodePage(event.error_code));
  json.TextOrNull("request_method", MethodName(event.request_method));
  json.TextOrNull("request_url", event.error_url);
  json.TextOrNull("resource_sid", event.resource_sid);
  json.TextOrNull("service_sid", "");
  json.Text("url", absl::StrCat(base_url, kAlertsPath, "/", sid));
}

std::string LinkTo(const AlertLinks& links, int64_t page, std::string token) {
  return absl::StrCat(links.base_url, twilio::PageTarget(kAlertsPath, links.query,
                                                         {.page_size = links.page.page_size,
                                                          .page = page,
                                                          .token = std::move(token)}));
}

void WriteLink(const char* key, const AlertLinks& links, int64_t page, const std::string& token,
               JsonWriter& json) {
  json.TextOrNull(key, token.empty() ? "" : LinkTo(links, page, token));
}

// From the beginning of the day or second that `text` names to its end.
struct Span {
  absl::Time start = {};
  absl::Time end = {};
};
std::optional<Span> ReadDate(const std::string& text) {
  absl::Time time;
  // ParseTime knows "infinite-future", too.
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    return std::nullopt;
  }
  if (absl::ParseTime("%E4Y-%m-%d", text, absl::UTCTimeZone(), &time, nullptr)) {
    return Span{.start = time, .end = time + absl::Hours(24)};
  }
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return std::nullopt;
  time = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  return Span{.start = time, .end = time + absl::Seconds(1)};
}

RestError BadDate(absl::string_view name) {
  return MakeRestError(
      20422, absl::StrCat(name, " must be a date like 2024-01-31 or 2024-01-31T12:00:00Z."));
}

}  // namespace

std::string AlertSid(const StoredEvent& stored) {
  absl::string_view sid = stored.event.event_id;
  if (absl::ConsumePrefix(&sid, kTwilioEventPrefix) && IsAlertSid(sid)) return std::string(sid);
  const uint64_t digest =
      HashOf(absl::StrCat(stored.event.account_sid, " ", stored.event.event_id));
  return absl::StrCat(
      kSidPrefix, absl::Hex(digest, absl::kZeroPad16),
      absl::Hex(static_cast<uint64_t>(stored.row) ^ MaskOf(digest), absl::kZeroPad16));
}

bool IsAlertSid(absl::string_view text) {
  return absl::ConsumePrefix(&text, kSidPrefix) && text.size() == kSidDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

std::string TwilioEventId(absl::string_view alert_sid) {
  return absl::StrCat(kTwilioEventPrefix, alert_sid);
}

int64_t AlertRow(absl::string_view alert_sid) {
  const absl::string_view digits = alert_sid.substr(kSidPrefix.size());
  const uint64_t mask = MaskOf(HexNumber(digits.substr(0, kSidDigits / 2)));
  return static_cast<int64_t>(HexNumber(digits.substr(kSidDigits / 2)) ^ mask);
}

std::string AlertItemJson(const StoredEvent& stored, absl::string_view base_url) {
  JsonWriter json;
  json.BeginObject();
  WriteItem(stored, base_url, json);
  json.EndObject();
  return json.Take();
}

std::string AlertInstanceJson(const StoredEvent& stored, absl::string_view base_url) {
  const Event& event = stored.event;
  JsonWriter json;
  json.BeginObject();
  WriteItem(stored, base_url, json);
  json.Text("request_variables", twilio::EncodeForm(event.parameters));
  json.Text("request_headers", twilio::EncodeForm(event.request_headers));
  json.Text("response_headers", twilio::EncodeForm(event.response_headers));
  json.Text("response_body", event.response_excerpt);
  json.EndObject();
  return json.Take();
}

std::string AlertPageJson(const std::vector<StoredEvent>& alerts, const AlertLinks& links) {
  const int64_t page = links.page.page;
  JsonWriter json;
  json.BeginObject();
  json.Key("alerts");
  json.BeginArray();
  for (const StoredEvent& alert : alerts) json.Json(AlertItemJson(alert, links.base_url));
  json.EndArray();
  json.Key("meta");
  json.BeginObject();
  json.Text("first_page_url", LinkTo(links, 0, {}));
  json.Text("key", "alerts");
  WriteLink("next_page_url", links, page + 1, links.next_token, json);
  json.Number("page", page);
  json.Number("page_size", links.page.page_size);
  WriteLink("previous_page_url", links, std::max<int64_t>(page - 1, 0), links.previous_token, json);
  json.Text("url", LinkTo(links, page, links.page.token));
  json.EndObject();
  json.EndObject();
  return json.Take();
}

std::variant<AlertQuery, RestError> ReadAlertQuery(const twilio::Form& query) {
  AlertQuery asked;
  if (const std::string* level = twilio::FindParameter(query, "LogLevel")) {
    if (absl::EqualsIgnoreCase(*level, "error")) {
      asked.level = Level::kError;
    } else if (absl::EqualsIgnoreCase(*level, "warning")) {
      asked.level = Level::kWarning;
    } else if (absl::EqualsIgnoreCase(*level, "notice") ||
               absl::EqualsIgnoreCase(*level, "debug")) {
      asked.matches_none = true;
    } else {
      return MakeRestError(20422, "LogLevel must be error, warning, notice or debug.");
    }
  }
  if (const std::string* date = twilio::FindParameter(query, "StartDate")) {
    const std::optional<Span> span = ReadDate(*date);
    if (!span.has_value()) return BadDate("StartDate");
    asked.start = span->start;
  }
  if (const std::string* date = twilio::FindParameter(query, "EndDate")) {
    const std::optional<Span> span = ReadDate(*date);
    if (!span.has_value()) return BadDate("EndDate");
    asked.end = span->end;
  }
  return asked;
}

}  // namespace understudy::notifier
