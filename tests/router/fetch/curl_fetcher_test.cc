// The contract of the Fetcher seam, kept by the fetcher that really goes out.
#include "services/router/fetch/curl_fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/url.h"
#include "services/router/fetch/transfer.h"
#include "services/router/resolve/request.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/black_hole.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::router {
namespace {

using serving::MonotonicNow;
using ::testing::AnyOf;
using testing::BlackHole;
using testing::ClosedPort;
using testing::DnsServer;
using ::testing::Eq;
using ::testing::HasSubstr;
using testing::kHangs;
using testing::kSlack;
using testing::OpenLoopback;
using testing::Origin;
using testing::Script;
using testing::WaitFor;

constexpr char kIndex[] = "/index";

std::unique_ptr<CurlFetcher> StartFetcher(FetcherOptions options = OpenLoopback()) {
  auto fetcher = CurlFetcher::Start(std::move(options));
  EXPECT_TRUE(fetcher.ok()) << fetcher.status();
  return *std::move(fetcher);
}

Exchange To(const std::string& url, absl::Duration time = absl::Seconds(20)) {
  Exchange exchange = ExchangeTo(*twilio::ParseUrl(url));
  exchange.body = "a=b";
  exchange.connect_timeout = absl::Seconds(10);
  exchange.read_timeout = absl::Seconds(20);
  exchange.give_up_at = MonotonicNow() + time;
  return exchange;
}

// What came back, and on which threads.
class Replies {
 public:
  Fetcher::Done Keep(Ticket ticket) {
    return [this, ticket](Reply reply) {
      MutexLock lock(mutex_);
      replies_[ticket].push_back(std::move(reply));
      threads_.insert(std::this_thread::get_id());
      ++count_;
      came_.NotifyAll();
    };
  }

  [[nodiscard]] bool WaitForCount(size_t count) {
    MutexLock lock(mutex_);
    return came_.WaitFor(mutex_, absl::ToChronoNanoseconds(kHangs),
                         [&]() REQUIRES(mutex_) { return count_ >= count; });
  }
  size_t count() const {
    MutexLock lock(mutex_);
    return count_;
  }
  std::vector<Reply> of(Ticket ticket) const {
    MutexLock lock(mutex_);
    const auto found = replies_.find(ticket);
    return found == replies_.end() ? std::vector<Reply>() : found->second;
  }
  std::set<std::thread::id> threads() const {
    MutexLock lock(mutex_);
    return threads_;
  }

 private:
  mutable Mutex mutex_;
  CondVar came_;
  std::map<Ticket, std::vector<Reply>> replies_ GUARDED_BY(mutex_);
  std::set<std::thread::id> threads_ GUARDED_BY(mutex_);
  size_t count_ GUARDED_BY(mutex_) = 0;
};

// Declared in this order, so that the fetcher answers before what it answers to is gone.
class CurlFetcherTest : public ::testing::Test {
 protected:
  CurlFetcherTest() {
    origin_.On(kIndex, testing::Reply{.body = "hello"});
    origin_.On("/silent", Script{}.Stall());
  }

  Reply Fetch(Exchange exchange) {
    const Ticket ticket = ++tickets_;
    fetcher_->Fetch(ticket, std::move(exchange), replies_.Keep(ticket));
    EXPECT_TRUE(WaitFor([&] { return !replies_.of(ticket).empty(); }, kHangs));
    const std::vector<Reply> replies = replies_.of(ticket);
    return replies.empty() ? Reply{} : replies[0];
  }

  Origin origin_;
  Replies replies_;
  Ticket tickets_ = 1000000;  // far from those that tests give themselves
  std::unique_ptr<CurlFetcher> fetcher_ = StartFetcher();
};

// Sound is read as far as it takes to know its format, whatever its size.
TEST_F(CurlFetcherTest, OfAudioTheBeginningIsEnough) {
  const auto fetch = [this](testing::Reply reply) {
    origin_.On("/sound", std::move(reply));
    return Fetch(To(origin_.url("/sound")));
  };
  const std::string sound(kAudioBytesRead + 1, 's');
  const struct {
    size_t bytes;
    bool cut;
  } kRows[] = {{1, false}, {kAudioBytesRead, false}, {kAudioBytesRead + 1, true}};
  for (const auto& row : kRows) {
    const std::string body = sound.substr(0, row.bytes);
    for (const bool chunked : {false, true}) {
      testing::Reply answer = {.content_type = "audio/mpeg", .body = body};
      if (chunked) {
        answer.headers = {{"Transfer-Encoding", "chunked"}};
        answer.body = testing::Chunked(body);
      }
      const Reply reply = fetch(std::move(answer));
      EXPECT_EQ(reply.error, NetError::kNone) << reply.detail;
      EXPECT_EQ(reply.status, 200);
      EXPECT_EQ(reply.body_cut, row.cut) << row.bytes;
      EXPECT_EQ(reply.body, body.substr(0, kAudioBytesRead));
    }
  }
  // Not of what only claims to be sound besides, nor of an error.
  const std::string large(70000, 's');
  EXPECT_EQ(fetch({.headers = {{"Content-Type", "audio/mpeg"}}, .body = large}).error,
            NetError::kBodyTooLarge);
  const Reply missing = fetch({.status = 404, .content_type = "audio/mpeg", .body = "none"});
  EXPECT_EQ(missing.status, 404);
  EXPECT_FALSE(missing.body_cut);
  // The next exchange starts clean.
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).body, "hello");
}

TEST_F(CurlFetcherTest, GivesTheWholeReply) {
  const Reply reply = Fetch(To(origin_.url(kIndex)));
  EXPECT_EQ(reply.error, NetError::kNone);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_TRUE(reply.answered);
  EXPECT_FALSE(reply.chunked);
  EXPECT_THAT(reply.headers, ::testing::Contains(Header{"Content-Type", "text/xml"}));
  EXPECT_EQ(reply.remote_address, absl::StrCat("127.0.0.1:", origin_.port()));
  EXPECT_LE(reply.finished_at, MonotonicNow());
  EXPECT_GT(reply.timings.total, absl::ZeroDuration());
}

TEST_F(CurlFetcherTest, AnswersEachExchangeOnceOnOneThreadOfItsOwn) {
  const ClosedPort closed;
  origin_.On("/broken", Script{}.Send("HTTP/1.1 junk\r\n").Close());
  origin_.On("/cut", Script{}.Reset());
  const std::vector<std::string> urls = {
      origin_.url(kIndex), origin_.url("/broken"),
      origin_.url("/cut"), absl::StrCat("http://127.0.0.1:", closed.port(), "/"),
      "http://10.0.0.1/",  "http://name.invalid./"};
  constexpr Ticket kRounds = 30;
  const size_t count = kRounds * urls.size();
  Ticket ticket = 0;
  for (Ticket round = 0; round < kRounds; ++round) {
    for (const std::string& url : urls) {
      ++ticket;
      fetcher_->Fetch(ticket, To(url, absl::Seconds(1)), replies_.Keep(ticket));
      // Of some the answer is already due by two causes.
      if (ticket % 5 == 0) fetcher_->Cancel(ticket);
    }
  }
  ASSERT_TRUE(replies_.WaitForCount(count));
  fetcher_.reset();
  EXPECT_EQ(replies_.count(), count);
  for (ticket = 1; ticket <= count; ++ticket) EXPECT_EQ(replies_.of(ticket).size(), 1u) << ticket;
  EXPECT_EQ(replies_.threads().size(), 1u);
  EXPECT_EQ(replies_.threads().count(std::this_thread::get_id()), 0u);
}

TEST_F(CurlFetcherTest, AUrlHasALimit) {
  Exchange exchange = To(origin_.url(kIndex));
  exchange.url += "?" + std::string(twilio::kMaxUrlBytes - exchange.url.size() - 1, 'a');
  EXPECT_EQ(Fetch(exchange).error, NetError::kNone);
  exchange.url += "a";
  EXPECT_EQ(Fetch(exchange).error, NetError::kMalformed);
}

TEST_F(CurlFetcherTest, AnswersByGiveUpAt) {
  const absl::Time begun_at = MonotonicNow();
  const Reply reply = Fetch(To(origin_.url("/silent"), absl::Milliseconds(200)));
  EXPECT_EQ(reply.error, NetError::kTotalTimeout);
  EXPECT_GE(reply.finished_at - begun_at, absl::Milliseconds(200));
  EXPECT_LE(reply.finished_at - begun_at, absl::Milliseconds(200) + kSlack);
}

TEST_F(CurlFetcherTest, AnswersAtOnceIfTheTimeIsOverBefore) {
  const absl::Time begun_at = MonotonicNow();
  const Reply reply = Fetch(To(origin_.url("/silent"), -absl::Seconds(1)));
  EXPECT_EQ(reply.error, NetError::kTotalTimeout);
  EXPECT_LE(reply.finished_at - begun_at, kSlack);
}

TEST_F(CurlFetcherTest, TheReadTimeoutStartsAnewWithEachByte) {
  origin_.On("/slow", Script{}
                          .Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
                          .SendSlowly("slowly", absl::Milliseconds(100)));
  Exchange exchange = To(origin_.url("/slow"));
  exchange.read_timeout = absl::Milliseconds(400);
  const Reply reply = Fetch(std::move(exchange));
  EXPECT_EQ(reply.error, NetError::kNone) << reply.detail;
  EXPECT_EQ(reply.body, "slowly");
  EXPECT_GE(reply.timings.total, absl::Milliseconds(500));
}

TEST_F(CurlFetcherTest, CancelBeforeAFetchDoesNothing) {
  fetcher_->Cancel(1);
  fetcher_->Fetch(1, To(origin_.url(kIndex)), replies_.Keep(1));
  ASSERT_TRUE(replies_.WaitForCount(1));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kNone);
}

TEST_F(CurlFetcherTest, CancelAtOnce) {
  fetcher_->Fetch(1, To(origin_.url("/silent")), replies_.Keep(1));
  fetcher_->Cancel(1);
  ASSERT_TRUE(replies_.WaitForCount(1));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kCancelled);
}

TEST_F(CurlFetcherTest, CancelWhileANameIsLookedUp) {
  DnsServer names;
  names.On("www.example.test", {.is_silent = true});
  FetcherOptions options = OpenLoopback();
  options.dns_servers = {names.address()};
  fetcher_ = StartFetcher(options);
  fetcher_->Fetch(1, To("http://www.example.test/"), replies_.Keep(1));
  ASSERT_TRUE(WaitFor([&] { return names.queries("www.example.test") > 0; }, kHangs));
  fetcher_->Cancel(1);
  ASSERT_TRUE(replies_.WaitForCount(1));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kCancelled);
}

TEST_F(CurlFetcherTest, CancelWhileConnecting) {
  const BlackHole hole;
  const absl::Time begun_at = MonotonicNow();
  fetcher_->Fetch(1, To(absl::StrCat("http://127.0.0.1:", hole.port(), "/")), replies_.Keep(1));
  // When another exchange is through, this one is under way.
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).error, NetError::kNone);
  fetcher_->Cancel(1);
  ASSERT_TRUE(replies_.WaitForCount(2));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kCancelled);
  EXPECT_LE(MonotonicNow() - begun_at, kSlack);
}

TEST_F(CurlFetcherTest, CancelWhileWaitingGivesTheConnectionUp) {
  fetcher_->Fetch(1, To(origin_.url("/silent")), replies_.Keep(1));
  ASSERT_TRUE(origin_.WaitForRequests(1, kHangs));
  EXPECT_EQ(origin_.open_connections(), 1);
  fetcher_->Cancel(1);
  ASSERT_TRUE(replies_.WaitForCount(1));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kCancelled);
  EXPECT_TRUE(WaitFor([&] { return origin_.open_connections() == 0; }, kHangs));
}

TEST_F(CurlFetcherTest, CancelAfterTheAnswerDoesNothing) {
  fetcher_->Fetch(1, To(origin_.url(kIndex)), replies_.Keep(1));
  ASSERT_TRUE(replies_.WaitForCount(1));
  fetcher_->Cancel(1);
  fetcher_->Cancel(1);
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).error, NetError::kNone);
  EXPECT_EQ(replies_.of(1).size(), 1u);
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kNone);
}

TEST_F(CurlFetcherTest, CancelFromWithinDoneDoesNothing) {
  fetcher_->Fetch(1, To(origin_.url(kIndex)), [this, keep = replies_.Keep(1)](Reply reply) mutable {
    fetcher_->Cancel(1);
    keep(std::move(reply));
  });
  ASSERT_TRUE(replies_.WaitForCount(1));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kNone);
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).error, NetError::kNone);
}

// A call fetches again under its own ticket; a cancel that comes in between holds for the second.
TEST_F(CurlFetcherTest, FetchFromWithinDoneIsAFetchAsAnyOther) {
  fetcher_->Fetch(1, To(origin_.url(kIndex)), [this, keep = replies_.Keep(1)](Reply reply) mutable {
    keep(std::move(reply));
    fetcher_->Fetch(1, To(origin_.url("/silent")), replies_.Keep(1));
    fetcher_->Cancel(1);
  });
  ASSERT_TRUE(replies_.WaitForCount(2));
  EXPECT_EQ(replies_.of(1)[0].error, NetError::kNone);
  EXPECT_EQ(replies_.of(1)[1].error, NetError::kCancelled);
}

// Whoever cancels while the answer is on its way gets one of the two, once.
TEST_F(CurlFetcherTest, CancelRacesWithTheAnswer) {
  constexpr Ticket kCount = 300;
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(origin_.url(kIndex)), replies_.Keep(ticket));
  }
  std::thread canceller([&] {
    for (Ticket ticket = 1; ticket <= kCount; ++ticket) fetcher_->Cancel(ticket);
  });
  canceller.join();
  ASSERT_TRUE(replies_.WaitForCount(kCount));
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    ASSERT_EQ(replies_.of(ticket).size(), 1u);
    EXPECT_THAT(replies_.of(ticket)[0].error, AnyOf(Eq(NetError::kNone), Eq(NetError::kCancelled)));
  }
}

TEST_F(CurlFetcherTest, ItsEndAnswersAllThatIsDue) {
  constexpr Ticket kCount = 20;
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(origin_.url("/silent")), replies_.Keep(ticket));
  }
  ASSERT_TRUE(origin_.WaitForRequests(kCount, kHangs));
  // One more that nobody has looked at yet.
  fetcher_->Fetch(kCount + 1, To(origin_.url("/silent")), replies_.Keep(kCount + 1));
  fetcher_.reset();
  EXPECT_EQ(replies_.count(), kCount + 1);
  for (Ticket ticket = 1; ticket <= kCount + 1; ++ticket) {
    ASSERT_EQ(replies_.of(ticket).size(), 1u);
    EXPECT_EQ(replies_.of(ticket)[0].error, NetError::kCancelled);
  }
}

TEST_F(CurlFetcherTest, ItsEndAnswersWhatAnAnswerStarts) {
  CurlFetcher* const fetcher = fetcher_.get();
  fetcher->Fetch(1, To(origin_.url("/silent")),
                 [&, fetcher, keep = replies_.Keep(1)](Reply reply) mutable {
                   keep(std::move(reply));
                   fetcher->Fetch(2, To(origin_.url(kIndex)), replies_.Keep(2));
                 });
  ASSERT_TRUE(origin_.WaitForRequests(1, kHangs));
  fetcher_.reset();
  ASSERT_EQ(replies_.of(2).size(), 1u);
  EXPECT_EQ(replies_.of(2)[0].error, NetError::kCancelled);
}

int ThreadsOfThisProcess() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "Threads:") {
      int threads = 0;
      status >> threads;
      return threads;
    }
  }
  return -1;
}

TEST_F(CurlFetcherTest, ThousandsOfSilentServersTakeNoThread) {
  constexpr int kCount = 3000;  // two descriptors each
  Origin silent;
  silent.OnAccept(Script{}.Stall());
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).error, NetError::kNone);
  const int threads = ThreadsOfThisProcess();
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(silent.url("/")), replies_.Keep(ticket));
  }
  ASSERT_TRUE(WaitFor([&] { return silent.connections() == kCount; }, kHangs));
  EXPECT_EQ(ThreadsOfThisProcess(), threads);
  // Nobody else waits for them.
  const Reply reply = Fetch(To(origin_.url(kIndex)));
  EXPECT_EQ(reply.error, NetError::kNone);
  EXPECT_LE(reply.timings.total, kSlack);
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) fetcher_->Cancel(ticket);
  ASSERT_TRUE(replies_.WaitForCount(kCount + 2));
  EXPECT_TRUE(WaitFor([&] { return silent.open_connections() == 0; }, kHangs));
}

TEST_F(CurlFetcherTest, ConnectionsAreKeptAndUsedAgain) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Fetch(To(origin_.url(kIndex))).status, 200);
  EXPECT_EQ(origin_.connections(), 1);
  EXPECT_EQ(origin_.requests().size(), 10u);
}

// An answer that lets others be asked meanwhile.
Script LateAnswer() {
  return Script{}
      .Wait(absl::Seconds(1))
      .Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 11\r\n\r\n<Response/>");
}

// More at once than one of libcurl's handles gets.
TEST_F(CurlFetcherTest, ConnectionsAreFoundAgainInWhicheverHandleTheyAre) {
  constexpr Ticket kCount = 2 * kConnectionsPerMulti + 20;
  origin_.On("/late", LateAnswer());
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(origin_.url("/late")), replies_.Keep(ticket));
  }
  ASSERT_TRUE(replies_.WaitForCount(kCount));
  const int connections = origin_.connections();
  EXPECT_GT(connections, kConnectionsPerMulti);
  EXPECT_EQ(origin_.open_connections(), connections);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Fetch(To(origin_.url(kIndex))).status, 200);
  for (Ticket ticket = kCount + 1; ticket <= 2 * kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(origin_.url(kIndex)), replies_.Keep(ticket));
  }
  ASSERT_TRUE(replies_.WaitForCount(2 * kCount + 10));
  // As many at once as before: each finds one, unless it was not free at that moment.
  EXPECT_LE(origin_.connections(), connections + static_cast<int>(kCount) / 10);
}

TEST_F(CurlFetcherTest, NoMoreConnectionsAreKeptThanAllowed) {
  FetcherOptions options = OpenLoopback();
  options.max_connections = 1;  // rounded up to what one handle gets
  fetcher_ = StartFetcher(options);
  constexpr Ticket kCount = kConnectionsPerMulti + 20;
  origin_.On("/late", LateAnswer());
  for (Ticket ticket = 1; ticket <= kCount; ++ticket) {
    fetcher_->Fetch(ticket, To(origin_.url("/late")), replies_.Keep(ticket));
  }
  ASSERT_TRUE(replies_.WaitForCount(kCount));
  EXPECT_GT(origin_.connections(), kConnectionsPerMulti);
  EXPECT_TRUE(WaitFor([&] { return origin_.open_connections() <= kConnectionsPerMulti; }, kHangs))
      << origin_.open_connections();
}

TEST_F(CurlFetcherTest, TheEnvironmentsProxiesAreIgnored) {
  const ClosedPort closed;
  const std::string proxy = absl::StrCat("http://127.0.0.1:", closed.port());
  const std::vector<const char*> names = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY"};
  for (const char* name : names) setenv(name, proxy.c_str(), 1);
  fetcher_ = StartFetcher();
  const Reply plain = Fetch(To(origin_.url(kIndex)));
  Origin tls({.tls = testing::TlsOptions{.certificate = testing::GoodCertificate()}});
  tls.On(kIndex, testing::Reply{.body = "hello"});
  const Reply secure = Fetch(To(tls.url(kIndex)));
  for (const char* name : names) unsetenv(name);
  EXPECT_EQ(plain.status, 200) << plain.detail;
  EXPECT_EQ(secure.status, 200) << secure.detail;
}

TEST_F(CurlFetcherTest, TellsOfEachRequestThatTheEgressRuleStopped) {
  std::vector<AddressClass> denied;
  FetcherOptions options = testing::ShutLoopback();
  options.on_denied = [&](AddressClass address_class) { denied.push_back(address_class); };
  fetcher_ = StartFetcher(options);
  EXPECT_EQ(Fetch(To(origin_.url(kIndex))).error, NetError::kAddressDenied);
  EXPECT_EQ(Fetch(To("http://127.0.0.99:25/")).error, NetError::kAddressDenied);
  fetcher_.reset();
  EXPECT_THAT(denied, ::testing::ElementsAre(AddressClass::kLoopback, AddressClass::kMailPort));
  EXPECT_EQ(origin_.connections(), 0);
}

// A CA file that proves nothing; row S20 of the fault table.
struct CaFileRow {
  std::string id = {};
  std::string contents = {};
};

class BadCaFile : public ::testing::TestWithParam<CaFileRow> {};

TEST_P(BadCaFile, S20_IsRefusedAtTheStart) {
  const testing::TempDir dir;
  FetcherOptions options = OpenLoopback();
  options.ca_file = dir.Write("ca.pem", GetParam().contents);
  const auto fetcher = CurlFetcher::Start(options);
  EXPECT_EQ(fetcher.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(fetcher.status().message()), HasSubstr("holds no certificate"));
}

INSTANTIATE_TEST_SUITE_P(Table, BadCaFile,
                         ::testing::Values(CaFileRow{"Empty", ""},
                                           CaFileRow{"Text", "these are our authorities\n"},
                                           CaFileRow{"KeyOnly", testing::GoodCertificate().key_pem},
                                           CaFileRow{"Broken",
                                                     "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                                     "-----END CERTIFICATE-----\n"}),
                         [](const auto& row) { return row.param.id; });

TEST(CurlFetcherStart, S20_AMissingCaFileIsRefused) {
  const testing::TempDir dir;
  FetcherOptions options = OpenLoopback();
  options.ca_file = absl::StrCat(dir.path(), "/missing.pem");
  const auto fetcher = CurlFetcher::Start(options);
  EXPECT_EQ(fetcher.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(fetcher.status().message()), HasSubstr("cannot be read"));
}

TEST(CurlFetcherStart, ABadNameServerIsRefused) {
  FetcherOptions options = OpenLoopback();
  options.dns_servers = {"ns.example.test"};
  EXPECT_EQ(CurlFetcher::Start(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace understudy::router
