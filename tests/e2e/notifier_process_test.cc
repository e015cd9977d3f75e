// The notifier as a process: section P of docs/faults.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/grpc_error.h"
#include "tests/e2e/notifier_database.h"
#include "tests/e2e/notifier_world.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(30);
// A2: a notifier that is told to stop is gone after it.
constexpr absl::Duration kMaxStop = absl::Seconds(10);

// Reports events one after the other until it is told to stop; keeps what was acknowledged.
class Senders {
 public:
  explicit Senders(NotifierWorld& world) {
    for (int i = 0; i < 4; ++i) threads_.emplace_back([this, &world, i] { Run(world, i); });
  }
  ~Senders() { Stop(); }
  Senders(const Senders&) = delete;
  Senders& operator=(const Senders&) = delete;

  size_t acknowledged() const {
    MutexLock lock(mutex_);
    return acknowledged_.size();
  }
  std::set<std::string> Stop() {
    is_stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    MutexLock lock(mutex_);
    return acknowledged_;
  }

 private:
  void Run(NotifierWorld& world, int sender) {
    for (int i = 0; !is_stopping_; ++i) {
      const std::string id = absl::StrCat("sender-", sender, "-", i);
      NotifierCaller& caller = world.caller();
      // In time to be stopped also where nobody answers any more.
      if (!caller.Report({ReportedEvent(id, kWorldAccount)}, absl::Seconds(2)).ok()) continue;
      MutexLock lock(mutex_);
      acknowledged_.insert(id);
    }
  }

  std::atomic<bool> is_stopping_ = false;
  mutable Mutex mutex_;
  std::set<std::string> acknowledged_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

std::set<std::string> StoredIds(NotifierWorld& world) {
  std::set<std::string> ids;
  size_t events = 0;
  for (const auto& event : world.caller().Events(kWorldAccount).events) {
    ids.insert(event.event_id());
    ++events;
  }
  EXPECT_EQ(ids.size(), events) << "an event is stored twice";
  return ids;
}

TEST(NotifierProcess, P1_A2_SigtermUnderLoadLosesNothingAndMailsGoOutAfterwards) {
  NotifierWorld world;
  world.Start();
  Senders senders(world);
  ASSERT_TRUE(WaitFor([&] { return senders.acknowledged() >= 100; }, kSoon));
  const absl::Time begun_at = absl::Now();
  world.process().Signal(SIGTERM);
  EXPECT_EQ(world.process().WaitForExit(), 0);
  EXPECT_LE(absl::Now() - begun_at, kMaxStop);
  const std::set<std::string> acknowledged = senders.Stop();

  world.Start();
  EXPECT_THAT(acknowledged, IsSubsetOf(StoredIds(world)));
  EXPECT_TRUE(WaitFor([&] { return !world.smtp().mails().empty(); }, kSoon));
}

TEST(NotifierProcess, P2_ASecondSigtermStopsAtOnceAndLosesNothing) {
  NotifierWorld world;
  // A mail that hangs would be waited for.
  world.smtp().On(SmtpStep::kVerdict, Script{}.Stall());
  world.Start();
  Senders senders(world);
  ASSERT_TRUE(WaitFor([&] { return !world.smtp().mails().empty(); }, kSoon));
  world.process().Signal(SIGTERM);
  ASSERT_TRUE(world.process().WaitForLog("stopping"));
  world.process().Signal(SIGTERM);
  EXPECT_EQ(world.process().WaitForExit(), 1);
  const std::set<std::string> acknowledged = senders.Stop();

  world.smtp().On(SmtpStep::kVerdict, Script{});
  world.Start();
  EXPECT_THAT(acknowledged, IsSubsetOf(StoredIds(world)));
}

TEST(NotifierProcess, P5_AProcessThatStoodStillLosesNothingAndMailsOnce) {
  NotifierWorld world;
  world.Start();
  Senders senders(world);
  ASSERT_TRUE(WaitFor([&] { return senders.acknowledged() >= 50; }, kSoon));
  // Longer than the senders wait.
  world.process().Signal(SIGSTOP);
  absl::SleepFor(absl::Seconds(4));
  world.process().Signal(SIGCONT);
  const size_t before = senders.acknowledged();
  ASSERT_TRUE(WaitFor([&] { return senders.acknowledged() >= before + 50; }, kSoon));
  const std::set<std::string> acknowledged = senders.Stop();
  EXPECT_THAT(acknowledged, IsSubsetOf(StoredIds(world)));
  ASSERT_TRUE(WaitFor([&] { return world.Metric("understudy_mails_unsent") == 0; }, kSoon));
  std::set<std::string> mails;
  for (const SmtpMail& mail : world.smtp().mails()) {
    EXPECT_TRUE(mails.insert(mail.bytes).second) << "a mail was sent twice";
  }
}

TEST(NotifierProcess, P8_ABadConfigurationIsRefusedByItsLine) {
  NotifierWorld world;
  world.Start();
  const std::string good = world.config();
  world.AddToConfig("log: {level: loud}\n");
  const ProgramEnd checked =
      RunProgram({UNDERSTUDY_NOTIFIER_BINARY, "--check-config", "--config", world.config()});
  EXPECT_EQ(checked.status, 2);
  EXPECT_THAT(checked.err, HasSubstr(absl::StrCat(world.config(), ":")));
  EXPECT_THAT(checked.err, HasSubstr("log.level"));
  EXPECT_EQ(RunProgram({UNDERSTUDY_NOTIFIER_BINARY, "--config", world.config()}).status, 2);
  // The one that runs goes on with what it has.
  EXPECT_TRUE(world.process().WaitForLog("configuration refused, the old one stays"));
  EXPECT_EQ(world.Metric("understudy_config_reloads_total{result=\"refused\"}"), 1);
  EXPECT_TRUE(world.Report("still here").ok());
}

TEST(NotifierProcess, P9_ASecretIsReadAgainAndAnEmptyOneIsNotUsed) {
  const TempDir secrets;
  const std::string token = secrets.Write("token", "first\n");
  NotifierWorld world;
  world.AddToConfig(
      absl::StrCat("accounts: [{sid: ", kWorldAccount, ", auth_token_file: ", token, "}]\n"));
  world.Start();
  const auto status_with = [&](const std::string& words) {
    HttpClient client(world.process().http_port());
    const auto answer = client.Ask(absl::StrCat(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Authorization: Basic ",
        words, "\r\nContent-Length: 2\r\n\r\n{}"));
    return answer.has_value() ? answer->status : 0;
  };
  // "AC...1:first" and "AC...1:second"; an empty batch is a mistake that only a sender hears of.
  constexpr char kFirst[] = "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpmaXJzdA==";
  constexpr char kSecond[] = "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWNvbmQ=";
  EXPECT_EQ(status_with(kFirst), 400);
  EXPECT_EQ(status_with(kSecond), 401);

  secrets.Write("token", "");
  EXPECT_TRUE(world.process().WaitForLog("configuration refused"));
  EXPECT_EQ(status_with(kFirst), 400);
  secrets.Write("token", "second\n");
  EXPECT_TRUE(world.process().WaitForLog("configuration loaded"));
  EXPECT_EQ(status_with(kSecond), 400);
  EXPECT_EQ(status_with(kFirst), 401);
}

TEST(NotifierProcess, P12_ALogThatNobodyReadsStopsNothing) {
  NotifierWorld world;
  world.Start();
  world.process().StopReadingLog();
  // A line for each event: more than the pipe and the queue hold.
  constexpr int kBatch = 500;
  for (int begin = 0; begin < 10'000; begin += kBatch) {
    std::vector<notifier::v1::ErrorEvent> events;
    for (int i = begin; i < begin + kBatch; ++i) {
      events.push_back(ReportedEvent(absl::StrCat("event-", i), kWorldAccount));
    }
    ASSERT_TRUE(world.caller().Report(events).ok());
  }
  EXPECT_GT(world.Metric("understudy_log_lines_dropped"), 0);
  EXPECT_TRUE(world.Report("still here").ok());
}

// The limits of grpc_service.h.
TEST(NotifierProcess, SendersOverThoseThatWaitForTheDiskAreToldToComeBackAndThreadsAreBounded) {
  constexpr int kCalls = 128;
  constexpr int kThreads = 2 * kCalls;
  constexpr int kSenders = 200;
  // The server's others, and those of its log, its doors, its store and its mails.
  constexpr int kOtherThreads = 40;
  NotifierWorld world;
  world.Start();
  ASSERT_TRUE(world.Report("first").ok());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(world.store().c_str(), &database), SQLITE_OK);
  // Another program that writes: nothing is stored meanwhile.
  ASSERT_EQ(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::atomic<int> stored = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> waited = 0;  // in vain
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, i] {
      const grpc::Status status = world.Report(absl::StrCat("sender-", i));
      if (status.ok()) ++stored;
      if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) {
        ++refused;
        EXPECT_EQ(serving::RetryDelay(status), absl::Seconds(1)) << status.error_message();
      }
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE) ++waited;
    });
  }
  EXPECT_TRUE(WaitFor([&] { return refused >= kSenders - kCalls; }, kSoon));
  EXPECT_LE(world.process().threads(), kThreads + kOtherThreads);
  EXPECT_EQ(sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(stored + refused + waited, kSenders);
  EXPECT_EQ(refused, kSenders - kCalls);
  EXPECT_EQ(
      world.Metric("understudy_events_rejected_total{door=\"grpc\",reason=\"TOO_MANY_CALLS\"}"),
      refused);
  EXPECT_TRUE(world.Report("last").ok());
}

TEST(NotifierProcess, P15_CallsAreAnsweredWhileNoNotifierIsThereAndReportedLater) {
  constexpr int kCalls = 50;
  constexpr char kDocument[] = "<Response><Say>fallback</Say></Response>";
  Origin origin;
  origin.On("/down", Reply{.status = 503, .body = "down"});
  origin.On("/fallback", Reply{.body = kDocument});
  NotifierWorld world;
  world.Start();
  const TempDir dir;
  RouterProcess router(
      dir.Write("router.yaml",
                absl::StrCat("grpc: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\n",
                             "accounts: [{sid: ", kWorldAccount, "}]\nnotifier: {target: \"dns:///",
                             world.grpc_address(), "\", outbox_dir: ", dir.path(),
                             "/outbox}\negress: {allow: [127.0.0.0/8]}\n")));
  ASSERT_TRUE(router.Ready());
  world.Kill();

  const auto stub = router::v1::RouterService::NewStub(
      PatientChannel(absl::StrCat("127.0.0.1:", router.grpc_port())));
  std::set<std::string> ids;
  for (int i = 0; i < kCalls; ++i) {
    router::v1::ResolveTwiMLRequest request;
    request.set_kind(router::v1::KIND_VOICE);
    request.set_account_sid(kWorldAccount);
    request.mutable_handler()->set_url(origin.url("/down"));
    request.mutable_handler()->set_fallback_url(origin.url("/fallback"));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    router::v1::ResolveTwiMLResponse response;
    const grpc::Status status = stub->ResolveTwiML(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.twiml(), kDocument);
    ids.insert(absl::StrCat(response.resolution_id(), "-1"));
  }
  EXPECT_THAT(ids, SizeIs(kCalls));
  world.Start();
  EXPECT_TRUE(WaitFor([&] { return StoredIds(world) == ids; }, absl::Seconds(60)));
}

// With the waits of this world a group's mails would be many, were there a server to take them.
TEST(SlowNotifierProcess, A6_AMailServerThatWasAwayIsToldEachGroupInOneMoreMail) {
  constexpr int kEvents = 100'000;
  constexpr int kGroups = 200;
  constexpr int kBatch = 500;
  constexpr int64_t kMaxResidentKilobytes = 128 * 1024;
  NotifierWorld world;
  world.smtp().On(SmtpStep::kGreeting, Script{}.Close());
  world.Start();
  for (int begin = 0; begin < kEvents; begin += kBatch) {
    std::vector<notifier::v1::ErrorEvent> events;
    for (int i = begin; i < begin + kBatch; ++i) {
      events.push_back(ReportedEvent(absl::StrCat("event-", i), kWorldAccount,
                                     absl::StrCat("web", i % kGroups, ".example.com")));
    }
    ASSERT_TRUE(world.caller().Report(events).ok());
  }
  // Each group's first mail was written when the first of these came.
  ASSERT_TRUE(WaitFor([&] { return world.Metric("understudy_mails_unsent") >= kGroups; }, kSoon));
  EXPECT_TRUE(world.smtp().mails().empty());

  world.smtp().On(SmtpStep::kGreeting, Script{});
  const absl::Time back_at = absl::Now();
  EXPECT_TRUE(WaitFor([&] { return !world.smtp().mails().empty(); }, absl::Seconds(60)));
  std::printf("first mail %.1f s after the server was back\n",
              absl::ToDoubleSeconds(absl::Now() - back_at));
  NotifierDatabase database(world.store());
  EXPECT_TRUE(
      WaitFor([&] { return database.Number(kCountUntoldGroups) == 0; }, absl::Seconds(120)));
  EXPECT_EQ(database.Number("SELECT count(*) FROM events"), kEvents);
  EXPECT_EQ(database.Number("SELECT sum(fallback_answered_count) FROM told"), kEvents);
  EXPECT_EQ(database.Number("SELECT count(*) FROM mails WHERE reason = 1"), kGroups);
  // The one that waited, and one that catches up.
  EXPECT_LE(
      database.Number("SELECT max(n) FROM (SELECT count(*) AS n FROM mails GROUP BY group_id)"), 2);
  EXPECT_LE(world.process().peak_resident_kilobytes(), kMaxResidentKilobytes);
  std::printf("most resident: %.0f MiB\n",
              static_cast<double>(world.process().peak_resident_kilobytes()) / 1024);
}

}  // namespace
}  // namespace understudy::testing
