// A phone number and a TwiML application as Twilio's REST interface has them, and what a request
// may change of them. Pure.
//
// Fields have two names: the form parameter's ("VoiceUrl") in requests, the resource's
// ("voice_url") in answers and in files. Both are understood everywhere. Source: Twilio,
// "IncomingPhoneNumber resource", "Application resource".
#ifndef SERVICES_ROUTER_ROUTES_NUMBER_RESOURCE_H_
#define SERVICES_ROUTER_ROUTES_NUMBER_RESOURCE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"

namespace understudy::router {

inline constexpr size_t kMaxFriendlyNameCharacters = 64;

// What is wrong with a request, in the words of Twilio's REST interface.
struct ResourceError {
  int status = 400;          // HTTP's
  int code = 0;              // Twilio's
  std::string field = {};    // the form parameter it is about ("VoiceUrl"); empty: none
  std::string message = {};  // a sentence

  friend bool operator==(const ResourceError&, const ResourceError&) = default;
};

// What answers calls or messages: of a number or of an application. Methods are "GET" or "POST".
struct HandlerFields {
  std::string url = {};  // http(s), or bin:NAME; empty: none
  std::string method = "POST";
  std::string fallback_url = {};  // only with `url`
  std::string fallback_method = "POST";

  friend bool operator==(const HandlerFields&, const HandlerFields&) = default;
};

// Texts are empty where nothing is set. What is the same for every number is below.
struct IncomingPhoneNumber {
  std::string sid = {};  // PN...
  std::string account_sid = {};
  std::string phone_number = {};  // E.164
  std::string friendly_name = {};
  std::string type =
      {};  // "local", "mobile" or "toll-free": the list it was made on, or its digits
  std::string api_version = "2010-04-01";

  HandlerFields voice = {};  // voice_url, voice_method, voice_fallback_url, voice_fallback_method
  std::string voice_application_sid = {};  // AP...; then `voice` is not asked
  std::string trunk_sid = {};              // TK...; then neither of them is
  bool voice_caller_id_lookup = false;
  std::string voice_receive_mode = "voice";  // or "fax"
  HandlerFields sms = {};                    // sms_url, ...
  std::string sms_application_sid = {};      // AP...; then `sms` is not asked
  std::string status_callback = {};
  std::string status_callback_method = "POST";

  std::string emergency_status = "Inactive";  // or "Active"
  std::string emergency_address_sid = {};
  std::string address_sid = {};
  std::string identity_sid = {};
  std::string bundle_sid = {};

  absl::Time date_created = {};  // of whole seconds
  absl::Time date_updated = {};

  // Of the configuration: it answers calls, but cannot be changed here. Its sid is made of the
  // number and stays the same.
  bool is_read_only = false;

  friend bool operator==(const IncomingPhoneNumber&, const IncomingPhoneNumber&) = default;
};

// The fields that every number of ours has the same.
inline constexpr char kNumberOrigin[] = "twilio";
inline constexpr bool kNumberBeta = false;
inline constexpr char kNumberAddressRequirements[] = "none";
inline constexpr char kNumberStatus[] = "in-use";
inline constexpr char kNumberEmergencyAddressStatus[] = "unregistered";
struct NumberCapabilities {
  bool voice = true;
  bool sms = true;
  bool mms = true;
  bool fax = false;
};

struct Application {
  std::string sid = {};  // AP...
  std::string account_sid = {};
  std::string friendly_name = {};
  std::string api_version = "2010-04-01";

  HandlerFields voice = {};
  bool voice_caller_id_lookup = false;
  HandlerFields sms = {};
  std::string status_callback = {};
  std::string status_callback_method = "POST";
  std::string sms_status_callback = {};
  std::string message_status_callback = {};
  bool public_application_connect_enabled = false;

  absl::Time date_created = {};  // of whole seconds
  absl::Time date_updated = {};

  friend bool operator==(const Application&, const Application&) = default;
};

// What the values of fields may refer to. Null: not checked.
struct References {
  std::function<bool(absl::string_view name)> has_bin = {};     // bin:NAME
  std::function<bool(absl::string_view sid)> has_account = {};  // AccountSid
};

// Sets the fields that `changes` name, in their order; of one that is there twice the last counts.
// Fields that are absent stay as they are. One that is present but empty is cleared: texts become
// "", methods POST, booleans false, the others what a new number has. Names that are no field that
// may be set are ignored, as Twilio does (20001): also `sid`, `date_created` and so on, so that
// what was exported can be applied. A trunk clears the voice application and the reverse; of both
// at once the trunk stays.
//
// Returns everything that is wrong, in the order of `changes`; then `number` is not to be used:
//   21402 a URL   21403 a method   21405, 21406 a fallback URL without the URL (of the result, not
//   only of the change)   21218 an application's sid   20423 another sid   21470, 21471 AccountSid
//   20422 another value, or one that is not UTF-8
// Whether applications exist is the store's to know (21420).
//
// `phone_number` and `type` are not changed: a number is what it is.
std::vector<ResourceError> ApplyChanges(const twilio::Form& changes, const References& references,
                                        IncomingPhoneNumber& number);
std::vector<ResourceError> ApplyChanges(const twilio::Form& changes, const References& references,
                                        Application& application);

// A number with the fields that a request for a new one gives; `sid` and dates are left out.
// PhoneNumber is required: 21421 if it is missing or none, 21452 if there is an AreaCode in its
// place (we have no numbers to give away), 21451 if that is none.
// `type`: of the list it is made on ("local", "mobile", "toll-free"; 21458 if its digits say
// another), or empty: of its digits.
std::vector<ResourceError> MakeNumber(const std::string& account_sid, absl::string_view type,
                                      const twilio::Form& fields, const References& references,
                                      IncomingPhoneNumber& number);

// "toll-free" for +1 800 and the like, else "local": digits do not tell mobiles.
absl::string_view TypeOfNumber(absl::string_view phone_number);

// "(415) 555-0199" for +14155550199, others as they are: the name of a number that has none.
std::string DefaultFriendlyName(absl::string_view phone_number);

// A field as text: for files. Booleans are "true" and "false", dates RFC 3339 in UTC.
struct NumberField {
  absl::string_view name = {};       // "voice_url"
  absl::string_view parameter = {};  // "VoiceUrl"
  bool may_be_set = false;           // by ApplyChanges or MakeNumber
};
// Every field of the struct, in the order of files; `phone_number` is the first.
const std::vector<NumberField>& NumberFields();
// REQUIRES: `name` is one of NumberFields().
std::string NumberFieldText(const IncomingPhoneNumber& number, absl::string_view name);

// The value in `changes` of a number's field, by either name of it; null if it is not there.
const std::string* FindField(const twilio::Form& changes, absl::string_view name);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBER_RESOURCE_H_
