// Faults of DNS, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/router/fetch/name_resolver.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/black_hole.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Phase;

using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr char kIndex[] = "/index";
constexpr char kHost[] = "www.example.test";

std::string UrlOf(absl::string_view host, absl::string_view fragment = "", int port = 80) {
  return absl::StrCat("http://", host, ":", port, kIndex, fragment);
}

// A world that asks one name server of ours. Loopback is open unless said otherwise.
class NamedWorld {
 public:
  explicit NamedWorld(router::FetcherOptions options = OpenLoopback()) {
    options.dns_servers = {names_.address()};
    options.on_denied = [this](router::AddressClass) { ++denied_; };
    world_ = std::make_unique<FaultWorld>(std::move(options));
  }

  DnsServer& names() { return names_; }
  FaultWorld& world() { return *world_; }
  int denied() const { return denied_; }

 private:
  DnsServer names_;
  std::atomic<int> denied_ = 0;
  std::unique_ptr<FaultWorld> world_;
};

ExpectedFault DnsFault(std::string detail) {
  return {.classic = 11210, .phase = Phase::kDns, .detail = std::move(detail)};
}

ExpectedFault Denied(std::string detail = "not one this router may dial") {
  return {.classic = 11205, .phase = Phase::kPolicy, .detail = std::move(detail)};
}

// What a name server says of a name, and what comes of it.
struct AnswerRow {
  std::string id = {};
  DnsAnswer answer = {};
  ExpectedFault fault = {};
  std::string fragment = {};
};

void PrintTo(const AnswerRow& row, std::ostream* out) {
  *out << row.id;
}

class DnsAnswerFault : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(DnsAnswerFault, IsAnsweredByTheFallback) {
  const AnswerRow& row = GetParam();
  NamedWorld named;
  named.names().On(kHost, row.answer);
  ExpectedFault fault = row.fault;
  if (row.fragment.empty()) fault.no_later = absl::Milliseconds(100);
  named.world().ExpectFallback(UrlOf(kHost, row.fragment), fault);
}

constexpr char kNotThere[] = "does not exist, or has no address";
constexpr char kCouldNotTell[] = "name servers could not tell";

INSTANTIATE_TEST_SUITE_P(
    Table, DnsAnswerFault,
    ::testing::Values(
        AnswerRow{"D1_NoSuchName", {.code = DnsCode::kNxDomain}, DnsFault(kNotThere)},
        AnswerRow{"D2_NoAddress", {}, DnsFault(kNotThere)},
        AnswerRow{"D3_ServerFailure", {.code = DnsCode::kServFail}, DnsFault(kCouldNotTell)},
        AnswerRow{"D3_Refused", {.code = DnsCode::kRefused}, DnsFault(kCouldNotTell)},
        AnswerRow{"D4_SilenceUntilTheTotalTimeIsOver",
                  {.is_silent = true},
                  {.classic = 11210,
                   .phase = Phase::kDns,
                   .detail = "time was over before the name servers had answered",
                   .no_sooner = absl::Milliseconds(300),
                   .no_later = absl::Milliseconds(300)},
                  "#tt=300"},
        AnswerRow{"D11_AliasOfItself", {.cname = kHost}, DnsFault("")},
        AnswerRow{"D11_AliasOfNothing", {.cname = "nowhere.example.test"}, DnsFault("")}),
    [](const auto& row) { return row.param.id; });

TEST(DnsFaults, D1_ANameThatDoesNotExistIsNotAskedForAgainAtOnce) {
  NamedWorld named;
  named.world().ExpectFallback(UrlOf(kHost), DnsFault(kNotThere));
  EXPECT_EQ(named.names().queries(kHost, DnsType::kA), 1);
  EXPECT_EQ(named.names().queries(kHost, DnsType::kAaaa), 1);
}

TEST(DnsFaults, D3_TheNextServerIsAsked) {
  DnsServer failing;
  DnsServer healthy;
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  failing.On(kHost, {.code = DnsCode::kServFail});
  healthy.On(kHost, {.addresses = {"127.0.0.1"}});
  router::FetcherOptions options = OpenLoopback();
  options.dns_servers = {failing.address(), healthy.address()};
  FaultWorld world(options);
  const Answer answer = world.ExpectPrimary(primary.url_for_host(kHost, kIndex));
  EXPECT_LT(answer.took, kSlack);
  EXPECT_GE(failing.queries(kHost), 1);
}

// Meanwhile other calls go on: the loop does not wait.
TEST(DnsFaults, D4_SilenceCostsTheTimeOfALookUpAndHoldsNobodyUp) {
  NamedWorld named;
  named.names().On(kHost, {.is_silent = true});
  Origin healthy;
  healthy.On(kIndex, Reply{.body = kPrimaryDocument});
  Answer silent;
  std::thread caller([&] { silent = named.world().Resolve(UrlOf(kHost)); });
  EXPECT_TRUE(WaitFor([&] { return named.names().queries(kHost) > 0; }, absl::Seconds(5)));
  const Answer other = named.world().Resolve(healthy.url(kIndex));
  EXPECT_EQ(other.outcome.source, router::Source::kPrimary);
  EXPECT_LT(other.took, kSlack);
  caller.join();
  ASSERT_EQ(silent.outcome.faults.size(), 1u);
  EXPECT_EQ(silent.outcome.faults[0].code, 11210);
  EXPECT_THAT(silent.outcome.faults[0].detail, HasSubstr("did not answer in time"));
  EXPECT_GE(silent.outcome.faults[0].elapsed, router::kLookUpTimeout);
  EXPECT_LE(silent.outcome.faults[0].elapsed, router::kLookUpTimeout + kSlack);
}

TEST(DnsFaults, D5_ALateAnswerCountsInTheBudget) {
  NamedWorld named;
  Origin primary;
  primary.OnSequence(kIndex, {Script{}.Wait(absl::Seconds(30)), Reply{.body = kPrimaryDocument}});
  const DnsAnswer late{.addresses = {"127.0.0.1"}, .delay = absl::Seconds(2)};
  named.names().On("first.example.test", late);
  named.names().On("second.example.test", late);
  // 300 ms are left for the web server; had the look-up not counted, it would have 2.3 s.
  const Answer cut =
      named.world().Resolve(primary.url_for_host("first.example.test", "/index#tt=2300"));
  ASSERT_EQ(cut.outcome.faults.size(), 1u);
  EXPECT_EQ(cut.outcome.faults[0].phase, Phase::kHeaders) << cut.outcome.faults[0].detail;
  EXPECT_LE(cut.outcome.faults[0].elapsed, absl::Milliseconds(2300) + kSlack);

  const Answer answer =
      named.world().ExpectPrimary(primary.url_for_host("second.example.test", kIndex));
  ASSERT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_GE(answer.outcome.attempts[0].timings.dns, absl::Seconds(2));
  EXPECT_LT(answer.outcome.attempts[0].timings.dns, router::kLookUpTimeout);
}

TEST(DnsFaults, D6_ADeadIpv6AddressCostsAMoment) {
  NamedWorld named;
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  const BlackHole hole("::1", primary.port());
  named.names().On(kHost, {.addresses = {"::1", "127.0.0.1"}});
  const Answer answer = named.world().ExpectPrimary(primary.url_for_host(kHost, kIndex));
  ASSERT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_EQ(answer.outcome.attempts[0].remote_address, absl::StrCat("127.0.0.1:", primary.port()));
  EXPECT_LE(answer.took, absl::Milliseconds(250) + kSlack);
}

// Addresses that may not be dialled, given by a name or written into the URL.
struct DeniedRow {
  std::string id = {};
  std::string address = {};  // for D10: as in a URL
  std::string word = {};     // that names its class
};

void PrintTo(const DeniedRow& row, std::ostream* out) {
  *out << row.id;
}

std::string IdOf(const ::testing::TestParamInfo<DeniedRow>& row) {
  return row.param.id;
}

class DeniedName : public ::testing::TestWithParam<DeniedRow> {};

TEST_P(DeniedName, SendsNoPacket) {
  NamedWorld named(ShutLoopback());
  const Origin bait;
  const Origin bait_v6({.host = "::1", .port = bait.port()});
  named.names().On(kHost, {.addresses = {GetParam().address}});
  named.world().ExpectFallback(bait.url_for_host(kHost, kIndex),
                               Denied(absl::StrCat("(", GetParam().word, ")")));
  EXPECT_EQ(bait.connections(), 0);
  EXPECT_EQ(bait_v6.connections(), 0);
  EXPECT_EQ(named.denied(), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, DeniedName,
    ::testing::Values(DeniedRow{"D7_Loopback", "127.0.0.1", "loopback"},
                      DeniedRow{"D7_Ipv6Loopback", "::1", "loopback"},
                      DeniedRow{"D7_Unspecified", "0.0.0.0", "unspecified"},
                      DeniedRow{"D7_Private10", "10.0.0.1", "private"},
                      DeniedRow{"D7_Private172", "172.16.0.1", "private"},
                      DeniedRow{"D7_Private192", "192.168.0.1", "private"},
                      DeniedRow{"D7_UniqueLocal", "fd00::1", "unique_local"},
                      DeniedRow{"D7_LinkLocal", "fe80::1", "link_local"},
                      DeniedRow{"D7_Metadata", "169.254.169.254", "link_local"},
                      DeniedRow{"D7_CarrierNat", "100.64.0.1", "carrier_nat"},
                      DeniedRow{"D7_CloudHost", "168.63.129.16", "cloud_host"},
                      DeniedRow{"D10_MappedByName", "::ffff:127.0.0.1", "ipv4_mapped"},
                      DeniedRow{"D10_Nat64ByName", "64:ff9b::127.0.0.1", "nat64"}),
    IdOf);

class DeniedLiteral : public ::testing::TestWithParam<DeniedRow> {};

TEST_P(DeniedLiteral, SendsNoPacket) {
  NamedWorld named(ShutLoopback());
  const Origin bait;
  const Origin bait_v6({.host = "::1", .port = bait.port()});
  named.world().ExpectFallback(bait.url_for_host(GetParam().address, kIndex),
                               Denied(absl::StrCat("(", GetParam().word, ")")));
  EXPECT_EQ(bait.connections(), 0);
  EXPECT_EQ(bait_v6.connections(), 0);
  EXPECT_TRUE(named.names().questions().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, DeniedLiteral,
    ::testing::Values(DeniedRow{"D10_Dotted", "127.0.0.1", "loopback"},
                      DeniedRow{"D10_Decimal", "2130706433", "loopback"},
                      DeniedRow{"D10_Octal", "0177.0.0.1", "loopback"},
                      DeniedRow{"D10_Hexadecimal", "0x7f000001", "loopback"},
                      DeniedRow{"D10_Short", "127.1", "loopback"},
                      DeniedRow{"D10_Ipv6", "[::1]", "loopback"},
                      DeniedRow{"D10_Mapped", "[::ffff:7f00:1]", "ipv4_mapped"},
                      DeniedRow{"D10_Compatible", "[::7f00:1]", "ipv4_compatible"},
                      DeniedRow{"D10_Nat64", "[64:ff9b::7f00:1]", "nat64"},
                      DeniedRow{"D10_6to4", "[2002:7f00:1::]", "6to4"},
                      DeniedRow{"D10_Teredo", "[2001:0:7f00:1::]", "teredo"},
                      DeniedRow{"D15_Localhost", "localhost", "loopback"},
                      DeniedRow{"D15_LocalhostInCapitals", "LOCALHOST", "loopback"},
                      DeniedRow{"D15_BelowLocalhost", "www.localhost", "loopback"}),
    IdOf);

TEST(DnsFaults, D8_TheAddressThatWasVettedIsTheOneDialled) {
  NamedWorld named(ShutLoopback({"127.0.0.2"}));
  Origin vetted({.host = "127.0.0.2"});
  vetted.On(kIndex, Reply{.body = kPrimaryDocument, .closes = true});
  const Origin inside({.host = "127.0.0.1", .port = vetted.port()});
  named.names().OnSequence(kHost, {{.addresses = {"127.0.0.2"}, .ttl = absl::ZeroDuration()},
                                   {.addresses = {"127.0.0.1"}, .ttl = absl::ZeroDuration()}});
  const std::string url = vetted.url_for_host(kHost, kIndex);
  named.world().ExpectPrimary(url);
  EXPECT_EQ(named.names().queries(kHost, DnsType::kA), 1);

  // When the name is looked up again, its new address is vetted too.
  Answer last;
  ASSERT_TRUE(WaitFor(
      [&] {
        last = named.world().Resolve(url);
        return last.outcome.source != router::Source::kPrimary;
      },
      absl::Seconds(10)));
  EXPECT_EQ(last.outcome.faults[0].code, 11205);
  EXPECT_EQ(last.outcome.faults[0].phase, Phase::kPolicy);
  EXPECT_EQ(inside.connections(), 0);
}

TEST(DnsFaults, D8_ARetryDoesNotDialASecondAddressUnvetted) {
  NamedWorld named(ShutLoopback({"127.0.0.2"}));
  const ClosedPort dead("127.0.0.2");
  const Origin inside({.host = "127.0.0.1", .port = dead.port()});
  named.names().OnSequence(kHost, {{.addresses = {"127.0.0.2"}}, {.addresses = {"127.0.0.1"}}});
  const Answer answer = named.world().Resolve(UrlOf(kHost, "", dead.port()));
  ASSERT_EQ(answer.outcome.attempts.size(), 3u);
  EXPECT_EQ(answer.outcome.attempts[0].phase, Phase::kConnect);
  EXPECT_EQ(answer.outcome.attempts[1].phase, Phase::kPolicy);
  EXPECT_EQ(answer.outcome.faults[0].code, 11205);
  EXPECT_EQ(inside.connections(), 0);
}

TEST(DnsFaults, D9_OfMixedAddressesOnlyTheOpenOnesAreDialled) {
  NamedWorld named(ShutLoopback({"127.0.0.2/32"}));
  Origin open({.host = "127.0.0.2"});
  open.On(kIndex, Reply{.body = kPrimaryDocument});
  const Origin inside({.host = "127.0.0.1", .port = open.port()});
  const Origin inside_v6({.host = "::1", .port = open.port()});
  named.names().On(kHost, {.addresses = {"::1", "127.0.0.1", "127.0.0.2", "10.0.0.1"}});
  named.world().ExpectPrimary(open.url_for_host(kHost, kIndex));
  EXPECT_EQ(inside.connections(), 0);
  EXPECT_EQ(inside_v6.connections(), 0);
  EXPECT_EQ(named.denied(), 0);
}

TEST(DnsFaults, D11_AChainOfAliasesThatEndsInside) {
  NamedWorld named(ShutLoopback());
  const Origin bait;
  named.names().On(kHost, {.cname = "a.example.test"});
  named.names().On("a.example.test", {.cname = "b.example.test"});
  named.names().On("b.example.test", {.addresses = {"127.0.0.1"}});
  named.world().ExpectFallback(bait.url_for_host(kHost, kIndex), Denied("(loopback)"));
  EXPECT_EQ(bait.connections(), 0);
}

TEST(DnsFaults, D11_ACircleOfAliases) {
  NamedWorld named;
  named.names().On(kHost, {.cname = "a.example.test"});
  named.names().On("a.example.test", {.cname = kHost});
  named.world().ExpectFallback(UrlOf(kHost), DnsFault(""));
}

TEST(DnsFaults, D12_ATruncatedAnswerIsFetchedOverTcp) {
  NamedWorld named;
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  named.names().On(kHost, {.addresses = {"127.0.0.1"}, .is_truncated = true});
  named.world().ExpectPrimary(primary.url_for_host(kHost, kIndex));
  EXPECT_THAT(named.names().questions(), ::testing::Contains(Field(&DnsQuestion::is_tcp, true)));
}

TEST(DnsFaults, D13_ADeadAddressIsDroppedOnFailureAndTheNewOneUsed) {
  NamedWorld named;
  auto before = std::make_unique<Origin>(OriginOptions{.host = "127.0.0.2"});
  before->On(kIndex, Reply{.body = kPrimaryDocument});
  Origin after({.host = "127.0.0.3", .port = before->port()});
  after.On(kIndex, Reply{.body = kPrimaryDocument});
  named.names().OnSequence(kHost, {{.addresses = {"127.0.0.2"}, .ttl = absl::Hours(24)},
                                   {.addresses = {"127.0.0.3"}, .ttl = absl::Hours(24)}});
  const std::string url = after.url_for_host(kHost, kIndex);
  named.world().ExpectPrimary(url);
  before.reset();
  const Answer answer = named.world().ExpectPrimary(url);
  ASSERT_EQ(answer.outcome.attempts.size(), 2u);
  EXPECT_EQ(answer.outcome.attempts[0].remote_address, absl::StrCat("127.0.0.2:", after.port()));
  EXPECT_EQ(answer.outcome.attempts[1].remote_address, absl::StrCat("127.0.0.3:", after.port()));
}

// Sets an environment variable while it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~Environment() {
    if (before_.has_value()) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(DnsFaults, D14_AShortNameIsLookedUpAsItStands) {
  // The environment's way to say what a cluster's resolv.conf says.
  const Environment search("LOCALDOMAIN", "default.svc.cluster.local");
  const Environment dots("RES_OPTIONS", "ndots:5");
  NamedWorld named;
  const Origin bait;
  named.names().On("backend.default.svc.cluster.local", {.addresses = {"127.0.0.1"}});
  named.names().On("two.labels.default.svc.cluster.local", {.addresses = {"127.0.0.1"}});
  named.world().ExpectFallback(bait.url_for_host("backend", kIndex), DnsFault(kNotThere));
  named.world().ExpectFallback(bait.url_for_host("two.labels", kIndex), DnsFault(kNotThere));
  EXPECT_THAT(named.names().questions(),
              Each(Field(&DnsQuestion::name, ::testing::AnyOf("backend", "two.labels"))));
  EXPECT_EQ(bait.connections(), 0);
}

// Debian's hosts file has that name; a name server does not know it.
TEST(DnsFaults, D15_TheHostsFileIsNotRead) {
  NamedWorld named;
  named.world().ExpectFallback(UrlOf("ip6-localhost"), DnsFault(kNotThere));
  EXPECT_EQ(named.names().queries("ip6-localhost", DnsType::kA), 1);
}

// 200 addresses of which the nth is alive.
std::vector<std::string> ManyAddresses() {
  std::vector<std::string> addresses;
  for (int i = 1; i <= 200; ++i) addresses.push_back(absl::StrCat("127.0.7.", i));
  return addresses;
}

TEST(DnsFaults, D16_OfManyAddressesTheLastThatIsTried) {
  NamedWorld named;
  Origin alive({.host = absl::StrCat("127.0.7.", router::kMaxAddressesPerName)});
  alive.On(kIndex, Reply{.body = kPrimaryDocument});
  named.names().On(kHost, {.addresses = ManyAddresses()});
  const Answer answer = named.world().ExpectPrimary(alive.url_for_host(kHost, kIndex));
  EXPECT_EQ(answer.outcome.attempts.size(), 1u);
}

TEST(DnsFaults, D16_OfManyAddressesTheFirstThatIsNotTried) {
  NamedWorld named;
  const Origin alive({.host = absl::StrCat("127.0.7.", router::kMaxAddressesPerName + 1)});
  named.names().On(kHost, {.addresses = ManyAddresses()});
  named.world().ExpectFallback(alive.url_for_host(kHost, kIndex),
                               {.classic = 11205,
                                .specific = 11202,
                                .phase = Phase::kConnect,
                                .detail = "refused",
                                .attempts = 2,
                                .no_later = absl::Milliseconds(200)});
  EXPECT_EQ(alive.connections(), 0);
}

TEST(DnsFaults, D16_ManyBlackHolesTakeNoLongerThanOne) {
  NamedWorld named;
  std::vector<std::unique_ptr<BlackHole>> holes;
  std::vector<std::string> addresses;
  int port = 0;
  for (int i = 1; i <= 4; ++i) {
    addresses.push_back(absl::StrCat("127.0.8.", i));
    holes.push_back(std::make_unique<BlackHole>(addresses.back(), port));
    port = holes.front()->port();
  }
  named.names().On(kHost, {.addresses = addresses});
  named.world().ExpectFallback(UrlOf(kHost, "#ct=400&rc=0", port),
                               {.classic = 11205,
                                .specific = 11201,
                                .phase = Phase::kConnect,
                                .detail = "connect timeout",
                                .no_sooner = absl::Milliseconds(390),
                                .no_later = absl::Milliseconds(400)});
}

// Names that no name server need be asked for, or may be.
struct NameRow {
  std::string id = {};
  std::string host = {};
  ExpectedFault fault = {};
};

void PrintTo(const NameRow& row, std::ostream* out) {
  *out << row.id;
}

class BadName : public ::testing::TestWithParam<NameRow> {};

TEST_P(BadName, IsAnsweredByTheFallback) {
  NamedWorld named;
  named.world().ExpectFallback(UrlOf(GetParam().host), GetParam().fault);
}

std::string LongName(size_t bytes) {
  std::string name(bytes, 'a');
  for (size_t i = 60; i < bytes; i += 61) name[i] = '.';
  return name;
}

ExpectedFault BadUrl(std::string detail) {
  return {.classic = 11100, .detail = std::move(detail), .attempts = 0};
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadName,
    ::testing::Values(
        NameRow{"D17_LabelOf63", std::string(63, 'a') + ".test", DnsFault(kNotThere)},
        NameRow{"D17_LabelOf64", std::string(64, 'a') + ".test", BadUrl("longer than 63 bytes")},
        NameRow{"D17_NameOf253", LongName(253), DnsFault(kNotThere)},
        NameRow{"D17_NameOf254", LongName(254), BadUrl("longer than 253 bytes")},
        NameRow{"D17_EmptyLabel", "www..test", BadUrl("part that is empty")},
        NameRow{"D17_Underscore", "under_score.test", BadUrl("no host name may have")},
        NameRow{"D17_NotUtf8", "\xff.test", BadUrl("")},
        NameRow{"D17_BadPunycode", "xn--\x80.test", BadUrl("")}),
    [](const auto& row) { return row.param.id; });

class SpoofedAnswer : public ::testing::TestWithParam<DnsSpoof> {};

// The forged answer's address may not be dialled, so whoever believed it would fail.
TEST_P(SpoofedAnswer, D18_IsIgnored) {
  NamedWorld named;
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  named.names().On(kHost, {.addresses = {"127.0.0.1"}, .spoof = GetParam()});
  const Answer answer = named.world().ExpectPrimary(primary.url_for_host(kHost, kIndex));
  EXPECT_LT(answer.took, kSlack);
}

INSTANTIATE_TEST_SUITE_P(Table, SpoofedAnswer,
                         ::testing::Values(DnsSpoof::kWrongId, DnsSpoof::kWrongQuestion),
                         [](const auto& row) {
                           return row.param == DnsSpoof::kWrongId ? "WrongId" : "WrongQuestion";
                         });

}  // namespace
}  // namespace understudy::testing
