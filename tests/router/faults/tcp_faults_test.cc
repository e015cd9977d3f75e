// Faults of TCP, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/twilio/signature.h"
#include "common/twilio/url.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/black_hole.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

using router::Phase;
using ::testing::HasSubstr;

constexpr char kIndex[] = "/index";

std::string UrlAt(int port, absl::string_view fragment = "") {
  return absl::StrCat("http://127.0.0.1:", port, kIndex, fragment);
}

Script Answering(absl::string_view document) {
  return Reply{.body = std::string(document)};
}

// What a server does with every connection it accepts, and what comes of it.
struct AcceptRow {
  std::string id = {};
  Script script = {};
  std::string fragment = {};
  ExpectedFault fault = {};
};

void PrintTo(const AcceptRow& row, std::ostream* out) {
  *out << row.id;
}

class TcpFault : public ::testing::TestWithParam<AcceptRow> {};

TEST_P(TcpFault, IsAnsweredByTheFallback) {
  const AcceptRow& row = GetParam();
  FaultWorld world;
  Origin primary;
  primary.OnAccept(row.script);
  world.ExpectFallback(primary.url(absl::StrCat(kIndex, row.fragment)), row.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Table, TcpFault,
    ::testing::Values(AcceptRow{.id = "T5_ResetBeforeAByte",
                                .script = Script{}.AwaitBytes().Reset(),
                                .fault = {.classic = 11205,
                                          .phase = Phase::kHeaders,
                                          .detail = "closed the connection without an answer",
                                          .no_later = absl::Milliseconds(100)}},
                      AcceptRow{.id = "T6_EndBeforeAByte",
                                .script = Script{}.Close(),
                                .fault = {.classic = 11205,
                                          .phase = Phase::kHeaders,
                                          .detail = "closed the connection without an answer",
                                          .no_later = absl::Milliseconds(100)}},
                      AcceptRow{
                          .id = "T7_SilenceUntilTheTotalTimeIsOver",
                          .script = Script{}.Stall(),
                          .fragment = "#tt=300",
                          .fault = {.classic = 11205,
                                    .specific = 11203,
                                    .phase = Phase::kHeaders,
                                    .detail = "total time was over before the server had answered",
                                    .no_sooner = absl::Milliseconds(300),
                                    .no_later = absl::Milliseconds(300)}},
                      AcceptRow{.id = "T7_SilenceWhenBothTimesEndTogether",
                                .script = Script{}.Stall(),
                                .fragment = "#rt=300&tt=300",
                                .fault = {.classic = 11205,
                                          .specific = 11203,
                                          .phase = Phase::kHeaders,
                                          .detail = "total time",
                                          .no_sooner = absl::Milliseconds(300),
                                          .no_later = absl::Milliseconds(300)}},
                      AcceptRow{.id = "T7_SilenceUntilTheReadTimeout",
                                .script = Script{}.Stall(),
                                .fragment = "#rt=200",
                                .fault = {.classic = 11205,
                                          .phase = Phase::kHeaders,
                                          .detail = "read timeout",
                                          .no_sooner = absl::Milliseconds(200),
                                          .no_later = absl::Milliseconds(200)}},
                      AcceptRow{.id = "T7_SilenceIsAskedAgainIfThePolicySaysSo",
                                .script = Script{}.Stall(),
                                .fragment = "#rt=100&rc=2&rp=rt",
                                .fault = {.classic = 11205,
                                          .phase = Phase::kHeaders,
                                          .detail = "read timeout",
                                          .attempts = 3,
                                          .no_sooner = absl::Milliseconds(300),
                                          .no_later = absl::Milliseconds(300)}},
                      AcceptRow{.id = "T7_APartialAnswerIsNotAskedForAgain",
                                .script = Script{}.AwaitBytes().Send("HTTP/1.1 200 OK\r\n").Stall(),
                                .fragment = "#rt=100&rc=2&rp=all",
                                .fault = {.classic = 11205,
                                          .phase = Phase::kHeaders,
                                          .detail = "read timeout",
                                          .no_sooner = absl::Milliseconds(100),
                                          .no_later = absl::Milliseconds(100)}}),
    [](const auto& row) { return row.param.id; });

TEST(TcpFaults, T1_ARefusedConnectionIsTriedTwice) {
  FaultWorld world;
  const ClosedPort closed;
  world.ExpectFallback(UrlAt(closed.port()), {.classic = 11205,
                                              .specific = 11202,
                                              .phase = Phase::kConnect,
                                              .detail = "refused",
                                              .attempts = 2,
                                              .no_later = absl::Milliseconds(100)});
}

TEST(TcpFaults, T2_ABlackHoleIsTriedTwiceForTheConnectTimeoutEach) {
  FaultWorld world;
  const BlackHole hole;
  world.ExpectFallback(UrlAt(hole.port(), "#ct=250"), {.classic = 11205,
                                                       .specific = 11201,
                                                       .phase = Phase::kConnect,
                                                       .detail = "connect timeout",
                                                       .attempts = 2,
                                                       .no_sooner = absl::Milliseconds(490),
                                                       .no_later = absl::Milliseconds(500)});
}

// A connect that the total time ends is not a connect timeout, and nothing is tried after it.
TEST(TcpFaults, T2_TheTotalTimeCutsAConnectShort) {
  FaultWorld world;
  const BlackHole hole;
  world.ExpectFallback(UrlAt(hole.port(), "#ct=2000&tt=300"),
                       {.classic = 11205,
                        .specific = 11203,
                        .phase = Phase::kConnect,
                        .detail = "total time was over before the connection was made",
                        .no_sooner = absl::Milliseconds(300),
                        .no_later = absl::Milliseconds(300)});
}

// A name with two addresses, the first of them dead.
class TwoAddresses : public ::testing::Test {
 protected:
  TwoAddresses() : second_({.host = "127.0.0.2"}) {
    names_.On("two.example", {.addresses = {"127.0.0.1", "127.0.0.2"}});
    second_.On(kIndex, Answering(kPrimaryDocument));
    router::FetcherOptions options = OpenLoopback();
    options.dns_servers = {names_.address()};
    world_ = std::make_unique<FaultWorld>(std::move(options));
  }

  DnsServer names_;
  Origin second_;
  std::unique_ptr<FaultWorld> world_;
};

TEST_F(TwoAddresses, T4_TheFirstRefusesAndTheSecondIsUsed) {
  const Answer answer = world_->ExpectPrimary(second_.url_for_host("two.example", kIndex));
  ASSERT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_EQ(answer.outcome.attempts[0].remote_address, absl::StrCat("127.0.0.2:", second_.port()));
}

// The first may have half of the connect timeout.
TEST_F(TwoAddresses, T4_TheFirstIsABlackHoleAndTheSecondIsUsedWithinTheConnectTimeout) {
  const BlackHole first("127.0.0.1", second_.port());
  const Answer answer = world_->ExpectPrimary(
      second_.url_for_host("two.example", absl::StrCat(kIndex, "#ct=800&rc=0")));
  ASSERT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_EQ(answer.outcome.attempts[0].remote_address, absl::StrCat("127.0.0.2:", second_.port()));
  EXPECT_LT(answer.took, absl::Milliseconds(800) + kSlack);
}

// The reset may overtake the request or meet it, so where it strikes cannot be said.
TEST(TcpFaults, T5_ResetAtOnce) {
  FaultWorld world;
  Origin primary;
  primary.OnAccept(Script{}.Reset());
  const Answer answer = world.Resolve(primary.url(kIndex));
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
  ASSERT_EQ(answer.outcome.faults.size(), 1u);
  EXPECT_EQ(answer.outcome.faults[0].code, 11205);
}

TEST(TcpFaults, T7_TheTotalTimeIsFifteenSecondsUnlessSaidOtherwise) {
  EXPECT_EQ(router::Limits{}.total_timeout, absl::Seconds(15));
  EXPECT_EQ(router::Limits{}.read_timeout, absl::Seconds(15));
  EXPECT_EQ(router::Limits{}.connect_timeout, absl::Seconds(5));
}

// The system repeats an unanswered request to connect after a second: so long this one takes.
TEST(TcpFaults, T8_ASlowConnectLeavesTheRestOfTheTime) {
  FaultWorld world;
  BlackHole slow;

  // What is behind the hole opens once the call is under way: when its request to connect was
  // dropped, another call that fails by it has shown that it is one.
  std::thread opener([&] {
    FaultWorld witness;
    witness.Resolve(UrlAt(slow.port(), "#ct=500&rc=0"));
    slow.Open(ToBytes({.body = kPrimaryDocument, .closes = true}));
  });
  const Answer answer = world.ExpectPrimary(UrlAt(slow.port(), "#ct=4000&tt=6000&rc=0"));
  opener.join();
  ASSERT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_GT(answer.outcome.attempts[0].timings.connect, absl::Milliseconds(500));
}

// Kept-alive connections that end as the next request goes out.
struct StaleRow {
  std::string id = {};
  Script first = {};
};

void PrintTo(const StaleRow& row, std::ostream* out) {
  *out << row.id;
}

class StaleConnection : public ::testing::TestWithParam<StaleRow> {};

TEST_P(StaleConnection, IsReplacedByAFreshOneIfNoByteCameBack) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {GetParam().first, Answering(kPrimaryDocument)});
  world.ExpectPrimary(primary.url(kIndex));
  const Answer second = world.ExpectPrimary(primary.url(kIndex));
  EXPECT_EQ(second.outcome.attempts.size(), 1u);
  EXPECT_EQ(primary.connections(), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, StaleConnection,
    ::testing::Values(
        StaleRow{"T9_EndedAsWeSend", Answering(kPrimaryDocument).AwaitBytes().Close()},
        StaleRow{"T9_ResetAsWeSend", Answering(kPrimaryDocument).AwaitBytes().Reset()},
        StaleRow{"T9_EndedBefore", Reply{.body = kPrimaryDocument, .closes = true}},
        StaleRow{"T9_EndedUnannounced", Answering(kPrimaryDocument).Close()},
        StaleRow{"T9_ResetBefore",
                 Answering(kPrimaryDocument).Wait(absl::Milliseconds(1)).Reset()}),
    [](const auto& row) { return row.param.id; });

TEST(TcpFaults, T9_AnAnswerThatHasBegunIsNotAskedForAgain) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex,
                     {Answering(kPrimaryDocument).AwaitBytes().Send("HTTP/1.1 200 OK\r\n").Reset(),
                      Answering(kPrimaryDocument)});
  world.ExpectPrimary(primary.url(kIndex));
  const Answer second = world.Resolve(primary.url(kIndex));
  EXPECT_EQ(second.outcome.source, router::Source::kFallback);
  ASSERT_EQ(second.outcome.faults.size(), 1u);
  EXPECT_EQ(second.outcome.faults[0].attempts, 1);
  EXPECT_EQ(primary.connections(), 1);
}

TEST(TcpFaults, T10_APeerThatStopsReadingOurRequest) {
  FaultWorld world;
  Origin primary({.receive_buffer_bytes = 4096});
  primary.OnAccept(Script{}.Stall());
  // More than the system takes off our hands.
  Asking asking{.parameters = {{"Body", std::string(5 << 20, 'x')}}};
  const Answer answer = world.Resolve(primary.url(absl::StrCat(kIndex, "#tt=1500")), asking);
  ASSERT_GE(answer.outcome.faults.size(), 1u);
  const router::Fault& fault = answer.outcome.faults[0];
  EXPECT_EQ(fault.code, 11205);
  EXPECT_EQ(fault.phase, Phase::kSend) << fault.detail;
  EXPECT_THAT(fault.detail, HasSubstr("total time was over before the server had taken"));
  EXPECT_GE(fault.elapsed, absl::Milliseconds(1500));
  EXPECT_LE(fault.elapsed, absl::Milliseconds(1500) + kSlack);
}

// Takes the process's descriptors away while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    Require(getrlimit(RLIMIT_NOFILE, &before_) == 0, "getrlimit");
    rlimit none = before_;
    none.rlim_cur = 3;  // those that are open stay
    Require(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

TEST(TcpFaults, T12_OurOwnLackOfDescriptorsIsNotBlamedOnTheHost) {
  FaultWorld world;
  Origin primary;
  // Nothing is kept alive, so every request needs a socket.
  primary.On(kIndex, Reply{.body = kPrimaryDocument, .closes = true});
  primary.OnAny(Reply{.status = 404, .closes = true});
  world.fallback().OnAny(Reply{.body = kFallbackDocument, .closes = true});
  world.ExpectPrimary(primary.url(kIndex));
  world.ExpectFallback(
      primary.url("/nowhere"),
      {.classic = 11200, .specific = 11217, .phase = Phase::kStatus, .http_status = 404});
  const int connections = primary.connections();
  {
    const NoDescriptors none;
    const Answer answer = world.Resolve(primary.url(kIndex));
    EXPECT_EQ(answer.outcome.source, router::Source::kDefault);
    EXPECT_EQ(answer.outcome.document, kDefaultDocument);
    ASSERT_EQ(answer.outcome.faults.size(), 2u);
    for (const router::Fault& fault : answer.outcome.faults) {
      EXPECT_EQ(fault.code, 12400);
      EXPECT_EQ(fault.phase, Phase::kConnect);
      EXPECT_THAT(fault.detail, HasSubstr("this router has no sockets left"));
      EXPECT_EQ(fault.attempts, 1);
    }
    EXPECT_LT(answer.took, kSlack);
  }
  EXPECT_EQ(primary.connections(), connections);
  world.ExpectPrimary(primary.url(kIndex));
}

TEST(TcpFaults, T13_OverridesAreHonoured) {
  FaultWorld world;
  const BlackHole hole;
  world.ExpectFallback(UrlAt(hole.port(), "#ct=150&rc=2&rp=ct"),
                       {.classic = 11205,
                        .specific = 11201,
                        .phase = Phase::kConnect,
                        .attempts = 3,
                        .no_sooner = absl::Milliseconds(440),
                        .no_later = absl::Milliseconds(450)});
  const ClosedPort closed;
  world.ExpectFallback(UrlAt(closed.port(), "#ct=150&rc=2&rp=ct"),
                       {.classic = 11205,
                        .specific = 11202,
                        .phase = Phase::kConnect,
                        .attempts = 3,
                        .no_later = absl::Milliseconds(100)});
}

TEST(TcpFaults, T13_TheFragmentIsNeitherSentNorSigned) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Answering(kPrimaryDocument));
  const Answer answer =
      world.ExpectPrimary(primary.url(absl::StrCat(kIndex, "?a=b#ct=500&rc=2&rp=ct")));
  EXPECT_EQ(answer.outcome.document_url, primary.url(absl::StrCat(kIndex, "?a=b")));
  ASSERT_EQ(primary.requests().size(), 1u);
  const Request request = primary.requests()[0];
  EXPECT_EQ(request.target, absl::StrCat(kIndex, "?a=b"));
  EXPECT_TRUE(twilio::SignatureMatches(Secret("12345"), primary.url(absl::StrCat(kIndex, "?a=b")),
                                       twilio::DecodeForm(request.body),
                                       request.header("X-Twilio-Signature")));
}

TEST(TcpFaults, T14_AMistakeInANumberCostsTheKeyItsEffect) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Answering(kPrimaryDocument));
  const Answer answer = world.ExpectPrimary(primary.url(absl::StrCat(kIndex, "#ct=abc")));
  EXPECT_THAT(answer.outcome.notes, ::testing::ElementsAre(HasSubstr("ct=abc")));
}

TEST(TcpFaults, T14_AnUnknownRetryPolicyIsFatal) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Answering(kPrimaryDocument));
  world.ExpectFallback(primary.url(absl::StrCat(kIndex, "#rp=foo")),
                       {.classic = 11243, .detail = "foo", .attempts = 0});
  EXPECT_EQ(primary.connections(), 0);
}

}  // namespace
}  // namespace understudy::testing
