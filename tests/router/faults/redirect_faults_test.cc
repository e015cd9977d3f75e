// Faults of redirects, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "tests/router/faults/answer_row.h"

namespace understudy::testing {
namespace {

using router::Method;
using router::Phase;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kAtOnce = absl::Milliseconds(100);
constexpr char kElsewhere[] = "127.0.0.2";  // another host, on loopback too

// The answer has a body that would do, were it not a redirect.
Script RedirectTo(const std::string& location, int status = 302) {
  return Reply{.status = status, .headers = {{"Location", location}}, .body = kPrimaryDocument};
}

ExpectedFault InvalidRedirect(int status, absl::string_view detail) {
  return {.classic = 11216,
          .phase = Phase::kRedirect,
          .detail = std::string(detail),
          .http_status = status,
          .no_later = kAtOnce};
}

std::vector<FaultRow> InvalidRedirects() {
  const std::string kNul(1, '\0');
  std::vector<FaultRow> rows = {
      {"R3_NoLocation", Reply{.status = 302, .body = kPrimaryDocument},
       InvalidRedirect(302, "without a Location")},
      {"R3_EmptyLocation", RedirectTo(""), InvalidRedirect(302, "Location is empty")},
      {"R3_BlankLocation", RedirectTo("  "), InvalidRedirect(302, "Location is empty")},
      {"R3_LocationWithoutAHost", RedirectTo("http://"), InvalidRedirect(302, "Location")},
      {"R3_LocationWithABadPort", RedirectTo("http://127.0.0.1:99999/"),
       InvalidRedirect(302, "Location")},
      {"R3_LocationWithABadHost", RedirectTo("http://a_b.example/"),
       InvalidRedirect(302, "no host name may have")},
      {"R3_LocationWithAControlCharacter", RedirectTo("/a\tb"),
       InvalidRedirect(302, "control character")},
      {"R3_LocationTooLong", RedirectTo(absl::StrCat("/", std::string(8192, 'x'))),
       InvalidRedirect(302, "longer than 8192 bytes")},
      {"R3_TwoLocations", Reply{.status = 302, .headers = {{"Location", "/a"}, {"Location", "/b"}}},
       InvalidRedirect(302, "two Location headers")},
      // No part of a head with a NUL is trusted: it is no HTTP.
      {"R3_LocationWithANul",
       RedirectTo(absl::StrCat("/a", kNul, "b")),
       {.classic = 11206,
        .specific = 11251,
        .phase = Phase::kProtocol,
        .detail = "malformed header",
        .no_later = kAtOnce}},
  };
  for (const int status : {300, 304, 305, 306, 308, 399}) {
    rows.push_back({absl::StrCat("R2_Status", status), RedirectTo("/next", status),
                    InvalidRedirect(status, absl::StrCat("HTTP status ", status))});
  }
  const struct {
    const char* name;
    const char* location;
  } kSchemes[] = {
      {"Ftp", "ftp://127.0.0.1/next"},       {"File", "file:///etc/hostname"},
      {"Data", "data:text/xml,<Response/>"}, {"Gopher", "gopher://127.0.0.1:25/_MAIL"},
      {"Javascript", "javascript:alert(1)"}, {"Mailto", "mailto:ada@example.com"},
      {"Ldap", "ldap://127.0.0.1/"},         {"Unknown", "x-y.z+1://127.0.0.1/"},
  };
  for (const auto& scheme : kSchemes) {
    rows.push_back({absl::StrCat("R6_", scheme.name), RedirectTo(scheme.location),
                    InvalidRedirect(302, "http")});
  }
  return rows;
}

using RedirectFault = FaultTable;

TEST_P(RedirectFault, IsAnsweredByTheFallback) {
  primary_.On("/next", Reply{.body = kPrimaryDocument});
  ExpectFallback();
  EXPECT_EQ(primary_.requests().size(), 2u);  // one for each set of codes
}

INSTANTIATE_TEST_SUITE_P(Table, RedirectFault, ::testing::ValuesIn(InvalidRedirects()), kRowName);

// A redirect that is followed, and by which method.
struct FollowRow {
  std::string id = {};
  int status = 302;
  Method method = Method::kPost;
  std::string next_method = {};
};

void PrintTo(const FollowRow& row, std::ostream* out) {
  *out << row.id;
}

class Followed : public ::testing::TestWithParam<FollowRow> {};

TEST_P(Followed, ByTheRightMethodWithTheRightParameters) {
  const FollowRow& row = GetParam();
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, RedirectTo("/next?From=them&page=2", row.status));
  primary.On("/next", Reply{.body = kPrimaryDocument});
  const Answer answer = world.ExpectPrimary(
      primary.url(kIndex), {.method = row.method, .parameters = {{"Digits", "42"}}});
  EXPECT_EQ(answer.outcome.document_url, primary.url("/next?From=them&page=2"));
  EXPECT_EQ(answer.outcome.attempts.size(), 2u);
  EXPECT_EQ(answer.outcome.attempts[0].http_status, row.status);
  EXPECT_EQ(answer.outcome.attempts[0].error_code, 0);

  const std::vector<Request> requests = primary.requests();
  ASSERT_EQ(requests.size(), 2u);
  const Request& next = requests[1];
  EXPECT_EQ(next.method, row.next_method);
  const bool is_post = row.next_method == "POST";
  const std::string target = is_post ? "/next?From=them&page=2" : next.target;
  EXPECT_EQ(next.target, target);
  const Fields form = is_post ? ParseForm(next.body) : next.query;
  EXPECT_NE(Find(form, "CallSid"), "");
  // What the Location says already is not said again; what only the step asked for is not either,
  // unless the same request is to be made again.
  EXPECT_EQ(Find(form, "From"), is_post ? "+14155550100" : "them");
  EXPECT_EQ(Find(form, "Digits"), row.status == 307 ? "42" : "");
  EXPECT_EQ(Find(next.query, "page"), "2");
  EXPECT_EQ(next.header("Content-Type").empty(), !is_post);
  EXPECT_EQ(next.body.empty(), !is_post);
  EXPECT_EQ(next.header("I-Twilio-Idempotency-Token"),
            requests[0].header("I-Twilio-Idempotency-Token"));
}

INSTANTIATE_TEST_SUITE_P(Table, Followed,
                         ::testing::Values(FollowRow{"R1_Post301", 301, Method::kPost, "GET"},
                                           FollowRow{"R1_Post302", 302, Method::kPost, "GET"},
                                           FollowRow{"R1_Post303", 303, Method::kPost, "GET"},
                                           FollowRow{"R1_Post307", 307, Method::kPost, "POST"},
                                           FollowRow{"R1_Get301", 301, Method::kGet, "GET"},
                                           FollowRow{"R1_Get302", 302, Method::kGet, "GET"},
                                           FollowRow{"R1_Get303", 303, Method::kGet, "GET"},
                                           FollowRow{"R1_Get307", 307, Method::kGet, "GET"}),
                         kRowName);

TEST(RedirectFaults, R4_ARedirectToItselfEndsAtTheLimit) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, RedirectTo(kIndex));
  world.ExpectFallback(primary.url(kIndex), {.classic = 11215,
                                             .phase = Phase::kRedirect,
                                             .detail = "more than 10 times",
                                             .http_status = 302,
                                             .attempts = 11,
                                             .no_later = kAtOnce});
}

// Hop after hop from /0, of which the last answers.
void SetHops(Origin& origin, int hops) {
  for (int i = 0; i < hops; ++i) {
    origin.On(absl::StrCat("/", i), RedirectTo(absl::StrCat("/", i + 1)));
  }
  origin.On(absl::StrCat("/", hops), Reply{.body = kPrimaryDocument});
}

TEST(RedirectFaults, R5_TenHopsAreFollowed) {
  FaultWorld world;
  Origin primary;
  SetHops(primary, 10);
  const Answer answer = world.ExpectPrimary(primary.url("/0"));
  EXPECT_EQ(answer.outcome.document_url, primary.url("/10"));
  EXPECT_EQ(answer.outcome.attempts.size(), 11u);
}

TEST(RedirectFaults, R5_TheEleventhHopIsOneTooMany) {
  FaultWorld world;
  Origin primary;
  SetHops(primary, 11);
  world.ExpectFallback(primary.url("/0"), {.classic = 11215,
                                           .phase = Phase::kRedirect,
                                           .detail = "more than 10 times",
                                           .http_status = 302,
                                           .attempts = 11,
                                           .error_url = primary.url("/10"),
                                           .no_later = kAtOnce});
}

TEST(RedirectFaults, R7_AShutAddressIsNotDialled) {
  FaultWorld world(ShutLoopback({"127.0.0.1/32"}));
  Origin primary;
  Origin inside({.host = kElsewhere});
  inside.OnAny(Reply{.body = kPrimaryDocument});
  const std::string shut = inside.url("/inside");
  for (const std::string& spelling :
       {std::string(kElsewhere), std::string("127.2"), std::string("0x7f000002"),
        std::string("2130706434"), std::string("[::ffff:127.0.0.2]")}) {
    SCOPED_TRACE(spelling);
    const std::string url = inside.url_for_host(spelling, "/inside");
    primary.On(kIndex, RedirectTo(url));
    const Answer answer = world.Resolve(primary.url(kIndex));
    ASSERT_EQ(answer.outcome.faults.size(), 1u);
    const router::Fault& fault = answer.outcome.faults[0];
    EXPECT_EQ(fault.code, 11205);
    EXPECT_EQ(static_cast<int>(fault.phase), static_cast<int>(Phase::kPolicy));
    EXPECT_THAT(fault.detail,
                HasSubstr(absl::StrContains(spelling, '[') ? "(ipv4_mapped)" : "(loopback)"));
    EXPECT_EQ(fault.attempts, 2);
    EXPECT_EQ(answer.fallback_requests.size(), 1u);
  }
  EXPECT_EQ(inside.connections(), 0);

  primary.On(kIndex, RedirectTo(shut));
  world.ExpectFallback(primary.url(kIndex), {.classic = 11205,
                                             .phase = Phase::kPolicy,
                                             .detail = "127.0.0.2 is not one this router may dial",
                                             .attempts = 2,
                                             .error_url = shut,
                                             .no_later = kAtOnce});
  EXPECT_EQ(inside.connections(), 0);
}

TEST(RedirectFaults, R8_FromHttpsToHttpIsFollowed) {
  FaultWorld world;
  Origin primary({.tls = TlsOptions{.certificate = GoodCertificate()}});
  Origin plain;
  primary.On(kIndex, RedirectTo(plain.url("/next")));
  plain.On("/next", Reply{.body = kPrimaryDocument});
  const Answer answer = world.ExpectPrimary(primary.url(kIndex));
  EXPECT_EQ(answer.outcome.document_url, plain.url("/next"));
}

constexpr char kChallenge[] = "Basic realm=\"calls\"";

TEST(RedirectFaults, R9_AnotherHostIsShownNoCredentialsAndASignatureOfItsOwn) {
  FaultWorld world;
  Origin primary;
  Origin other({.host = kElsewhere});
  const Script asks = Reply{.status = 401, .headers = {{"WWW-Authenticate", kChallenge}}};
  primary.OnSequence(kIndex, {asks, RedirectTo(other.url("/next?a=1"), 307)});
  other.On("/next", Reply{.body = kPrimaryDocument});
  const Answer answer =
      world.ExpectPrimary(absl::StrCat("http://ada:s3cret@127.0.0.1:", primary.port(), kIndex));
  EXPECT_EQ(answer.outcome.document_url, other.url("/next?a=1"));

  ASSERT_EQ(primary.requests().size(), 2u);
  EXPECT_NE(primary.requests()[1].header("Authorization"), "");
  ASSERT_EQ(other.requests().size(), 1u);
  const Request request = other.requests()[0];
  EXPECT_EQ(request.header("Authorization"), "");
  EXPECT_EQ(
      request.header("X-Twilio-Signature"),
      twilio::Sign(Secret("12345"), other.url("/next?a=1"), twilio::DecodeForm(request.body)));
  EXPECT_NE(request.header("X-Twilio-Signature"),
            primary.requests()[1].header("X-Twilio-Signature"));
}

TEST(RedirectFaults, R9_AnotherHostThatAsksIsShownNoCredentialsEither) {
  FaultWorld world;
  Origin primary;
  Origin other({.host = kElsewhere});
  primary.On(kIndex, RedirectTo(other.url("/next")));
  other.On("/next", Reply{.status = 401, .headers = {{"WWW-Authenticate", kChallenge}}});
  world.ExpectFallback(absl::StrCat("http://ada:s3cret@127.0.0.1:", primary.port(), kIndex),
                       {.classic = 11200,
                        .specific = 11217,
                        .phase = Phase::kStatus,
                        .detail = "HTTP status 401",
                        .http_status = 401,
                        .attempts = 2,
                        .error_url = other.url("/next"),
                        .no_later = kAtOnce});
  for (const Request& request : other.requests()) EXPECT_EQ(request.header("Authorization"), "");
}

TEST(RedirectFaults, R9_TheSameHostIsShownThemAgain) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {Reply{.status = 401, .headers = {{"WWW-Authenticate", kChallenge}}},
                              RedirectTo("/next")});
  primary.On("/next", Reply{.body = kPrimaryDocument});
  world.ExpectPrimary(absl::StrCat("http://ada:s3cret@127.0.0.1:", primary.port(), kIndex));
  ASSERT_EQ(primary.requests().size(), 3u);
  EXPECT_EQ(primary.requests()[2].header("Authorization"),
            absl::StrCat("Basic ", absl::Base64Escape("ada:s3cret")));
}

// How a Location is joined with the URL it came from, as seen by the server it leads to.
struct JoinRow {
  std::string id = {};
  std::string location = {};  // "@" stands for the primary's authority
  std::string target = {};
};

void PrintTo(const JoinRow& row, std::ostream* out) {
  *out << row.id;
}

class Joined : public ::testing::TestWithParam<JoinRow> {};

TEST_P(Joined, AsRequestedSignedAndReported) {
  const JoinRow& row = GetParam();
  FaultWorld world;
  Origin primary;
  const std::string authority = absl::StrCat("127.0.0.1:", primary.port());
  std::string location = row.location;
  if (const size_t at = location.find('@'); at != std::string::npos) {
    location.replace(at, 1, authority);
  }
  primary.OnAny(Reply{.body = kPrimaryDocument});
  primary.OnSequence("/a/b/index", {RedirectTo(location, 307), Reply{.body = kPrimaryDocument}});
  const Answer answer = world.ExpectPrimary(primary.url("/a/b/index?q=1#rc=0"));
  ASSERT_EQ(primary.requests().size(), 2u);
  const Request request = primary.requests()[1];
  EXPECT_EQ(request.target, row.target);
  EXPECT_EQ(answer.outcome.document_url, primary.url(row.target));
  EXPECT_EQ(
      request.header("X-Twilio-Signature"),
      twilio::Sign(Secret("12345"), primary.url(row.target), twilio::DecodeForm(request.body)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Joined,
    ::testing::Values(JoinRow{"R10_Relative", "next", "/a/b/next"},
                      JoinRow{"R10_RelativeWithQuery", "next?x=1&y=2", "/a/b/next?x=1&y=2"},
                      JoinRow{"R10_FromTheRoot", "/next", "/next"},
                      JoinRow{"R10_QueryAlone", "?x=1", "/a/b/index?x=1"},
                      JoinRow{"R10_OneUp", "../next", "/a/next"},
                      JoinRow{"R10_MoreUpThanThereIs", "../../../../next", "/next"},
                      JoinRow{"R10_DotsInAnAbsolutePath", "/x/../next/./end", "/next/end"},
                      JoinRow{"R10_ProtocolRelative", "//@/next", "/next"},
                      JoinRow{"R10_Absolute", "http://@/next", "/next"},
                      JoinRow{"R10_AbsoluteInCapitals", "HTTP://@/next", "/next"},
                      JoinRow{"R10_AbsoluteWithoutAPath", "http://@", "/"},
                      JoinRow{"R10_AbsoluteQueryWithoutAPath", "http://@?x=1", "/?x=1"},
                      JoinRow{"R10_Fragment", "/next#tt=100&rp=bad", "/next"},
                      JoinRow{"R10_Blanks", "/two words?and=a blank", "/two%20words?and=a+blank"},
                      JoinRow{"R10_BlanksAround", "  /next  ", "/next"},
                      JoinRow{"R10_Utf8", "/caf\xc3\xa9", "/caf%c3%a9"},
                      JoinRow{"R10_Escaped", "/caf%C3%A9%20x", "/caf%C3%A9%20x"}),
    kRowName);

TEST(RedirectFaults, R11_AllHopsShareOneBudget) {
  FaultWorld world;
  Origin primary;
  const Script slowly = Script{}
                            .Wait(absl::Milliseconds(80))
                            .Send(ToBytes(Reply{.status = 302, .headers = {{"Location", kIndex}}}));
  primary.On(kIndex, slowly);
  const Answer answer =
      world.Resolve(primary.url("/index#tt=300"), {.codes = router::RetrievalCodes::kSpecific});
  ASSERT_EQ(answer.outcome.faults.size(), 1u);
  const router::Fault& fault = answer.outcome.faults[0];
  EXPECT_EQ(fault.code, 11203);
  EXPECT_THAT(fault.detail, HasSubstr("time was over"));
  EXPECT_GT(fault.attempts, 1);
  EXPECT_LE(fault.attempts, 4);
  EXPECT_GE(fault.elapsed, absl::Milliseconds(300));
  EXPECT_LE(fault.elapsed, absl::Milliseconds(300) + kSlack);
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
}

TEST(RedirectFaults, R12_ErrorUrlIsTheHopThatFailed) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, RedirectTo("/next?x=1#tt=100", 307));
  primary.On("/next", RedirectTo("/last?y=2", 307));
  primary.On("/last", Reply{.status = 500});
  world.ExpectFallback(primary.url(kIndex), {.classic = 11200,
                                             .specific = 11217,
                                             .phase = Phase::kStatus,
                                             .detail = "HTTP status 500",
                                             .http_status = 500,
                                             .attempts = 3,
                                             .error_url = primary.url("/last?y=2"),
                                             .no_later = kAtOnce});
  // The URL as configured stands among the attempts, with those on the way.
  const Answer answer = world.Resolve(primary.url(kIndex));
  std::vector<std::string> urls;
  for (const router::Attempt& attempt : answer.outcome.attempts) urls.push_back(attempt.url);
  EXPECT_THAT(urls,
              ::testing::ElementsAre(primary.url(kIndex), primary.url("/next?x=1"),
                                     primary.url("/last?y=2"), world.fallback().url("/fallback")));
}

TEST(RedirectFaults, R12_AGetHopIsReportedWithoutTheParametersAdded) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, RedirectTo("/last?y=2"));
  primary.On("/last", Script{}.Close());
  world.ExpectFallback(primary.url(kIndex), {.classic = 11205,
                                             .phase = Phase::kHeaders,
                                             .detail = "without an answer",
                                             .attempts = 2,
                                             .error_url = primary.url("/last?y=2"),
                                             .no_later = kAtOnce});
}

TEST(RedirectFaults, R12_AFallbackThatRedirectsStillHearsOfTheError) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Reply{.status = 500});
  world.fallback().On("/fallback", RedirectTo("/there"));
  const Answer answer = world.Resolve(primary.url(kIndex));
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
  ASSERT_EQ(answer.fallback_requests.size(), 2u);
  EXPECT_EQ(answer.fallback_requests[1].method, "GET");
  EXPECT_EQ(Find(answer.fallback_requests[1].query, "ErrorCode"), "11200");
  EXPECT_EQ(Find(answer.fallback_requests[1].query, "ErrorUrl"), primary.url(kIndex));
}

}  // namespace
}  // namespace understudy::testing
