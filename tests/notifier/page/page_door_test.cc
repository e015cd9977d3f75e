// The page's door, over a store in memory: who is let in, what paths there are, what is answered
// when the store is not.
#include "services/notifier/page/page_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/notifier/page/page_query.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/sim/flaky_store.h"
#include "tests/sim/sim_store.h"

namespace understudy::notifier {
namespace {

using serving::HttpRequest;
using serving::HttpResponse;
using ::testing::ElementsAre;
using testing::FlakyStore;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SampleEvent;
using testing::SimStore;

constexpr char kPassword[] = "not a real password";

std::string HeaderOf(const HttpResponse& response, absl::string_view name) {
  const std::string* const value = serving::FindHeader(response.headers, name);
  return value == nullptr ? "" : *value;
}

class PageDoorTest : public ::testing::Test {
 protected:
  PageDoorTest() {
    Event event = SampleEvent("e1");
    event.received_at = absl::Now();
    event.occurred_at = absl::Now();
    EXPECT_TRUE(sim_.Append({event}).ok());
  }

  static HttpRequest Request(const std::string& target, const std::string& method = "GET") {
    const size_t query = target.find('?');
    return {.method = method,
            .target = target,
            .path = target.substr(0, query),
            .query = query == std::string::npos ? "" : target.substr(query + 1),
            .headers = {{"Host", "a"}},
            .remote_address = "192.0.2.1"};
  }
  HttpResponse Get(const std::string& target) { return door_.Handle(Request(target)); }
  HttpResponse GetAs(const std::string& user, const std::string& password,
                     const std::string& target = "/") {
    HttpRequest request = Request(target);
    request.headers.push_back(
        {"Authorization",
         absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(user, ":", password)))});
    return door_.Handle(request);
  }

  SimStore sim_;
  FlakyStore store_{sim_};
  std::vector<std::string> results_;
  PageDoor door_{store_, {.open = true}, {.on_request = [this](PageResult result, absl::Duration) {
                   results_.emplace_back(PageResultName(result));
                 }}};
};

TEST_F(PageDoorTest, EachViewIsAnsweredAsADocumentThatLoadsNothingFromElsewhere) {
  for (const char* target : {"/", "/?hours=24", "/groups", "/groups?state=quiet", "/groups/1",
                             "/events/1", "/search", "/search?q=11200"}) {
    ASSERT_TRUE(PageDoor::Owns(Request(target).path)) << target;
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_THAT(HeaderOf(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(HeaderOf(response, "Content-Security-Policy"), Not(HasSubstr("unsafe")));
    EXPECT_EQ(HeaderOf(response, "Cache-Control"), "no-store");
    EXPECT_EQ(HeaderOf(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(serving::CheckResponse(response), absl::OkStatus());
  }
  for (const auto& [path, type] : {std::pair{"/style.css", "text/css; charset=utf-8"},
                                   std::pair{"/page.js", "text/javascript; charset=utf-8"},
                                   std::pair{"/icon.svg", "image/svg+xml; charset=utf-8"}}) {
    ASSERT_TRUE(PageDoor::Owns(path));
    EXPECT_EQ(Get(path).content_type, type);
    EXPECT_GT(Get(path).body.size(), 100u);
  }
}

TEST_F(PageDoorTest, WhatIsNotThereIsNotThere) {
  for (const char* target :
       {"/groups/2", "/groups/0", "/groups/", "/groups/1/", "/groups/1/../../etc/passwd",
        "/groups/%31", "/groups/..%2f..%2fetc%2fpasswd", "/events/2", "/events/-1",
        "/events/99999999999999999999", "/events/1;DROP", "/events//1"}) {
    EXPECT_EQ(Get(target).status, 404) << target;
    EXPECT_EQ(results_.back(), "not_found");
  }
  for (const char* path : {"/../style.css", "/style.css/", "/Style.css", "//", "/fallback",
                           "/v1/events", "/events/twilio", "/static/page.js", "/index.html", "*"}) {
    EXPECT_FALSE(PageDoor::Owns(path)) << path;
  }
}

TEST_F(PageDoorTest, OnlyReadsAreTaken) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"}) {
    const HttpResponse response = door_.Handle(Request("/", method));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(HeaderOf(response, "Allow"), "GET, HEAD");
  }
  EXPECT_EQ(door_.Handle(Request("/", "HEAD")).status, 200);
}

TEST_F(PageDoorTest, AFloodOfParametersIsRefusedOrIgnored) {
  EXPECT_EQ(Get(absl::StrCat("/search?", std::string(kMaxQueryBytes, '&'))).status, 200);
  EXPECT_EQ(Get(absl::StrCat("/search?", std::string(kMaxQueryBytes + 1, '&'))).status, 414);
  EXPECT_EQ(Get("/search?q=11200&q=12100&q=%00&x=y&&&=&%").status, 200);
  EXPECT_EQ(Get("/search?q=%FF%FE%00").status, 200);
  EXPECT_EQ(Get("/?hours=-1&hours=3").status, 200);
  EXPECT_EQ(Get("/groups?before=;&state=%3Cscript%3E").status, 200);
}

TEST_F(PageDoorTest, ThereIsNoPageUnlessItIsAskedFor) {
  door_.SetSettings({});
  for (const char* target : {"/", "/groups/1", "/search?q=11200", "/page.js"}) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 404);
    EXPECT_THAT(response.body, Not(HasSubstr("example.com")));
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  }
  EXPECT_THAT(results_, ::testing::Each("not_found"));
}

TEST_F(PageDoorTest, APasswordIsAskedForEverything) {
  door_.SetSettings({.password = Secret(kPassword)});
  for (const char* target :
       {"/", "/groups/1", "/events/1", "/search?q=11200", "/style.css", "/groups/404"}) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 401) << target;
    EXPECT_THAT(HeaderOf(response, "WWW-Authenticate"), HasSubstr("Basic realm="));
    EXPECT_THAT(response.body, Not(HasSubstr("example.com")));
  }
  EXPECT_EQ(GetAs("operator", "").status, 401);
  EXPECT_EQ(GetAs("operator", "Not a real password").status, 401);
  EXPECT_EQ(GetAs("Operator", kPassword).status, 401);
  EXPECT_EQ(GetAs("", kPassword).status, 401);
  EXPECT_EQ(GetAs("operator", kPassword).status, 200);
  HttpRequest request = Request("/");
  for (const char* header : {"Basic", "Basic !!!", "Bearer abc", "Basic Og==", ""}) {
    request.headers = {{"Authorization", header}};
    EXPECT_EQ(door_.Handle(request).status, 401) << header;
  }
  door_.SetSettings({.password = Secret(kPassword), .user = "alice"});
  EXPECT_EQ(GetAs("alice", kPassword).status, 200);
  EXPECT_EQ(GetAs("operator", kPassword).status, 401);
}

TEST_F(PageDoorTest, WhoGuessesIsSlowedDown) {
  door_.SetSettings({.password = Secret(kPassword)});
  int status = 401;
  for (int i = 0; i < 100 && status == 401; ++i) status = GetAs("operator", "guess").status;
  EXPECT_EQ(status, 429);
  const HttpResponse response = GetAs("operator", kPassword);
  EXPECT_EQ(response.status, 429);  // or guessing could go on
  EXPECT_NE(HeaderOf(response, "Retry-After"), "");
  EXPECT_EQ(results_.back(), "slowed_down");
}

TEST_F(PageDoorTest, AStoreThatFailsIsTold) {
  store_.FailAlways(absl::UnavailableError("the disk at /somewhere failed"));
  for (const char* target : {"/", "/groups", "/groups/1", "/events/1", "/search?q=11200"}) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_THAT(response.body, HasSubstr("The store does not answer"));
    EXPECT_THAT(response.body, Not(HasSubstr("/somewhere")));
    EXPECT_EQ(results_.back(), "failed");
  }
  EXPECT_EQ(Get("/style.css").status, 200);
  store_.Heal();
  EXPECT_EQ(Get("/").status, 200);
}

// Each read that a view makes, failing in turn.
TEST_F(PageDoorTest, AnyReadThatFailsIsTold) {
  for (const char* target : {"/", "/groups", "/groups/1", "/events/1", "/search?q=11200"}) {
    const int64_t before = store_.operations();
    EXPECT_EQ(Get(target).status, 200);
    const int64_t reads = store_.operations() - before;
    EXPECT_GT(reads, 0);
    for (int64_t nth = 1; nth <= reads; ++nth) {
      store_.FaultAt(nth, testing::StoreFault::kFailBefore);
      EXPECT_EQ(Get(target).status, 503) << target << " at read " << nth;
    }
  }
}

}  // namespace
}  // namespace understudy::notifier
