// The operator's page of a real notifier: what strangers may do to it, and what goes on meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/door_world.h"
#include "tests/testing/http_client.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::AnyOf;
namespace v1 = notifier::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPassword[] = "not a real password";
constexpr absl::Duration kBound = absl::Seconds(30);

// With a page; "token" holds kNotifierToken, which is as good a password as any.
NotifierYaml WithPage() {
  return {.page = "page: {password_file: token}\n"};
}

std::string Login(const std::string& password) {
  return absl::StrCat("Authorization: Basic ",
                      absl::Base64Escape(absl::StrCat("operator:", password)), "\r\n");
}

std::string EventJson(const std::string& id) {
  return absl::StrCat(R"({"events":[{"event_id":")", id, R"(","kind":1,"account_sid":")",
                      kNotifierAccount,
                      R"(","error_code":11200,"error_url":"https://www.example.com/"}]})");
}

size_t DescriptorsOf(const ServiceProcess& process) {
  const std::filesystem::directory_iterator entries(absl::StrCat("/proc/", process.pid(), "/fd"));
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST(PageProcessTest, NothingIsTold) {
  DoorWorld world(WithPage());
  ASSERT_EQ(world.PostJson(EventJson("e1")).status, 200);
  const std::string login = Login(kNotifierToken);
  EXPECT_THAT(world.Get("/", login).body, HasSubstr("www.example.com"));

  for (const char* target : {"/", "/groups/1", "/events/1", "/search?q=11200", "/style.css",
                             "/page.js", "/groups?state=open"}) {
    const Response answer = world.Get(target);
    EXPECT_EQ(answer.status, 401) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr("www.example.com")));
    EXPECT_THAT(answer.body, Not(HasSubstr(kNotifierToken)));
  }
  EXPECT_EQ(world.Get("/", Login(kPassword)).status, 401);
  // Paths that would lead elsewhere if they were files; also for who may look.
  for (const char* target :
       {"/../notifier.yaml", "/style.css/../notifier.yaml", "/groups/../../token", "/%2e%2e/token",
        "/..%2ftoken", "/style.css%00.html", "//etc/passwd", "/events/1/../../token",
        "/.git/config", "/page.js~", "/groups/1%2f..%2f..%2ftoken"}) {
    const Response answer = world.Get(target, login);
    EXPECT_THAT(answer.status, AnyOf(400, 404)) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr(kNotifierToken))) << target;
  }
  // Nor is a password in what the process says of itself.
  EXPECT_THAT(world.Metrics(), Not(HasSubstr(kNotifierToken)));
  EXPECT_EQ(world.Stop(), 0);
}

TEST(PageProcessTest, FloodsAreRefused) {
  DoorWorld world(WithPage());
  const std::string login = Login(kNotifierToken);
  std::string headers = login;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&headers, "X-", i, ": flood\r\n");
  EXPECT_EQ(world.Get("/", headers).status, 431);
  EXPECT_EQ(
      world.Get("/", absl::StrCat(login, "X-Long: ", std::string(100000, 'x'), "\r\n")).status,
      431);
  EXPECT_EQ(world.Get(absl::StrCat("/search?q=", std::string(5000, 'x')), login).status, 414);
  EXPECT_EQ(world.Get(absl::StrCat("/search?q=", std::string(100000, 'x')), login).status, 414);
  std::string parameters = "/search?q=11200";
  while (parameters.size() < 4000) parameters += "&q=1";
  EXPECT_EQ(world.Get(parameters, login).status, 200);
  EXPECT_EQ(
      world.Get("/", absl::StrCat("Authorization: Basic ", std::string(4000, 'A'), "\r\n")).status,
      401);
  EXPECT_EQ(world.Get("/", login).status, 200);
  EXPECT_EQ(world.PostJson(EventJson("e1")).status, 200);
}

TEST(PageProcessTest, AMailLeadsToItsGroup) {
  NotifierYaml yaml = WithPage();
  yaml.http = ", public_url: \"http://alerts.test\"";
  DoorWorld world(yaml);
  ASSERT_EQ(world.PostJson(EventJson("e1")).status, 200);
  ASSERT_TRUE(world.WaitForMails(1));
  EXPECT_THAT(world.mails().front(), HasSubstr("http://alerts.test/groups/1"));
  EXPECT_THAT(world.Get("/groups/1", Login(kNotifierToken)).body, HasSubstr("www.example.com"));
}

TEST(PageProcessTest, APasswordIsTakenUpWithoutARestart) {
  DoorWorld world;
  EXPECT_EQ(world.Get("/", Login(kNotifierToken)).status, 404);
  world.Rewrite(WithPage());
  EXPECT_TRUE(WaitFor([&] { return world.Get("/", Login(kNotifierToken)).status == 200; }, kBound));
  EXPECT_EQ(world.Get("/").status, 401);
}

// From five addresses, as there is a limit for each.
HttpClient ClientNumber(int number, int port) {
  return HttpClient(port, {.from = absl::StrCat("127.0.1.", number % 5 + 1)});
}

constexpr int kConnections = 10000;
// What a process opens for itself when there is much to do: another reader of its database.
constexpr size_t kOwnDescriptors = 50;

TEST(PageProcessTest, TenThousandIdleConnectionsKeepNobodyOut) {
  DoorWorld world(WithPage());
  const std::string login = Login(kNotifierToken);
  ASSERT_EQ(world.Get("/", login).status, 200);
  const size_t descriptors = DescriptorsOf(world.process());
  const int64_t resident = world.process().resident_kilobytes();

  std::vector<HttpClient> idle;
  idle.reserve(kConnections);
  for (int i = 0; i < kConnections; ++i) {
    idle.push_back(ClientNumber(i, world.process().http_port()));
    ASSERT_TRUE(idle.back().is_open()) << i;
    const auto answer = idle.back().Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(answer->status, 401);
    // Some have begun to ask again.
    if (i % 3 == 0) idle.back().Send("GET / HT");
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(world.Get("/", login).status, 200);
    EXPECT_EQ(world.PostJson(EventJson(absl::StrCat("e", i))).status, 200);
    EXPECT_THAT(world.Metrics(), HasSubstr("understudy_store_up 1"));  // the admin port
  }
  EXPECT_LT(world.process().resident_kilobytes() - resident, 200 * 1024);
  idle.clear();
  EXPECT_TRUE(WaitFor(
      [&] { return DescriptorsOf(world.process()) <= descriptors + kOwnDescriptors; }, kBound));
  EXPECT_EQ(world.Get("/", login).status, 200);
  EXPECT_EQ(world.Stop(), 0);
}

// They have the time of a request's head; what does not come by the HTTP port goes on meanwhile.
TEST(PageProcessTest, TenThousandSilentConnectionsAreOverInSeconds) {
  DoorWorld world(WithPage());
  const std::string login = Login(kNotifierToken);
  std::vector<HttpClient> silent;
  silent.reserve(kConnections);
  for (int i = 0; i < kConnections; ++i) {
    silent.push_back(ClientNumber(i, world.process().http_port()));
  }
  v1::ReportErrorEventsRequest request;
  v1::ErrorEvent* const event = request.add_events();
  event->set_event_id("e1");
  event->set_kind(v1::KIND_VOICE);
  event->set_account_sid(kNotifierAccount);
  event->set_error_url("https://www.example.com/");
  grpc::ClientContext context;
  v1::ReportErrorEventsResponse response;
  EXPECT_TRUE(world.stub().ReportErrorEvents(&context, request, &response).ok());
  EXPECT_THAT(world.Metrics(), HasSubstr("understudy_store_up 1"));
  const auto is_shown = [&] {
    const Response page = world.Get("/", login);
    return page.status == 200 && absl::StrContains(page.body, "www.example.com");
  };
  EXPECT_TRUE(WaitFor(is_shown, kBound));
}

}  // namespace
}  // namespace understudy::testing
