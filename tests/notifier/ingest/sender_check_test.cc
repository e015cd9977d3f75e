#include "services/notifier/ingest/sender_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/signature.h"

namespace understudy::notifier {
namespace {

using serving::HttpRequest;
using twilio::Form;

constexpr char kSigning[] = "AC00000000000000000000000000000001";
constexpr char kUnsigned[] = "AC00000000000000000000000000000002";
constexpr char kToken[] = "12345";
constexpr char kPublicUrl[] = "https://alerts.example.com";

std::vector<Account> Accounts() {
  return {{.sid = kSigning, .auth_token = Secret(kToken)}, {.sid = kUnsigned}};
}

Form BodyOf(const char* account) {
  return {{"AccountSid", account}, {"CallSid", "CA1"}, {"ErrorCode", "11200"}};
}

// A POST of `body` to /fallback?x=1 with that signature; empty: none.
HttpRequest RequestOf(const Form& body, const std::string& signature) {
  HttpRequest request = {.method = "POST",
                         .target = "/fallback?x=1",
                         .path = "/fallback",
                         .query = "x=1",
                         .headers = {{"Host", "inside:8081"}},
                         .body = twilio::EncodeForm(body)};
  if (!signature.empty()) request.headers.push_back({"X-Twilio-Signature", signature});
  return request;
}

// "" if it may pass, else status and reason.
std::string Check(const std::vector<Account>& accounts, absl::string_view public_url,
                  const HttpRequest& request, const Form& body) {
  Form parameters = body;
  parameters.push_back({"x", "1"});
  const std::optional<SenderProblem> problem =
      CheckTwilioRequest(accounts, public_url, request, body, parameters);
  return problem.has_value() ? absl::StrCat(problem->http_status, " ", problem->reason) : "";
}

std::string SignatureFor(absl::string_view url, const Form& body, const char* token = kToken) {
  return twilio::Sign(Secret(token), url, body);
}

TEST(CheckTwilioRequestTest, WithoutAccountsEverybodyMay) {
  EXPECT_EQ(Check({}, kPublicUrl, RequestOf(BodyOf(kSigning), ""), BodyOf(kSigning)), "");
  EXPECT_EQ(Check({}, kPublicUrl, RequestOf({}, "wrong"), {}), "");
}

TEST(CheckTwilioRequestTest, AnAccountWithoutATokenNeedsNoSignature) {
  EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf(BodyOf(kUnsigned), ""), BodyOf(kUnsigned)), "");
}

TEST(CheckTwilioRequestTest, AnAccountHasToBeOneOfOurs) {
  for (const char* sid :
       {"", "AC00000000000000000000000000000003", "AC1", "ac00000000000000000000000000000001"}) {
    EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf(BodyOf(sid), ""), BodyOf(sid)),
              "403 ACCOUNT_UNKNOWN")
        << sid;
  }
  EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf({}, ""), {}), "403 ACCOUNT_UNKNOWN");
}

// N5 of docs/faults.md.
TEST(CheckTwilioRequestTest, N5_BehindAProxyThePublicUrlIsSigned) {
  const Form body = BodyOf(kSigning);
  const auto check = [&](const std::string& signature) {
    return Check(Accounts(), kPublicUrl, RequestOf(body, signature), body);
  };
  const std::string url = "https://alerts.example.com/fallback?x=1";
  EXPECT_EQ(check(SignatureFor(url, body)), "");
  EXPECT_EQ(check(""), "400 SIGNATURE_MISSING");
  const std::string wrong[] = {
      "x",
      SignatureFor(url, body) + "x",
      SignatureFor(url, body).substr(1),
      SignatureFor(url, body, "12346"),
      SignatureFor(url, {}),
      SignatureFor("https://alerts.example.com/fallback", body),
      SignatureFor("https://alerts.example.com/fallback?x=2", body),
      SignatureFor("http://alerts.example.com/fallback?x=1", body),
      SignatureFor("https://inside:8081/fallback?x=1", body),
  };
  for (const std::string& signature : wrong) {
    EXPECT_EQ(check(signature), "403 SIGNATURE_WRONG") << signature;
  }
}

TEST(CheckTwilioRequestTest, ASlashBehindThePublicUrlDoesNotMatter) {
  const Form body = BodyOf(kSigning);
  const std::string signature = SignatureFor("https://alerts.example.com/fallback?x=1", body);
  EXPECT_EQ(Check(Accounts(), "https://alerts.example.com/", RequestOf(body, signature), body), "");
}

TEST(CheckTwilioRequestTest, N5_WithoutAPublicUrlTheHostHeaderIs) {
  const Form body = BodyOf(kSigning);
  for (const char* url : {"http://inside:8081/fallback?x=1", "https://inside:8081/fallback?x=1"}) {
    EXPECT_EQ(Check(Accounts(), "", RequestOf(body, SignatureFor(url, body)), body), "") << url;
  }
  HttpRequest request =
      RequestOf(body, SignatureFor("https://alerts.example.com/fallback?x=1", body));
  EXPECT_EQ(Check(Accounts(), "", request, body), "403 SIGNATURE_WRONG");
  request.headers.erase(request.headers.begin());
  EXPECT_EQ(Check(Accounts(), "", request, body), "403 SIGNATURE_WRONG");
}

TEST(CheckTwilioRequestTest, AQuerylessGetIsSignedByItsUrl) {
  const HttpRequest request = {
      .method = "GET",
      .path = "/fallback",
      .headers = {{"X-Twilio-Signature", SignatureFor("https://alerts.example.com/fallback", {})}}};
  EXPECT_EQ(CheckTwilioRequest(Accounts(), kPublicUrl, request, {}, BodyOf(kSigning)),
            std::nullopt);
}

TEST(CheckTwilioRequestTest, ParametersAddedAfterSigningAreLeftOut) {
  const Form signed_body = BodyOf(kSigning);
  const std::string url = "https://alerts.example.com/fallback?x=1";
  for (const char* name : {"CallToken", "StirVerstat"}) {
    Form body = signed_body;
    body.push_back({name, "TN-Validation-Passed-A"});
    EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf(body, SignatureFor(url, signed_body)), body),
              "")
        << name;
    EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf(body, SignatureFor(url, body)), body), "");
  }
  Form body = signed_body;
  body.push_back({"Other", "x"});
  EXPECT_EQ(Check(Accounts(), kPublicUrl, RequestOf(body, SignatureFor(url, signed_body)), body),
            "403 SIGNATURE_WRONG");
}

// The account's sid, or why not.
std::string CheckBasic(const std::vector<Account>& accounts, const std::string& authorization) {
  HttpRequest request;
  if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
  const BasicSender sender = CheckBasicRequest(accounts, request);
  if (!sender.problem.has_value()) return sender.account_sid;
  return absl::StrCat(sender.problem->http_status, " ", sender.problem->reason);
}

// An event stream's batch, posted to `target` with these headers.
StreamSender CheckStream(const std::vector<std::string>& named, const std::string& query,
                         const serving::HttpHeaders& headers,
                         const std::vector<Account>& accounts = Accounts()) {
  HttpRequest request = {.method = "POST",
                         .target = absl::StrCat("/events/twilio", query.empty() ? "" : "?", query),
                         .path = "/events/twilio",
                         .query = query,
                         .headers = headers,
                         .body = "[]"};
  request.headers.push_back({"Host", "inside:8081"});
  return CheckStreamRequest(accounts, kPublicUrl, request, named);
}
// Of the body "[]".
constexpr char kBodyHash[] =
    "bodySHA256=4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";

serving::HttpHeader StreamSignature(const char* token = kToken) {
  return {"X-Twilio-Signature",
          SignatureFor(absl::StrCat(kPublicUrl, "/events/twilio?", kBodyHash), {}, token)};
}
serving::HttpHeader BasicOf(absl::string_view sid, absl::string_view token) {
  return {"Authorization",
          absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(sid, ":", token)))};
}
std::string ReasonOf(const StreamSender& sender) {
  return sender.problem.has_value()
             ? absl::StrCat(sender.problem->http_status, " ", sender.problem->reason)
             : absl::StrCat(sender.account_sid, sender.is_proven ? " proven" : "");
}

TEST(CheckStreamRequestTest, WithoutAccountsEverybodyMay) {
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, "", {}, {})), "");
  EXPECT_EQ(ReasonOf(CheckStream({}, "", {BasicOf("AC1", "x")}, {})), "");
}

TEST(CheckStreamRequestTest, OneOfTheNamedAccountsHasSigned) {
  const std::string proven = absl::StrCat(kSigning, " proven");
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, kBodyHash, {StreamSignature()})), proven);
  EXPECT_EQ(ReasonOf(CheckStream({"AC9", kSigning}, kBodyHash, {StreamSignature()})), proven);
  EXPECT_EQ(ReasonOf(CheckStream({kUnsigned, kSigning}, kBodyHash, {StreamSignature()})), proven);
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, kBodyHash, {})), "400 SIGNATURE_MISSING");
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, kBodyHash, {StreamSignature("other")})),
            "403 SIGNATURE_WRONG");
  // The URL is signed, but says nothing of the body, or something else.
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, "",
                                 {{"X-Twilio-Signature",
                                   SignatureFor(absl::StrCat(kPublicUrl, "/events/twilio"), {})}})),
            "403 SIGNATURE_WRONG");
  EXPECT_EQ(ReasonOf(CheckStream(
                {kSigning}, "bodySHA256=00",
                {{"X-Twilio-Signature",
                  SignatureFor(absl::StrCat(kPublicUrl, "/events/twilio?bodySHA256=00"), {})}})),
            "403 SIGNATURE_WRONG");
  for (const std::vector<std::string>& named :
       {std::vector<std::string>{}, {"AC9"}, {"", ""}, {"AC9", "AC8"}}) {
    EXPECT_EQ(ReasonOf(CheckStream(named, kBodyHash, {StreamSignature()})), "403 ACCOUNT_UNKNOWN");
  }
}

TEST(CheckStreamRequestTest, AnAccountWithoutATokenIsBelieved) {
  EXPECT_EQ(ReasonOf(CheckStream({kUnsigned}, "", {})), kUnsigned);
  EXPECT_EQ(ReasonOf(CheckStream({kSigning, kUnsigned}, "", {})), kUnsigned);
}

TEST(CheckStreamRequestTest, SidAndTokenWillDoAsWell) {
  EXPECT_EQ(ReasonOf(CheckStream({"AC9"}, "", {BasicOf(kSigning, kToken)})),
            absl::StrCat(kSigning, " proven"));
  EXPECT_EQ(ReasonOf(CheckStream({kSigning}, "", {BasicOf(kSigning, "wrong")})),
            "401 UNAUTHORIZED");
  EXPECT_EQ(ReasonOf(CheckStream({kUnsigned}, "", {BasicOf(kUnsigned, "")})), "401 UNAUTHORIZED");
}

TEST(MayTellOfTest, ItsOwnEventsAndThoseOfSubaccountsThatAreNotOurs) {
  const StreamSender proven = {.account_sid = kSigning, .is_proven = true};
  const StreamSender believed = {.account_sid = kUnsigned};
  const std::string other = "AC00000000000000000000000000000003";
  const struct {
    StreamSender sender;
    std::string account;
    std::string master;
    bool may;
  } kCases[] = {
      {{}, kSigning, "", true},
      {proven, kSigning, "", true},
      {proven, other, kSigning, true},
      {proven, kUnsigned, kSigning, true},
      {proven, other, "", false},
      {proven, other, kUnsigned, false},
      {believed, kUnsigned, "", true},
      {believed, other, kUnsigned, false},
      {believed, kSigning, kUnsigned, false},
      // Who has a token of its own speaks for itself.
      {{.account_sid = other, .is_proven = true}, kSigning, other, false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(MayTellOf(Accounts(), c.sender, c.account, c.master), c.may)
        << c.sender.account_sid << " " << c.account << " " << c.master;
  }
}

TEST(CheckBasicRequestTest, SidAndToken) {
  const auto basic = [](absl::string_view credentials) {
    return absl::StrCat("Basic ", absl::Base64Escape(credentials));
  };
  const std::string good = absl::StrCat(kSigning, ":", kToken);
  EXPECT_EQ(CheckBasic(Accounts(), basic(good)), kSigning);
  EXPECT_EQ(CheckBasic(Accounts(), "basic  " + absl::Base64Escape(good)), kSigning);
  const std::string wrong[] = {
      "",
      "Basic",
      "Basic ",
      "Basic !!!",
      absl::StrCat("Bearer ", kToken),
      basic(""),
      basic(":"),
      basic(kSigning),
      basic(absl::StrCat(kSigning, ":")),
      basic(absl::StrCat(kSigning, ":1234")),
      basic(absl::StrCat(kSigning, ":123456")),
      basic(absl::StrCat(kSigning, ":12346")),
      basic(absl::StrCat(kUnsigned, ":")),
      basic(absl::StrCat(kUnsigned, ":", kToken)),
      basic(absl::StrCat("AC00000000000000000000000000000003:", kToken)),
      basic(good).substr(0, basic(good).size() / 2) + "\x01",
  };
  for (const std::string& authorization : wrong) {
    EXPECT_EQ(CheckBasic(Accounts(), authorization), "401 UNAUTHORIZED") << authorization;
  }
}

TEST(CheckBasicRequestTest, NobodyNeedsAnyWhereThereIsNoToken) {
  EXPECT_EQ(CheckBasic({}, ""), "");
  EXPECT_EQ(CheckBasic({{.sid = kUnsigned}}, "Basic !!!"), "");
}

}  // namespace
}  // namespace understudy::notifier
