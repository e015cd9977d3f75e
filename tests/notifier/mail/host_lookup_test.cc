#include "services/notifier/mail/host_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "tests/testing/dns_server.h"

namespace understudy::notifier {
namespace {

using serving::MonotonicNow;
using ::testing::AnyOf;
using ::testing::Contains;
using testing::DnsAnswer;
using testing::DnsCode;
using testing::DnsServer;
using testing::DnsType;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Result = HostAddresses::Result;

HostAddresses Ask(const DnsServer& names, const std::string& host,
                  absl::Duration bound = absl::Seconds(20)) {
  return LookUpHost(host, {names.address()}, MonotonicNow() + bound);
}

TEST(HostLookupTest, AddressesOfBothFamiliesInTurn) {
  DnsServer names;
  names.On("mail.test", {.addresses = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.3"}});
  const HostAddresses answer = Ask(names, "mail.test");
  EXPECT_EQ(answer.result, Result::kFound);
  ASSERT_EQ(answer.addresses.size(), kMaxAddressesPerHost);
  EXPECT_EQ(answer.addresses[0], "2001:db8::1");
  EXPECT_THAT(answer.addresses, Contains("192.0.2.1"));
}

TEST(HostLookupTest, NoMoreThanTheLimit) {
  DnsServer names;
  DnsAnswer many;
  for (size_t i = 1; i <= kMaxAddressesPerHost + 1; ++i) {
    many.addresses.push_back(absl::StrCat("192.0.2.", i));
  }
  names.On("many.test", many);
  EXPECT_EQ(Ask(names, "many.test").addresses.size(), kMaxAddressesPerHost);
}

TEST(HostLookupTest, AnAliasIsFollowed) {
  DnsServer names;
  names.On("mail.test", {.cname = "real.test"});
  names.On("real.test", {.addresses = {"192.0.2.1"}});
  EXPECT_THAT(Ask(names, "mail.test").addresses, ElementsAre("192.0.2.1"));
}

TEST(HostLookupTest, NothingThereAndNobodyWhoTells) {
  DnsServer names;
  names.On("empty.test", {});
  names.On("failing.test", {.code = DnsCode::kServFail});
  names.On("refused.test", {.code = DnsCode::kRefused});
  EXPECT_EQ(Ask(names, "absent.test").result, Result::kNotFound);
  EXPECT_EQ(Ask(names, "empty.test").result, Result::kNotFound);
  EXPECT_THAT(Ask(names, "failing.test").result, AnyOf(Result::kFailed, Result::kTimeout));
  EXPECT_THAT(Ask(names, "refused.test").result, AnyOf(Result::kFailed, Result::kTimeout));
}

TEST(HostLookupTest, SilenceEndsAtTheDeadline) {
  DnsServer names;
  names.On("silent.test", {.is_silent = true});
  const absl::Time begin = MonotonicNow();
  const HostAddresses answer = Ask(names, "silent.test", absl::Milliseconds(300));
  EXPECT_GE(MonotonicNow() - begin, absl::Milliseconds(300));
  EXPECT_LE(MonotonicNow() - begin, absl::Milliseconds(1000));
  EXPECT_EQ(answer.result, Result::kTimeout);
  EXPECT_THAT(answer.addresses, IsEmpty());
}

TEST(HostLookupTest, OneSilentFamilyCostsAMoment) {
  DnsServer names;
  names.On("mail.test", DnsType::kA, {.addresses = {"192.0.2.1"}});
  names.On("mail.test", DnsType::kAaaa, {.is_silent = true});
  const absl::Time begin = MonotonicNow();
  const HostAddresses answer = Ask(names, "mail.test");
  EXPECT_THAT(answer.addresses, ElementsAre("192.0.2.1"));
  EXPECT_LE(MonotonicNow() - begin, kSecondFamilyDelay + absl::Milliseconds(800));
}

TEST(HostLookupTest, ALateAnswerWithinTheDeadlineIsTaken) {
  DnsServer names;
  names.On("mail.test", {.addresses = {"192.0.2.1"}, .delay = absl::Milliseconds(300)});
  EXPECT_THAT(Ask(names, "mail.test").addresses, ElementsAre("192.0.2.1"));
}

TEST(HostLookupTest, LocalhostIsThisMachine) {
  DnsServer names;
  names.On("localhost", {.addresses = {"192.0.2.66"}});
  for (const char* const host : {"localhost", "LOCALHOST", "mail.localhost"}) {
    const HostAddresses answer = Ask(names, host);
    EXPECT_EQ(answer.result, Result::kFound);
    EXPECT_THAT(answer.addresses, ElementsAre("127.0.0.1", "::1"));
  }
  EXPECT_TRUE(names.questions().empty());
}

TEST(HostLookupTest, TheHostsFileIsRead) {
  // Any name it has but localhost's.
  std::ifstream file("/etc/hosts");
  std::string name;
  for (std::string line; name.empty() && std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    words >> address >> name;
    if (absl::StrContains(address, ':') || absl::StrContains(name, "localhost")) name.clear();
  }
  if (name.empty()) GTEST_SKIP() << "/etc/hosts names nobody but localhost";
  const DnsServer names;  // knows nothing
  EXPECT_EQ(Ask(names, name).result, Result::kFound) << name;
}

TEST(HostLookupTest, NoNameAtAll) {
  DnsServer names;
  EXPECT_NE(Ask(names, std::string(300, 'a')).result, Result::kFound);
  EXPECT_NE(LookUpHost("mail.test", {"no address"}, MonotonicNow() + absl::Seconds(1)).result,
            Result::kFound);
}

}  // namespace
}  // namespace understudy::notifier
