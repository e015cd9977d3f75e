#include "services/router/routes/resource_json.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/twilio/json_writer.h"
#include "services/router/routes/rest_target.h"

namespace understudy::router {
namespace {

using twilio::JsonWriter;

// "voice_url" and so on, or "sms_url".
void WriteHandler(absl::string_view kind, const HandlerFields& handler, JsonWriter& json) {
  json.Text(absl::StrCat(kind, "_url"), handler.url);
  json.Text(absl::StrCat(kind, "_method"), handler.method);
  json.Text(absl::StrCat(kind, "_fallback_url"), handler.fallback_url);
  json.Text(absl::StrCat(kind, "_fallback_method"), handler.fallback_method);
}

void WriteLink(absl::string_view key, const PageLinks& links, int64_t page,
               const std::string& token, JsonWriter& json) {
  json.Text(key,
            twilio::PageTarget(links.path, links.query,
                               {.page_size = links.page.page_size, .page = page, .token = token}));
}

// A link that is there if a token is.
void WriteLinkOrNull(absl::string_view key, const PageLinks& links, int64_t page,
                     const std::string& token, JsonWriter& json) {
  if (token.empty()) {
    json.TextOrNull(key, "");
  } else {
    WriteLink(key, links, page, token, json);
  }
}

}  // namespace

std::string NumberJson(const IncomingPhoneNumber& number) {
  const NumberCapabilities capabilities;
  JsonWriter json;
  json.BeginObject();
  json.Text("sid", number.sid);
  json.Text("account_sid", number.account_sid);
  json.Text("phone_number", number.phone_number);
  json.Text("friendly_name", number.friendly_name);
  json.Text("api_version", number.api_version);
  json.Text("type", number.type);
  json.Text("origin", kNumberOrigin);
  json.Flag("beta", kNumberBeta);
  json.Text("status", kNumberStatus);
  json.Key("capabilities");
  json.BeginObject();
  json.Flag("voice", capabilities.voice);
  json.Flag("sms", capabilities.sms);
  json.Flag("mms", capabilities.mms);
  json.Flag("fax", capabilities.fax);
  json.EndObject();
  json.Text("address_requirements", kNumberAddressRequirements);
  WriteHandler("voice", number.voice, json);
  json.Text("voice_application_sid", number.voice_application_sid);
  json.Flag("voice_caller_id_lookup", number.voice_caller_id_lookup);
  json.Text("voice_receive_mode", number.voice_receive_mode);
  json.TextOrNull("trunk_sid", number.trunk_sid);
  WriteHandler("sms", number.sms, json);
  json.Text("sms_application_sid", number.sms_application_sid);
  json.Text("status_callback", number.status_callback);
  json.Text("status_callback_method", number.status_callback_method);
  json.Text("emergency_status", number.emergency_status);
  json.TextOrNull("emergency_address_sid", number.emergency_address_sid);
  json.Text("emergency_address_status", kNumberEmergencyAddressStatus);
  json.TextOrNull("address_sid", number.address_sid);
  json.TextOrNull("identity_sid", number.identity_sid);
  json.TextOrNull("bundle_sid", number.bundle_sid);
  json.Text("date_created", twilio::Rfc2822Date(number.date_created));
  json.Text("date_updated", twilio::Rfc2822Date(number.date_updated));
  json.Text("uri", NumberPath(number.account_sid, number.sid));
  json.EndObject();
  return json.Take();
}

std::string ApplicationJson(const Application& application) {
  JsonWriter json;
  json.BeginObject();
  json.Text("sid", application.sid);
  json.Text("account_sid", application.account_sid);
  json.Text("friendly_name", application.friendly_name);
  json.Text("api_version", application.api_version);
  WriteHandler("voice", application.voice, json);
  json.Flag("voice_caller_id_lookup", application.voice_caller_id_lookup);
  WriteHandler("sms", application.sms, json);
  json.Text("sms_status_callback", application.sms_status_callback);
  json.Text("message_status_callback", application.message_status_callback);
  json.Text("status_callback", application.status_callback);
  json.Text("status_callback_method", application.status_callback_method);
  json.Flag("public_application_connect_enabled", application.public_application_connect_enabled);
  json.Text("date_created", twilio::Rfc2822Date(application.date_created));
  json.Text("date_updated", twilio::Rfc2822Date(application.date_updated));
  json.Text("uri", ApplicationPath(application.account_sid, application.sid));
  json.EndObject();
  return json.Take();
}

std::string PageJson(absl::string_view key, const std::vector<std::string>& items,
                     const PageLinks& links) {
  const int64_t page = links.page.page;
  const auto count = static_cast<int64_t>(items.size());
  const int64_t start = count == 0 ? 0 : page * links.page.page_size;
  JsonWriter json;
  json.BeginObject();
  json.Number("page", page);
  json.Number("page_size", links.page.page_size);
  json.Number("start", start);
  json.Number("end", std::max<int64_t>(start + count - 1, 0));
  WriteLink("uri", links, page, links.page.token, json);
  WriteLink("first_page_uri", links, 0, {}, json);
  WriteLinkOrNull("next_page_uri", links, page + 1, links.next_token, json);
  WriteLinkOrNull("previous_page_uri", links, std::max<int64_t>(page - 1, 0), links.previous_token,
                  json);
  json.Key(key);
  json.BeginArray();
  for (const std::string& item : items) json.Json(item);
  json.EndArray();
  json.EndObject();
  return json.Take();
}

}  // namespace understudy::router
