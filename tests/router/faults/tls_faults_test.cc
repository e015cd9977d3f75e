// Faults of TLS, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Phase;

constexpr char kIndex[] = "/index";

OriginOptions Tls(Certificate certificate) {
  return {.tls = TlsOptions{.certificate = std::move(certificate)}};
}

// A name server that knows `host`, and a fetcher that asks it.
class NamedWorld {
 public:
  explicit NamedWorld(const std::string& host) : world_(Options(host)) {}

  FaultWorld& world() { return world_; }

 private:
  router::FetcherOptions Options(const std::string& host) {
    names_.On(host, {.addresses = {"127.0.0.1"}});
    router::FetcherOptions options = OpenLoopback();
    options.dns_servers = {names_.address()};
    return options;
  }

  DnsServer names_;
  FaultWorld world_;
};

ExpectedFault WrongName() {
  return {.classic = 11235, .phase = Phase::kTls, .detail = "for another name"};
}

ExpectedFault Untrusted(std::string detail = "no trusted root") {
  return {.classic = 11237, .phase = Phase::kTls, .detail = std::move(detail)};
}

// A handshake that failed is worth a second try, as a refused connection is.
ExpectedFault NoHandshake(std::string detail = "TLS handshake failed") {
  return {.classic = 11220, .phase = Phase::kTls, .detail = std::move(detail), .attempts = 2};
}

// What a certificate is worth to a client that asks `host` for a document.
struct CertificateRow {
  std::string id = {};
  CertificateOptions certificate = {};
  ExpectedFault fault = {};  // code 0: none
  std::string host = "127.0.0.1";
};

void PrintTo(const CertificateRow& row, std::ostream* out) {
  *out << row.id;
}

class CertificateFault : public ::testing::TestWithParam<CertificateRow> {};

TEST_P(CertificateFault, IsAsTheTableSays) {
  const CertificateRow& row = GetParam();
  NamedWorld named(row.host);
  Origin primary(Tls(TestRoot().Issue(row.certificate)));
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  const std::string url = primary.url_for_host(row.host, kIndex);
  if (row.fault.classic == 0) {
    named.world().ExpectPrimary(url);
  } else {
    named.world().ExpectFallback(url, row.fault);
    EXPECT_TRUE(primary.requests().empty());
  }
}

const std::vector<std::string> kLoopback = {"127.0.0.1"};

INSTANTIATE_TEST_SUITE_P(
    Table, CertificateFault,
    ::testing::Values(
        CertificateRow{"S0_Good", {.ip_addresses = kLoopback}},
        CertificateRow{
            "S0_GoodByName", {.dns_names = {"www.example.test"}}, {}, "www.example.test"},
        CertificateRow{"S1_SelfSigned",
                       {.ip_addresses = kLoopback, .is_self_signed = true},
                       Untrusted("self-signed certificate")},
        CertificateRow{"S3_IntermediateMissing",
                       {.ip_addresses = kLoopback, .intermediates = 1, .omits_intermediates = true},
                       Untrusted()},
        CertificateRow{"S3_IntermediatesThere", {.ip_addresses = kLoopback, .intermediates = 2}},
        CertificateRow{"S4_Expired",
                       {.ip_addresses = kLoopback, .not_after = -absl::Seconds(1)},
                       {.classic = 11236, .phase = Phase::kTls, .detail = "has expired"}},
        CertificateRow{"S4_NotYetExpired",
                       {.ip_addresses = kLoopback, .not_after = absl::Minutes(1)}},
        CertificateRow{"S5_NotYetValid",
                       {.ip_addresses = kLoopback, .not_before = absl::Minutes(1)},
                       {.classic = 11236, .phase = Phase::kTls, .detail = "not valid yet"}},
        CertificateRow{"S5_JustValid",
                       {.ip_addresses = kLoopback, .not_before = -absl::Seconds(1)}},
        CertificateRow{
            "S6_WrongName", {.dns_names = {"other.example.test"}}, WrongName(), "www.example.test"},
        CertificateRow{"S6_IpWithoutIpName", {.dns_names = {"127.0.0.1"}}, WrongName()},
        CertificateRow{"S6_OtherIp", {.ip_addresses = {"127.0.0.2"}}, WrongName()},
        CertificateRow{"S6_NameOnlyInTheSubject",
                       {.common_name = "www.example.test"},
                       WrongName(),
                       "www.example.test"},
        CertificateRow{"S6_IpOnlyInTheSubject", {.common_name = "127.0.0.1"}, WrongName()},
        CertificateRow{"S7_Wildcard", {.dns_names = {"*.example.test"}}, {}, "www.example.test"},
        CertificateRow{
            "S7_WildcardOfATopLevel", {.dns_names = {"*.test"}}, WrongName(), "www.test"},
        CertificateRow{"S7_WildcardForTwoLabels",
                       {.dns_names = {"*.example.test"}},
                       WrongName(),
                       "a.b.example.test"},
        CertificateRow{"S7_WildcardForNoLabel",
                       {.dns_names = {"*.example.test"}},
                       WrongName(),
                       "example.test"},
        CertificateRow{"S7_WildcardInTheMiddle",
                       {.dns_names = {"www.*.test"}},
                       WrongName(),
                       "www.example.test"},
        CertificateRow{"S7_WildcardForPartOfALabel",
                       {.dns_names = {"w*.example.test"}},
                       WrongName(),
                       "www.example.test"},
        CertificateRow{"S7_WildcardAlone", {.dns_names = {"*"}}, WrongName(), "localname"},
        CertificateRow{"S7_NulInTheName",
                       {.dns_names = {std::string("www.example.test\0.evil.test", 27)}},
                       WrongName(),
                       "www.example.test"},
        CertificateRow{"S9_Sha1Signature",
                       {.ip_addresses = kLoopback, .is_sha1 = true},
                       Untrusted("digest algorithm too weak")},
        CertificateRow{"S9_ShortKey",
                       {.ip_addresses = kLoopback, .rsa_bits = 1024},
                       Untrusted("EE certificate key too weak")},
        CertificateRow{"S9_LongEnoughKey", {.ip_addresses = kLoopback, .rsa_bits = 2048}},
        CertificateRow{
            "S16_ChainOfMoreThan100Kb",
            {.ip_addresses = kLoopback, .extra_extensions = 1000, .extra_extension_bytes = 100},
            NoHandshake("excessive message size")},
        CertificateRow{
            "S16_ChainOf50Kb",
            {.ip_addresses = kLoopback, .extra_extensions = 500, .extra_extension_bytes = 80}}),
    [](const auto& row) { return row.param.id; });

TEST(TlsFaults, S2_UnknownAuthority) {
  FaultWorld world;
  const TestAuthority stranger("a stranger");
  const Origin primary(Tls(stranger.Issue({.ip_addresses = {"127.0.0.1"}})));
  world.ExpectFallback(primary.url(kIndex), Untrusted());
}

// What a server offers or demands, and what comes of it.
struct ServerRow {
  std::string id = {};
  std::function<void(TlsOptions&)> change = {};
  ExpectedFault fault = {};  // code 0: none
};

void PrintTo(const ServerRow& row, std::ostream* out) {
  *out << row.id;
}

class TlsServerFault : public ::testing::TestWithParam<ServerRow> {};

TEST_P(TlsServerFault, IsAsTheTableSays) {
  FaultWorld world;
  OriginOptions options = Tls(GoodCertificate());
  GetParam().change(*options.tls);
  Origin primary(options);
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  if (GetParam().fault.classic == 0) {
    world.ExpectPrimary(primary.url(kIndex));
  } else {
    world.ExpectFallback(primary.url(kIndex), GetParam().fault);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, TlsServerFault,
    ::testing::Values(
        ServerRow{"S8_Tls10Only", [](TlsOptions& tls) { tls.max_version = TlsVersion::k10; },
                  NoHandshake()},
        ServerRow{"S8_Tls11Only", [](TlsOptions& tls) { tls.max_version = TlsVersion::k11; },
                  NoHandshake()},
        ServerRow{"S8_Tls12Only", [](TlsOptions& tls) { tls.max_version = TlsVersion::k12; }},
        ServerRow{"S8_Tls13Only", [](TlsOptions& tls) { tls.min_version = TlsVersion::k13; }},
        ServerRow{"S9_NoCommonCipher",
                  [](TlsOptions& tls) {
                    tls.max_version = TlsVersion::k12;
                    tls.ciphers = "ECDHE-ECDSA-NULL-SHA";
                  },
                  NoHandshake()},
        ServerRow{"S14_ClientCertificateDemandedByTls12",
                  [](TlsOptions& tls) {
                    tls.max_version = TlsVersion::k12;
                    tls.client_ca_pem = TestRoot().ca_pem();
                  },
                  NoHandshake("alert")},
        ServerRow{"S14_ClientCertificateDemandedByTls13",
                  [](TlsOptions& tls) {
                    tls.min_version = TlsVersion::k13;
                    tls.client_ca_pem = TestRoot().ca_pem();
                  },
                  NoHandshake("alert")}),
    [](const auto& row) { return row.param.id; });

// What happens on the connection before TLS, or in its place.
struct HandshakeRow {
  std::string id = {};
  Script script = {};
  std::string fragment = {};
  ExpectedFault fault = {};
};

void PrintTo(const HandshakeRow& row, std::ostream* out) {
  *out << row.id;
}

class HandshakeFault : public ::testing::TestWithParam<HandshakeRow> {};

TEST_P(HandshakeFault, IsAnsweredByTheFallback) {
  const HandshakeRow& row = GetParam();
  FaultWorld world;
  Origin primary(Tls(GoodCertificate()));
  primary.OnAccept(row.script);
  world.ExpectFallback(primary.url(absl::StrCat(kIndex, row.fragment)), row.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Table, HandshakeFault,
    ::testing::Values(
        HandshakeRow{"S10_Reset", Script{}.AwaitBytes().Reset(), "", NoHandshake()},
        HandshakeRow{"S10_End", Script{}.AwaitBytes().Close(), "", NoHandshake()},
        HandshakeRow{"S10_Junk", Script{}.AwaitBytes().Send("junk, not TLS").Close(), "",
                     NoHandshake()},
        HandshakeRow{"S11_NeverFinishes",
                     Script{}.Stall(),
                     "#ct=250",
                     {.classic = 11220,
                      .phase = Phase::kTls,
                      .detail = "did not finish within the connect timeout",
                      .attempts = 2,
                      .no_sooner = absl::Milliseconds(490),
                      .no_later = absl::Milliseconds(500)}},
        HandshakeRow{"S11_HalfARecordAndNoMore",
                     Script{}.AwaitBytes().Send(std::string("\x16\x03\x03\x10\x00", 5)).Stall(),
                     "#ct=250&rc=0",
                     {.classic = 11220,
                      .phase = Phase::kTls,
                      .detail = "did not finish within the connect timeout",
                      .no_sooner = absl::Milliseconds(245),
                      .no_later = absl::Milliseconds(250)}},
        HandshakeRow{"S11_TheTotalTimeCutsItShort",
                     Script{}.Stall(),
                     "#ct=2000&tt=250",
                     {.classic = 11205,
                      .specific = 11203,
                      .phase = Phase::kTls,
                      .detail = "total time was over during the TLS handshake",
                      .no_sooner = absl::Milliseconds(250),
                      .no_later = absl::Milliseconds(250)}}),
    [](const auto& row) { return row.param.id; });

TEST(TlsFaults, S12_HttpsToAPlainPort) {
  FaultWorld world;
  const Origin plain;  // answers what is not a request with 400
  world.ExpectFallback(absl::StrCat("https://127.0.0.1:", plain.port(), kIndex), NoHandshake());
}

TEST(TlsFaults, S12_HttpsToAPlainPortThatWaits) {
  FaultWorld world;
  Origin plain;
  plain.OnAccept(Script{}.Stall());
  world.ExpectFallback(absl::StrCat("https://127.0.0.1:", plain.port(), kIndex, "#ct=200&rc=0"),
                       {.classic = 11220,
                        .phase = Phase::kTls,
                        .detail = "did not finish",
                        .no_later = absl::Milliseconds(200)});
}

// A TLS server says in its own tongue that it did not understand.
TEST(TlsFaults, S13_HttpToATlsPort) {
  FaultWorld world;
  Origin primary;
  primary.OnAccept(Script{}.AwaitBytes().Send({"\x15\x03\x01\x00\x02\x02\x46", 7}).Close());
  world.ExpectFallback(primary.url(kIndex), {.classic = 11206,
                                             .specific = 11251,
                                             .phase = Phase::kProtocol,
                                             .detail = "does not speak HTTP/1.1"});
}

// OpenSSL's servers recognize HTTP and just hang up, which looks like T6.
TEST(TlsFaults, S13_HttpToATlsPortThatHangsUp) {
  FaultWorld world;
  const Origin primary(Tls(GoodCertificate()));
  world.ExpectFallback(absl::StrCat("http://127.0.0.1:", primary.port(), kIndex),
                       {.classic = 11205,
                        .phase = Phase::kHeaders,
                        .detail = "closed the connection without an answer"});
}

TEST(TlsFaults, S15_TheServerNameIsSent) {
  NamedWorld named("www.example.test");
  Origin primary(Tls(TestRoot().Issue({.dns_names = {"www.example.test"}})));
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  named.world().ExpectPrimary(primary.url_for_host("www.example.test", kIndex));
  ASSERT_EQ(primary.handshakes().size(), 1u);
  EXPECT_EQ(primary.handshakes()[0].server_name, "www.example.test");
}

TEST(TlsFaults, S15_TheServerNameIsLeftOutIfTheUrlSaysSo) {
  NamedWorld named("www.example.test");
  Origin primary(Tls(TestRoot().Issue({.dns_names = {"www.example.test"}})));
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  const std::string url = primary.url_for_host("www.example.test", kIndex);
  named.world().ExpectPrimary(url);
  named.world().ExpectPrimary(absl::StrCat(url, "#sni=n"));
  named.world().ExpectPrimary(url);
  // The first connection serves the last call too; that without the name serves one call only.
  ASSERT_EQ(primary.handshakes().size(), 2u);
  EXPECT_EQ(primary.handshakes()[1].server_name, "");
  EXPECT_EQ(primary.requests()[2].connection, 0);
}

// How a connection ends after a whole answer.
struct EndRow {
  std::string id = {};
  std::string answer = {};
  bool notifies = false;
  bool holds = false;  // the answer counts
};

void PrintTo(const EndRow& row, std::ostream* out) {
  *out << row.id;
}

class TlsEnd : public ::testing::TestWithParam<EndRow> {
 protected:
  static Script ScriptOf(const EndRow& row) {
    Script script = Script{}.Send(row.answer);
    return row.notifies ? script.Close() : script.CloseWithoutNotify();
  }

  static void Expect(FaultWorld& world, const std::string& url) {
    if (GetParam().holds) {
      world.ExpectPrimary(url);
    } else {
      world.ExpectFallback(url, {.classic = 11206,
                                 .specific = 11251,
                                 .phase = Phase::kBody,
                                 .detail = "TLS connection was cut in the body",
                                 .http_status = 200});
    }
  }
};

TEST_P(TlsEnd, CountsOnlyIfItCannotHideACut) {
  FaultWorld world;
  Origin primary(Tls(GoodCertificate()));
  primary.On(kIndex, ScriptOf(GetParam()));
  Expect(world, primary.url(kIndex));
}

TEST_P(TlsEnd, CountsTheSameOnAConnectionThatServedBefore) {
  FaultWorld world;
  Origin primary(Tls(GoodCertificate()));
  primary.On("/before", Reply{.body = kPrimaryDocument});
  primary.On(kIndex, ScriptOf(GetParam()));
  world.ExpectPrimary(primary.url("/before"));
  Expect(world, primary.url(kIndex));
  EXPECT_EQ(primary.requests()[1].connection, 0);
}

const std::string kChunkedAnswer =
    ToBytes({.headers = {{"Transfer-Encoding", "chunked"}}, .body = Chunked(kPrimaryDocument)});
const std::string kAnswerWithoutALength =
    absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n", kPrimaryDocument);

INSTANTIATE_TEST_SUITE_P(
    Table, TlsEnd,
    ::testing::Values(
        EndRow{"S17_CutAfterALengthThatIsFull", ToBytes({.body = kPrimaryDocument}), false, true},
        EndRow{"S17_CutAfterTheLastChunk", kChunkedAnswer, false, true},
        EndRow{"S18_CutWhereTheEndIsTheBodysEnd", kAnswerWithoutALength, false, false},
        EndRow{"S18_ProperEndWhereTheEndIsTheBodysEnd", kAnswerWithoutALength, true, true}),
    [](const auto& row) { return row.param.id; });

// A pooled connection is not asked for its certificate again, so it must not live on and on.
TEST(TlsFaults, S19_ACertificateThatExpiredInThePoolIsNotTrustedPastTheConnectionsAge) {
  static_assert(router::kMaxConnectionAge <= absl::Hours(1));
  router::FetcherOptions options = OpenLoopback();
  options.max_connection_age = absl::Seconds(1);
  FaultWorld world(options);
  Origin primary(
      Tls(TestRoot().Issue({.ip_addresses = {"127.0.0.1"}, .not_after = absl::Seconds(2)})));
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  world.ExpectPrimary(primary.url(kIndex));
  Answer last;
  ASSERT_TRUE(WaitFor(
      [&] {
        last = world.Resolve(primary.url(kIndex));
        return last.outcome.source != router::Source::kPrimary;
      },
      absl::Seconds(10)));
  EXPECT_EQ(last.outcome.faults[0].code, 11236) << last.outcome.faults[0].detail;
}

TEST(TlsFaults, S20_NothingIsFetchedUnverifiedWhenTheCaFileHasGone) {
  const TempDir dir;
  router::FetcherOptions options = OpenLoopback();
  options.ca_file = dir.Write("ca.pem", TestRoot().ca_pem());
  FaultWorld world(options);
  dir.Write("ca.pem", "");
  Origin primary(Tls(GoodCertificate()));
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  const Answer answer = world.Resolve(primary.url(kIndex));
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
  EXPECT_TRUE(primary.requests().empty());
  ASSERT_EQ(answer.outcome.faults.size(), 1u);
  EXPECT_EQ(answer.outcome.faults[0].code, 12400) << answer.outcome.faults[0].detail;
}

}  // namespace
}  // namespace understudy::testing
