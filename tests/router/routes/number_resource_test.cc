#include "services/router/routes/number_resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using twilio::Form;

const std::string kAccount = "AC00000000000000000000000000000001";
const std::string kApplication = "AP000000000000000000000000000000a1";
const std::string kTrunk = "TK000000000000000000000000000000a1";

References OneBinOneAccount() {
  return {.has_bin = [](absl::string_view name) { return name == "apology"; },
          .has_account = [](absl::string_view sid) { return sid == kAccount; }};
}

IncomingPhoneNumber NewNumber(const Form& fields = {}) {
  Form all = {{"PhoneNumber", "+14155550199"}};
  all.insert(all.end(), fields.begin(), fields.end());
  IncomingPhoneNumber number;
  EXPECT_THAT(MakeNumber(kAccount, "", all, OneBinOneAccount(), number), IsEmpty());
  return number;
}

std::vector<int> CodesOf(const std::vector<ResourceError>& errors) {
  std::vector<int> codes;
  for (const ResourceError& error : errors) codes.push_back(error.code);
  return codes;
}

// The codes for a change of a number that has both URLs.
std::vector<int> Change(const Form& changes) {
  IncomingPhoneNumber number =
      NewNumber({{"VoiceUrl", "https://example.com/voice"}, {"SmsUrl", "https://example.com/sms"}});
  return CodesOf(ApplyChanges(changes, OneBinOneAccount(), number));
}

TEST(NumberResourceTest, ANewNumberHasTwiliosDefaults) {
  const IncomingPhoneNumber number = NewNumber();
  IncomingPhoneNumber expected;
  expected.account_sid = kAccount;
  expected.phone_number = "+14155550199";
  expected.friendly_name = "(415) 555-0199";
  expected.type = "local";
  EXPECT_EQ(number, expected);
  EXPECT_EQ(number.voice.method, "POST");
  EXPECT_EQ(number.voice_receive_mode, "voice");
  EXPECT_EQ(number.emergency_status, "Inactive");
}

TEST(NumberResourceTest, AFieldIsSetByEitherNameAndClearedWhenItIsEmpty) {
  const struct {
    const char* parameter;
    const char* name;
    std::string value;
    std::string cleared;
  } kRows[] = {
      {"FriendlyName", "friendly_name", "My number", "(415) 555-0199"},
      {"ApiVersion", "api_version", "2010-04-01", "2010-04-01"},
      {"VoiceUrl", "voice_url", "https://example.com/v#rc=2", ""},
      {"VoiceMethod", "voice_method", "GET", "POST"},
      {"VoiceFallbackMethod", "voice_fallback_method", "GET", "POST"},
      {"VoiceApplicationSid", "voice_application_sid", kApplication, ""},
      {"TrunkSid", "trunk_sid", kTrunk, ""},
      {"VoiceCallerIdLookup", "voice_caller_id_lookup", "true", "false"},
      {"VoiceReceiveMode", "voice_receive_mode", "fax", "voice"},
      {"SmsUrl", "sms_url", "bin:apology", ""},
      {"SmsMethod", "sms_method", "GET", "POST"},
      {"SmsFallbackMethod", "sms_fallback_method", "GET", "POST"},
      {"SmsApplicationSid", "sms_application_sid", kApplication, ""},
      {"StatusCallback", "status_callback", "http://example.com/s", ""},
      {"StatusCallbackMethod", "status_callback_method", "GET", "POST"},
      {"EmergencyStatus", "emergency_status", "Active", "Inactive"},
      {"EmergencyAddressSid", "emergency_address_sid", "AD000000000000000000000000000000a1", ""},
      {"AddressSid", "address_sid", "AD000000000000000000000000000000a2", ""},
      {"IdentitySid", "identity_sid", "RI000000000000000000000000000000a1", ""},
      {"BundleSid", "bundle_sid", "BU000000000000000000000000000000a1", ""},
  };
  for (const auto& row : kRows) {
    for (const char* name : {row.parameter, row.name}) {
      IncomingPhoneNumber number = NewNumber();
      const std::string unset = NumberFieldText(number, row.name);
      EXPECT_EQ(unset, row.cleared) << name;
      EXPECT_THAT(ApplyChanges({{name, row.value}}, OneBinOneAccount(), number), IsEmpty());
      EXPECT_EQ(NumberFieldText(number, row.name), row.value) << name;
      const IncomingPhoneNumber set = number;
      EXPECT_THAT(ApplyChanges({{"Beta", "true"}}, OneBinOneAccount(), number), IsEmpty());
      EXPECT_EQ(number, set) << name;
      EXPECT_THAT(ApplyChanges({{name, ""}}, OneBinOneAccount(), number), IsEmpty());
      EXPECT_EQ(number, NewNumber()) << name;
    }
  }
  // With the two fallback URLs, which want the URL beside them, that is every field.
  size_t settable = 0;
  for (const NumberField& field : NumberFields()) settable += field.may_be_set ? 1 : 0;
  EXPECT_EQ(settable, std::size(kRows) + 2 + 2);  // and phone_number, account_sid
}

TEST(NumberResourceTest, WhatIsWrongHasTwiliosCode) {
  const std::string long_name(65, 'x');
  const struct {
    Form changes;
    int code;
  } kRows[] = {
      {{{"VoiceUrl", "htp:/x"}}, 21402},
      {{{"SmsUrl", "example.com"}}, 21402},
      {{{"VoiceFallbackUrl", "bin:gone"}}, 21402},
      {{{"StatusCallback", "bin:apology"}}, 21402},
      {{{"VoiceUrl", absl::StrCat("http://example.com/", std::string(8192, 'x'))}}, 21402},
      {{{"VoiceUrl", "https://example.com/#e=nowhere"}}, 21402},
      {{{"VoiceMethod", "PUT"}}, 21403},
      {{{"SmsFallbackMethod", "DELETE"}}, 21403},
      {{{"VoiceUrl", ""}, {"VoiceFallbackUrl", "https://example.com/f"}}, 21405},
      {{{"SmsFallbackUrl", "https://example.com/f"}, {"SmsUrl", ""}}, 21406},
      {{{"VoiceApplicationSid", "AP1"}}, 21218},
      {{{"SmsApplicationSid", kTrunk}}, 21218},
      {{{"TrunkSid", "TK000000000000000000000000000000A1"}}, 20423},
      {{{"AccountSid", "me"}}, 21470},
      {{{"AccountSid", ""}}, 21470},
      {{{"AccountSid", "AC00000000000000000000000000000002"}}, 21471},
      {{{"FriendlyName", long_name}}, 20422},
      {{{"FriendlyName", "two\nlines"}}, 20422},
      {{{"FriendlyName", "\xC3"}}, 20422},
      {{{"VoiceReceiveMode", "data"}}, 20422},
      {{{"VoiceCallerIdLookup", "1"}}, 20422},
      {{{"EmergencyStatus", "active"}}, 20422},
      {{{"ApiVersion", "2008-08-01"}}, 20422},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Change(row.changes), ElementsAre(row.code))
        << row.changes[0].name << "=" << row.changes[0].value.substr(0, 80);
  }
}

TEST(NumberResourceTest, WhatIsJustGoodIsTaken) {
  std::string characters;
  for (int i = 0; i < 64; ++i) characters += "\xC3\xA9";
  for (const Form& changes : {
           Form{{"FriendlyName", characters}},
           Form{{"FriendlyName", "<b>'; DROP TABLE numbers; --"}},
           Form{{"VoiceMethod", "get"}},
           Form{{"VoiceUrl", "bin:apology?a=b"}},
           Form{{"VoiceFallbackUrl", "https://user:word@example.com/f?x=1#ct=200&rt=300"}},
           Form{{"AccountSid", kAccount}},
           Form{{"VoiceUrl", ""}},
           Form{{"Unknown", "\xFF"}},
       }) {
    EXPECT_THAT(Change(changes), IsEmpty()) << changes[0].name;
  }
}

TEST(NumberResourceTest, EveryMistakeIsToldAndTheLastOfTheSameFieldCounts) {
  EXPECT_THAT(Change({{"SmsMethod", "PUT"}, {"VoiceUrl", "x"}, {"TrunkSid", "x"}}),
              ElementsAre(21403, 21402, 20423));
  IncomingPhoneNumber number = NewNumber();
  EXPECT_THAT(ApplyChanges({{"FriendlyName", "first"}, {"friendly_name", "last"}}, {}, number),
              IsEmpty());
  EXPECT_EQ(number.friendly_name, "last");
}

TEST(NumberResourceTest, ATrunkAndAVoiceApplicationClearEachOther) {
  IncomingPhoneNumber number = NewNumber({{"VoiceApplicationSid", kApplication}});
  EXPECT_THAT(ApplyChanges({{"TrunkSid", kTrunk}}, {}, number), IsEmpty());
  EXPECT_EQ(number.voice_application_sid, "");
  EXPECT_EQ(number.trunk_sid, kTrunk);
  EXPECT_THAT(ApplyChanges({{"VoiceApplicationSid", kApplication}, {"TrunkSid", ""}}, {}, number),
              IsEmpty());
  EXPECT_EQ(number.voice_application_sid, kApplication);
  EXPECT_EQ(number.trunk_sid, "");
  EXPECT_THAT(
      ApplyChanges({{"VoiceApplicationSid", kApplication}, {"TrunkSid", kTrunk}}, {}, number),
      IsEmpty());
  EXPECT_EQ(number.voice_application_sid, "");
  EXPECT_EQ(number.trunk_sid, kTrunk);
}

TEST(NumberResourceTest, ANewNumberNeedsAPhoneNumber) {
  const struct {
    const char* type;
    Form fields;
    std::vector<int> codes;
  } kRows[] = {
      {"", {}, {21421}},
      {"", {{"PhoneNumber", ""}}, {21421}},
      {"", {{"PhoneNumber", "4155550199"}}, {21421}},
      {"", {{"PhoneNumber", "+1234567890123456"}}, {21421}},
      {"", {{"AreaCode", "415"}}, {21452}},
      {"", {{"AreaCode", "41"}}, {21451}},
      {"", {{"VoiceMethod", "PUT"}}, {21421, 21403}},
      {"toll-free", {{"PhoneNumber", "+14155550199"}}, {21458}},
      {"mobile", {{"PhoneNumber", "+18005550199"}}, {21458}},
      {"toll-free", {{"PhoneNumber", "+18885550199"}}, {}},
      {"toll-free", {{"PhoneNumber", "+448001111111"}}, {}},
      {"mobile", {{"phone_number", "+4915112345678"}}, {}},
      // Whose number it is, is not for the fields to say.
      {"", {{"PhoneNumber", "+14155550199"}, {"AccountSid", "x"}}, {}},
  };
  for (const auto& row : kRows) {
    IncomingPhoneNumber number;
    EXPECT_EQ(CodesOf(MakeNumber(kAccount, row.type, row.fields, OneBinOneAccount(), number)),
              row.codes);
    EXPECT_EQ(number.account_sid, kAccount);
  }
}

TEST(NumberResourceTest, WithoutReferencesAnyBinWillDo) {
  IncomingPhoneNumber number = NewNumber();
  EXPECT_THAT(ApplyChanges({{"VoiceUrl", "bin:any"}}, {}, number), IsEmpty());
}

TEST(NumberResourceTest, WhatIsWrittenAsTextsIsReadAgain) {
  IncomingPhoneNumber number = NewNumber({{"VoiceUrl", "bin:apology"},
                                          {"VoiceFallbackUrl", "https://example.com/f"},
                                          {"VoiceCallerIdLookup", "true"},
                                          {"StatusCallbackMethod", "GET"}});
  Form row;
  for (const NumberField& field : NumberFields()) {
    row.push_back({std::string(field.name), NumberFieldText(number, field.name)});
  }
  IncomingPhoneNumber read;
  EXPECT_THAT(MakeNumber(kAccount, "", row, OneBinOneAccount(), read), IsEmpty());
  EXPECT_EQ(read, number);
  EXPECT_EQ(NumberFields().front().name, "phone_number");
}

TEST(NumberResourceTest, AnApplicationHasItsOwnFields) {
  Application application;
  EXPECT_THAT(ApplyChanges({{"FriendlyName", "App"},
                            {"VoiceUrl", "https://example.com/v"},
                            {"VoiceFallbackUrl", "bin:apology"},
                            {"SmsUrl", "https://example.com/s"},
                            {"SmsStatusCallback", "https://example.com/1"},
                            {"MessageStatusCallback", "https://example.com/2"},
                            {"StatusCallback", "https://example.com/3"},
                            {"StatusCallbackMethod", "GET"},
                            {"PublicApplicationConnectEnabled", "true"},
                            {"TrunkSid", "no field of it"}},
                           OneBinOneAccount(), application),
              IsEmpty());
  EXPECT_EQ(application.friendly_name, "App");
  EXPECT_EQ(application.voice.fallback_url, "bin:apology");
  EXPECT_EQ(application.sms.url, "https://example.com/s");
  EXPECT_EQ(application.sms_status_callback, "https://example.com/1");
  EXPECT_EQ(application.message_status_callback, "https://example.com/2");
  EXPECT_EQ(application.status_callback_method, "GET");
  EXPECT_TRUE(application.public_application_connect_enabled);
  EXPECT_THAT(CodesOf(ApplyChanges({{"VoiceUrl", ""}}, {}, application)), ElementsAre(21405));
}

}  // namespace
}  // namespace understudy::router
