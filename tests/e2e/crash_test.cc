// The promises of both services when they are killed: kill -9 of the router, the notifier or both
// at random moments of a storm, and at random moments of the start that follows. Then
//
//   * every event whose call was answered is stored, once, and counted in its group once;
//   * every group's mails go out, the first one once, and together they tell of every event;
//   * a mail goes out twice only if its sender was killed while it was sent, and then as the same
//     bytes under the same Message-ID.
//
// A seed that failed is repeated with UNDERSTUDY_SEED=it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tests/e2e/notifier_caller.h"
#include "tests/e2e/notifier_database.h"
#include "tests/e2e/notifier_process.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/require.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using ::testing::IsEmpty;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr int kCallers = 4;
constexpr int kCallsOfRound = 60;
// Between a kill and what was meant to be disturbed by it.
constexpr int kMaxMomentUs = 30'000;
constexpr int kMaxStartMomentUs = 150'000;
constexpr char kDocument[] = "<Response><Say>fallback</Say></Response>";

uint64_t Seed() {
  const char* given = getenv("UNDERSTUDY_SEED");
  uint64_t seed = 0;
  if (given != nullptr && absl::SimpleAtoi(given, &seed)) return seed;
  return std::random_device{}();
}

// A round's events are of an account of its own, so that each round has groups of its own.
std::string AccountOfRound(int round) {
  return absl::StrFormat("AC%032x", round + 1);
}

class CrashWorld {
 public:
  CrashWorld(int rounds, uint64_t seed) : dice_(seed), rounds_(rounds) {
    broken_.On("/down", Reply{.status = 503, .body = "down for a while"});
    broken_.On("/spoilt", Reply{.body = "<Response><Say>no end"});
    broken_.On("/fallback", Reply{.body = kDocument});
    // Both are known by their addresses, so the first ports they get stay theirs.
    WriteConfigs();
    StartNotifier();
    notifier_port_ = notifier_->grpc_port();
    WriteConfigs();
    StartRouter();
    router_port_ = router_->grpc_port();
    WriteConfigs();
    channel_ = PatientChannel(absl::StrCat(address_, ":", router_port_));
    caller_.emplace(absl::StrCat(address_, ":", notifier_port_));
  }

  // A storm of calls, in whose midst something is killed and started again.
  void Round(int round) {
    answered_.clear();
    std::atomic<int> done = 0;
    std::vector<std::set<std::string>> answered(kCallers);
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([this, round, &done, &mine = answered[static_cast<size_t>(i)]] {
        while (done.load() < kCallsOfRound) {
          if (std::optional<std::string> event = Call(round, done.load() % 2 == 0)) {
            mine.insert(*std::move(event));
            ++done;
          }
        }
      });
    }
    const int kill_after = Roll(0, kCallsOfRound * 3 / 4);
    EXPECT_TRUE(WaitFor([&] { return done.load() >= kill_after; }, kSoon));
    absl::SleepFor(absl::Microseconds(Roll(0, kMaxMomentUs)));  // the moment is what is tried
    KillAndStart();
    for (std::thread& caller : callers) caller.join();
    for (std::set<std::string>& mine : answered) answered_.merge(mine);
  }

  // All that was answered is stored once, and groups count what is stored.
  void CheckEvents(int round) {
    const std::string account = AccountOfRound(round);
    std::vector<std::string> stored;
    int64_t counted = 0;
    const bool agrees = WaitFor(
        [&] {
          const NotifierCaller::Listed events = caller_->Events(account);
          const NotifierCaller::Listed groups = caller_->Groups(account);
          if (!events.status.ok() || !groups.status.ok()) return false;
          stored.clear();
          for (const auto& event : events.events) stored.push_back(event.event_id());
          counted = 0;
          for (const auto& group : groups.groups) counted += group.event_count();
          const std::set<std::string> ids(stored.begin(), stored.end());
          return std::includes(ids.begin(), ids.end(), answered_.begin(), answered_.end()) &&
                 counted == static_cast<int64_t>(stored.size());
        },
        kSoon);
    const std::set<std::string> ids(stored.begin(), stored.end());
    EXPECT_TRUE(agrees) << answered_.size() << " answered, " << ids.size() << " stored, " << counted
                        << " counted";
    EXPECT_EQ(ids.size(), stored.size()) << "an event is stored twice";
    total_answered_ += static_cast<int64_t>(answered_.size());
  }

  // When all has come to rest.
  void CheckMails() {
    NotifierDatabase database(store_path_);
    EXPECT_TRUE(WaitFor(
        [&] {
          return database.Number("SELECT count(*) FROM mails WHERE state < 2") == 0 &&
                 database.Number(kCountUntoldGroups) == 0;
        },
        kSoon))
        << database.Number("SELECT count(*) FROM mails WHERE state < 2") << " mails wait, "
        << database.Number(kCountUntoldGroups) << " groups are not told in full";
    EXPECT_EQ(database.Number("SELECT count(*) FROM events"),
              database.Number("SELECT count(DISTINCT event_id) FROM events"));
    EXPECT_EQ(database.Number("SELECT count(*) FROM events"),
              database.Number("SELECT sum(unknown_count + fallback_answered_count + "
                              "default_answered_count + warning_count) FROM groups"));
    // Two faults are two groups of each round. Reason 1 is the first mail of a group.
    EXPECT_EQ(database.Number("SELECT count(*) FROM groups"), 2 * rounds_);
    EXPECT_EQ(database.Number("SELECT count(*) FROM mails WHERE reason = 1"), 2 * rounds_);
    EXPECT_EQ(database.Number("SELECT count(DISTINCT group_id) FROM mails WHERE reason = 1"),
              2 * rounds_);

    std::map<std::string, std::vector<std::string>> received;  // by Message-ID
    for (const SmtpMail& mail : smtp_.mails()) received[MessageIdOf(mail)].push_back(mail.bytes);
    int64_t copies_too_many = 0;
    for (const std::vector<std::string>& row :
         database.Rows("SELECT message_id, state, attempts, was_ambiguous FROM mails")) {
      SCOPED_TRACE(absl::StrJoin(row, " "));
      EXPECT_EQ(row[1], "2") << "not accepted";
      const std::vector<std::string> copies = received[row[0]];
      received.erase(row[0]);
      ASSERT_GE(copies.size(), 1u) << "accepted, but never sent";
      int attempts = 0;
      ASSERT_TRUE(absl::SimpleAtoi(row[2], &attempts));
      EXPECT_LE(copies.size(), static_cast<size_t>(attempts));
      if (copies.size() > 1) {
        EXPECT_EQ(row[3], "1") << "sent again though its end was known";
      }
      for (const std::string& copy : copies) EXPECT_EQ(copy, copies.front());
      copies_too_many += static_cast<int64_t>(copies.size()) - 1;
    }
    EXPECT_THAT(received, IsEmpty()) << "mails that the store does not know";
    // One mail at a time is on its way.
    EXPECT_LE(copies_too_many, notifier_kills_);
    std::printf("%d rounds: %" PRId64 " calls answered, %zu mails, %" PRId64
                " of them twice; %d kills of the router, %d of the notifier\n",
                rounds_, total_answered_, smtp_.mails().size(), copies_too_many, router_kills_,
                notifier_kills_);
  }

 private:
  int Roll(int least, int most) { return std::uniform_int_distribution<int>(least, most)(dice_); }

  void WriteConfigs() {
    std::string accounts = "accounts:\n";
    for (int round = 0; round < rounds_; ++round) {
      absl::StrAppend(&accounts, "  - sid: ", AccountOfRound(round), "\n");
    }
    router_config_ =
        dir_.Write("router.yaml", absl::StrCat("grpc: {listen: \"", address_, ":", router_port_,
                                               "\"}\n", "admin: {listen: \"127.0.0.1:0\"}\n",
                                               accounts, "notifier: {target: \"dns:///", address_,
                                               ":", notifier_port_, "\", outbox_dir: ", dir_.path(),
                                               "/outbox}\n", "egress: {allow: [127.0.0.0/8]}\n"));
    // Mails as soon and as often as may be, so that kills meet them on their way.
    notifier_config_ = dir_.Write(
        "notifier.yaml",
        absl::StrCat("grpc: {listen: \"", address_, ":", notifier_port_, "\"}\n",
                     "http: {listen: \"127.0.0.1:0\"}\n", "admin: {listen: \"127.0.0.1:0\"}\n",
                     "store: {sqlite: ", store_path_, "}\n", "mail:\n  from: u@example.com\n",
                     "  smtp: {url: \"", smtp_.url(), "\", starttls: \"off\"}\n",
                     "alerts:\n  group_wait: 0s\n  group_interval: 1s\n  recovered_after: 1d\n",
                     "  repeat_interval: 30d\n  heartbeat: 0s\n",
                     "  mail_limit: {mails: 10000, per: 1s}\n",
                     "  routes: [{to: [ops@example.com]}]\n"));
  }

  void StartRouter() {
    router_ = std::make_unique<RouterProcess>(router_config_);
    Require(router_->Ready(), "a router that serves");
  }
  void StartNotifier() {
    notifier_ = std::make_unique<NotifierProcess>(notifier_config_);
    Require(notifier_->Ready(), "a notifier that serves");
  }

  void KillAndStart() {
    const int what = Roll(1, 3);
    const bool kills_router = (what & 1) != 0;
    const bool kills_notifier = (what & 2) != 0;
    // Sometimes the start that follows is killed as well.
    for (int more = Roll(0, 3) == 0 ? 1 : 0; more >= 0; --more) {
      if (kills_notifier) {
        notifier_.reset();
        ++notifier_kills_;
      }
      if (kills_router) {
        router_.reset();
        ++router_kills_;
      }
      if (kills_notifier) notifier_ = std::make_unique<NotifierProcess>(notifier_config_);
      if (kills_router) router_ = std::make_unique<RouterProcess>(router_config_);
      if (more > 0) absl::SleepFor(absl::Microseconds(Roll(0, kMaxStartMomentUs)));
    }
    if (kills_notifier) Require(notifier_->Ready(), "a notifier that serves again");
    if (kills_router) Require(router_->Ready(), "a router that serves again");
  }

  // The id of the event that a call's answer speaks of; nothing if it was not answered.
  std::optional<std::string> Call(int round, bool is_down) {
    v1::ResolveTwiMLRequest request;
    request.set_kind(v1::KIND_VOICE);
    request.set_account_sid(AccountOfRound(round));
    request.mutable_handler()->set_url(broken_.url(is_down ? "/down" : "/spoilt"));
    request.mutable_handler()->set_fallback_url(broken_.url("/fallback"));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    v1::ResolveTwiMLResponse response;
    const auto stub = v1::RouterService::NewStub(channel_);
    const grpc::Status status = stub->ResolveTwiML(&context, request, &response);
    if (!status.ok()) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      return std::nullopt;
    }
    EXPECT_EQ(response.twiml(), kDocument);
    return absl::StrCat(response.resolution_id(), "-1");
  }

  static std::string MessageIdOf(const SmtpMail& mail) {
    constexpr absl::string_view kField = "\r\nMessage-ID: <";
    const size_t at = mail.bytes.find(std::string(kField));
    if (at == std::string::npos) return "";
    const size_t begin = at + kField.size();
    return mail.bytes.substr(begin, mail.bytes.find('>', begin) - begin);
  }

  std::mt19937_64 dice_;
  const int rounds_;
  const TempDir dir_;
  const std::string store_path_ = dir_.path() + "/notifier.db";
  const std::string address_ = OwnLoopbackAddress();
  Origin broken_;
  SmtpServer smtp_;
  int router_port_ = 0;
  int notifier_port_ = 0;
  std::string router_config_;
  std::string notifier_config_;
  std::unique_ptr<NotifierProcess> notifier_;
  std::unique_ptr<RouterProcess> router_;
  std::shared_ptr<grpc::Channel> channel_;
  std::optional<NotifierCaller> caller_;

  std::set<std::string> answered_;  // of the last round
  int64_t total_answered_ = 0;
  int router_kills_ = 0;
  int notifier_kills_ = 0;
};

void RunRounds(int rounds) {
  const uint64_t seed = Seed();
  std::printf("UNDERSTUDY_SEED=%" PRIu64 "\n", seed);
  SCOPED_TRACE(absl::StrCat("UNDERSTUDY_SEED=", seed));
  CrashWorld world(rounds, seed);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    world.Round(round);
    world.CheckEvents(round);
    if (::testing::Test::HasFailure()) return;
  }
  world.CheckMails();
}

TEST(Crash, A1_P3_FiveKillsLoseAndRepeatNothing) {
  RunRounds(5);
}

TEST(SlowCrash, A1_P3_AHundredKillsLoseAndRepeatNothing) {
  RunRounds(100);
}

}  // namespace
}  // namespace understudy::testing
