// The use cases of fallback URLs, end to end: a real router, real web servers, a real client. Each
// test names the case it shows (Twilio, "Availability and Reliability", and what follows from it).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "common/twilio/url.h"
#include "tests/e2e/every_world.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"

namespace understudy::testing {
namespace {

using router::RetrievalCodes;
using router::RouterConfig;
namespace v1 = router::v1;
using v1::SOURCE_DEFAULT;
using v1::SOURCE_FALLBACK;
using v1::SOURCE_PRIMARY;

class UseCase : public EveryWorld {};
INSTANTIATE_TEST_SUITE_P(All, UseCase, EveryWorld::Worlds(), EveryWorld::NameOf);

TEST_P(UseCase, Uc1_1_AHealthyPrimaryAnswersAndTheFallbackHearsNothing) {
  const Answer answer = Resolve(primary_.url(kIndex));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), Document("primary"));
  EXPECT_EQ(answer.response.document_url(), primary_.url(kIndex));
  EXPECT_EQ(answer.response.error_code(), 0);
  EXPECT_EQ(answer.response.error_url(), "");
  EXPECT_EQ(fallback_.connections(), 0);

  ASSERT_EQ(primary_.requests().size(), 1u);
  const struct Request request = primary_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_THAT(request.header("Content-Type"),
              ::testing::StartsWith("application/x-www-form-urlencoded"));
  EXPECT_EQ(request.header("Authorization"), "");
  const twilio::Form form = twilio::DecodeForm(request.body);
  const v1::ResolveTwiMLRequest sent = Request("", "");
  for (const auto& [name, value] : sent.parameters()) {
    EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{name, value}));
  }
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"AccountSid", kAccountSid}));
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ApiVersion", "2010-04-01"}));
  EXPECT_TRUE(twilio::SignatureMatches(Secret(kAuthToken), primary_.url(kIndex), form,
                                       request.header("X-Twilio-Signature")));
}

TEST_P(UseCase, Uc1_2_AnHttpErrorIsAnsweredByTheFallback) {
  for (const int status : {500, 404, 503}) {
    SCOPED_TRACE(status);
    Origin primary;
    primary.On(kIndex, Reply{.status = status, .body = Document("error page")});
    Origin fallback;
    fallback.On(kIndex, Reply{.body = Document("fallback")});
    const Answer answer = world_.Resolve(Request(primary.url(kIndex), fallback.url(kIndex)));
    EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
    EXPECT_EQ(answer.response.error_code(), Code(11200, 11217));
    EXPECT_EQ(answer.response.error_url(), primary.url(kIndex));
    EXPECT_EQ(primary.requests().size(), 1u);
    ASSERT_EQ(fallback.requests().size(), 1u);
    const twilio::Form asked = twilio::DecodeForm(primary.requests()[0].body);
    twilio::Form expected = asked;
    expected.push_back({"ErrorCode", absl::StrCat(Code(11200, 11217))});
    expected.push_back({"ErrorUrl", primary.url(kIndex)});
    EXPECT_THAT(twilio::DecodeForm(fallback.requests()[0].body),
                ::testing::UnorderedElementsAreArray(expected));
  }
}

TEST_P(UseCase, Uc1_3_NothingListensAndAfterTwoTriesTheFallbackIsAsked) {
  const ClosedPort closed;
  const std::string url = absl::StrCat("http://127.0.0.1:", closed.port(), kIndex);
  const Answer answer = Resolve(url);
  ExpectFallback(answer, Code(11205, 11202), url);
  ASSERT_EQ(answer.response.attempts_size(), 3);  // the primary twice
  EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_CONNECT);
  EXPECT_EQ(answer.response.attempts(1).target(), v1::TARGET_PRIMARY);
}

TEST_P(UseCase, Uc1_4_AHostNameThatDoesNotExist) {
  DnsServer names;  // knows none
  RouterConfig config = Config();
  config.dns_servers = {names.address()};
  RouterWorld world(config);
  const std::string url = "http://www.example.com/index";
  const Answer answer = world.Resolve(Request(url, fallback_.url(kIndex)));
  ExpectFallback(answer, 11210, url);
  EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_DNS);
  EXPECT_GT(names.queries("www.example.com"), 0);
}

TEST_P(UseCase, Uc1_5_APrimaryThatAcceptsAndNeverAnswers) {
  primary_.OnAccept(Script{}.Stall());
  const Answer read = Resolve(absl::StrCat(primary_.url(kIndex), "#rt=300"));
  ExpectFallback(read, 11205, primary_.url(kIndex));
  EXPECT_EQ(read.response.attempts(0).phase(), v1::PHASE_HEADERS);
}

TEST_P(UseCase, Uc1_5_TheTotalTimeIsUp) {
  primary_.OnAccept(Script{}.Stall());
  const Answer total = Resolve(absl::StrCat(primary_.url(kIndex), "#tt=300"));
  ExpectFallback(total, Code(11205, 11203), primary_.url(kIndex));
}

TEST_P(UseCase, Uc1_6_HalfAnAnswerThenSilenceIsNotTriedAgain) {
  primary_.On(kIndex, Script{}
                          .Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
                                "Content-Length: 100\r\n\r\n<Response>")
                          .Stall());
  const Answer answer = Resolve(absl::StrCat(primary_.url(kIndex), "#rt=300&rc=3&rp=all"));
  ExpectFallback(answer, 11205, primary_.url(kIndex));
  EXPECT_EQ(primary_.requests().size(), 1u);
  EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_BODY);
}

TEST_P(UseCase, Uc1_7_ElevenRedirectsAreTooMany) {
  primary_.On(kIndex, Reply{.status = 302, .headers = {{"Location", "/index"}}});
  const Answer answer = Resolve(primary_.url(kIndex));
  ExpectFallback(answer, 11215, primary_.url(kIndex));
  EXPECT_EQ(primary_.requests().size(), 11u);
}

TEST_P(UseCase, Uc1_7_TenRedirectsAreFollowed) {
  std::vector<Script> hops(10, Reply{.status = 302, .headers = {{"Location", "/index"}}});
  hops.push_back(Reply{.body = Document("at last")});
  primary_.OnSequence(kIndex, hops);
  const Answer answer = Resolve(primary_.url(kIndex));
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), Document("at last"));
}

TEST_P(UseCase, Uc1_7_APermanentRedirectThatKeepsTheMethodIsNotFollowed) {
  primary_.On(kIndex, Reply{.status = 308, .headers = {{"Location", "/other"}}});
  ExpectFallback(Resolve(primary_.url(kIndex)), 11216, primary_.url(kIndex));
}

TEST_P(UseCase, Uc1_7_ARedirectToNowhere) {
  primary_.On(kIndex, Reply{.status = 302});
  ExpectFallback(Resolve(primary_.url(kIndex)), 11216, primary_.url(kIndex));
}

TEST_P(UseCase, Uc1_9_BrokenXmlIsUnableToExecute) {
  primary_.On(kIndex, Reply{.body = "<Response><Say>Hello</Response>"});
  const Answer answer = Resolve(primary_.url(kIndex));
  ExpectFallback(answer, 12100, primary_.url(kIndex));
  EXPECT_EQ(answer.response.attempts(0).phase(), v1::PHASE_PARSE);
  EXPECT_THAT(answer.response.attempts(0).detail(), ::testing::HasSubstr("line 1, column"));
}

TEST_P(UseCase, Uc1_10_AnotherRootAnotherTypeAnotherSize) {
  const std::vector<std::pair<struct Reply, int>> rows = {
      {Reply{.body = "<Foo/>"}, 12102},
      {Reply{.content_type = "application/pdf", .body = "%PDF-1.4"}, 12300},
      {Reply{.content_type = "", .body = Document("untyped")}, Code(12300, 11200)},
      {Reply{.body = absl::StrCat("<Response><!--", std::string(70000, '.'), "--></Response>")},
       11750},
  };
  for (const auto& [reply, code] : rows) {
    SCOPED_TRACE(code);
    primary_.On(kIndex, reply);
    const Answer answer = Resolve(primary_.url(kIndex));
    EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
    EXPECT_EQ(answer.response.error_code(), code);
  }
}

TEST_P(UseCase, Uc1_11_AnUnknownAttributeIsAWarningAndNoMore) {
  const std::string document = voice() ? "<Response><Say colour=\"red\">primary</Say></Response>"
                                       : "<Response><Message colour=\"red\">x</Message></Response>";
  primary_.On(kIndex, Reply{.body = document});
  const Answer answer = Resolve(primary_.url(kIndex));
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), document);
  ASSERT_EQ(answer.response.warnings_size(), 1);
  EXPECT_EQ(answer.response.warnings(0).code(), 12200);
  EXPECT_EQ(answer.response.warnings(0).line(), 1);
  EXPECT_THAT(answer.response.warnings(0).message(), ::testing::HasSubstr("colour"));
  EXPECT_EQ(fallback_.connections(), 0);
  EXPECT_EQ(
      ReadMetric(world_.router().admin_port(), "understudy_twiml_warnings_total{code=\"12200\"}"),
      1);
}

TEST_P(UseCase, Uc1_12_ThereIsNoMemoryOfAnEarlierFailure) {
  primary_.OnSequence(kIndex, {Reply{.status = 500}, Reply{.body = Document("back")}});
  EXPECT_EQ(Resolve(primary_.url(kIndex)).response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(Resolve(primary_.url(kIndex)).response.source(), SOURCE_PRIMARY);
}

TEST_P(UseCase, Uc1_13_RetriesKeepTheirIdempotencyToken) {
  primary_.OnSequence(
      kIndex, {Reply{.status = 503}, Reply{.status = 503}, Reply{.body = Document("third")}});
  const Answer answer = Resolve(absl::StrCat(primary_.url(kIndex), "#rc=2&rp=5xx"));
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), Document("third"));
  EXPECT_EQ(answer.response.attempts_size(), 3);
  ASSERT_EQ(primary_.requests().size(), 3u);
  const std::string token = primary_.requests()[0].header("I-Twilio-Idempotency-Token");
  EXPECT_EQ(token.size(), 36u);
  EXPECT_EQ(primary_.requests()[1].header("I-Twilio-Idempotency-Token"), token);
  EXPECT_EQ(primary_.requests()[2].header("I-Twilio-Idempotency-Token"), token);
  EXPECT_EQ(fallback_.connections(), 0);
}

TEST_P(UseCase, Uc1_14_AFallbackByGetWithAQueryOfItsOwn) {
  primary_.On(kIndex, Reply{.status = 500});
  v1::ResolveTwiMLRequest request =
      Request(primary_.url("/index?a=1"), fallback_.url("/index?kept=yes&again=%2B"));
  request.mutable_handler()->set_fallback_method(v1::METHOD_GET);
  primary_.OnAny(Reply{.status = 500});
  const Answer answer = world_.Resolve(request);
  EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
  ASSERT_EQ(fallback_.requests().size(), 1u);
  const struct Request asked = fallback_.requests()[0];
  EXPECT_EQ(asked.method, "GET");
  EXPECT_EQ(asked.body, "");
  EXPECT_THAT(asked.target, ::testing::StartsWith("/index?kept=yes&again=%2B&"));
  const Fields query = asked.query;
  EXPECT_THAT(query, ::testing::Contains(std::pair<std::string, std::string>(
                         "ErrorCode", absl::StrCat(Code(11200, 11217)))));
  EXPECT_THAT(query, ::testing::Contains(std::pair<std::string, std::string>(
                         "ErrorUrl", primary_.url("/index?a=1"))));
  EXPECT_TRUE(twilio::SignatureMatches(Secret(kAuthToken), fallback_.url(asked.target), {},
                                       asked.header("X-Twilio-Signature")));
}

TEST_P(UseCase, Uc1_16_WithoutAFallbackTheDefaultAnswers) {
  primary_.On(kIndex, Reply{.status = 500});
  const Answer answer = world_.Resolve(Request(primary_.url(kIndex), ""));
  EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
  EXPECT_EQ(answer.response.twiml(), DefaultDocument());
  EXPECT_EQ(answer.response.document_url(), "");
  EXPECT_EQ(answer.response.error_code(), Code(11200, 11217));
}

TEST_P(UseCase, Uc1_17_WhenBothFailThereIsNoThirdRequest) {
  primary_.On(kIndex, Reply{.status = 500});
  fallback_.On(kIndex, Reply{.body = "<Response>"});
  const Answer answer = Resolve(primary_.url(kIndex));
  EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
  EXPECT_EQ(answer.response.twiml(), DefaultDocument());
  EXPECT_EQ(answer.response.error_code(), Code(11200, 11217));
  ASSERT_EQ(answer.response.attempts_size(), 2);
  EXPECT_EQ(answer.response.attempts(1).error_code(), 12100);
  EXPECT_EQ(primary_.requests().size(), 1u);
  EXPECT_EQ(fallback_.requests().size(), 1u);
}

TEST_P(UseCase, Uc1_17_AFallbackThatIsThePrimaryIsAskedOnceMoreAndNoMore) {
  primary_.On(kIndex, Reply{.status = 500});
  const Answer answer = world_.Resolve(Request(primary_.url(kIndex), primary_.url(kIndex)));
  EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
  ASSERT_EQ(primary_.requests().size(), 2u);
  EXPECT_THAT(primary_.requests()[1].body, ::testing::HasSubstr("ErrorCode="));
}

TEST(UseCaseNumbers, Uc1_15_And_1_20_VoiceAndMessagingAreIndependent) {
  Origin voice_primary, voice_fallback, message_primary, message_fallback;
  voice_primary.On(kIndex, Reply{.body = kPrimaryDocument});
  message_primary.On(kIndex, Reply{.status = 500});
  message_fallback.On(kIndex, Reply{.body = "<Response><Message>sorry</Message></Response>"});

  RouterConfig config = LoopbackConfig();
  router::Number number{.phone_number = kNumber, .account_sid = kAccountSid};
  number.voice = router::Handler{.primary = {.url = voice_primary.url(kIndex)},
                                 .fallback = router::Endpoint{.url = voice_fallback.url(kIndex)}};
  number.messaging =
      router::Handler{.primary = {.url = message_primary.url(kIndex)},
                      .fallback = router::Endpoint{.url = message_fallback.url(kIndex)}};
  config.numbers = {number};
  RouterWorld world(config);

  const Answer call = world.Resolve(VoiceRequest());
  const Answer message = world.Resolve(MessageRequest());
  EXPECT_EQ(call.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(message.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(message.response.twiml(), "<Response><Message>sorry</Message></Response>");
  EXPECT_EQ(voice_fallback.connections(), 0);
  ASSERT_EQ(message_fallback.requests().size(), 1u);
  const twilio::Form form = twilio::DecodeForm(message_fallback.requests()[0].body);
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"Body", "2 + 2 = 4 & more\n?"}));
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"NumMedia", "0"}));
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ErrorCode", "11200"}));
}

}  // namespace
}  // namespace understudy::testing
