#include "services/router/routes/resource_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace understudy::router {
namespace {

using nlohmann::json;

TEST(NumberJsonTest, EveryField) {
  IncomingPhoneNumber number{.sid = "PN1",
                             .account_sid = "AC1",
                             .phone_number = "+14155550199",
                             .friendly_name = "<b>\"x\"</b>'); DROP TABLE numbers;--",
                             .type = "local",
                             .voice = {.url = "https://a/v?a=1&b=2#rc=2",
                                       .method = "GET",
                                       .fallback_url = "bin:apology",
                                       .fallback_method = "POST"},
                             .voice_application_sid = "AP1",
                             .trunk_sid = "TK1",
                             .voice_caller_id_lookup = true,
                             .voice_receive_mode = "fax",
                             .sms = {.url = "https://a/s",
                                     .method = "POST",
                                     .fallback_url = "https://a/f",
                                     .fallback_method = "GET"},
                             .sms_application_sid = "AP2",
                             .status_callback = "https://a/c",
                             .status_callback_method = "GET",
                             .emergency_status = "Active",
                             .emergency_address_sid = "AD1",
                             .address_sid = "AD2",
                             .identity_sid = "RI1",
                             .bundle_sid = "BU1",
                             .date_created = absl::FromUnixSeconds(1438298344),
                             .date_updated = absl::FromUnixSeconds(1438298345)};
  EXPECT_EQ(json::parse(NumberJson(number)), json::parse(R"({
    "sid": "PN1", "account_sid": "AC1", "phone_number": "+14155550199",
    "friendly_name": "<b>\"x\"</b>'); DROP TABLE numbers;--", "api_version": "2010-04-01",
    "type": "local", "origin": "twilio", "beta": false, "status": "in-use",
    "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false},
    "address_requirements": "none",
    "voice_url": "https://a/v?a=1&b=2#rc=2", "voice_method": "GET",
    "voice_fallback_url": "bin:apology", "voice_fallback_method": "POST",
    "voice_application_sid": "AP1", "voice_caller_id_lookup": true, "voice_receive_mode": "fax",
    "trunk_sid": "TK1", "sms_url": "https://a/s", "sms_method": "POST",
    "sms_fallback_url": "https://a/f", "sms_fallback_method": "GET", "sms_application_sid": "AP2",
    "status_callback": "https://a/c", "status_callback_method": "GET",
    "emergency_status": "Active", "emergency_address_sid": "AD1",
    "emergency_address_status": "unregistered", "address_sid": "AD2", "identity_sid": "RI1",
    "bundle_sid": "BU1", "date_created": "Thu, 30 Jul 2015 23:19:04 +0000",
    "date_updated": "Thu, 30 Jul 2015 23:19:05 +0000",
    "uri": "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json"})"));
}

TEST(NumberJsonTest, NothingIsSet) {
  const json number = json::parse(NumberJson({}));
  for (const char* key : {"voice_url", "voice_fallback_url", "sms_url", "sms_fallback_url",
                          "status_callback", "voice_application_sid", "sms_application_sid"}) {
    EXPECT_EQ(number[key], "") << key;
  }
  for (const char* key :
       {"trunk_sid", "emergency_address_sid", "address_sid", "identity_sid", "bundle_sid"}) {
    EXPECT_TRUE(number[key].is_null()) << key;
  }
  for (const char* key : {"voice_method", "voice_fallback_method", "sms_method",
                          "sms_fallback_method", "status_callback_method"}) {
    EXPECT_EQ(number[key], "POST") << key;
  }
}

TEST(ApplicationJsonTest, EveryField) {
  Application application{.sid = "AP1",
                          .account_sid = "AC1",
                          .friendly_name = "main",
                          .voice = {.url = "https://a/v", .fallback_url = "https://a/f"},
                          .voice_caller_id_lookup = true,
                          .sms = {.url = "https://a/s", .method = "GET"},
                          .status_callback = "https://a/c",
                          .status_callback_method = "GET",
                          .sms_status_callback = "https://a/d",
                          .message_status_callback = "https://a/e",
                          .public_application_connect_enabled = true,
                          .date_created = absl::FromUnixSeconds(1438298344),
                          .date_updated = absl::FromUnixSeconds(1438298345)};
  EXPECT_EQ(json::parse(ApplicationJson(application)), json::parse(R"({
    "sid": "AP1", "account_sid": "AC1", "friendly_name": "main", "api_version": "2010-04-01",
    "voice_url": "https://a/v", "voice_method": "POST", "voice_fallback_url": "https://a/f",
    "voice_fallback_method": "POST", "voice_caller_id_lookup": true, "sms_url": "https://a/s",
    "sms_method": "GET", "sms_fallback_url": "", "sms_fallback_method": "POST",
    "sms_status_callback": "https://a/d", "message_status_callback": "https://a/e",
    "status_callback": "https://a/c", "status_callback_method": "GET",
    "public_application_connect_enabled": true,
    "date_created": "Thu, 30 Jul 2015 23:19:04 +0000",
    "date_updated": "Thu, 30 Jul 2015 23:19:05 +0000",
    "uri": "/2010-04-01/Accounts/AC1/Applications/AP1.json"})"));
}

TEST(PageJsonTest, FirstMiddleLastAndEmpty) {
  PageLinks links{.path = "/x.json",
                  .query = {{"FriendlyName", "a b"}, {"PageSize", "2"}},
                  .page = {.page_size = 2},
                  .next_token = "n"};
  EXPECT_EQ(json::parse(PageJson("things", {"{\"a\":1}", "2"}, links)), json::parse(R"({
    "page": 0, "page_size": 2, "start": 0, "end": 1,
    "uri": "/x.json?FriendlyName=a+b&PageSize=2&Page=0",
    "first_page_uri": "/x.json?FriendlyName=a+b&PageSize=2&Page=0",
    "next_page_uri": "/x.json?FriendlyName=a+b&PageSize=2&Page=1&PageToken=n",
    "previous_page_uri": null, "things": [{"a": 1}, 2]})"));

  links.page = {.page_size = 2, .page = 3, .token = "t"};
  links.previous_token = "p";
  const json middle = json::parse(PageJson("things", {"1"}, links));
  EXPECT_EQ(middle["start"], 6);
  EXPECT_EQ(middle["end"], 6);
  EXPECT_EQ(middle["uri"], "/x.json?FriendlyName=a+b&PageSize=2&Page=3&PageToken=t");
  EXPECT_EQ(middle["first_page_uri"], "/x.json?FriendlyName=a+b&PageSize=2&Page=0");
  EXPECT_EQ(middle["next_page_uri"], "/x.json?FriendlyName=a+b&PageSize=2&Page=4&PageToken=n");
  EXPECT_EQ(middle["previous_page_uri"], "/x.json?FriendlyName=a+b&PageSize=2&Page=2&PageToken=p");

  links.next_token.clear();
  const json last = json::parse(PageJson("things", {}, links));
  EXPECT_TRUE(last["next_page_uri"].is_null());
  EXPECT_EQ(last["start"], 0);
  EXPECT_EQ(last["end"], 0);
  EXPECT_EQ(last["things"], json::array());
}

}  // namespace
}  // namespace understudy::router
