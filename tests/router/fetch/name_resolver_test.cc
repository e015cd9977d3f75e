// The resolver against a name server of ours. What it is told of the time is made up here, so the
// cache's lives and the deadlines take no time; only packets do.
#include "services/router/fetch/name_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/wait.h"

namespace understudy::router {
namespace {

using Result = NameAnswer::Result;
using serving::MonotonicNow;
using testing::DnsAnswer;
using testing::DnsCode;
using testing::DnsServer;
using testing::DnsType;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kName[] = "www.example.test";
constexpr absl::Duration kMoment = absl::Nanoseconds(1);
constexpr absl::Duration kPatience = absl::Seconds(10);

// An answer on its way; what it holds may be read once it has come.
struct Pending {
  int times = 0;
  NameAnswer answer = {};
};

std::vector<std::string> AddressesOf(const NameAnswer& answer) {
  std::vector<std::string> texts;
  for (const IpAddress& address : answer.addresses) texts.push_back(address.ToString());
  return texts;
}

class NameResolverTest : public ::testing::Test {
 protected:
  NameResolverTest() : now_(MonotonicNow()) {
    auto resolver = NameResolver::Create({names_.address()}, poll_);
    EXPECT_TRUE(resolver.ok()) << resolver.status();
    resolver_ = *std::move(resolver);
  }

  std::shared_ptr<Pending> Ask(const std::string& name = kName) {
    auto pending = std::make_shared<Pending>();
    resolver_->Resolve(name, now_, [pending](const NameAnswer& answer) {
      ++pending->times;
      pending->answer = answer;
    });
    return pending;
  }

  // Takes in what has come from the name server, at the made-up time.
  void TakePackets() {
    for (const EventPoll::Event& event : poll_.Wait(absl::Milliseconds(5))) {
      resolver_->OnEvent(event, now_);
    }
  }

  template <typename Predicate>
  bool TakePacketsUntil(Predicate predicate) {
    return testing::WaitFor(
        [&] {
          if (predicate()) return true;
          TakePackets();
          return predicate();
        },
        kPatience);
  }

  NameAnswer Look(const std::string& name = kName) {
    const auto pending = Ask(name);
    EXPECT_TRUE(TakePacketsUntil([&] { return pending->times > 0; })) << name;
    EXPECT_EQ(pending->times, 1);
    return pending->answer;
  }

  // Whether the cache answers, that is from within.
  bool IsCached(const std::string& name = kName) { return Ask(name)->times == 1; }

  DnsServer names_;
  EventPoll poll_;
  absl::Time now_;
  std::unique_ptr<NameResolver> resolver_;
};

TEST_F(NameResolverTest, GivesAllAddressesIpv6First) {
  names_.On(kName, {.addresses = {"192.0.2.1", "2001:db8::1", "192.0.2.2"}});
  const NameAnswer answer = Look();
  EXPECT_EQ(answer.result, Result::kFound);
  EXPECT_THAT(AddressesOf(answer), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
}

// How long what a name server said is remembered.
struct LifeRow {
  std::string id = {};
  DnsAnswer answer = {};
  absl::Duration life = {};
};

void PrintTo(const LifeRow& row, std::ostream* out) {
  *out << row.id;
}

class CacheLife : public NameResolverTest, public ::testing::WithParamInterface<LifeRow> {};

TEST_P(CacheLife, EndsToTheMoment) {
  names_.On(kName, GetParam().answer);
  const Result result = Look().result;
  const absl::Time begun_at = now_;
  now_ = begun_at + GetParam().life - kMoment;
  const auto cached = Ask();
  ASSERT_EQ(cached->times, 1);
  EXPECT_EQ(cached->answer.result, result);
  EXPECT_EQ(names_.queries(kName), 2);
  now_ = begun_at + GetParam().life;
  EXPECT_EQ(Look().result, result);
  EXPECT_EQ(names_.queries(kName), 4);
}

INSTANTIATE_TEST_SUITE_P(
    Table, CacheLife,
    ::testing::Values(
        LifeRow{"Ttl", {.addresses = {"192.0.2.1"}, .ttl = absl::Seconds(10)}, absl::Seconds(10)},
        LifeRow{
            "TtlOfZero", {.addresses = {"192.0.2.1"}, .ttl = absl::ZeroDuration()}, kCacheFloor},
        LifeRow{"TtlAtTheFloor", {.addresses = {"192.0.2.1"}, .ttl = kCacheFloor}, kCacheFloor},
        LifeRow{
            "TtlAtTheCeiling", {.addresses = {"192.0.2.1"}, .ttl = kCacheCeiling}, kCacheCeiling},
        LifeRow{"TtlOfADay", {.addresses = {"192.0.2.1"}, .ttl = absl::Hours(24)}, kCacheCeiling},
        LifeRow{"NoSuchName", {.code = DnsCode::kNxDomain}, kNegativeCache},
        LifeRow{"NoAddress", {}, kNegativeCache}),
    [](const auto& row) { return row.param.id; });

TEST_F(NameResolverTest, TheShorterLifeOfTheTwoFamiliesCounts) {
  names_.On(kName, DnsType::kA, {.addresses = {"192.0.2.1"}, .ttl = absl::Seconds(30)});
  names_.On(kName, DnsType::kAaaa, {.addresses = {"2001:db8::1"}, .ttl = absl::Seconds(20)});
  Look();
  now_ += absl::Seconds(20) - kMoment;
  EXPECT_TRUE(IsCached());
  now_ += kMoment;
  EXPECT_FALSE(IsCached());
}

TEST_F(NameResolverTest, AServersFailureIsNotRemembered) {
  names_.On(kName, {.code = DnsCode::kServFail});
  EXPECT_EQ(Look().result, Result::kFailed);
  EXPECT_FALSE(IsCached());
}

TEST_F(NameResolverTest, TheCacheIsBounded) {
  // Names that do not exist count as those that do.
  const auto name = [](size_t i) { return absl::StrCat("n", i, ".example.test"); };
  constexpr size_t kAtOnce = 128;
  for (size_t begin = 0; begin < kMaxCachedNames; begin += kAtOnce) {
    std::vector<std::shared_ptr<Pending>> batch;
    for (size_t i = begin; i < begin + kAtOnce; ++i) batch.push_back(Ask(name(i)));
    ASSERT_TRUE(TakePacketsUntil([&] {
      return std::all_of(batch.begin(), batch.end(),
                         [](const auto& pending) { return pending->times > 0; });
    }));
  }
  size_t cached = 0;
  for (size_t i = 0; i < kMaxCachedNames; ++i) cached += IsCached(name(i)) ? 1 : 0;
  EXPECT_EQ(cached, kMaxCachedNames);

  Look(name(kMaxCachedNames));
  cached = 0;
  for (size_t i = 0; i <= kMaxCachedNames; ++i) cached += IsCached(name(i)) ? 1 : 0;
  EXPECT_EQ(cached, kMaxCachedNames);
}

TEST_F(NameResolverTest, LookUpsOfTheSameNameAreOne) {
  names_.On(kName, {.addresses = {"192.0.2.1"}, .delay = absl::Milliseconds(20)});
  const auto first = Ask();
  const auto second = Ask();
  const auto third = Ask();
  EXPECT_TRUE(TakePacketsUntil([&] { return first->times > 0; }));
  for (const auto& pending : {first, second, third}) {
    EXPECT_EQ(pending->times, 1);
    EXPECT_THAT(AddressesOf(pending->answer), ElementsAre("192.0.2.1"));
  }
  EXPECT_EQ(names_.queries(kName, DnsType::kA), 1);
  EXPECT_EQ(names_.queries(kName, DnsType::kAaaa), 1);
}

TEST_F(NameResolverTest, AnAnswerMayAskAgain) {
  names_.On(kName, {.code = DnsCode::kServFail});
  int answers = 0;
  resolver_->Resolve(kName, now_, [&](const NameAnswer&) {
    ++answers;
    resolver_->Resolve(kName, now_, [&](const NameAnswer&) { ++answers; });
  });
  EXPECT_TRUE(TakePacketsUntil([&] { return answers == 2; }));
}

TEST_F(NameResolverTest, WhatIsForgottenIsAskedAgain) {
  names_.OnSequence(kName, {{.addresses = {"192.0.2.1"}}, {.addresses = {"192.0.2.2"}}});
  EXPECT_THAT(AddressesOf(Look()), ElementsAre("192.0.2.1"));
  resolver_->Forget(kName);
  EXPECT_THAT(AddressesOf(Look()), ElementsAre("192.0.2.2"));
  resolver_->Forget("never.heard.test");
}

TEST_F(NameResolverTest, SilenceEndsToTheMoment) {
  names_.On(kName, {.is_silent = true});
  const auto pending = Ask();
  const absl::Time asked_at = now_;
  EXPECT_LE(resolver_->NextWake(now_), asked_at + kLookUpTimeout);
  now_ = asked_at + kLookUpTimeout - kMoment;
  resolver_->OnTime(now_);
  EXPECT_EQ(pending->times, 0);
  now_ = asked_at + kLookUpTimeout;
  resolver_->OnTime(now_);
  ASSERT_EQ(pending->times, 1);
  EXPECT_EQ(pending->answer.result, Result::kTimeout);
  EXPECT_THAT(pending->answer.addresses, IsEmpty());
  EXPECT_FALSE(IsCached());
}

// The family that answered in time is enough.
TEST_F(NameResolverTest, OneSilentFamilyCostsAMoment) {
  names_.On(kName, DnsType::kA, {.addresses = {"192.0.2.1"}});
  names_.On(kName, DnsType::kAaaa, {.is_silent = true});
  const auto pending = Ask();
  const absl::Time asked_at = now_;
  // The first family's answer brings the end nearer.
  ASSERT_TRUE(
      TakePacketsUntil([&] { return resolver_->NextWake(now_) <= asked_at + kSecondFamilyDelay; }));
  now_ = asked_at + kSecondFamilyDelay - kMoment;
  resolver_->OnTime(now_);
  EXPECT_EQ(pending->times, 0);
  now_ = asked_at + kSecondFamilyDelay;
  resolver_->OnTime(now_);
  ASSERT_EQ(pending->times, 1);
  EXPECT_EQ(pending->answer.result, Result::kFound);
  EXPECT_THAT(AddressesOf(pending->answer), ElementsAre("192.0.2.1"));
}

TEST_F(NameResolverTest, OneFailedFamilyDoesNotHideTheOther) {
  names_.On(kName, DnsType::kA, {.code = DnsCode::kServFail});
  names_.On(kName, DnsType::kAaaa, {.addresses = {"2001:db8::1"}});
  EXPECT_THAT(AddressesOf(Look()), ElementsAre("2001:db8::1"));
}

// Nor does one that has nothing make the failure of the other one certain.
TEST_F(NameResolverTest, OneEmptyFamilyAndAFailedOneAreAFailure) {
  names_.On(kName, DnsType::kA, {.code = DnsCode::kServFail});
  names_.On(kName, DnsType::kAaaa, {});
  EXPECT_EQ(Look().result, Result::kFailed);
  EXPECT_FALSE(IsCached());
}

TEST_F(NameResolverTest, AnAnswerAfterTheEndIsNotHeard) {
  names_.OnSequence(kName, {{.addresses = {"192.0.2.1"}, .delay = absl::Milliseconds(50)},
                            {.addresses = {"192.0.2.2"}, .delay = absl::Milliseconds(100)}});
  const auto late = Ask();
  now_ += kLookUpTimeout;
  resolver_->OnTime(now_);
  ASSERT_EQ(late->times, 1);
  EXPECT_EQ(late->answer.result, Result::kTimeout);
  const auto next = Ask();
  ASSERT_TRUE(TakePacketsUntil([&] { return next->times > 0; }));
  EXPECT_THAT(AddressesOf(next->answer), ElementsAre("192.0.2.2"));
  EXPECT_EQ(late->times, 1);
}

TEST_F(NameResolverTest, ItsEndAnswersNothing) {
  names_.On(kName, {.is_silent = true});
  const auto pending = Ask();
  resolver_.reset();
  EXPECT_EQ(pending->times, 0);
}

TEST(NameResolverServers, AreGivenAsAddressesWithOrWithoutAPort) {
  EventPoll poll;
  for (const char* good : {"192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53"}) {
    EXPECT_TRUE(NameResolver::Create({good}, poll).ok()) << good;
  }
  for (const char* bad : {"ns.example.test", "192.0.2.53:port"}) {
    EXPECT_EQ(NameResolver::Create({bad}, poll).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace understudy::router
