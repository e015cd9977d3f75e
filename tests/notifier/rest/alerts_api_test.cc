// The Alerts resource over a store in memory: who sees what, and how one gets from page to page.
#include "services/notifier/rest/alerts_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/sim/flaky_store.h"
#include "tests/sim/sim_store.h"

namespace understudy::notifier {
namespace {

using nlohmann::json;
using serving::HttpRequest;
using serving::HttpResponse;
using testing::DetailedEvent;
using ::testing::ElementsAre;
using testing::FlakyStore;
using ::testing::IsEmpty;
using testing::kAccount;
using testing::kOtherAccount;
using testing::SampleEvent;
using testing::SimStore;

constexpr char kToken[] = "12345 not a real token";
constexpr char kHost[] = "127.0.0.1:8081";

std::string Basic(absl::string_view user, absl::string_view password) {
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(user, ":", password)));
}

class AlertsApiTest : public ::testing::Test {
 protected:
  // Of "/v1/Alerts?..." or any other target.
  HttpResponse Ask(absl::string_view target, const std::string& method = "GET",
                   const std::string& authorization = Basic(kAccount, kToken)) {
    const size_t query = std::min(target.find('?'), target.size());
    HttpRequest request = {.method = method,
                           .target = std::string(target),
                           .path = std::string(target.substr(0, query)),
                           .query = std::string(target.substr(std::min(query + 1, target.size()))),
                           .headers = {{"Host", kHost}},
                           .remote_address = "192.0.2.1"};
    if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    return api_.Handle(request);
  }
  json Get(absl::string_view target) {
    const HttpResponse response = Ask(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    return json::parse(response.body);
  }
  // As an SDK follows it: `url` behind the base it knows.
  json Follow(const json& url) {
    const std::string base = absl::StrCat("http://", kHost);
    EXPECT_TRUE(absl::StartsWith(url.get<std::string>(), base)) << url;
    return Get(url.get<std::string>().substr(base.size()));
  }
  static std::vector<std::string> Details(const json& page) {
    std::vector<std::string> ids;
    for (const json& alert : page["alerts"]) {
      const std::string text = alert["alert_text"];
      ids.push_back(text.substr(4, text.find('&') - 4));
    }
    return ids;
  }
  // Events of one account, told apart by their details.
  void Append(const std::vector<std::string>& names, const char* account = kAccount) {
    std::vector<Event> events;
    for (const std::string& name : names) {
      events.push_back(DetailedEvent(absl::StrCat(account, name)));
      events.back().account_sid = account;
      events.back().detail = name;
    }
    ASSERT_TRUE(sim_.Append(std::move(events)).ok());
  }
  void ExpectError(const HttpResponse& response, int status, int code) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    const json error = json::parse(response.body);
    EXPECT_EQ(error["code"], code);
    EXPECT_EQ(error["status"], status);
    EXPECT_EQ(error["more_info"], absl::StrCat("https://www.twilio.com/docs/errors/", code));
    EXPECT_FALSE(error["message"].get<std::string>().empty());
    EXPECT_EQ(answered_.back(), code);
  }

  SimStore sim_;
  FlakyStore store_{sim_};
  std::vector<int> answered_;
  AlertsApi api_{
      store_,
      {.accounts = {{.sid = kAccount, .auth_token = Secret(kToken)},
                    {.sid = kOtherAccount, .auth_token = Secret("other")},
                    {.sid = "AC00000000000000000000000000000003", .auth_token = Secret("")}}},
      [this](int code) { answered_.push_back(code); }};
};

TEST_F(AlertsApiTest, ServesItsPathAndWhatIsBelow) {
  for (const char* path : {"/v1/Alerts", "/v1/Alerts/", "/v1/Alerts/NO1", "/v1/Alerts/a/b"}) {
    EXPECT_TRUE(AlertsApi::Serves(path)) << path;
  }
  for (const char* path : {"/v1/alerts", "/v1/Alertss", "/v1/Alert", "/", "", "/v1/events"}) {
    EXPECT_FALSE(AlertsApi::Serves(path)) << path;
  }
}

TEST_F(AlertsApiTest, ListsNewestFirst) {
  EXPECT_THAT(Details(Get("/v1/Alerts")), IsEmpty());
  Append({"a", "b", "c"});
  const json page = Get("/v1/Alerts");
  EXPECT_THAT(Details(page), ElementsAre("c", "b", "a"));
  EXPECT_EQ(page["meta"]["page"], 0);
  EXPECT_EQ(page["meta"]["page_size"], 50);
  EXPECT_EQ(page["meta"]["url"], absl::StrCat("http://", kHost, "/v1/Alerts?PageSize=50&Page=0"));
  EXPECT_TRUE(page["meta"]["next_page_url"].is_null());
  EXPECT_TRUE(page["meta"]["previous_page_url"].is_null());
  EXPECT_EQ(Ask("/v1/Alerts", "HEAD").status, 200);
  EXPECT_EQ(answered_.back(), 0);
}

TEST_F(AlertsApiTest, AnAlertIsFetchedByTheUrlItIsListedWith) {
  Append({"a", "b"});
  const json page = Get("/v1/Alerts");
  for (const json& listed : page["alerts"]) {
    json fetched = Follow(listed["url"]);
    EXPECT_EQ(fetched["request_variables"], "From=%2B14155550100&Body=a+%26+b+%3D+c%0A%C3%A9&To=");
    for (const char* more :
         {"request_variables", "request_headers", "response_headers", "response_body"}) {
      EXPECT_FALSE(listed.contains(more)) << more;
      fetched.erase(more);
    }
    EXPECT_EQ(fetched, listed);
  }
}

TEST_F(AlertsApiTest, AnEventOfTwiliosKeepsItsSid) {
  const std::string sid = "NO0123456789abcdef0123456789abcdef";
  ASSERT_TRUE(sim_.Append({SampleEvent(absl::StrCat("debugger-", sid))}).ok());
  EXPECT_EQ(Get("/v1/Alerts")["alerts"][0]["sid"], sid);
  EXPECT_EQ(Get(absl::StrCat("/v1/Alerts/", sid))["sid"], sid);
}

TEST_F(AlertsApiTest, PagesFollowOneAnotherThereAndBack) {
  Append({"a", "b", "c", "d", "e", "f", "g"});
  json page = Get("/v1/Alerts?PageSize=3");
  EXPECT_THAT(Details(page), ElementsAre("g", "f", "e"));
  Append({"later"});  // does not disturb those who go on
  page = Follow(page["meta"]["next_page_url"]);
  EXPECT_THAT(Details(page), ElementsAre("d", "c", "b"));
  EXPECT_EQ(page["meta"]["page"], 1);
  page = Follow(page["meta"]["next_page_url"]);
  EXPECT_THAT(Details(page), ElementsAre("a"));
  EXPECT_EQ(page["meta"]["page"], 2);
  EXPECT_TRUE(page["meta"]["next_page_url"].is_null());
  page = Follow(page["meta"]["previous_page_url"]);
  EXPECT_THAT(Details(page), ElementsAre("d", "c", "b"));
  EXPECT_EQ(page["meta"]["page"], 1);
  page = Follow(page["meta"]["previous_page_url"]);
  EXPECT_THAT(Details(page), ElementsAre("g", "f", "e"));
  page = Follow(page["meta"]["previous_page_url"]);  // what came since
  EXPECT_THAT(Details(page), ElementsAre("later"));
  EXPECT_TRUE(page["meta"]["previous_page_url"].is_null());
  page = Follow(page["meta"]["next_page_url"]);
  EXPECT_THAT(Details(page), ElementsAre("g", "f", "e"));
  EXPECT_THAT(Details(Follow(page["meta"]["first_page_url"])), ElementsAre("later", "g", "f"));
}

TEST_F(AlertsApiTest, APageThatIsFullToTheLastHasNoNext) {
  Append({"a", "b", "c"});
  EXPECT_TRUE(Get("/v1/Alerts?PageSize=3")["meta"]["next_page_url"].is_null());
  EXPECT_FALSE(Get("/v1/Alerts?PageSize=2")["meta"]["next_page_url"].is_null());
}

TEST_F(AlertsApiTest, PageSizesAreBounded) {
  std::vector<std::string> names;
  for (int i = 0; i < 1001; ++i) names.push_back(absl::StrCat(i));
  Append(names);
  EXPECT_EQ(Get("/v1/Alerts")["alerts"].size(), 50u);
  EXPECT_EQ(Get("/v1/Alerts?PageSize=1")["alerts"].size(), 1u);
  EXPECT_EQ(Get("/v1/Alerts?PageSize=1000")["alerts"].size(), 1000u);
  const json page = Get("/v1/Alerts?PageSize=1001");
  EXPECT_EQ(page["alerts"].size(), 1000u);
  EXPECT_EQ(page["meta"]["page_size"], 1000);
  for (const char* size : {"0", "-1", "x", ""}) {
    ExpectError(Ask(absl::StrCat("/v1/Alerts?PageSize=", size)), 400, 20422);
  }
}

TEST_F(AlertsApiTest, TokensThatNoPageHasAreRefused) {
  for (const char* token :
       {"PA", "PB", "PA0", "PA-1", "PAx", "7", "XX7", "PA99999999999999999999", "PA7%20", "%27"}) {
    ExpectError(Ask(absl::StrCat("/v1/Alerts?Page=1&PageToken=", token)), 400, 21481);
  }
  ExpectError(Ask("/v1/Alerts?Page=1"), 400, 21481);
  EXPECT_THAT(Details(Get("/v1/Alerts?Page=1&PageToken=PA1")), IsEmpty());
}

TEST_F(AlertsApiTest, FiltersNarrowTheList) {
  std::vector<Event> events = {SampleEvent("1"), SampleEvent("2", absl::Hours(1)),
                               SampleEvent("3", absl::Hours(24))};
  events[1].level = Level::kWarning;
  for (Event& event : events) {
    event.occurred_at = event.received_at;
    event.detail = event.event_id;
  }
  ASSERT_TRUE(sim_.Append(events).ok());
  const struct {
    const char* query;
    std::vector<std::string> details;
  } kCases[] = {
      {"", {"3", "2", "1"}},
      {"LogLevel=error", {"3", "1"}},
      {"LogLevel=warning", {"2"}},
      {"LogLevel=notice", {}},
      {"LogLevel=debug", {}},
      {"StartDate=2027-01-15T08%3A00%3A00Z", {"3", "2", "1"}},  // At()
      {"StartDate=2027-01-15T08%3A00%3A01Z", {"3", "2"}},
      {"EndDate=2027-01-15T09%3A00%3A00Z", {"2", "1"}},
      {"EndDate=2027-01-15T08%3A59%3A59Z", {"1"}},
      {"StartDate=2027-01-16", {"3"}},
      {"EndDate=2027-01-15", {"2", "1"}},
      {"StartDate=2027-01-15&EndDate=2027-01-15&LogLevel=error", {"1"}},
      {"StartDate=2027-01-17", {}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Details(Get(absl::StrCat("/v1/Alerts?", c.query))), c.details) << c.query;
  }
  ExpectError(Ask("/v1/Alerts?LogLevel=fatal"), 400, 20422);
  ExpectError(Ask("/v1/Alerts?StartDate=yesterday"), 400, 20422);
  ExpectError(Ask("/v1/Alerts?EndDate=yesterday"), 400, 20422);
  ExpectError(Ask("/v1/Alerts?LogLevel=error&LogLevel=warning"), 400, 20422);
  ExpectError(Ask("/v1/Alerts?StartDate=%2"), 400, 20422);
}

TEST_F(AlertsApiTest, AnAccountSeesItsOwnAlertsAlone) {
  Append({"mine"});
  Append({"theirs"}, kOtherAccount);
  ASSERT_TRUE(sim_.Append({[] {
                    Event event = SampleEvent("debugger-NO0123456789abcdef0123456789abcdef");
                    event.account_sid = kOtherAccount;
                    return event;
                  }()})
                  .ok());
  EXPECT_THAT(Details(Get("/v1/Alerts")), ElementsAre("mine"));
  const HttpResponse others = Ask("/v1/Alerts", "GET", Basic(kOtherAccount, "other"));
  const json theirs = json::parse(others.body)["alerts"];
  ASSERT_EQ(theirs.size(), 2u);
  for (const json& alert : theirs) {
    const std::string path = absl::StrCat("/v1/Alerts/", alert["sid"].get<std::string>());
    EXPECT_EQ(Ask(path, "GET", Basic(kOtherAccount, "other")).status, 200);
    ExpectError(Ask(path), 404, 20404);
  }
}

TEST_F(AlertsApiTest, WhatIsNotThereIsNotFound) {
  Append({"a"});
  std::string sid = Get("/v1/Alerts")["alerts"][0]["sid"];
  for (const char* path : {"/v1/Alerts/", "/v1/Alerts/NO1", "/v1/Alerts/..", "/v1/Alerts/a/b",
                           "/v1/Alerts/NO0123456789abcdef0123456789abcdef",
                           "/v1/Alerts/NOffffffffffffffffffffffffffffffff"}) {
    ExpectError(Ask(path), 404, 20404);
  }
  ExpectError(Ask(absl::StrCat("/v1/Alerts/", sid, "0")), 404, 20404);
  sid[5] = sid[5] == '0' ? '1' : '0';
  ExpectError(Ask(absl::StrCat("/v1/Alerts/", sid)), 404, 20404);
}

TEST_F(AlertsApiTest, NobodyComesInWithoutCredentials) {
  for (const std::string& authorization :
       {std::string(), std::string("Basic"), std::string("Bearer x"), Basic(kAccount, "wrong"),
        Basic(kAccount, ""), Basic("", kToken), Basic("AC00000000000000000000000000000003", ""),
        Basic(kOtherAccount, kToken)}) {
    for (const char* path : {"/v1/Alerts", "/v1/Alerts/NO1"}) {
      const HttpResponse response = Ask(path, "GET", authorization);
      ExpectError(response, 401, 20003);
      ASSERT_NE(serving::FindHeader(response.headers, "WWW-Authenticate"), nullptr);
      EXPECT_EQ(*serving::FindHeader(response.headers, "WWW-Authenticate"),
                "Basic realm=\"Twilio API\"");
    }
  }
}

TEST_F(AlertsApiTest, WithoutAccountsNobodyComesIn) {
  api_.SetSettings({});
  ExpectError(Ask("/v1/Alerts"), 401, 20003);
}

TEST_F(AlertsApiTest, WhoGuessesIsSlowedDown) {
  int refused = 0;
  HttpResponse response;
  do {
    response = Ask("/v1/Alerts", "GET", Basic(kAccount, "wrong"));
    ++refused;
  } while (response.status == 401 && refused < 100);
  ExpectError(response, 429, 20429);
  EXPECT_NE(serving::FindHeader(response.headers, "Retry-After"), nullptr);
}

TEST_F(AlertsApiTest, IsReadOnly) {
  for (const char* method : {"POST", "DELETE", "PUT", "OPTIONS"}) {
    const HttpResponse response = Ask("/v1/Alerts", method);
    ExpectError(response, 405, 20004);
    ASSERT_NE(serving::FindHeader(response.headers, "Allow"), nullptr);
    EXPECT_EQ(*serving::FindHeader(response.headers, "Allow"), "GET");
  }
}

TEST_F(AlertsApiTest, AStoreThatIsDownAsksToComeBackLater) {
  store_.FailAlways(absl::UnavailableError("the disk is broken"));
  for (const char* path : {"/v1/Alerts", "/v1/Alerts/NO0123456789abcdef0123456789abcdef"}) {
    const HttpResponse response = Ask(path);
    ExpectError(response, 503, 20503);
    EXPECT_NE(serving::FindHeader(response.headers, "Retry-After"), nullptr);
  }
}

TEST_F(AlertsApiTest, LinksLeadToThePublicUrlWhereThereIsOne) {
  Append({"a"});
  const std::vector<twilio::Account> accounts = {{.sid = kAccount, .auth_token = Secret(kToken)}};
  for (const char* url : {"https://alerts.example.com", "https://alerts.example.com/"}) {
    api_.SetSettings({.accounts = accounts, .public_url = url});
    EXPECT_EQ(Get("/v1/Alerts")["meta"]["url"],
              "https://alerts.example.com/v1/Alerts?PageSize=50&Page=0");
  }
}

}  // namespace
}  // namespace understudy::notifier
