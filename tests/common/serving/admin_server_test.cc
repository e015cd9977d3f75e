#include "common/serving/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/serving/monotonic_clock.h"
#include "tests/testing/http_client.h"

namespace understudy::serving {
namespace {

using ::testing::HasSubstr;

class AdminServerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<AdminServer>> Start(uint16_t port = 0) {
    return AdminServer::Start({.host = "127.0.0.1", .port = port}, registry_, [this] {
      return is_ready_ ? absl::OkStatus() : absl::UnavailableError("draining");
    });
  }

  static httplib::Result Get(const AdminServer& server, const char* path) {
    return httplib::Client("127.0.0.1", server.port()).Get(path);
  }

  prometheus::Registry registry_;
  std::atomic<bool> is_ready_ = true;
};

TEST_F(AdminServerTest, ServesMetricsAsText) {
  prometheus::BuildCounter()
      .Name("understudy_things_total")
      .Help("Things.")
      .Register(registry_)
      .Add({{"kind", "voice"}})
      .Increment(3);
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const httplib::Result result = Get(**server, "/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(result->get_header_value("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(result->body, HasSubstr("# TYPE understudy_things_total counter\n"
                                      "understudy_things_total{kind=\"voice\"} 3\n"));
}

TEST_F(AdminServerTest, TellsHealthAndReadiness) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Get(**server, "/healthz")->body, "ok\n");
  EXPECT_EQ(Get(**server, "/readyz")->status, 200);
  is_ready_ = false;
  const httplib::Result result = Get(**server, "/readyz");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(result->body, "draining\n");
  EXPECT_EQ(Get(**server, "/healthz")->status, 200);
}

TEST_F(AdminServerTest, HasNothingElse) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  for (const char* path : {"/", "/metrics/", "/metrics2", "/../metrics", "/debug"}) {
    EXPECT_EQ(Get(**server, path)->status, 404) << path;
  }
  httplib::Client client("127.0.0.1", (*server)->port());
  EXPECT_EQ(client.Post("/healthz", "", "text/plain")->status, 405);
}

TEST_F(AdminServerTest, RefusesABodyOverTheLimit) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client client("127.0.0.1", (*server)->port());
  EXPECT_EQ(client.Post("/", std::string(kMaxAdminBodyBytes, 'x'), "text/plain")->status, 404);
  EXPECT_EQ(client.Post("/", std::string(kMaxAdminBodyBytes + 1, 'x'), "text/plain")->status, 413);
}

TEST_F(AdminServerTest, N20HalfRequestsDoNotHoldUpAScrape) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<testing::HttpClient> half;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(half.emplace_back((*server)->port()).Send("GET /metrics HTTP/1.1\r\nHost:"));
  }
  const absl::Time begin = MonotonicNow();
  const httplib::Result result = Get(**server, "/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_LE(MonotonicNow() - begin, absl::Seconds(1));
}

TEST_F(AdminServerTest, FailsToStartOnATakenPort) {
  const auto first = Start();
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Start((*first)->port());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("127.0.0.1:" + std::to_string((*first)->port())));
}

TEST_F(AdminServerTest, FreesItsPortWhenStopped) {
  const auto first = Start();
  ASSERT_TRUE(first.ok()) << first.status();
  (*first)->Stop();
  (*first)->Stop();
  EXPECT_FALSE(Get(**first, "/healthz"));
  const auto second = Start((*first)->port());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Get(**second, "/healthz")->status, 200);
}

}  // namespace
}  // namespace understudy::serving
