#include "services/router/routes/number_resource.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/twilio/charset.h"
#include "common/twilio/identifiers.h"
#include "common/twilio/url.h"
#include "services/router/resolve/request.h"

namespace understudy::router {
namespace {

constexpr int kInvalidUrl = 21402;
constexpr int kInvalidMethod = 21403;
constexpr int kVoiceFallbackAlone = 21405;
constexpr int kSmsFallbackAlone = 21406;
constexpr int kInvalidApplicationSid = 21218;
constexpr int kInvalidSid = 20423;
constexpr int kInvalidParameter = 20422;
constexpr int kInvalidPhoneNumber = 21421;
constexpr int kInvalidAreaCode = 21451;
constexpr int kNoNumberInAreaCode = 21452;
constexpr int kTypeDoesNotFit = 21458;
constexpr int kInvalidAccountSid = 21470;
constexpr int kNoSuchAccount = 21471;

constexpr absl::string_view kTollFree = "toll-free";
// Behind +1. Source: North American Numbering Plan Administrator.
constexpr absl::string_view kTollFreeCodes[] = {"800", "822", "833", "844",
                                                "855", "866", "877", "888"};

// What may be a field's value.
enum class Domain : uint8_t {
  kFixed,        // nothing that ApplyChanges sets
  kName,         // some characters
  kWord,         // one of the words of `detail`, "a|b": the first is what cleared means
  kFlag,         // "true", "false"
  kTarget,       // what may answer: a URL or a bin
  kUrl,          // a URL
  kMethod,       // "GET", "POST"
  kSid,          // one that begins with `detail`
  kApplication,  // an application's sid
  kAccount,      // an account's
};

template <typename Resource>
struct Field {
  absl::string_view name = {};
  absl::string_view parameter = {};
  Domain domain = Domain::kFixed;
  absl::string_view detail = {};
  // Which member it is: one of these, or `part` of a handler.
  std::string Resource::*text = nullptr;
  bool Resource::*flag = nullptr;
  HandlerFields Resource::*handler = nullptr;
  std::string HandlerFields::*part = nullptr;
};

// REQUIRES: the field is a text.
template <typename Resource>
const std::string& TextOf(const Field<Resource>& field, const Resource& resource) {
  return field.handler != nullptr ? resource.*field.handler.*field.part : resource.*field.text;
}
template <typename Resource>
std::string& TextOf(const Field<Resource>& field, Resource& resource) {
  return field.handler != nullptr ? resource.*field.handler.*field.part : resource.*field.text;
}

template <typename Resource>
Field<Resource> Flag(absl::string_view name, absl::string_view parameter, bool Resource::*flag) {
  return {.name = name, .parameter = parameter, .domain = Domain::kFlag, .flag = flag};
}

// The four fields of a handler. `names` are pairs of a name and a parameter.
template <typename Resource>
void AddHandler(const absl::string_view (&names)[8], HandlerFields Resource::*handler,
                std::vector<Field<Resource>>& fields) {
  const auto add = [&](size_t i, Domain domain, std::string HandlerFields::*part) {
    fields.push_back({.name = names[2 * i],
                      .parameter = names[2 * i + 1],
                      .domain = domain,
                      .handler = handler,
                      .part = part});
  };
  add(0, Domain::kTarget, &HandlerFields::url);
  add(1, Domain::kMethod, &HandlerFields::method);
  add(2, Domain::kTarget, &HandlerFields::fallback_url);
  add(3, Domain::kMethod, &HandlerFields::fallback_method);
}

constexpr absl::string_view kVoiceNames[] = {
    "voice_url",          "VoiceUrl",         "voice_method",          "VoiceMethod",
    "voice_fallback_url", "VoiceFallbackUrl", "voice_fallback_method", "VoiceFallbackMethod"};
constexpr absl::string_view kSmsNames[] = {
    "sms_url",          "SmsUrl",         "sms_method",          "SmsMethod",
    "sms_fallback_url", "SmsFallbackUrl", "sms_fallback_method", "SmsFallbackMethod"};

template <typename Resource>
class Fields {
 public:
  explicit Fields(std::vector<Field<Resource>> fields) : fields_(std::move(fields)) {
    for (const Field<Resource>& field : fields_) {
      by_name_[field.name] = &field;
      by_name_[field.parameter] = &field;
    }
  }

  const std::vector<Field<Resource>>& all() const { return fields_; }
  const Field<Resource>* Find(absl::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  const std::vector<Field<Resource>> fields_;
  absl::flat_hash_map<absl::string_view, const Field<Resource>*> by_name_;
};

const Fields<IncomingPhoneNumber>& FieldsOf(const IncomingPhoneNumber&) {
  using Number = IncomingPhoneNumber;
  static const auto* const fields = [] {
    std::vector<Field<Number>> all = {
        {"phone_number", "PhoneNumber", Domain::kFixed, "", &Number::phone_number},
        {"sid", "Sid", Domain::kFixed, "", &Number::sid},
        {"account_sid", "AccountSid", Domain::kAccount, "", &Number::account_sid},
        {"friendly_name", "FriendlyName", Domain::kName, "", &Number::friendly_name},
        {"type", "Type", Domain::kFixed, "", &Number::type},
        {"api_version", "ApiVersion", Domain::kWord, "2010-04-01", &Number::api_version},
    };
    AddHandler(kVoiceNames, &Number::voice, all);
    all.insert(all.end(), {{"voice_application_sid", "VoiceApplicationSid", Domain::kApplication,
                            "", &Number::voice_application_sid},
                           {"trunk_sid", "TrunkSid", Domain::kSid, "TK", &Number::trunk_sid},
                           Flag("voice_caller_id_lookup", "VoiceCallerIdLookup",
                                &Number::voice_caller_id_lookup),
                           {"voice_receive_mode", "VoiceReceiveMode", Domain::kWord, "voice|fax",
                            &Number::voice_receive_mode}});
    AddHandler(kSmsNames, &Number::sms, all);
    all.insert(all.end(),
               {{"sms_application_sid", "SmsApplicationSid", Domain::kApplication, "",
                 &Number::sms_application_sid},
                {"status_callback", "StatusCallback", Domain::kUrl, "", &Number::status_callback},
                {"status_callback_method", "StatusCallbackMethod", Domain::kMethod, "",
                 &Number::status_callback_method},
                {"emergency_status", "EmergencyStatus", Domain::kWord, "Inactive|Active",
                 &Number::emergency_status},
                {"emergency_address_sid", "EmergencyAddressSid", Domain::kSid, "AD",
                 &Number::emergency_address_sid},
                {"address_sid", "AddressSid", Domain::kSid, "AD", &Number::address_sid},
                {"identity_sid", "IdentitySid", Domain::kSid, "RI", &Number::identity_sid},
                {"bundle_sid", "BundleSid", Domain::kSid, "BU", &Number::bundle_sid},
                {.name = "date_created", .parameter = "DateCreated"},
                {.name = "date_updated", .parameter = "DateUpdated"}});
    return new Fields<Number>(std::move(all));
  }();
  return *fields;
}

const Fields<Application>& FieldsOf(const Application&) {
  static const auto* const fields = [] {
    std::vector<Field<Application>> all = {
        {"friendly_name", "FriendlyName", Domain::kName, "", &Application::friendly_name},
        {"api_version", "ApiVersion", Domain::kWord, "2010-04-01", &Application::api_version},
    };
    AddHandler(kVoiceNames, &Application::voice, all);
    all.push_back(Flag("voice_caller_id_lookup", "VoiceCallerIdLookup",
                       &Application::voice_caller_id_lookup));
    AddHandler(kSmsNames, &Application::sms, all);
    all.insert(
        all.end(),
        {{"status_callback", "StatusCallback", Domain::kUrl, "", &Application::status_callback},
         {"status_callback_method", "StatusCallbackMethod", Domain::kMethod, "",
          &Application::status_callback_method},
         {"sms_status_callback", "SmsStatusCallback", Domain::kUrl, "",
          &Application::sms_status_callback},
         {"message_status_callback", "MessageStatusCallback", Domain::kUrl, "",
          &Application::message_status_callback},
         Flag("public_application_connect_enabled", "PublicApplicationConnectEnabled",
              &Application::public_application_connect_enabled)});
    return new Fields<Application>(std::move(all));
  }();
  return *fields;
}

// What is wrong with a value; code 0 if nothing.
struct Objection {
  int code = 0;
  std::string why = {};  // behind the parameter's name
};

Objection CheckName(absl::string_view value) {
  size_t characters = 0;
  for (const char c : value) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return {kInvalidParameter, "has a control character"};
    }
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++characters;
  }
  if (characters <= kMaxFriendlyNameCharacters) return {};
  return {kInvalidParameter, absl::StrCat("has ", characters, " characters; the limit is ",
                                          kMaxFriendlyNameCharacters)};
}

Objection CheckTarget(absl::string_view value, const References& references) {
  if (const std::optional<absl::string_view> bin = BinName(value)) {
    if (!references.has_bin || references.has_bin(*bin)) return {};
    return {kInvalidUrl, absl::StrCat("names a bin that is not configured here: ", *bin)};
  }
  const absl::Status status = CheckEndpointUrl(value);
  return status.ok() ? Objection{}
                     : Objection{kInvalidUrl, absl::StrCat("is no good: ", status.message())};
}

Objection CheckUrl(absl::string_view value) {
  const absl::Status status = twilio::ParseUrl(value).status();
  return status.ok() ? Objection{}
                     : Objection{kInvalidUrl, absl::StrCat("is no good: ", status.message())};
}

Objection CheckSid(absl::string_view value, absl::string_view prefix, int code) {
  if (twilio::IsSid(value, prefix)) return {};
  return {code, absl::StrCat("is not ", prefix, " and 32 lower-case hexadecimal digits")};
}

Objection CheckAccount(absl::string_view value, const References& references) {
  if (Objection no = CheckSid(value, "AC", kInvalidAccountSid); no.code != 0) return no;
  if (!references.has_account || references.has_account(value)) return {};
  return {kNoSuchAccount, "is not an account that is configured here"};
}

// Sets a field that is a text.
Objection SetText(Domain domain, absl::string_view detail, const std::string& value,
                  const References& references, std::string& out) {
  Objection no;
  std::string set = value;
  switch (domain) {
    case Domain::kFixed:
    case Domain::kFlag:
      return {};
    case Domain::kName:
      no = CheckName(value);
      break;
    case Domain::kWord: {
      const std::vector<absl::string_view> words = absl::StrSplit(detail, '|');
      if (value.empty()) {
        set = std::string(words.front());
      } else if (std::find(words.begin(), words.end(), value) == words.end()) {
        no = {kInvalidParameter,
              absl::StrCat("must be ", absl::StrReplaceAll(detail, {{"|", " or "}}))};
      }
      break;
    }
    case Domain::kTarget:
      if (!value.empty()) no = CheckTarget(value, references);
      break;
    case Domain::kUrl:
      if (!value.empty()) no = CheckUrl(value);
      break;
    case Domain::kMethod:
      set = value.empty() ? "POST" : absl::AsciiStrToUpper(value);
      if (set != "GET" && set != "POST") no = {kInvalidMethod, "must be GET or POST"};
      break;
    case Domain::kSid:
      if (!value.empty()) no = CheckSid(value, detail, kInvalidSid);
      break;
    case Domain::kApplication:
      if (!value.empty()) no = CheckSid(value, "AP", kInvalidApplicationSid);
      break;
    case Domain::kAccount:
      no = CheckAccount(value, references);
      break;
  }
  if (no.code == 0) out = std::move(set);
  return no;
}

Objection SetFlag(absl::string_view value, bool& out) {
  if (value.empty() || absl::EqualsIgnoreCase(value, "false")) {
    out = false;
  } else if (absl::EqualsIgnoreCase(value, "true")) {
    out = true;
  } else {
    return {kInvalidParameter, "must be true or false"};
  }
  return {};
}

void Append(const Objection& no, absl::string_view parameter, std::vector<ResourceError>& errors) {
  errors.push_back({.status = 400,
                    .code = no.code,
                    .field = std::string(parameter),
                    .message = absl::StrCat(parameter, " ", no.why)});
}

void CheckFallback(const HandlerFields& handler, absl::string_view kind, int code,
                   std::vector<ResourceError>& errors) {
  if (handler.fallback_url.empty() || !handler.url.empty()) return;
  errors.push_back({.status = 400,
                    .code = code,
                    .field = absl::StrCat(kind, "FallbackUrl"),
                    .message = absl::StrCat(kind, "FallbackUrl needs a ", kind, "Url")});
}

template <typename Resource>
std::vector<ResourceError> SetFields(const twilio::Form& changes, const References& references,
                                     Resource& resource) {
  std::vector<ResourceError> errors;
  const Fields<Resource>& fields = FieldsOf(resource);
  for (const twilio::Parameter& change : changes) {
    const Field<Resource>* const field = fields.Find(change.name);
    if (field == nullptr || field->domain == Domain::kFixed) continue;
    Objection no;
    if (twilio::ValidUtf8Prefix(change.value) != change.value.size()) {
      no = {kInvalidParameter, "is not UTF-8"};
    } else if (field->domain == Domain::kFlag) {
      no = SetFlag(change.value, resource.*field->flag);
    } else {
      no =
          SetText(field->domain, field->detail, change.value, references, TextOf(*field, resource));
    }
    if (no.code != 0) Append(no, field->parameter, errors);
  }
  CheckFallback(resource.voice, "Voice", kVoiceFallbackAlone, errors);
  CheckFallback(resource.sms, "Sms", kSmsFallbackAlone, errors);
  return errors;
}

bool Sets(const twilio::Form& changes, absl::string_view name) {
  const std::string* const value = FindField(changes, name);
  return value != nullptr && !value->empty();
}

bool IsNorthAmerican(absl::string_view phone_number) {
  return phone_number.size() == 12 && absl::StartsWith(phone_number, "+1");
}

Objection CheckPhoneNumber(const twilio::Form& fields) {
  const std::string* const number = FindField(fields, "PhoneNumber");
  if (number != nullptr) {
    if (twilio::IsPhoneNumber(*number)) return {};
    return {kInvalidPhoneNumber,
            "is not in E.164 form, + and 2 to 15 digits, such as +14155550199"};
  }
  const std::string* const area = twilio::FindParameter(fields, "AreaCode");
  if (area == nullptr) return {kInvalidPhoneNumber, "is required"};
  if (area->size() != 3 || area->find_first_not_of("0123456789") != std::string::npos) {
    return {kInvalidAreaCode, "is missing, and AreaCode is not three digits"};
  }
  return {kNoNumberInAreaCode, "is required: there are no numbers here to be found by AreaCode"};
}

}  // namespace

std::vector<ResourceError> ApplyChanges(const twilio::Form& changes, const References& references,
                                        IncomingPhoneNumber& number) {
  std::vector<ResourceError> errors = SetFields(changes, references, number);
  if (Sets(changes, "TrunkSid")) {
    number.voice_application_sid.clear();
  } else if (Sets(changes, "VoiceApplicationSid")) {
    number.trunk_sid.clear();
  }
  if (number.friendly_name.empty()) number.friendly_name = DefaultFriendlyName(number.phone_number);
  return errors;
}

std::vector<ResourceError> ApplyChanges(const twilio::Form& changes, const References& references,
                                        Application& application) {
  return SetFields(changes, references, application);
}

std::vector<ResourceError> MakeNumber(const std::string& account_sid, absl::string_view type,
                                      const twilio::Form& fields, const References& references,
                                      IncomingPhoneNumber& number) {
  number = {.account_sid = account_sid};
  std::vector<ResourceError> errors;
  if (const Objection no = CheckPhoneNumber(fields); no.code != 0) {
    Append(no, "PhoneNumber", errors);
  } else {
    number.phone_number = *FindField(fields, "PhoneNumber");
    const absl::string_view of_digits = TypeOfNumber(number.phone_number);
    number.type = std::string(type.empty() ? of_digits : type);
    const bool fits = (number.type == kTollFree) == (of_digits == kTollFree);
    if (!fits && IsNorthAmerican(number.phone_number)) {
      Append({kTypeDoesNotFit, absl::StrCat("is not ", type)}, "PhoneNumber", errors);
    }
  }
  twilio::Form settable;
  for (const twilio::Parameter& field : fields) {
    if (field.name != "AccountSid" && field.name != "account_sid") settable.push_back(field);
  }
  std::vector<ResourceError> more = ApplyChanges(settable, references, number);
  std::move(more.begin(), more.end(), std::back_inserter(errors));
  return errors;
}

absl::string_view TypeOfNumber(absl::string_view phone_number) {
  if (IsNorthAmerican(phone_number)) {
    const absl::string_view code = phone_number.substr(2, 3);
    if (std::find(std::begin(kTollFreeCodes), std::end(kTollFreeCodes), code) !=
        std::end(kTollFreeCodes)) {
      return kTollFree;
    }
  }
  return "local";
}

std::string DefaultFriendlyName(absl::string_view phone_number) {
  if (!IsNorthAmerican(phone_number)) return std::string(phone_number);
  return absl::StrCat("(", phone_number.substr(2, 3), ") ", phone_number.substr(5, 3), "-",
                      phone_number.substr(8));
}

const std::vector<NumberField>& NumberFields() {
  static const auto* const names = [] {
    auto* all = new std::vector<NumberField>;
    for (const Field<IncomingPhoneNumber>& field : FieldsOf(IncomingPhoneNumber()).all()) {
      all->push_back(
          {.name = field.name,
           .parameter = field.parameter,
           .may_be_set = field.domain != Domain::kFixed || field.name == "phone_number"});
    }
    return all;
  }();
  return *names;
}

std::string NumberFieldText(const IncomingPhoneNumber& number, absl::string_view name) {
  const auto date = [](absl::Time time) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  };
  if (name == "date_created") return date(number.date_created);
  if (name == "date_updated") return date(number.date_updated);
  const Field<IncomingPhoneNumber>& field = *FieldsOf(number).Find(name);
  if (field.domain == Domain::kFlag) return number.*field.flag ? "true" : "false";
  return TextOf(field, number);
}

const std::string* FindField(const twilio::Form& changes, absl::string_view name) {
  const Field<IncomingPhoneNumber>* const field = FieldsOf(IncomingPhoneNumber()).Find(name);
  if (field == nullptr) return nullptr;
  const auto found = std::find_if(changes.rbegin(), changes.rend(), [&](const auto& change) {
    return change.name == field->name || change.name == field->parameter;
  });
  return found == changes.rend() ? nullptr : &found->value;
}

}  // namespace understudy::router
