// Every way a primary can fail on the wire, end to end: over gRPC, against real listeners, for
// calls and messages, with either set of codes. The same faults in all their variations stand in
// tests/router/faults; what the fallback is told is shown here.
#include "tests/e2e/every_world.h"
#include "tests/testing/black_hole.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;

class Failure : public EveryWorld {
 protected:
  // What the primary plays is no answer: `code` and `phase` say why.
  void ExpectFault(const Script& script, int code, v1::Phase phase) {
    primary_.On(kIndex, script);
    const Answer answer = Resolve(absl::StrCat(primary_.url(kIndex), "#rt=300"));
    ExpectFallback(answer, code, primary_.url(kIndex));
    EXPECT_EQ(answer.response.attempts(0).phase(), phase);
  }

  // The same for a TLS server that shows `certificate`; `host` is how the URL names it.
  void ExpectCertificateFault(const CertificateOptions& certificate, int code) {
    const TestAuthority authority;
    const TempDir dir;
    Origin tls({.tls = TlsOptions{.certificate = authority.Issue(certificate)}});
    tls.On(kIndex, Reply{.body = Document("never")});
    router::RouterConfig config = Config();
    config.ca_file = authority.WriteCaFile(dir.path());
    RouterWorld world(config);
    const Answer answer = world.Resolve(Request(tls.url(kIndex), fallback_.url(kIndex)));
    ExpectFallback(answer, code, tls.url(kIndex));
    EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_TLS);
    EXPECT_EQ(tls.requests().size(), 0u);
  }
};

INSTANTIATE_TEST_SUITE_P(All, Failure, EveryWorld::Worlds(), EveryWorld::NameOf);

TEST_P(Failure, ConnectTimeout) {
  const BlackHole hole;
  const std::string url = absl::StrCat("http://127.0.0.1:", hole.port(), kIndex);
  const Answer answer = Resolve(absl::StrCat(url, "#ct=200"));
  ExpectFallback(answer, Code(11205, 11201), url);
  EXPECT_EQ(answer.response.attempts_size(), 3);
  EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_CONNECT);
}

TEST_P(Failure, StallBeforeTheFirstByte) {
  ExpectFault(Script{}.Stall(), 11205, v1::PHASE_HEADERS);
}

TEST_P(Failure, StallAfterTheFirstByte) {
  ExpectFault(Script{}.Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n").Stall(), 11205,
              v1::PHASE_HEADERS);
}

TEST_P(Failure, ResetInTheHeaders) {
  ExpectFault(Script{}.Send("HTTP/1.1 200 OK\r\nContent-").Wait(absl::Milliseconds(50)).Reset(),
              11205, v1::PHASE_HEADERS);
}

TEST_P(Failure, ResetInTheBody) {
  ExpectFault(Script{}
                  .Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n"
                        "<Response>")
                  .Wait(absl::Milliseconds(50))
                  .Reset(),
              11205, v1::PHASE_BODY);
}

TEST_P(Failure, PlainHttpOnATlsPort) {
  // What a TLS server says to a client that is none: a fatal alert, unexpected_message.
  primary_.OnAccept(Script{}.AwaitBytes().Send({"\x15\x03\x03\x00\x02\x02\x0a", 7}).Close());
  ExpectFallback(Resolve(primary_.url(kIndex)), Code(11206, 11251), primary_.url(kIndex));
}

TEST_P(Failure, ExpiredCertificate) {
  ExpectCertificateFault({.ip_addresses = {"127.0.0.1"},
                          .not_before = -absl::Hours(48),
                          .not_after = -absl::Hours(24)},
                         11236);
}

TEST_P(Failure, CertificateForAnotherName) {
  ExpectCertificateFault({.dns_names = {"www.example.com"}}, 11235);
}

TEST_P(Failure, SelfSignedCertificate) {
  ExpectCertificateFault({.ip_addresses = {"127.0.0.1"}, .is_self_signed = true}, 11237);
}

TEST_P(Failure, MalformedStatusLine) {
  ExpectFault(Script{}.Send("HTTP/1.1 OK then\r\n\r\n").Close(), Code(11206, 11251),
              v1::PHASE_PROTOCOL);
}

TEST_P(Failure, ContentLengthThatLies) {
  ExpectFault(Script{}
                  .Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n"
                        "<Response/>")
                  .Close(),
              Code(11206, 11251), v1::PHASE_BODY);
}

TEST_P(Failure, GzipBomb) {
  ExpectFault(
      Reply{.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip(std::string(50 << 20, ' '))},
      11750, v1::PHASE_CONTENT);
}

TEST_P(Failure, RedirectToAShutAddress) {
  primary_.On(kIndex, Reply{.status = 302, .headers = {{"Location", "http://10.0.0.1/inside"}}});
  const Answer answer = Resolve(primary_.url(kIndex));
  ExpectFallback(answer, 11205, "http://10.0.0.1/inside");
  ASSERT_EQ(answer.response.attempts_size(), 3);
  EXPECT_EQ(answer.response.attempts(1).phase(), v1::PHASE_POLICY);
  EXPECT_EQ(answer.response.attempts(1).remote_address(), "");
  EXPECT_THAT(answer.response.attempts(1).detail(), ::testing::HasSubstr("(private)"));
}

}  // namespace
}  // namespace understudy::testing
