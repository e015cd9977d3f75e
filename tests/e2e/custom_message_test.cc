// The use cases of custom error messages (UC-2), end to end: what callers hear, and correspondents
// read, in place of the default when the primary fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "tests/e2e/every_world.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/closed_port.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace v1 = router::v1;
using v1::SOURCE_DEFAULT;
using v1::SOURCE_FALLBACK;
using v1::SOURCE_PRIMARY;

std::shared_ptr<const router::Bin> MakeBin(const std::string& name, const std::string& text) {
  return std::make_shared<const router::Bin>(
      router::Bin{.name = name, .text = *twilio::BinTemplate::Parse(text)});
}

class CustomMessage : public EveryWorld {
 protected:
  CustomMessage() { primary_.On(kIndex, Reply{.status = 404, .body = "not here"}); }

  // What a call hears when its fallback answers so.
  Answer AnsweredBy(const Reply& reply) {
    fallback_.On(kIndex, reply);
    return Resolve(primary_.url(kIndex));
  }
};
INSTANTIATE_TEST_SUITE_P(All, CustomMessage, EveryWorld::Worlds(), EveryWorld::NameOf);

TEST_P(CustomMessage, Uc2_1_TheFallbacksWordsAreReturnedAsTheyAre) {
  const std::string apology = Document(
      "We are sorry, an application error has occurred.\n  Please call back later, thank you.");
  const Answer answer = AnsweredBy(Reply{.body = apology});
  EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(answer.response.twiml(), apology);
}

TEST_P(CustomMessage, Uc2_2_SoIsARecording) {
  const std::string recording =
      voice() ? "<Response><Play>https://fallback.example.com/sorry.mp3</Play></Response>"
              : "<Response><Message><Media>https://fallback.example.com/sorry.png</Media>"
                "</Message></Response>";
  const Answer answer = AnsweredBy(Reply{.body = recording});
  EXPECT_EQ(answer.response.twiml(), recording);
  EXPECT_THAT(answer.response.warnings(), SizeIs(0));
}

TEST_P(CustomMessage, Uc2_3_AStaticFileServerTakesGetAlone) {
  // As such servers do: by path, whatever the query, and no other method.
  fallback_.On(kIndex, Reply{.body = Document("static")});
  v1::ResolveTwiMLRequest request = Request(primary_.url(kIndex), fallback_.url(kIndex));
  request.mutable_handler()->set_fallback_method(v1::METHOD_GET);
  EXPECT_EQ(world_.Resolve(request).response.twiml(), Document("static"));
  EXPECT_EQ(fallback_.requests().back().method, "GET");

  fallback_.On(kIndex, Reply{.status = 405});
  request.mutable_handler()->set_fallback_method(v1::METHOD_POST);
  const Answer refused = world_.Resolve(request);
  EXPECT_EQ(refused.response.source(), SOURCE_DEFAULT);
  EXPECT_EQ(refused.response.twiml(), DefaultDocument());
  EXPECT_EQ(fallback_.requests().size(), 2u);
}

TEST_P(CustomMessage, Uc2_4_ABinKnowsTheError) {
  router::RouterConfig config = Config();
  config.bins = {MakeBin("apology", Document("Error {{ErrorCode}} at {{ErrorUrl}}, {{From}}."))};
  RouterWorld world(config);
  const Answer answer = world.Resolve(Request(primary_.url(kIndex), "bin:apology"));
  EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(answer.response.document_url(), "bin:apology");
  EXPECT_EQ(answer.response.twiml(),
            Document(absl::StrCat("Error ", Code(11200, 11217), " at ", primary_.url(kIndex),
                                  ", +14155550100.")));
  EXPECT_EQ(answer.response.attempts_size(), 1);  // nothing was asked of anybody for it
  EXPECT_EQ(fallback_.connections(), 0);
}

TEST_P(CustomMessage, Uc2_4_ABinCanBeThePrimary) {
  router::RouterConfig config = Config();
  config.bins = {MakeBin("hello", Document("Hello {{From}}"))};
  RouterWorld world(config);
  const Answer answer = world.Resolve(Request("bin:hello", fallback_.url(kIndex)));
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), Document("Hello +14155550100"));
  EXPECT_EQ(answer.response.error_code(), 0);
  EXPECT_EQ(fallback_.connections(), 0);
}

TEST_P(CustomMessage, Uc2_5_PlainTextIsSaidOrSent) {
  const Answer answer =
      AnsweredBy(Reply{.content_type = "text/plain", .body = "Please call later & thank you"});
  EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(answer.response.twiml(),
            voice() ? "<Response><Say>Please call later &amp; thank you</Say><Hangup/></Response>"
                    : "<Response><Message>Please call later &amp; thank you</Message></Response>");
}

TEST_P(CustomMessage, Uc2_6_AudioIsPlayedToACaller) {
  const Answer answer = AnsweredBy(Reply{.content_type = "audio/mpeg", .body = "ID3\x03"});
  if (voice()) {
    EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
    EXPECT_EQ(answer.response.twiml(), absl::StrCat("<Response><Play>", fallback_.url(kIndex),
                                                    "</Play><Hangup/></Response>"));
  } else {
    EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
    EXPECT_EQ(answer.response.attempts(1).error_code(), 12300);
  }
}

TEST_P(CustomMessage, Uc2_7_TheOtherKindsVerbsDoNothing) {
  const char* const other = voice() ? "<Response><Message>Sorry</Message></Response>"
                                    : "<Response><Say>Sorry</Say></Response>";
  const Answer answer = AnsweredBy(Reply{.body = other});
  EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(answer.response.twiml(), other);
  ASSERT_GT(answer.response.warnings_size(), 0);
  for (const v1::Warning& warning : answer.response.warnings()) {
    EXPECT_THAT((std::vector<int>{12200, 14110}), ::testing::Contains(warning.code()));
  }
}

TEST_P(CustomMessage, Uc2_8_WithoutAFallbackTheDefaultTextIsConfigured) {
  router::RouterConfig config = Config();
  config.default_voice_text = "Sorry <&> bye.";
  RouterWorld world(config);
  const Answer answer = world.Resolve(Request(primary_.url(kIndex), ""));
  EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
  EXPECT_EQ(answer.response.twiml(),
            voice() ? "<Response><Say>Sorry &lt;&amp;&gt; bye.</Say><Hangup/></Response>"
                    : "<Response/>");
}

TEST_P(CustomMessage, ABinAnswersWithTheNetworkGone) {
  router::RouterConfig config = Config();
  config.bins = {MakeBin("apology", Document("{{ErrorCode}}"))};
  config.dns_servers = {"127.0.0.1:1"};
  RouterWorld world(config);
  const ClosedPort closed;
  for (const std::string& url : {absl::StrCat("http://127.0.0.1:", closed.port(), "/#rc=0"),
                                 std::string("http://www.example.com/")}) {
    const Answer answer = world.Resolve(Request(url, "bin:apology"));
    EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK) << url;
    EXPECT_THAT(answer.response.twiml(), HasSubstr(absl::StrCat(answer.response.error_code())));
  }
}

}  // namespace
}  // namespace understudy::testing
