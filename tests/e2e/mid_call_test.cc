// The steps of a call after its first document (UC-1.18, UC-5), and what the call remembers between
// them, end to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "services/router/resolve/session.h"
#include "tests/e2e/every_world.h"
#include "tests/e2e/router_world.h"

namespace understudy::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using twilio::Parameter;
namespace v1 = router::v1;
using v1::SOURCE_DEFAULT;
using v1::SOURCE_FALLBACK;
using v1::SOURCE_PRIMARY;

const Secret kSessionKey(std::string(32, 'k'));

class MidCall : public EveryWorld {
 protected:
  // The request after a document that came from the primary's index.
  v1::ResolveTwiMLRequest Next(const std::string& url) {
    v1::ResolveTwiMLRequest request = Request(primary_.url(kIndex), fallback_.url(kIndex));
    request.mutable_document()->set_url(url);
    request.mutable_document()->set_base_url(primary_.url(kIndex));
    (*request.mutable_parameters())["Digits"] = "1";
    return request;
  }
};
INSTANTIATE_TEST_SUITE_P(All, MidCall, EveryWorld::Worlds(), EveryWorld::NameOf);

TEST_P(MidCall, AnActionUrlIsRequestedInThePrimarysPlace) {
  primary_.On("/calls/menu", Reply{.body = Document("menu")});
  const Answer answer = world_.Resolve(Next("calls/menu?lang=de"));
  EXPECT_EQ(answer.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(answer.response.twiml(), Document("menu"));
  EXPECT_EQ(answer.response.document_url(), primary_.url("/calls/menu?lang=de"));
  ASSERT_EQ(primary_.requests().size(), 1u);
  const struct Request request = primary_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  const twilio::Form form = twilio::DecodeForm(request.body);
  EXPECT_THAT(form, Contains(Parameter{"Digits", "1"}));
  EXPECT_TRUE(twilio::SignatureMatches(Secret(kAuthToken), primary_.url("/calls/menu?lang=de"),
                                       form, request.header("X-Twilio-Signature")));
}

TEST_P(MidCall, ItsMethodIsItsOwn) {
  primary_.On("/menu", Reply{.body = Document("menu")});
  v1::ResolveTwiMLRequest request = Next("/menu");
  request.mutable_document()->set_method(v1::METHOD_GET);
  EXPECT_EQ(world_.Resolve(request).response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(primary_.requests().back().method, "GET");
}

TEST_P(MidCall, Uc1_18_WhenItFailsTheNumbersFallbackIsAsked) {
  primary_.On("/menu", Reply{.status = 503});
  const Answer answer = world_.Resolve(Next("/menu#rc=0"));
  ExpectFallback(answer, Code(11200, 11217), primary_.url("/menu"));
  // What describes the step goes along.
  EXPECT_THAT(twilio::DecodeForm(fallback_.requests()[0].body), Contains(Parameter{"Digits", "1"}));
}

TEST_P(MidCall, Uc1_18_AUrlThatIsNoneIsAFailureOfItsOwner) {
  for (const char* url : {"htp:/menu", "http://", "ftp://a.example/menu"}) {
    SCOPED_TRACE(url);
    const Answer answer = world_.Resolve(Next(url));
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.response.source(), SOURCE_FALLBACK);
    EXPECT_EQ(answer.response.error_code(), 11100);
    EXPECT_EQ(answer.response.error_url(), url);
  }
  v1::ResolveTwiMLRequest relative = Next("menu");
  relative.mutable_document()->clear_base_url();
  EXPECT_EQ(world_.Resolve(relative).response.error_code(), 11100);
  EXPECT_EQ(primary_.connections(), 0);
}

TEST_P(MidCall, Uc1_18_ADocumentThatCouldNotBeExecuted) {
  v1::ResolveTwiMLRequest request = Request(primary_.url(kIndex), fallback_.url(kIndex));
  request.mutable_failure()->set_error_code(13420);
  request.mutable_failure()->set_error_url("https://u:p@media.example.com/hello.mp3#rc=1");
  ExpectFallback(world_.Resolve(request), 13420, "https://media.example.com/hello.mp3");
  EXPECT_EQ(primary_.connections(), 0);

  request.mutable_handler()->clear_fallback_url();
  const Answer answer = world_.Resolve(request);
  EXPECT_EQ(answer.response.source(), SOURCE_DEFAULT);
  EXPECT_EQ(answer.response.error_code(), 13420);
  EXPECT_EQ(answer.response.attempts_size(), 0);
}

TEST_P(MidCall, Uc5_1_ARedirectIsReturnedAndItsTargetIsAnOrdinaryStep) {
  const std::string redirect =
      absl::StrCat("<Response><Redirect>", primary_.url("/healthy"), "</Redirect></Response>");
  primary_.On(kIndex, Reply{.status = 500});
  fallback_.On(kIndex, Reply{.body = redirect});
  primary_.On("/healthy", Reply{.body = Document("back again")});
  const Answer first = Resolve(primary_.url(kIndex));
  EXPECT_EQ(first.response.source(), SOURCE_FALLBACK);
  EXPECT_EQ(first.response.twiml(), redirect);

  v1::ResolveTwiMLRequest request = Next(primary_.url("/healthy"));
  request.mutable_document()->set_base_url(first.response.document_url());
  const Answer second = world_.Resolve(request);
  EXPECT_EQ(second.response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(second.response.twiml(), Document("back again"));
  const twilio::Form form = twilio::DecodeForm(primary_.requests().back().body);
  EXPECT_EQ(twilio::FindParameter(form, "ErrorCode"), nullptr);
}

TEST_P(MidCall, Uc5_2_WhatTheFallbackSaysIsReturnedUnchanged) {
  const std::string document =
      voice() ? "<Response><Dial timeout=\"20\"><Number>+14155550123</Number></Dial></Response>"
              : "<Response><Message to=\"+14155550123\">Look here</Message></Response>";
  primary_.On(kIndex, Reply{.status = 500});
  fallback_.On(kIndex, Reply{.body = document});
  EXPECT_EQ(Resolve(primary_.url(kIndex)).response.twiml(), document);
}

TEST_P(MidCall, Uc5_3_CookiesComeBackWithTheNextDocument) {
  primary_.On(kIndex, Reply{.status = 500, .headers = {{"Set-Cookie", "primary=1"}}});
  fallback_.On(kIndex, Reply{.headers = {{"Set-Cookie", "fallback=2; Path=/"}},
                             .body = Document("fallback")});
  const Answer first = Resolve(primary_.url(kIndex));
  ASSERT_FALSE(first.response.session().empty());
  EXPECT_LE(first.response.session().size(), router::kMaxSessionBytes);
  EXPECT_THAT(first.response.session(), Not(HasSubstr("fallback")));
  // One host, so the fallback had the primary's cookie too: to cookies ports are nothing.
  EXPECT_EQ(fallback_.requests()[0].header("Cookie"), "primary=1");

  v1::ResolveTwiMLRequest request = Next("/menu");
  request.set_session(first.response.session());
  primary_.On("/menu", Reply{.body = Document("menu")});
  const Answer second = world_.Resolve(request);
  EXPECT_EQ(second.response.source(), SOURCE_PRIMARY);
  EXPECT_THAT(primary_.requests().back().header("Cookie"),
              ::testing::AnyOf("primary=1; fallback=2", "fallback=2; primary=1"));
  EXPECT_FALSE(second.response.session().empty());
}

TEST_P(MidCall, AcceptedCredentialsStayInUse) {
  const std::string with_login =
      absl::StrCat("http://u:hunter2@127.0.0.1:", primary_.port(), kIndex);
  primary_.OnSequence(kIndex,
                      {Reply{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}},
                       Reply{.body = Document("welcome")}});
  const Answer first = Resolve(with_login);
  EXPECT_EQ(first.response.source(), SOURCE_PRIMARY);
  EXPECT_THAT(first.response.session(), Not(HasSubstr("hunter2")));

  primary_.On("/menu", Reply{.body = Document("menu")});
  v1::ResolveTwiMLRequest request = Next("/menu");
  request.set_session(first.response.session());
  EXPECT_EQ(world_.Resolve(request).response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(primary_.requests().back().header("Authorization"), "Basic dTpodW50ZXIy");
  EXPECT_EQ(primary_.requests().size(), 3u);
}

// What a session that is no good does: nothing, but for a number.
TEST_P(MidCall, Uc5_4_AnUnusableSessionIsNoMistakeOfTheCallers) {
  primary_.On(kIndex, Reply{.headers = {{"Set-Cookie", "id=1"}}, .body = Document("primary")});
  const std::string session = Resolve(primary_.url(kIndex)).response.session();
  const auto uses = [&](const char* result) {
    return ReadMetric(world_.router().admin_port(),
                      absl::StrCat("understudy_sessions_total{result=\"", result, "\"}"));
  };
  EXPECT_EQ(uses("accepted"), 0);

  v1::ResolveTwiMLRequest request = Next(kIndex);
  std::string altered = session;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  for (const std::string& forged :
       {altered, std::string("x"), std::string(router::kMaxSessionBytes + 1, 'x')}) {
    request.set_session(forged);
    EXPECT_EQ(world_.Resolve(request).response.source(), SOURCE_PRIMARY);
    EXPECT_EQ(primary_.requests().back().header("Cookie"), "");
  }
  EXPECT_EQ(uses("forged"), 3);

  request.set_session(session);
  (*request.mutable_parameters())[voice() ? "CallSid" : "From"] = "+14155550101";
  EXPECT_EQ(world_.Resolve(request).response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(primary_.requests().back().header("Cookie"), "");
  EXPECT_EQ(uses("foreign"), 1);

  request = Next(kIndex);
  request.set_session(session);
  EXPECT_EQ(world_.Resolve(request).response.source(), SOURCE_PRIMARY);
  EXPECT_EQ(primary_.requests().back().header("Cookie"), "id=1");
  EXPECT_EQ(uses("accepted"), 1);
}

TEST_P(MidCall, ReplicasWithOneKeyReadEachOthersSessions) {
  router::RouterConfig config = Config();
  config.session_key = kSessionKey;
  RouterWorld one(config);
  RouterWorld other(config);
  primary_.On(kIndex, Reply{.headers = {{"Set-Cookie", "id=1"}}, .body = Document("primary")});
  const Answer first = one.Resolve(Request(primary_.url(kIndex), ""));
  v1::ResolveTwiMLRequest request = Next(kIndex);
  request.set_session(first.response.session());
  other.Resolve(request);
  EXPECT_EQ(primary_.requests().back().header("Cookie"), "id=1");
  // A router with a key of its own does not.
  world_.Resolve(request);
  EXPECT_EQ(primary_.requests().back().header("Cookie"), "");
}

TEST_P(MidCall, CookiesThatASessionHasNoRoomForAreCounted) {
  Reply reply{.body = Document("primary")};
  for (int i = 0; i < 5; ++i) {
    reply.headers.push_back({"Set-Cookie", absl::StrCat("c", i, "=", std::string(4000, 'x'))});
  }
  reply.headers.push_back({"Set-Cookie", "small=1"});
  primary_.On(kIndex, reply);
  const Answer answer = Resolve(primary_.url(kIndex));
  EXPECT_LE(answer.response.session().size(), router::kMaxSessionBytes);
  EXPECT_EQ(ReadMetric(world_.router().admin_port(), "understudy_session_parts_left_out_total"), 2);
  v1::ResolveTwiMLRequest request = Next(kIndex);
  request.set_session(answer.response.session());
  world_.Resolve(request);
  EXPECT_THAT(primary_.requests().back().header("Cookie"), HasSubstr("small=1"));
}

}  // namespace
}  // namespace understudy::testing
