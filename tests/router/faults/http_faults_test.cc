// Faults of HTTP's framing, statuses and credentials, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/twilio/documents.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "tests/router/faults/answer_row.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Kind;
using router::Method;
using router::Phase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kAtOnce = absl::Milliseconds(100);
constexpr absl::Duration kSoon = absl::Seconds(10);  // a test that waits longer has failed

// A head without its length and blank line.
constexpr char kHead[] = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n";

std::string WithLength(size_t length, absl::string_view body = kPrimaryDocument) {
  return absl::StrCat(kHead, "Content-Length: ", length, "\r\n\r\n", body);
}

// A chunked answer with `chunks` as they stand.
std::string WithChunks(absl::string_view chunks) {
  return absl::StrCat(kHead, "Transfer-Encoding: chunked\r\n\r\n", chunks);
}

// A head with these lines more, and the primary's document.
std::string WithLines(absl::string_view lines) {
  return absl::StrCat(kHead, lines, "\r\n", kPrimaryDocument);
}

Script Closing(std::string bytes) {
  return Script{}.Send(std::move(bytes)).Close();
}

ExpectedFault Malformed(Phase phase, absl::string_view detail) {
  return {.classic = 11206,
          .specific = 11251,
          .phase = phase,
          .detail = std::string(detail),
          .no_later = kAtOnce};
}

ExpectedFault MalformedHead(absl::string_view detail) {
  return Malformed(Phase::kProtocol, detail);
}

// A malformed answer whose head was in order, so that its status is known.
ExpectedFault MalformedBody(absl::string_view detail) {
  ExpectedFault fault = Malformed(Phase::kBody, detail);
  fault.http_status = 200;
  return fault;
}

std::vector<FaultRow> FramingRows() {
  const std::string kNul(1, '\0');
  std::vector<FaultRow> rows = {
      {"H1_BinaryJunk", Closing("\x16\x03\x01\x02\xff\xfe\x80junk\r\n\r\n"),
       MalformedHead("does not speak HTTP/1.1")},
      {"H2_Http09BodyOnly", Closing(kPrimaryDocument), MalformedHead("does not speak HTTP/1.1")},
      {"H3_Version99", Closing("HTTP/9.9 200 OK\r\n\r\n"),
       MalformedHead("does not speak HTTP/1.1")},
      {"H3_Version2", Closing("HTTP/2 200\r\n\r\n"), MalformedHead("status line is malformed")},
      {"H3_Status2000", Closing("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
       MalformedHead("does not speak HTTP/1.1")},
      {"H3_NoStatus", Closing("HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
       MalformedHead("does not speak HTTP/1.1")},
      {"H4_CloseInsideAHeaderLine", Closing("HTTP/1.1 200 OK\r\nContent-Type: text/x"),
       MalformedHead("ended inside the response's headers")},
      // libcurl keeps the first line to itself until it is whole: to us nothing has come.
      {"H4_CloseInsideTheStatusLine",
       Closing("HTTP/1.1 200"),
       {.classic = 11205,
        .phase = Phase::kHeaders,
        .detail = "closed the connection without an answer",
        .no_later = kAtOnce}},
      {"H5_CloseWithoutTheBlankLine", Closing(kHead),
       MalformedHead("ended inside the response's headers")},
      {"H5_ErrorCloseWithoutTheBlankLine", Closing("HTTP/1.1 500 Error\r\nContent-Length: 0\r\n"),
       MalformedHead("ended inside the response's headers")},
      {"H6_NoColon", Closing(WithLines("Content-Length 11\r\n")),
       MalformedHead("malformed header")},
      {"H6_BlankBeforeTheColon", Closing(WithLines("Content-Length : 37\r\n")),
       MalformedHead("a character that none may have")},
      {"H6_NulInAHeader", Closing(WithLines(absl::StrCat("X: a", kNul, "b\r\n"))),
       MalformedHead("malformed header")},
      {"H6_BareCrInAHeader", Closing(WithLines("X: a\rSet-Cookie: b=c\r\n")),
       MalformedHead("stray CR")},
      {"H7_BodyShorterThanItsLength", Closing(WithLength(1000)), MalformedBody("shorter")},
      {"H7_NoBodyThoughALength", Closing(WithLength(37, "")), MalformedBody("shorter")},
      {"H9_TwoLengths", Closing(WithLines("Content-Length: 37\r\nContent-Length: 38\r\n")),
       MalformedHead("two Content-Length")},
      {"H9_TwoLengthsTheShorterLast",
       Closing(WithLines("Content-Length: 38\r\nContent-Length: 37\r\n")),
       MalformedHead("two Content-Length")},
      {"H10_NegativeLength", Closing(WithLines("Content-Length: -1\r\n")),
       MalformedHead("malformed header")},
      {"H10_LengthThatIsNoNumber", Closing(WithLines("Content-Length: many\r\n")),
       MalformedHead("malformed header")},
      {"H10_LengthWithMoreBehindIt", Closing(WithLines("Content-Length: 37x\r\n")),
       MalformedHead("not a number")},
      {"H10_HugeLength",
       Closing(WithLines("Content-Length: 9223372036854775807\r\n")),
       {.classic = 11750,
        .phase = Phase::kContent,
        .detail = "9223372036854775807 bytes; the limit is 65536",
        .http_status = 200,
        .no_later = kAtOnce}},
      {"H10_LengthPast64Bits",
       Closing(WithLines("Content-Length: 99999999999999999999999999\r\n")),
       {.classic = 11750,
        .phase = Phase::kContent,
        .detail = "the limit is 65536",
        .http_status = 200,
        .no_later = kAtOnce}},
      {"H12_ChunkSizeThatIsNoNumber", Closing(WithChunks("xyz\r\n<Response/>\r\n0\r\n\r\n")),
       MalformedBody("chunks")},
      {"H12_ChunkSizeOverflows",
       Closing(WithChunks("FFFFFFFFFFFFFFFFFFFF\r\n<Response/>\r\n0\r\n\r\n")),
       MalformedBody("chunks")},
      {"H12_ChunkWithoutItsEnd", Closing(WithChunks("b\r\n<Response/>0\r\n\r\n")),
       MalformedBody("chunks")},
      {"H13_CutInsideAChunk", Closing(WithChunks("25\r\n<Response>")), MalformedBody("shorter")},
      {"H13_CutBetweenChunks", Closing(WithChunks("b\r\n<Response/>\r\n")),
       MalformedBody("shorter")},
      {"H13_CutBeforeTheLastBlankLine", Closing(WithChunks("b\r\n<Response/>\r\n0\r\n")),
       MalformedBody("shorter")},
      {"H15_InterimAnswersWithoutEnd", Script{}.SendEndlessly("HTTP/1.1 100 Continue\r\n\r\n"),
       MalformedHead("header lines")},
      {"H15_InterimAnswersUntilTheTimeIsOver",
       Script{}.SendSlowly("HTTP/1.1 103 Early Hints\r\n\r\n", absl::Milliseconds(20)).Stall(),
       {.classic = 11205,
        .specific = 11203,
        .phase = Phase::kHeaders,
        .detail = "total time",
        .no_sooner = absl::Milliseconds(200),
        .no_later = absl::Milliseconds(200)},
       {},
       "#tt=200"},
      {"H16_HeadersOf400KB",
       Closing(WithLines(Repeated(absl::StrCat("X: ", std::string(3995, 'x'), "\r\n"), 100))),
       MalformedHead("larger than 65536 bytes")},
      {"H16_ALineOf150KB",
       Closing(WithLines(absl::StrCat("X: ", std::string(150000, 'x'), "\r\n"))),
       MalformedHead("header line that is too long")},
      {"H16_FiveThousandHeaders", Closing(WithLines(Repeated("X: y\r\n", 5000))),
       MalformedHead("more than 256 header lines")},
      {"H17_SwitchingProtocols",
       Closing("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
       MalformedHead("switched to another protocol")},
  };
  return rows;
}

// Each status with a body that would do, if the status did.
std::vector<FaultRow> StatusRows() {
  std::vector<FaultRow> rows;
  const auto add = [&rows](absl::string_view row, int status, Fields headers) {
    rows.push_back(
        {absl::StrCat(row, "_Status", status),
         Reply{.status = status, .headers = std::move(headers), .body = kPrimaryDocument},
         {.classic = 11200,
          .specific = 11217,
          .phase = Phase::kStatus,
          .detail = absl::StrCat("HTTP status ", status),
          .http_status = status,
          .no_later = kAtOnce}});
  };
  for (const int status : {400, 401, 403, 404, 410, 418, 499}) add("H18", status, {});
  for (const int status : {500, 502, 503, 504, 599}) add("H19", status, {});
  add("H20", 429, {{"Retry-After", "60"}});
  add("H22", 600, {});
  add("H22", 999, {});
  return rows;
}

std::vector<FaultRow> EmptyRows() {
  const Script chunked = Reply{.headers = {{"Transfer-Encoding", "chunked"}}, .body = Chunked("")};
  const Asking message = {.kind = Kind::kMessaging};
  const auto fault = [](int code, absl::string_view detail, int status) {
    return ExpectedFault{.classic = code,
                         .phase = Phase::kContent,
                         .detail = std::string(detail),
                         .http_status = status,
                         .no_later = kAtOnce};
  };
  return {
      {"H21_NoContentForACall", Reply{.status = 204}, fault(12100, "no body", 204)},
      {"H21_LengthZeroForACall", Reply{}, fault(12100, "no body", 200)},
      {"H21_LengthZeroForAMessage", Reply{}, fault(11200, "no body", 200), message},
      {"H21_NoChunksForACall", chunked, fault(11770, "chunked", 200)},
      {"H21_NoChunksForAMessage", chunked, fault(11770, "chunked", 200), message},
      {"H21_ClosedWithoutABody", Closing(absl::StrCat(kHead, "\r\n")),
       fault(12100, "no body", 200)},
  };
}

using HttpFault = FaultTable;

TEST_P(HttpFault, IsAnsweredByTheFallback) {
  ExpectFallback();
}

INSTANTIATE_TEST_SUITE_P(Framing, HttpFault, ::testing::ValuesIn(FramingRows()), kRowName);
INSTANTIATE_TEST_SUITE_P(Statuses, HttpFault, ::testing::ValuesIn(StatusRows()), kRowName);
INSTANTIATE_TEST_SUITE_P(Empty, HttpFault, ::testing::ValuesIn(EmptyRows()), kRowName);

std::vector<AnswerRow> OddAnswers() {
  return {
      {"H8_BodyLongerThanItsLength", Closing(WithLength(37, absl::StrCat(kPrimaryDocument, "x")))},
      {"H11_LengthAndChunks",
       Script{}.Send(absl::StrCat(kHead, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  Chunked(kPrimaryDocument)))},
      {"H14_InterimAnswersFirst",
       Script{}.Send(absl::StrCat("HTTP/1.1 100 Continue\r\n\r\n",
                                  "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n",
                                  WithLength(37)))},
      {"H21_NoContentForAMessage",
       Reply{.status = 204, .content_type = ""},
       twilio::DefaultDocument(Kind::kMessaging, ""),
       {.kind = Kind::kMessaging}},
      {"BodyUntilTheEndOfTheConnection", Closing(absl::StrCat(kHead, "\r\n", kPrimaryDocument))},
      {"Status201", Reply{.status = 201, .body = kPrimaryDocument}},
      {"TheSameLengthTwice",
       Script{}.Send(WithLines("Content-Length: 37\r\nContent-Length: 37\r\n"))},
      {"ChunkExtensionsAndTrailers",
       Script{}.Send(WithChunks(
           absl::StrFormat("25;a=b\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n", kPrimaryDocument)))},
  };
}

using OddAnswer = AnswerTable;

TEST_P(OddAnswer, IsTaken) {
  ExpectPrimary();
}

INSTANTIATE_TEST_SUITE_P(Framing, OddAnswer, ::testing::ValuesIn(OddAnswers()), kRowName);

// A body that goes on behind its length is cut there, wherever that is.
TEST(HttpFaults, H8_ADocumentCutByItsLengthIsNone) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Closing(WithLength(20)));
  world.ExpectFallback(primary.url(kIndex), {.classic = 12100,
                                             .phase = Phase::kParse,
                                             .detail = "ends",
                                             .http_status = 200,
                                             .no_later = kAtOnce});
}

// What is left over on a connection must never be taken for the next call's answer.
class Leftovers : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(Leftovers, AreNotTheNextCallsAnswer) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {GetParam().script, Reply{.body = "<Response>2</Response>"}});
  world.ExpectPrimary(primary.url(kIndex));
  world.ExpectPrimary(primary.url(kIndex), {}, "<Response>2</Response>");
  EXPECT_EQ(primary.connections(), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Leftovers,
    ::testing::Values(
        AnswerRow{"H8_BytesBehindTheBody",
                  Script{}.Send(WithLength(37, absl::StrCat(kPrimaryDocument, "HTTP/1.1 200")))},
        AnswerRow{"H11_LengthAndChunks",
                  Script{}.Send(
                      absl::StrCat(kHead, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                   Chunked(kPrimaryDocument)))},
        AnswerRow{"H25_ASecondAnswerAtOnce",
                  Script{}.Send(absl::StrCat(WithLength(37), WithLength(11, "<Response/>")))}),
    kRowName);

// libcurl drops what it has read behind the last chunk, and keeps the connection.
TEST(HttpFaults, H25_ASecondAnswerBehindChunksIsNotTheNextCalls) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {Script{}.Send(absl::StrCat(WithChunks(Chunked(kPrimaryDocument)),
                                                         WithLength(11, "<Response/>"))),
                              Reply{.body = "<Response>2</Response>"}});
  world.ExpectPrimary(primary.url(kIndex));
  world.ExpectPrimary(primary.url(kIndex), {}, "<Response>2</Response>");
}

TEST(HttpFaults, H25_AConnectionWithNothingLeftOverIsKept) {
  FaultWorld world;
  for (const bool is_tls : {false, true}) {
    Origin primary;
    Origin tls_primary({.tls = TlsOptions{.certificate = GoodCertificate()}});
    Origin& origin = is_tls ? tls_primary : primary;
    origin.OnSequence(kIndex, {Reply{.body = kPrimaryDocument},
                               Script{}.Send(WithChunks(Chunked(kPrimaryDocument)))});
    for (int i = 0; i < 3; ++i) world.ExpectPrimary(origin.url(kIndex));
    EXPECT_EQ(origin.connections(), 1);
  }
}

// Whether bytes wait, unread, in a socket of this machine that is connected to `port`.
bool HasUnreadBytesFrom(int port) {
  // Lines of "sl local:port remote:port state tx_queue:rx_queue ...", all in hexadecimal.
  std::ifstream sockets("/proc/net/tcp");
  const std::string remote = absl::StrFormat(":%04X", port);
  std::string line;
  while (std::getline(sockets, line)) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() > 4 && absl::EndsWith(words[2], remote) &&
        !absl::EndsWith(words[4], ":00000000")) {
      return true;
    }
  }
  return false;
}

class SecondAnswerLater : public ::testing::TestWithParam<bool> {};

TEST_P(SecondAnswerLater, IsNotTheNextCalls) {
  FaultWorld world;
  OriginOptions options;
  if (GetParam()) options.tls = TlsOptions{.certificate = GoodCertificate()};
  Origin primary(options);
  primary.OnSequence(kIndex, {Script{}
                                  .Send(WithLength(37))
                                  .Wait(absl::Milliseconds(20))
                                  .Send(WithLength(11, "<Response/>")),
                              Reply{.body = "<Response>2</Response>"}});
  world.ExpectPrimary(primary.url(kIndex));
  ASSERT_TRUE(WaitFor([&primary] { return HasUnreadBytesFrom(primary.port()); }, kSoon));
  const Answer answer = world.ExpectPrimary(primary.url(kIndex), {}, "<Response>2</Response>");
  EXPECT_EQ(answer.outcome.attempts.size(), 1u);
  EXPECT_EQ(primary.requests().size(), 2u);
  EXPECT_EQ(primary.connections(), 2);
}

INSTANTIATE_TEST_SUITE_P(H25, SecondAnswerLater, ::testing::Bool(),
                         [](const auto& scheme) { return scheme.param ? "Https" : "Http"; });

// All that the outcome says, to look for what it must not say.
std::string Said(const router::Outcome& outcome) {
  std::string said = absl::StrCat(outcome.document, outcome.document_url);
  for (const router::Attempt& attempt : outcome.attempts) {
    absl::StrAppend(&said, " ", attempt.url, " ", attempt.detail);
  }
  for (const router::Fault& fault : outcome.faults) {
    absl::StrAppend(&said, " ", fault.url, " ", fault.detail, " ", fault.response_excerpt);
  }
  for (const std::string& note : outcome.notes) absl::StrAppend(&said, " ", note);
  return said;
}

// `path` on `origin` with credentials in the URL.
std::string WithCredentials(const Origin& origin, absl::string_view path) {
  return absl::StrCat("http://ada:s3cret@127.0.0.1:", origin.port(), path);
}

const Reply kBasicChallenge = {
    .status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"calls\""}}, .body = "no"};

TEST(HttpFaults, H23_CredentialsFollowAChallengeAndAreNeverShown) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {kBasicChallenge, Reply{.body = kPrimaryDocument}});
  const Answer answer = world.ExpectPrimary(WithCredentials(primary, kIndex));
  const std::vector<Request> requests = primary.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].header("Authorization"), "");
  EXPECT_EQ(requests[1].header("Authorization"),
            absl::StrCat("Basic ", absl::Base64Escape("ada:s3cret")));
  EXPECT_EQ(requests[1].body, requests[0].body);
  EXPECT_EQ(requests[1].header("Host"), requests[0].header("Host"));
  EXPECT_EQ(requests[1].header("I-Twilio-Idempotency-Token"),
            requests[0].header("I-Twilio-Idempotency-Token"));
  EXPECT_EQ(answer.outcome.attempts.size(), 2u);
  EXPECT_THAT(Said(answer.outcome), Not(HasSubstr("s3cret")));
}

TEST(HttpFaults, H23_CredentialsAreNotShownToAServerThatDoesNotAsk) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Reply{.status = 401, .body = kPrimaryDocument});
  world.ExpectFallback(WithCredentials(primary, kIndex), {.classic = 11200,
                                                          .specific = 11217,
                                                          .phase = Phase::kStatus,
                                                          .detail = "HTTP status 401",
                                                          .http_status = 401,
                                                          .error_url = primary.url(kIndex),
                                                          .no_later = kAtOnce});
  for (const Request& request : primary.requests()) EXPECT_EQ(request.header("Authorization"), "");
}

TEST(HttpFaults, H23_WrongCredentialsAreTriedOnce) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, kBasicChallenge);
  world.ExpectFallback(WithCredentials(primary, kIndex), {.classic = 11200,
                                                          .specific = 11217,
                                                          .phase = Phase::kStatus,
                                                          .detail = "HTTP status 401",
                                                          .http_status = 401,
                                                          .attempts = 2,
                                                          .error_url = primary.url(kIndex),
                                                          .no_later = kAtOnce});
  const Answer answer = world.Resolve(WithCredentials(primary, kIndex));
  EXPECT_THAT(Said(answer.outcome), Not(HasSubstr("s3cret")));
  ASSERT_EQ(answer.fallback_requests.size(), 1u);
  EXPECT_THAT(answer.fallback_requests[0].body, Not(HasSubstr("s3cret")));
  EXPECT_EQ(answer.fallback_requests[0].header("Authorization"), "");
}

// A server may answer as soon as it has seen the head of a request, and then want no more of it.
class EarlyAnswers : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(EarlyAnswers, AreTaken) {
  FaultWorld world;
  Origin primary;
  primary.OnSequence(kIndex, {GetParam().script, Reply{.body = "<Response>2</Response>"}});
  world.ExpectPrimary(primary.url(kIndex), {.parameters = {{"Body", std::string(60000, 'x')}}});
  // What was not read of the request is not the next one's beginning.
  world.ExpectPrimary(primary.url(kIndex), {}, "<Response>2</Response>");
  EXPECT_EQ(primary.connections(), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EarlyAnswers,
    ::testing::Values(
        AnswerRow{"H24_ThenTheEnd", Script(Reply{.body = kPrimaryDocument}).BeforeBody()},
        AnswerRow{"H24_ThenAReset", Script(Reply{.body = kPrimaryDocument}).BeforeBody().Reset()}),
    kRowName);

TEST(HttpFaults, H24_AnErrorBeforeTheRequestIsReadIsTaken) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Script(Reply{.status = 413, .body = "too much"}).BeforeBody().Reset());
  world.ExpectFallback(primary.url(kIndex),
                       {.classic = 11200,
                        .specific = 11217,
                        .phase = Phase::kStatus,
                        .detail = "HTTP status 413",
                        .http_status = 413,
                        .no_later = kAtOnce},
                       {.parameters = {{"Body", std::string(60000, 'x')}}});
}

TEST(HttpFaults, H26_AServerThatWouldRatherSpeakHttp2IsSpokenHttp11To) {
  FaultWorld world;
  Origin primary({.tls = TlsOptions{.certificate = GoodCertificate(), .alpn = {"h2", "http/1.1"}}});
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  world.ExpectPrimary(primary.url(kIndex));
  ASSERT_EQ(primary.handshakes().size(), 1u);
  EXPECT_EQ(primary.handshakes()[0].protocol, "http/1.1");
  EXPECT_EQ(primary.requests()[0].version, "HTTP/1.1");
}

TEST(HttpFaults, H27_AGetFallbackHearsOfTheErrorBehindItsOwnQuery) {
  FaultWorld world;
  Origin primary;
  primary.On("/index", Reply{.status = 500});
  const std::string url = primary.url("/index?a=1&b=x+y");
  const Answer answer =
      world.Resolve(url, {.fallback_target = "/fallback?b=2&a=1", .fallback_method = Method::kGet});
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
  ASSERT_EQ(answer.fallback_requests.size(), 1u);
  const Request& request = answer.fallback_requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.body, "");
  EXPECT_THAT(request.target, StartsWith("/fallback?b=2&a=1&CallSid=CA"));
  EXPECT_THAT(request.target, ::testing::EndsWith(absl::StrCat(
                                  "&ErrorCode=11200&ErrorUrl=http%3A%2F%2F127.0.0.1%3A",
                                  primary.port(), "%2Findex%3Fa%3D1%26b%3Dx%2By")));
  EXPECT_EQ(Find(request.query, "ErrorUrl"), url);
  EXPECT_EQ(request.header("X-Twilio-Signature"),
            twilio::Sign(Secret("12345"), world.fallback().url(request.target), {}));
}

TEST(HttpFaults, H28_AnAnswerAfterItsTimeIsDropped) {
  FaultWorld world;
  Origin primary;
  constexpr absl::Duration kTime = absl::Milliseconds(200);
  primary.OnSequence(kIndex, {Script{}.Wait(2 * kTime).Send(WithLength(11, "<Response/>")),
                              Reply{.body = kPrimaryDocument}});
  // Still at work when the primary would answer.
  world.fallback().OnAny(Script{}.Wait(2 * kTime).Send(WithLength(38, kFallbackDocument)));
  const Answer answer = world.Resolve(primary.url("/index#tt=200"));
  EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
  EXPECT_EQ(answer.outcome.document, kFallbackDocument);
  ASSERT_EQ(answer.outcome.faults.size(), 1u);
  EXPECT_EQ(answer.outcome.faults[0].code, 11205);
  EXPECT_LE(answer.outcome.faults[0].elapsed, kTime + kSlack);
  EXPECT_EQ(answer.outcome.attempts.size(), 2u);
  // The connection it would have come on is gone: the next call gets an answer of its own.
  EXPECT_TRUE(WaitFor([&primary] { return primary.open_connections() == 0; }, kSoon));
  world.ExpectPrimary(primary.url(kIndex));
}

TEST(HttpFaults, H29_ACookieWithoutANameOrWithATabIsAViolation) {
  for (const char* cookie : {"=7", "id", "id=a\tb", "i\td=7"}) {
    SCOPED_TRACE(cookie);
    for (const router::RetrievalCodes codes :
         {router::RetrievalCodes::kClassic, router::RetrievalCodes::kSpecific}) {
      FaultWorld world;
      Origin primary;
      primary.On("/index", Reply{.headers = {{"Set-Cookie", cookie}, {"Set-Cookie", "good=1"}},
                                 .body = kPrimaryDocument});
      const Answer answer = world.Resolve(primary.url("/index"), {.codes = codes});
      EXPECT_EQ(answer.outcome.source, router::Source::kFallback);
      ASSERT_EQ(answer.outcome.faults.size(), 1u);
      EXPECT_EQ(answer.outcome.faults[0].code, 11206);
      EXPECT_EQ(answer.outcome.faults[0].phase, router::Phase::kProtocol);
      ASSERT_EQ(answer.fallback_requests.size(), 1u);
      EXPECT_EQ(answer.fallback_requests[0].header("Cookie"), "");
    }
  }
}

}  // namespace
}  // namespace understudy::testing
