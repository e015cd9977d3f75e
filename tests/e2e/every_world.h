// For what must hold for calls and for messages, with either set of codes: a router over gRPC, a
// primary to spoil, a healthy fallback beside it.
#ifndef TESTS_E2E_EVERY_WORLD_H_
#define TESTS_E2E_EVERY_WORLD_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/twilio/documents.h"
#include "common/twilio/form.h"
#include "tests/e2e/router_world.h"

namespace understudy::testing {

inline constexpr char kIndex[] = "/index";

struct World {
  router::Kind kind = router::Kind::kVoice;
  router::RetrievalCodes codes = router::RetrievalCodes::kClassic;
};

class EveryWorld : public ::testing::TestWithParam<World> {
 public:
  static auto Worlds() {
    using router::Kind;
    using router::RetrievalCodes;
    return ::testing::Values(World{Kind::kVoice, RetrievalCodes::kClassic},
                             World{Kind::kVoice, RetrievalCodes::kSpecific},
                             World{Kind::kMessaging, RetrievalCodes::kClassic},
                             World{Kind::kMessaging, RetrievalCodes::kSpecific});
  }
  static std::string NameOf(const ::testing::TestParamInfo<World>& world) {
    return absl::StrCat(
        world.param.kind == router::Kind::kVoice ? "Voice" : "Messaging",
        world.param.codes == router::RetrievalCodes::kClassic ? "Classic" : "Specific");
  }

 protected:
  EveryWorld() : world_(Config()) {
    primary_.On(kIndex, Reply{.body = Document("primary")});
    fallback_.On(kIndex, Reply{.body = Document("fallback")});
  }

  static router::RouterConfig Config() {
    router::RouterConfig config = LoopbackConfig();
    config.retrieval_codes = GetParam().codes;
    return config;
  }
  static bool voice() { return GetParam().kind == router::Kind::kVoice; }
  static int Code(int classic, int specific) {
    return GetParam().codes == router::RetrievalCodes::kClassic ? classic : specific;
  }
  static std::string Document(const std::string& words) {
    return voice() ? absl::StrCat("<Response><Say>", words, "</Say></Response>")
                   : absl::StrCat("<Response><Message>", words, "</Message></Response>");
  }
  static std::string DefaultDocument() {
    return twilio::DefaultDocument(GetParam().kind,
                                   "We are sorry, an application error has occurred. Goodbye.");
  }
  static router::v1::ResolveTwiMLRequest Request(const std::string& url,
                                                 const std::string& fallback) {
    return voice() ? VoiceRequest(url, fallback) : MessageRequest(url, fallback);
  }

  // Resolves with the primary's URL as given and the fallback beside it.
  Answer Resolve(const std::string& url) {
    return world_.Resolve(Request(url, fallback_.url(kIndex)));
  }

  // The fallback answered because of `code` at `error_url`, which it was told.
  void ExpectFallback(const Answer& answer, int code, const std::string& error_url) {
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.response.source(), router::v1::SOURCE_FALLBACK);
    EXPECT_EQ(answer.response.twiml(), Document("fallback"));
    EXPECT_EQ(answer.response.error_code(), code);
    EXPECT_EQ(answer.response.error_url(), error_url);
    ASSERT_EQ(fallback_.requests().size(), 1u);
    const twilio::Form form = twilio::DecodeForm(fallback_.requests()[0].body);
    EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ErrorCode", absl::StrCat(code)}));
    EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ErrorUrl", error_url}));
    EXPECT_EQ(answer.response.attempts().rbegin()->target(), router::v1::TARGET_FALLBACK);
    EXPECT_EQ(answer.response.attempts().rbegin()->error_code(), 0);
  }

  Origin primary_;
  Origin fallback_;
  RouterWorld world_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_EVERY_WORLD_H_
