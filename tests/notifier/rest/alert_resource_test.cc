#include "services/notifier/rest/alert_resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/notifier/store/sample_events.h"

namespace understudy::notifier {
namespace {

using nlohmann::json;
using testing::DetailedEvent;
using ::testing::ElementsAre;
using testing::kAccount;
using testing::kOtherAccount;
using testing::SampleEvent;

constexpr char kBase[] = "https://alerts.example.com";
constexpr char kTwilioSid[] = "NO0123456789abcdef0123456789abcdef";

StoredEvent Stored(Event event, int64_t row = 7) {
  return {.row = row, .group_id = 1, .event = std::move(event)};
}

TEST(AlertSidTest, SaysWhereItsEventIs) {
  std::set<std::string> sids;
  for (const int64_t row :
       {int64_t{1}, int64_t{2}, int64_t{1000000}, std::numeric_limits<int64_t>::max()}) {
    for (const char* account : {kAccount, kOtherAccount}) {
      for (const char* id : {"a", "b"}) {
        StoredEvent stored = Stored(SampleEvent(id), row);
        stored.event.account_sid = account;
        const std::string sid = AlertSid(stored);
        EXPECT_TRUE(IsAlertSid(sid)) << sid;
        EXPECT_EQ(AlertRow(sid), row);
        sids.insert(sid);
      }
    }
  }
  EXPECT_EQ(sids.size(), 16u);
}

TEST(AlertSidTest, IsTheSameTomorrow) {
  EXPECT_EQ(AlertSid(Stored(SampleEvent("a"))), "NO386d64f7008ae5cbc643fe044948559f");
}

TEST(AlertSidTest, OfAnEventFromTwilioIsTwilios) {
  EXPECT_EQ(AlertSid(Stored(SampleEvent(TwilioEventId(kTwilioSid)))), kTwilioSid);
  for (const char* id :
       {"debugger-NO1", "debugger-", "debugger-NO0123456789ABCDEF0123456789abcdef",
        "NO0123456789abcdef0123456789abcdef", "debugger-CA0123456789abcdef0123456789abcdef"}) {
    const StoredEvent stored = Stored(SampleEvent(id));
    EXPECT_EQ(AlertRow(AlertSid(stored)), stored.row) << id;
  }
}

TEST(AlertSidTest, HasOneForm) {
  EXPECT_TRUE(IsAlertSid(kTwilioSid));
  for (const char* text :
       {"", "NO", "NO0123456789abcdef0123456789abcde", "NO0123456789abcdef0123456789abcdef0",
        "NO0123456789abcdeF0123456789abcdef", "no0123456789abcdef0123456789abcdef",
        "CA0123456789abcdef0123456789abcdef", "NO0123456789abcdeg0123456789abcdef",
        "NO0123456789abcde%0123456789abcdef"}) {
    EXPECT_FALSE(IsAlertSid(text)) << text;
  }
}

TEST(AlertJsonTest, AnItemHasTheFieldsOfTheList) {
  const StoredEvent stored = Stored(DetailedEvent("a"));
  const std::string sid = AlertSid(stored);
  EXPECT_EQ(json::parse(AlertItemJson(stored, kBase)),
            json({{"sid", sid},
                  {"account_sid", kAccount},
                  {"alert_text",
                   "Msg=the%20web%20server%20answered%20502&ErrorCode=11200&httpResponse=502"
                   "&url=https%3A%2F%2Fwww.example.com%2Findex&LogLevel=ERROR"},
                  {"api_version", "2010-04-01"},
                  {"date_created", "2027-01-15T07:59:59Z"},
                  {"date_generated", "2027-01-15T07:59:59Z"},
                  {"date_updated", "2027-01-15T08:00:00Z"},
                  {"error_code", "11200"},
                  {"log_level", "error"},
                  {"more_info", "https://www.twilio.com/docs/errors/11200"},
                  {"request_method", "POST"},
                  {"request_url", "https://www.example.com/index"},
                  {"resource_sid", "CA0123456789abcdef0123456789abcdef"},
                  {"service_sid", nullptr},
                  {"url", absl::StrCat(kBase, "/v1/Alerts/", sid)}}));
}

TEST(AlertJsonTest, AnInstanceHasWhatWasSentAndAnsweredToo) {
  const StoredEvent stored = Stored(DetailedEvent("a"));
  json expected = json::parse(AlertItemJson(stored, kBase));
  expected["request_variables"] = "From=%2B14155550100&Body=a+%26+b+%3D+c%0A%C3%A9&To=";
  expected["request_headers"] = "I-Twilio-Idempotency-Token=0123-4567";
  expected["response_headers"] = "Content-Type=text%2Fhtml%3B+charset%3Dutf-8&Server=nginx";
  expected["response_body"] = "bad gateway";
  EXPECT_EQ(json::parse(AlertInstanceJson(stored, kBase)), expected);
}

TEST(AlertJsonTest, WhatIsNotKnownIsNull) {
  StoredEvent stored = Stored({.event_id = "a", .level = Level::kWarning});
  const json alert = json::parse(AlertInstanceJson(stored, kBase));
  for (const char* name : {"error_code", "more_info", "request_method", "request_url",
                           "resource_sid", "service_sid"}) {
    EXPECT_TRUE(alert[name].is_null()) << name;
  }
  EXPECT_EQ(alert["log_level"], "warning");
  EXPECT_EQ(alert["alert_text"], "Msg=&LogLevel=WARNING");
  for (const char* name :
       {"request_variables", "request_headers", "response_headers", "response_body"}) {
    EXPECT_EQ(alert[name], "") << name;
  }
  stored.event.request_method = Method::kGet;
  EXPECT_EQ(json::parse(AlertItemJson(stored, kBase))["request_method"], "GET");
}

TEST(AlertPageTest, LinksAreWholeUrlsThatKeepTheQuestion) {
  const AlertLinks links = {.base_url = kBase,
                            .query = {{"LogLevel", "error"}, {"StartDate", "2024-01-02T03:04:05Z"}},
                            .page = {.page_size = 2, .page = 3, .token = "PA9"},
                            .next_token = "PA7",
                            .previous_token = "PB8"};
  const std::string question = "/v1/Alerts?LogLevel=error&StartDate=2024-01-02T03%3A04%3A05Z";
  EXPECT_EQ(json::parse(AlertPageJson({}, links)),
            json({{"alerts", json::array()},
                  {"meta",
                   {{"key", "alerts"},
                    {"page", 3},
                    {"page_size", 2},
                    {"first_page_url", absl::StrCat(kBase, question, "&PageSize=2&Page=0")},
                    {"previous_page_url",
                     absl::StrCat(kBase, question, "&PageSize=2&Page=2&PageToken=PB8")},
                    {"url", absl::StrCat(kBase, question, "&PageSize=2&Page=3&PageToken=PA9")},
                    {"next_page_url",
                     absl::StrCat(kBase, question, "&PageSize=2&Page=4&PageToken=PA7")}}}}));
  const json meta =
      json::parse(AlertPageJson({Stored(SampleEvent("a")), Stored(SampleEvent("b"))}, {}))["meta"];
  EXPECT_TRUE(meta["next_page_url"].is_null());
  EXPECT_TRUE(meta["previous_page_url"].is_null());
}

std::variant<AlertQuery, twilio::RestError> Read(const twilio::Form& query) {
  return ReadAlertQuery(query);
}

TEST(AlertQueryTest, LevelsAreReadWithoutCase) {
  EXPECT_EQ(std::get<AlertQuery>(Read({})).level, std::nullopt);
  EXPECT_EQ(std::get<AlertQuery>(Read({{"LogLevel", "Error"}})).level, Level::kError);
  EXPECT_EQ(std::get<AlertQuery>(Read({{"LogLevel", "warning"}})).level, Level::kWarning);
  for (const char* level : {"notice", "DEBUG"}) {
    EXPECT_TRUE(std::get<AlertQuery>(Read({{"LogLevel", level}})).matches_none) << level;
  }
  for (const char* level : {"", "errors", "error "}) {
    EXPECT_EQ(std::get<twilio::RestError>(Read({{"LogLevel", level}})).code, 20422) << level;
  }
}

TEST(AlertQueryTest, ADateIsItsWholeDayAndATimeItsWholeSecond) {
  const absl::Time day = absl::FromCivil(absl::CivilDay(2024, 1, 2), absl::UTCTimeZone());
  const absl::Time second = day + absl::Hours(3) + absl::Seconds(5);
  const struct {
    const char* text;
    absl::Time start;
    absl::Time end;
  } kCases[] = {
      {"2024-01-02", day, day + absl::Hours(24)},
      {"2024-01-02T03:00:05Z", second, second + absl::Seconds(1)},
      {"2024-01-02T03:00:05.9Z", second, second + absl::Seconds(1)},
      {"2024-01-02T05:00:05+02:00", second, second + absl::Seconds(1)},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(std::get<AlertQuery>(Read({{"StartDate", c.text}})).start, c.start) << c.text;
    EXPECT_EQ(std::get<AlertQuery>(Read({{"EndDate", c.text}})).end, c.end) << c.text;
  }
  EXPECT_EQ(std::get<AlertQuery>(Read({})).start, absl::InfinitePast());
  EXPECT_EQ(std::get<AlertQuery>(Read({})).end, absl::InfiniteFuture());
  for (const char* text : {"", "today", "2024-13-01", "2024-01-32", "infinite-future", "2024",
                           "2024-01-02T03:00", "2024-01-02x", "1704164405"}) {
    for (const char* name : {"StartDate", "EndDate"}) {
      const auto read = Read({{name, text}});
      ASSERT_TRUE(std::holds_alternative<twilio::RestError>(read)) << text;
      EXPECT_EQ(std::get<twilio::RestError>(read).code, 20422) << text;
      EXPECT_EQ(std::get<twilio::RestError>(read).status, 400) << text;
    }
  }
}

}  // namespace
}  // namespace understudy::notifier
