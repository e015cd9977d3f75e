// UC-3.15 and UC-3.16: event streams come in, and the Alerts resource shows what came by any way;
// with the real notifier on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/twilio/signature.h"
#include "tests/e2e/door_world.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using twilio::Form;

constexpr char kCall[] = "CA0123456789abcdef0123456789abcdef";
constexpr char kErrorUrl[] = "https://www.example.com/voice?a=b";
constexpr char kPublic[] = "https://alerts.example.com";

std::string SidOf(int number) {
  return absl::StrCat("NO", absl::Hex(number, absl::kZeroPad16), "0000000000000000");
}

// A CloudEvent as Twilio writes it, with its payload as JSON in a string.
json CloudEvent(int number, const std::string& level = "ERROR",
                const std::string& account = kNotifierAccount) {
  const json payload = {
      {"resource_sid", kCall},
      {"error_code", "11200"},
      {"more_info", {{"Msg", "Got HTTP 502"}, {"url", kErrorUrl}}},
      {"webhook",
       {{"request", {{"method", "POST"}, {"parameters", {{"From", "+14155550100"}}}}},
        {"response", {{"status_code", 502}, {"body", "bad gateway"}}}}}};
  const std::string now = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  return {{"specversion", "1.0"},
          {"type", "com.twilio.error-logs.error.logged"},
          {"source", "/v1/Errors"},
          {"id", SidOf(number)},
          {"time", now},
          {"datacontenttype", "application/json"},
          {"data",
           {{"sid", SidOf(number)},
            {"account_sid", account},
            {"master_account_sid", nullptr},
            {"date_created", now},
            {"level", level},
            {"error_code", "11200"},
            {"correlation_sid", kCall},
            {"product_name", "Programmable Voice"},
            {"payload", payload.dump()}}}};
}

Response PostStream(DoorWorld& world, const std::string& body, const std::string& headers = "",
                    const std::string& target = "/events/twilio") {
  return world.Post(target, "application/json", body, headers);
}

std::string Basic(absl::string_view password = kNotifierToken) {
  return absl::StrCat("Authorization: Basic ",
                      absl::Base64Escape(absl::StrCat(kNotifierAccount, ":", password)), "\r\n");
}

json GetAlerts(DoorWorld& world, const std::string& target) {
  const Response response = world.Get(target, Basic());
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  return json::parse(response.body);
}

constexpr char kStored[] =
    "understudy_error_events_total{error_code=\"11200\",kind=\"voice\",outcome=\"unknown\"}";

TEST(StreamTest, Uc3_15_ABatchIsARecordForEachEvent) {
  DoorWorld world;
  const json batch = {CloudEvent(1), CloudEvent(2), CloudEvent(3)};
  Response answer = PostStream(world, batch.dump());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body),
            json({{"stored", 3}, {"duplicates", 0}, {"skipped", 0}, {"rejected", json::array()}}));
  EXPECT_EQ(world.Metric(kStored), 3);
  const std::vector<std::string> lines = world.LogLines("error event", 3);
  ASSERT_EQ(lines.size(), 3u);
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["door"], "stream");
  EXPECT_EQ(line["error_code"], 11200);
  EXPECT_EQ(line["error_url"], kErrorUrl);
  EXPECT_EQ(line["resource_sid"], kCall);
  EXPECT_EQ(line["http_status"], 502);
  EXPECT_EQ(line["detail"], "Got HTTP 502");
  EXPECT_TRUE(world.WaitForMails(1));

  answer = PostStream(world, batch.dump());  // the answer was lost, say
  EXPECT_EQ(json::parse(answer.body)["duplicates"], 3);
  EXPECT_EQ(world.Metric(kStored), 3);
  EXPECT_EQ(world.Metric("understudy_events_duplicate_total{door=\"stream\"}"), 3);
}

TEST(StreamTest, Uc3_15_OneAloneIsTakenToo) {
  DoorWorld world;
  EXPECT_EQ(json::parse(PostStream(world, CloudEvent(1).dump()).body)["stored"], 1);
}

TEST(StreamTest, Uc3_15_InfoIsCountedAndBadOnesAreNamed) {
  DoorWorld world;
  json no_account = CloudEvent(3);
  no_account["data"].erase("account_sid");
  json other = CloudEvent(4);
  other["type"] = "com.twilio.messaging.message.sent";
  const json batch = {CloudEvent(1, "INFO"), CloudEvent(2), no_account, other, 5};
  const Response answer = PostStream(world, batch.dump());
  EXPECT_EQ(answer.status, 200);
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["stored"], 1);
  EXPECT_EQ(body["skipped"], 1);
  std::vector<std::string> rejected;
  for (const json& event : body["rejected"]) {
    rejected.push_back(
        absl::StrCat(event["index"].get<int>(), " ", event["reason"].get<std::string>()));
  }
  EXPECT_THAT(rejected,
              ::testing::UnorderedElementsAre("2 ACCOUNT_SID_INVALID", "3 EVENT_TYPE_UNKNOWN",
                                              "4 EVENT_TYPE_UNKNOWN"));
  EXPECT_EQ(world.Metric(kStored), 1);
  EXPECT_EQ(world.Metric("understudy_events_skipped_total{door=\"stream\"}"), 1);
  EXPECT_EQ(world.Metric("understudy_events_rejected_total{door=\"stream\",reason=\"EVENT_TYPE_"
                         "UNKNOWN\"}"),
            2);
}

TEST(StreamTest, WhatIsNoBatchIsRefusedWhole) {
  DoorWorld world;
  for (const char* body : {"", "no JSON", "[]", "1"}) {
    EXPECT_EQ(PostStream(world, body).status, 400) << body;
  }
  json batch = json::array();
  for (int i = 0; i < 501; ++i) batch.push_back(1);
  EXPECT_EQ(PostStream(world, batch.dump()).status, 400);
  EXPECT_EQ(world.Get("/events/twilio").status, 405);
  EXPECT_EQ(world.Post("/events/twilio", "text/plain", "[]").status, 415);
  EXPECT_EQ(
      world.Metric("understudy_events_rejected_total{door=\"stream\",reason=\"JSON_INVALID\"}"), 3);
}

// The same event by both ways that Twilio has.
TEST(StreamTest, WhatTheDebuggerWebhookToldIsNotToldAgain) {
  DoorWorld world;
  const Form form = {{"AccountSid", kNotifierAccount},
                     {"Sid", SidOf(1)},
                     {"Level", "ERROR"},
                     {"Payload", R"({"error_code":"11200"})"}};
  EXPECT_EQ(world.PostForm("/debugger", form).status, 204);
  EXPECT_EQ(json::parse(PostStream(world, CloudEvent(1).dump()).body)["duplicates"], 1);
  EXPECT_EQ(json::parse(PostStream(world, CloudEvent(2).dump()).body)["stored"], 1);
  Form second = form;
  second[1].value = SidOf(2);
  EXPECT_EQ(world.PostForm("/debugger", second).status, 204);
  EXPECT_EQ(world.Metric(kStored), 2);
}

TEST(StreamTest, ASinkIsProvenBySignatureOrPassword) {
  DoorWorld world(
      {.accounts = SigningAccount(), .http = absl::StrCat(", public_url: \"", kPublic, "\"")});
  const std::string body = json{CloudEvent(1)}.dump();
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest);
  const std::string target = absl::StrCat(
      "/events/twilio?bodySHA256=", absl::BytesToHexString(absl::string_view(
                                        reinterpret_cast<const char*>(digest), sizeof(digest))));
  const std::string signature =
      absl::StrCat("X-Twilio-Signature: ",
                   twilio::Sign(Secret(kNotifierToken), absl::StrCat(kPublic, target), {}), "\r\n");
  EXPECT_EQ(PostStream(world, body).status, 400);
  EXPECT_EQ(PostStream(world, body, "X-Twilio-Signature: AAAA\r\n", target).status, 403);
  EXPECT_EQ(PostStream(world, json{CloudEvent(2)}.dump(), signature, target).status, 403);
  EXPECT_EQ(PostStream(world, body, Basic("wrong")).status, 401);
  EXPECT_EQ(world.Metric(kStored), -1);
  EXPECT_EQ(json::parse(PostStream(world, body, signature, target).body)["stored"], 1);
  EXPECT_EQ(json::parse(PostStream(world, json{CloudEvent(2)}.dump(), Basic()).body)["stored"], 1);
  // Nobody tells of another's calls.
  const json mixed = {CloudEvent(3), CloudEvent(4, "ERROR", "AC00000000000000000000000000000009")};
  const json answer = json::parse(PostStream(world, mixed.dump(), Basic()).body);
  EXPECT_EQ(answer["stored"], 1);
  ASSERT_EQ(answer["rejected"].size(), 1u);
  EXPECT_EQ(answer["rejected"][0]["reason"], "ACCOUNT_MISMATCH");
}

TEST(AlertsTest, Uc3_16_EventsAreListedByTheirSidsNewestFirst) {
  DoorWorld world({.accounts = SigningAccount()});
  const Form form = {{"AccountSid", kNotifierAccount},
                     {"CallSid", kCall},
                     {"From", "+14155550100"},
                     {"To", "+14155550199"},
                     {"ErrorCode", "11200"},
                     {"ErrorUrl", kErrorUrl},
                     {"Digits", "4111"}};
  const std::string target = absl::StrCat("/fallback?", twilio::EncodeForm(form));
  const auto fallback = [&] {
    // As DoorWorld names the host.
    const Response probe = world.Get("/v1/Alerts", Basic());
    const std::string base = json::parse(probe.body)["meta"]["url"];
    const std::string host = base.substr(0, base.find("/v1/Alerts"));
    return world.Get(
        target,
        absl::StrCat("X-Twilio-Signature: ",
                     twilio::Sign(Secret(kNotifierToken), absl::StrCat(host, target), {}), "\r\n"));
  };
  EXPECT_EQ(fallback().status, 200);
  json info = CloudEvent(1, "INFO");
  json warning = CloudEvent(2, "WARNING");
  EXPECT_EQ(PostStream(world, json{info, warning}.dump(), Basic()).status, 200);

  const json all = GetAlerts(world, "/v1/Alerts");
  ASSERT_EQ(all["alerts"].size(), 2u);
  EXPECT_EQ(all["alerts"][0]["sid"], SidOf(2));
  EXPECT_EQ(all["alerts"][0]["log_level"], "warning");
  const json errors = GetAlerts(
      world, absl::StrCat(
                 "/v1/Alerts?LogLevel=error&StartDate=",
                 absl::FormatTime("%Y-%m-%d", absl::Now() - absl::Hours(24), absl::UTCTimeZone())));
  ASSERT_EQ(errors["alerts"].size(), 1u);
  const json& alert = errors["alerts"][0];
  EXPECT_EQ(alert["sid"], all["alerts"][1]["sid"]);
  EXPECT_EQ(alert["account_sid"], kNotifierAccount);
  EXPECT_EQ(alert["error_code"], "11200");
  EXPECT_EQ(alert["resource_sid"], kCall);
  EXPECT_EQ(alert["request_url"], kErrorUrl);
  const json fetched =
      GetAlerts(world, absl::StrCat("/v1/Alerts/", alert["sid"].get<std::string>()));
  const Form variables = twilio::DecodeForm(fetched["request_variables"].get<std::string>());
  EXPECT_EQ(*twilio::FindParameter(variables, "From"), "+14155550100");
  EXPECT_EQ(*twilio::FindParameter(variables, "Digits"), "[not kept]");
  const std::string sid = alert["sid"];

  // Across a restart the sids are what they were.
  EXPECT_EQ(world.Stop(), 0);
  world.Start();
  EXPECT_EQ(GetAlerts(world, absl::StrCat("/v1/Alerts/", sid))["sid"], sid);
  EXPECT_EQ(GetAlerts(world, absl::StrCat("/v1/Alerts/", SidOf(2)))["sid"], SidOf(2));
}

TEST(AlertsTest, WhoMayNotSeesNothing) {
  DoorWorld world({.accounts = SigningAccount()});
  for (const std::string& headers : {std::string(), Basic("wrong")}) {
    const Response response = world.Get("/v1/Alerts", headers);
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.header("WWW-Authenticate"), "Basic realm=\"Twilio API\"");
    EXPECT_EQ(json::parse(response.body)["code"], 20003);
  }
  EXPECT_EQ(world.Get("/v1/Alerts/../events", Basic()).status, 404);
  EXPECT_EQ(world.Post("/v1/Alerts", "application/json", "{}", Basic()).status, 405);
  EXPECT_EQ(world.Metric("understudy_api_requests_total{error_code=\"20003\"}"), 2);
  for (const std::string& line : world.process().log()) {
    EXPECT_THAT(line, Not(HasSubstr(kNotifierToken)));
  }
}

}  // namespace
}  // namespace understudy::testing
