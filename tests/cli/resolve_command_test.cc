// `understudy resolve`, the real binary, against a real router and without one.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/certificates.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/secret_mount.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kIndex[] = "/index";

class ResolveCommandTest : public ::testing::Test {
 protected:
  ResolveCommandTest() : world_(Config()) {}

  router::RouterConfig Config() {
    primary_.On(kIndex, Reply{.body = kPrimaryDocument});
    primary_.On("/error", Reply{.status = 500});
    fallback_.On(kIndex, Reply{.body = kFallbackDocument});
    router::RouterConfig config = LoopbackConfig();
    config.numbers = {{.phone_number = kNumber,
                       .account_sid = kAccountSid,
                       .voice = router::Handler{.primary = {.url = primary_.url(kIndex)}}}};
    return config;
  }

  // Asks the router of this test.
  ProgramEnd Ask(const std::vector<std::string>& options) {
    std::vector<std::string> words = {UNDERSTUDY_BINARY, "resolve", "--router",
                                      absl::StrCat("127.0.0.1:", world_.router().grpc_port())};
    words.insert(words.end(), options.begin(), options.end());
    return RunProgram(words);
  }
  ProgramEnd AskLocally(const std::vector<std::string>& options) {
    std::vector<std::string> words = {UNDERSTUDY_BINARY, "resolve", "--local", "--allow",
                                      "127.0.0.0/8"};
    words.insert(words.end(), options.begin(), options.end());
    return RunProgram(words);
  }

  Origin primary_;
  Origin fallback_;
  RouterWorld world_;
};

TEST_F(ResolveCommandTest, TheExitStatusTellsWhoAnswered) {
  const struct {
    std::vector<std::string> options;
    int status;
    const char* out;
  } kCases[] = {
      {{"--url", primary_.url(kIndex)}, 0, "primary answered"},
      {{"--url", primary_.url("/error"), "--fallback-url", fallback_.url(kIndex)},
       3,
       "fallback answered"},
      {{"--url", primary_.url("/error")}, 4, "default document answered"},
  };
  for (const auto& c : kCases) {
    for (const ProgramEnd& end : {Ask(c.options), AskLocally(c.options)}) {
      EXPECT_EQ(end.status, c.status) << end.err;
      EXPECT_THAT(end.out, StartsWith(c.out));
      EXPECT_THAT(end.err, IsEmpty());
      EXPECT_THAT(end.out, Not(HasSubstr("\x1b"))) << "colour in a pipe";
    }
  }
}

TEST_F(ResolveCommandTest, ANumberIsCalledLikeARealCall) {
  const ProgramEnd end = Ask({"--number", kNumber});
  EXPECT_EQ(end.status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr(kPrimaryDocument));
  ASSERT_EQ(primary_.requests().size(), 1u);
  const struct Request request = primary_.requests()[0];
  const twilio::Form form = twilio::DecodeForm(request.body);
  EXPECT_EQ(*twilio::FindParameter(form, "To"), kNumber);
  EXPECT_EQ(*twilio::FindParameter(form, "AccountSid"), kAccountSid);
  EXPECT_NE(twilio::FindParameter(form, "CallSid"), nullptr);
  EXPECT_TRUE(twilio::SignatureMatches(Secret(kAuthToken), primary_.url(kIndex), form,
                                       request.header("X-Twilio-Signature")));
}

TEST_F(ResolveCommandTest, OptionsReachTheWebServers) {
  const ProgramEnd end =
      AskLocally({"--url", primary_.url("/error"), "--method", "GET", "--fallback-url",
                  fallback_.url(kIndex), "--kind", "messaging", "--param", "Body=a=b", "--account",
                  "AC00000000000000000000000000000002", "--request-id", "one", "--timeout", "5s"});
  ASSERT_EQ(primary_.requests().size(), 1u);
  EXPECT_EQ(primary_.requests()[0].method, "GET");
  EXPECT_EQ(Find(primary_.requests()[0].query, "Body"), "a=b");
  EXPECT_EQ(Find(primary_.requests()[0].query, "AccountSid"), "AC00000000000000000000000000000002");
  EXPECT_EQ(Find(primary_.requests()[0].query, "From"), "");
  ASSERT_EQ(fallback_.requests().size(), 1u);
  EXPECT_EQ(fallback_.requests()[0].method, "POST");
  const std::string token = fallback_.requests()[0].header("I-Twilio-Idempotency-Token");
  AskLocally({"--url", primary_.url("/error"), "--fallback-url", fallback_.url(kIndex), "--account",
              "AC00000000000000000000000000000002", "--request-id", "one"});
  ASSERT_EQ(fallback_.requests().size(), 2u);
  EXPECT_EQ(fallback_.requests()[1].header("I-Twilio-Idempotency-Token"), token);
  EXPECT_EQ(end.status, 3) << "a Say in a message is skipped with a warning";
  EXPECT_THAT(end.out, HasSubstr("warning  line 1, column 11: 12200"));
}

TEST_F(ResolveCommandTest, ACallIsFollowedFromStepToStep) {
  const TempDir folder;
  const std::string session = absl::StrCat(folder.path(), "/session");
  primary_.On(kIndex, Reply{.headers = {{"Set-Cookie", "id=7; Path=/"}}, .body = kPrimaryDocument});
  primary_.On("/menu", Reply{.body = kPrimaryDocument});
  const std::vector<std::string> call = {"--url", primary_.url(kIndex), "--session", session};
  EXPECT_EQ(Ask(call).status, 0);
  std::vector<std::string> step = call;
  step.insert(step.end(), {"--document", "menu?a=b", "--base-url", primary_.url(kIndex),
                           "--document-method", "GET"});
  const ProgramEnd end = Ask(step);
  EXPECT_EQ(end.status, 0) << end.err;
  const struct Request request = primary_.requests().back();
  EXPECT_EQ(request.path, "/menu");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.header("Cookie"), "id=7");

  step = {"--url",          primary_.url(kIndex),
          "--fallback-url", fallback_.url(kIndex),
          "--error-code",   "13420",
          "--error-url",    "https://a.example/x.mp3"};
  EXPECT_EQ(Ask(step).status, 3);
  EXPECT_THAT(fallback_.requests().back().body, HasSubstr("ErrorCode=13420"));
}

TEST_F(ResolveCommandTest, WhatDoesNotGoTogetherIsSaid) {
  const std::vector<std::vector<std::string>> kCases = {
      {"--base-url", "http://a/"},
      {"--error-code", "12100"},
      {"--error-url", "http://a/"},
      {"--error-code", "x", "--error-url", "http://a/"},
      {"--error-code", "12100", "--error-url", "http://a/", "--document", "b"}};
  for (std::vector<std::string> options : kCases) {
    options.insert(options.end(), {"--url", primary_.url(kIndex)});
    const ProgramEnd end = Ask(options);
    EXPECT_EQ(end.status, 2) << options[0];
    EXPECT_THAT(end.err, HasSubstr("--"));
  }
  EXPECT_EQ(Ask({"--url", primary_.url(kIndex), "--session", "/no/such/folder/session"}).status, 1);
}

TEST_F(ResolveCommandTest, JsonIsTheResponseAndNothingElse) {
  for (const ProgramEnd& end :
       {Ask({"--url", primary_.url("/error"), "--fallback-url", fallback_.url(kIndex), "--json"}),
        AskLocally({"--url", primary_.url("/error"), "--fallback-url", fallback_.url(kIndex),
                    "--json"})}) {
    v1::ResolveTwiMLResponse response;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(end.out, &response).ok()) << end.out;
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(response.source(), v1::SOURCE_FALLBACK);
    EXPECT_EQ(response.twiml(), kFallbackDocument);
    EXPECT_EQ(response.error_code(), 11200);
    EXPECT_EQ(response.attempts_size(), 2);
    EXPECT_EQ(response.resolution_id().size(), 32u);
    EXPECT_THAT(end.err, IsEmpty());
  }
}

TEST_F(ResolveCommandTest, TheCallersMistakesAreTold) {
  const struct {
    std::vector<std::string> options;
    const char* reason;
    const char* field;
  } kCases[] = {
      {{"--number", "+14155550111"}, "NUMBER_NOT_FOUND", "phone_number (--number)"},
      {{"--number", "415"}, "INVALID_PHONE_NUMBER", "phone_number (--number)"},
      {{"--number", kNumber, "--kind", "messaging"}, "HANDLER_NOT_FOUND", "kind (--kind)"},
      {{"--number", kNumber, "--account", "AC1"}, "INVALID_ACCOUNT_SID", "account_sid (--account)"},
      {{"--url", "ftp://a/"}, "INVALID_URL", "handler.url (--url)"},
      {{"--url", "http://a/", "--fallback-url", "b"},
       "INVALID_URL",
       "handler.fallback_url (--fallback-url)"},
      {{"--number", kNumber, "--param", absl::StrCat("A=", std::string(16385, 'x'))},
       "PARAMETER_TOO_LARGE",
       "parameters[\"A\"] (--param)"},
  };
  for (const auto& c : kCases) {
    const ProgramEnd end = Ask(c.options);
    EXPECT_EQ(end.status, 1);
    EXPECT_THAT(end.err, HasSubstr(absl::StrCat("reason  ", c.reason)));
    EXPECT_THAT(end.err, HasSubstr(absl::StrCat("field   ", c.field)));
    EXPECT_THAT(end.out, IsEmpty());
  }
}

TEST_F(ResolveCommandTest, WithoutARouterItSaysWhereItLookedAndWhatToStart) {
  const ClosedPort closed;
  const std::string address = absl::StrCat("127.0.0.1:", closed.port());
  const ProgramEnd end =
      RunProgram({UNDERSTUDY_BINARY, "resolve", "--router", address, "--url", "http://a/"});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, HasSubstr(absl::StrCat("no router answers at ", address)));
  EXPECT_THAT(end.err, HasSubstr("understudy-router --config"));
  EXPECT_THAT(end.err, HasSubstr("--local"));
}

TEST_F(ResolveCommandTest, OverTlsItShowsAndBelievesWhatItIsTold) {
  const TestAuthority authority;
  const TestAuthority strangers;
  const SecretMount server(authority.Issue({.ip_addresses = {"127.0.0.1"}}), authority.ca_pem());
  const SecretMount client(authority.Issue({}), authority.ca_pem());
  const SecretMount stranger(strangers.Issue({}), strangers.ca_pem());
  router::RouterConfig config = Config();
  config.grpc_tls = serving::TlsFiles{.certificate = server.Path("tls.crt"),
                                      .key = server.Path("tls.key"),
                                      .ca = server.Path("ca.crt")};
  RouterWorld world(config);
  const std::string address = absl::StrCat("127.0.0.1:", world.router().grpc_port());
  const auto ask = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words = {UNDERSTUDY_BINARY, "resolve",  "--router",
                                      address,           "--number", kNumber};
    words.insert(words.end(), options.begin(), options.end());
    return RunProgram(words);
  };
  const ProgramEnd good = ask({"--tls-ca", client.Path("ca.crt"), "--tls-certificate",
                               client.Path("tls.crt"), "--tls-key", client.Path("tls.key")});
  EXPECT_EQ(good.status, 0) << good.err;
  const struct {
    std::vector<std::string> options;
    int status;
    const char* said;
  } kCases[] = {
      {{}, 1, "--tls-ca"},
      {{"--tls-ca", client.Path("ca.crt")}, 1, "--tls-certificate"},
      {{"--tls-ca", stranger.Path("ca.crt")}, 1, "is not of an authority in"},
      {{"--tls-ca", client.Path("ca.crt"), "--tls-certificate", stranger.Path("tls.crt"),
        "--tls-key", stranger.Path("tls.key")},
       1,
       "may not believe"},
      {{"--tls-ca", client.Path("ca.crt"), "--tls-certificate", client.Path("tls.crt"), "--tls-key",
        stranger.Path("tls.key")},
       2,
       "not the key of the certificate"},
      {{"--tls-ca", client.Path("absent")}, 2, "No such file"},
  };
  for (const auto& c : kCases) {
    const ProgramEnd end = ask(c.options);
    EXPECT_EQ(end.status, c.status) << end.err;
    EXPECT_THAT(end.err, HasSubstr(c.said));
  }
  const ProgramEnd plain = Ask({"--number", kNumber, "--tls-ca", client.Path("ca.crt")});
  EXPECT_EQ(plain.status, 1);
  EXPECT_THAT(plain.err, HasSubstr("speaks no TLS"));
}

TEST_F(ResolveCommandTest, ItWaitsNoLongerThanAsked) {
  Origin silent;
  silent.OnAccept(Script{}.Stall());
  const ProgramEnd end = RunProgram({UNDERSTUDY_BINARY, "resolve", "--router",
                                     absl::StrCat("127.0.0.1:", silent.port()), "--url",
                                     "http://a/", "--timeout", "200ms"});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, HasSubstr("within 200ms (--timeout)"));
}

TEST_F(ResolveCommandTest, LocallyTheNumbersOfAConfigurationAreKnown) {
  const TempDir folder;
  const std::string config = folder.Write(
      "router.yaml",
      absl::StrCat("accounts: [{sid: ", kAccountSid, "}]\n", "numbers: [{phone_number: \"", kNumber,
                   "\", account_sid: ", kAccountSid, ", voice: {url: \"", primary_.url(kIndex),
                   "\"}}]\n"));
  const ProgramEnd end = AskLocally({"--config", config, "--number", kNumber});
  EXPECT_EQ(end.status, 0) << end.err;
  EXPECT_EQ(primary_.requests().size(), 1u);
}

TEST_F(ResolveCommandTest, LocallyLoopbackIsShutUntilAllowed) {
  const ProgramEnd end =
      RunProgram({UNDERSTUDY_BINARY, "resolve", "--local", "--url", primary_.url(kIndex)});
  EXPECT_EQ(end.status, 4);
  EXPECT_THAT(end.out, HasSubstr("(loopback)"));
  EXPECT_THAT(end.err, HasSubstr("--allow 127.0.0.0/8"));
  EXPECT_EQ(primary_.connections(), 0);
}

}  // namespace
}  // namespace understudy::testing
