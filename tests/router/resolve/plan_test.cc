#include "services/router/resolve/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "tests/sim/replies.h"

namespace understudy::router {
namespace {

using testing::Document;
using ::testing::ElementsAre;
using testing::Failed;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMessagingTwiml;
using testing::kVoiceTwiml;
using testing::RedirectTo;
using ::testing::SizeIs;
using testing::Status;
using testing::Unauthorized;

constexpr char kPrimary[] = "https://www.example.com/voice";
constexpr char kFallback[] = "https://fallback.example.com/voice";
constexpr char kDefault[] = "<Response><Hangup/></Response>";
constexpr char kBasic[] = "Basic realm=\"calls\"";
constexpr char kDigest[] = "Digest realm=\"calls\", nonce=\"n1\", qop=\"auth\"";
constexpr char kNothing[] = "(nothing)";

const absl::Time kBegin = absl::UnixEpoch() + absl::Hours(1);

// One call, told as: Begin, what is asked, Answer, what is asked then, ... and the Result.
class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    handler_.primary.url = kPrimary;
    handler_.fallback = Endpoint{.url = kFallback};
  }

  void Begin() {
    plan_ = std::make_unique<Plan>(
        call_,
        std::make_shared<Route>(
            Route{.handler = handler_,
                  .auth_token = Secret("12345"),
                  .default_document = std::make_shared<const std::string>(kDefault),
                  .codes = codes_}),
        limits_);
    now_ = kBegin;
    step_ = plan_->Begin(now_);
  }

  // The last request ends so after `took`.
  void Answer(Reply reply, absl::Duration took = absl::Milliseconds(10)) {
    ASSERT_FALSE(IsOver()) << "nothing was asked";
    now_ += took;
    reply.finished_at = now_;
    step_ = plan_->OnReply(std::move(reply));
  }
  void AnswerAt(Reply reply, absl::Time at) { Answer(std::move(reply), at - now_); }

  bool IsOver() const { return std::holds_alternative<Outcome>(step_); }

  // The request to make now.
  const Exchange& Asked() const {
    static const Exchange kNone;
    EXPECT_FALSE(IsOver()) << "nothing is asked";
    return IsOver() ? kNone : std::get<Exchange>(step_);
  }
  // Its URL without the parameters we added: all that GET has for a query.
  std::string AskedUrl() const {
    if (IsOver()) return kNothing;
    const std::string& url = Asked().url;
    return Asked().method == Method::kGet ? url.substr(0, url.find('?')) : url;
  }
  std::string AskedHeader(absl::string_view name) const {
    for (const Header& header : Asked().headers) {
      if (header.name == name) return header.value;
    }
    return kNothing;
  }
  // A parameter, wherever the request has it.
  std::string AskedParameter(absl::string_view name) const {
    const size_t query = Asked().url.find('?');
    for (const twilio::Form& form :
         {twilio::DecodeForm(Asked().body),
          query == std::string::npos ? twilio::Form()
                                     : twilio::DecodeForm(Asked().url.substr(query + 1))}) {
      const std::string* value = twilio::FindParameter(form, name);
      if (value != nullptr) return *value;
    }
    return kNothing;
  }

  const Outcome& Result() const {
    static const Outcome kNone;
    EXPECT_TRUE(IsOver()) << "still asks " << AskedUrl();
    return IsOver() ? std::get<Outcome>(step_) : kNone;
  }
  std::vector<int> FaultCodes() const {
    std::vector<int> codes;
    for (const Fault& fault : Result().faults) codes.push_back(fault.code);
    return codes;
  }

  Handler handler_;
  Call call_ = {.id = "RS1",
                .account_sid = "AC1",
                .parameters = {{"CallSid", "CA1"}, {"From", "+14155550100"}, {"Digits", "5"}}};
  Limits limits_;
  RetrievalCodes codes_ = RetrievalCodes::kClassic;
  absl::Time now_ = kBegin;

 private:
  std::unique_ptr<Plan> plan_;
  Step step_ = Outcome{};
};

// The primary alone.

TEST_F(PlanTest, AHealthyPrimaryAnswersAndTheFallbackIsNotAsked) {
  Begin();
  EXPECT_EQ(AskedUrl(), kPrimary);
  EXPECT_EQ(Asked().method, Method::kPost);
  EXPECT_EQ(AskedParameter("From"), "+14155550100");
  EXPECT_EQ(AskedParameter("ErrorCode"), kNothing);
  EXPECT_EQ(AskedParameter("ErrorUrl"), kNothing);
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kPrimary);
  EXPECT_EQ(Result().document, kVoiceTwiml);
  EXPECT_EQ(Result().document_url, kPrimary);
  EXPECT_THAT(Result().faults, IsEmpty());
  EXPECT_THAT(Result().attempts, SizeIs(1));
  EXPECT_FALSE(Result().cancelled);
}

TEST_F(PlanTest, AccountAndVersionAreAddedUnlessTheCallHasThem) {
  Begin();
  EXPECT_EQ(AskedParameter("AccountSid"), "AC1");
  EXPECT_EQ(AskedParameter("ApiVersion"), "2010-04-01");

  call_.parameters = {{"AccountSid", "AC2"}, {"ApiVersion", "2008-08-01"}};
  Begin();
  EXPECT_EQ(Asked().body, "AccountSid=AC2&ApiVersion=2008-08-01");
}

TEST_F(PlanTest, WarningsAreNoReasonToLeave) {
  Begin();
  Answer(Document("<Response><Say mood=\"glad\">Hello</Say></Response>"));
  EXPECT_EQ(Result().source, Source::kPrimary);
  ASSERT_THAT(Result().warnings, SizeIs(1));
  EXPECT_EQ(Result().warnings[0].code, 12200);
  EXPECT_THAT(Result().faults, IsEmpty());
}

TEST_F(PlanTest, AttemptsTellWhatHappened) {
  Begin();
  Reply refused = Failed(NetError::kConnectRefused);
  refused.phase = Phase::kConnect;
  refused.detail = "nothing listens";
  refused.remote_address = "192.0.2.1:443";
  refused.timings.connect = absl::Milliseconds(3);
  Answer(refused);
  Answer(Document(kVoiceTwiml));

  ASSERT_THAT(Result().attempts, SizeIs(2));
  const Attempt& first = Result().attempts[0];
  EXPECT_EQ(first.target, Target::kPrimary);
  EXPECT_EQ(first.url, kPrimary);
  EXPECT_EQ(first.method, Method::kPost);
  EXPECT_EQ(first.remote_address, "192.0.2.1:443");
  EXPECT_EQ(first.http_status, 0);
  EXPECT_EQ(first.error_code, 11205);
  EXPECT_EQ(first.phase, Phase::kConnect);
  EXPECT_EQ(first.detail, "nothing listens");
  EXPECT_EQ(first.timings.connect, absl::Milliseconds(3));
  EXPECT_EQ(Result().attempts[1].http_status, 200);
  EXPECT_EQ(Result().attempts[1].error_code, 0);
  EXPECT_EQ(Result().attempts[1].phase, Phase::kNone);
}

// Fallback.

TEST_F(PlanTest, AFailedPrimaryIsFollowedByTheFallbackAtOnce) {
  Begin();
  Answer(Status(500));
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(Asked().method, Method::kPost);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11200");
  EXPECT_EQ(AskedParameter("ErrorUrl"), kPrimary);
  for (const auto& [name, value] : call_.parameters) EXPECT_EQ(AskedParameter(name), value);
  EXPECT_EQ(AskedParameter("AccountSid"), "AC1");
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kFallback);
  EXPECT_EQ(Result().document_url, kFallback);
  EXPECT_THAT(FaultCodes(), ElementsAre(11200));
}

TEST_F(PlanTest, AFaultTellsItsStory) {
  handler_.primary.url = "https://u:p@www.example.com/voice?a=1#rc=1&rp=5xx";
  Begin();
  Answer(Status(500), absl::Milliseconds(40));
  Reply last = Status(503);
  last.body = std::string(513, 'x');
  Answer(last, absl::Milliseconds(60));
  Answer(Document(kVoiceTwiml));
  ASSERT_THAT(Result().faults, SizeIs(1));
  const Fault& fault = Result().faults[0];
  EXPECT_EQ(fault.code, 11200);
  EXPECT_EQ(fault.target, Target::kPrimary);
  EXPECT_EQ(fault.url, "https://www.example.com/voice?a=1");
  EXPECT_EQ(fault.phase, Phase::kStatus);
  EXPECT_EQ(fault.http_status, 503);
  EXPECT_THAT(fault.detail, HasSubstr("503"));
  EXPECT_EQ(fault.attempts, 2);
  EXPECT_EQ(fault.elapsed, absl::Milliseconds(100));
  EXPECT_EQ(fault.response_excerpt, std::string(512, 'x'));
}

TEST_F(PlanTest, AFaultBringsWhatWentOverTheWire) {
  Begin();
  const std::string token = AskedHeader("I-Twilio-Idempotency-Token");
  Reply reply = Status(500);
  reply.headers = {{"Server", "nginx"}};
  Answer(reply);
  const std::string fallback_token = AskedHeader("I-Twilio-Idempotency-Token");
  Answer(Failed(NetError::kNameNotFound));
  ASSERT_THAT(Result().faults, SizeIs(2));
  const Evidence& primary = Result().faults[0].evidence;
  twilio::Form sent = call_.parameters;
  sent.push_back({"AccountSid", "AC1"});
  sent.push_back({"ApiVersion", "2010-04-01"});
  EXPECT_EQ(primary.parameters, sent);
  EXPECT_EQ(primary.request_headers, (Headers{{"I-Twilio-Idempotency-Token", token}}));
  EXPECT_EQ(primary.response_headers, reply.headers);
  const Evidence& fallback = Result().faults[1].evidence;
  sent.push_back({"ErrorCode", "11200"});
  sent.push_back({"ErrorUrl", kPrimary});
  EXPECT_EQ(fallback.parameters, sent);
  EXPECT_EQ(fallback.request_headers, (Headers{{"I-Twilio-Idempotency-Token", fallback_token}}));
  EXPECT_THAT(fallback.response_headers, IsEmpty());
}

TEST_F(PlanTest, AFaultWithoutARequestBringsWhatItWouldHaveSent) {
  handler_.primary.url = "mailto:nobody";
  Begin();
  Answer(Document(kVoiceTwiml));
  ASSERT_THAT(Result().faults, SizeIs(1));
  EXPECT_NE(twilio::FindParameter(Result().faults[0].evidence.parameters, "From"), nullptr);
  EXPECT_THAT(Result().faults[0].evidence.request_headers, IsEmpty());

  handler_.primary.url = kPrimary;
  call_.failure = ReportedFailure{.code = 12100, .url = kPrimary};
  Begin();
  Answer(Document(kVoiceTwiml));
  ASSERT_THAT(Result().faults, SizeIs(1));
  EXPECT_NE(twilio::FindParameter(Result().faults[0].evidence.parameters, "From"), nullptr);
  EXPECT_THAT(Result().faults[0].evidence.request_headers, IsEmpty());
}

TEST_F(PlanTest, OnlyADocumentWithWarningsBringsWhatWentOverTheWire) {
  Begin();
  Answer(Document("<Response><Say mood=\"glad\">Hello</Say></Response>"));
  EXPECT_NE(twilio::FindParameter(Result().evidence.parameters, "From"), nullptr);
  EXPECT_THAT(Result().evidence.request_headers, SizeIs(1));
  Begin();
  Answer(Document(kVoiceTwiml));
  EXPECT_THAT(Result().evidence.parameters, IsEmpty());
  EXPECT_THAT(Result().evidence.request_headers, IsEmpty());
  EXPECT_THAT(Result().evidence.response_headers, IsEmpty());
}

TEST_F(PlanTest, TheFallbackHasItsOwnMethodAndQuery) {
  handler_.fallback =
      Endpoint{.url = "https://fallback.example.com/f?site=b", .method = Method::kGet};
  Begin();
  Answer(Status(404));
  EXPECT_EQ(Asked().url,
            "https://fallback.example.com/f?site=b&CallSid=CA1&From=%2B14155550100&Digits=5"
            "&AccountSid=AC1&ApiVersion=2010-04-01&ErrorCode=11200"
            "&ErrorUrl=https%3A%2F%2Fwww.example.com%2Fvoice");
  EXPECT_EQ(Asked().body, "");
}

TEST_F(PlanTest, ErrorParametersOfTheCallerAreReplaced) {
  call_.parameters = {
      {"ErrorCode", "1"}, {"CallSid", "CA1"}, {"ErrorUrl", "x"}, {"ErrorCode", "2"}};
  Begin();
  Answer(Status(500));
  EXPECT_EQ(Asked().body,
            "CallSid=CA1&AccountSid=AC1&ApiVersion=2010-04-01&ErrorCode=11200"
            "&ErrorUrl=https%3A%2F%2Fwww.example.com%2Fvoice");
}

TEST_F(PlanTest, ErrorUrlShowsNeitherCredentialsNorFragment) {
  handler_.primary.url = "https://u:secret@www.example.com/voice?a=b@c#rc=0";
  Begin();
  Answer(Status(500));
  EXPECT_EQ(AskedParameter("ErrorUrl"), "https://www.example.com/voice?a=b@c");
}

TEST_F(PlanTest, TheSetOfCodesIsTheRoutes) {
  codes_ = RetrievalCodes::kSpecific;
  Begin();
  Answer(Failed(NetError::kConnectRefused));
  Answer(Failed(NetError::kConnectRefused));
  EXPECT_EQ(AskedParameter("ErrorCode"), "11202");
  Answer(Status(500));
  EXPECT_THAT(FaultCodes(), ElementsAre(11202, 11217));
}

TEST_F(PlanTest, BothFailedIsTwoFaultsAndTheDefault) {
  Begin();
  Answer(Document("<Response>"));
  EXPECT_EQ(AskedParameter("ErrorCode"), "12100");
  Answer(Document(kVoiceTwiml, "application/pdf"));
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_EQ(Result().document, kDefault);
  EXPECT_EQ(Result().document_url, "");
  EXPECT_THAT(FaultCodes(), ElementsAre(12100, 12300));
  EXPECT_EQ(Result().faults[1].target, Target::kFallback);
  EXPECT_EQ(Result().faults[1].url, kFallback);
}

TEST_F(PlanTest, AFallbackThatIsThePrimaryIsAskedOnce) {
  handler_.fallback = handler_.primary;
  Begin();
  Answer(Status(500));
  EXPECT_EQ(AskedUrl(), kPrimary);
  Answer(Status(500));
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_THAT(Result().attempts, SizeIs(2));
}

TEST_F(PlanTest, WithoutAFallbackTheDefaultAnswers) {
  handler_.fallback.reset();
  Begin();
  Answer(Status(500));
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_EQ(Result().document, kDefault);
  EXPECT_THAT(FaultCodes(), ElementsAre(11200));
}

TEST_F(PlanTest, AUrlThatCannotBeAskedIsLeftWithoutARequest) {
  const struct {
    const char* url;
    const char* code;
    const char* error_url;
  } kRows[] = {
      {"www.example.com/voice", "11100", "www.example.com/voice"},
      {"http://u:pass/word@www.example.com/", "11100", "http://www.example.com/"},
      {"https://u:p@www.example.com/#e=nowhere", "11240", "https://www.example.com/"},
      {"https://www.example.com/#e=london-ix", "11242", "https://www.example.com/"},
      {"https://www.example.com/#rp=6xx", "11243", "https://www.example.com/"},
  };
  for (const auto& row : kRows) {
    handler_.primary.url = row.url;
    Begin();
    EXPECT_EQ(AskedUrl(), kFallback) << row.url;
    EXPECT_EQ(AskedParameter("ErrorCode"), row.code) << row.url;
    EXPECT_EQ(AskedParameter("ErrorUrl"), row.error_url) << row.url;
    Answer(Document(kVoiceTwiml));
    EXPECT_THAT(Result().attempts, SizeIs(1)) << row.url;
    EXPECT_EQ(Result().faults[0].attempts, 0) << row.url;
    EXPECT_FALSE(Result().faults[0].detail.empty()) << row.url;
  }
}

TEST_F(PlanTest, TwoUrlsThatCannotBeAskedLeaveTheDefault) {
  handler_.primary.url = "x";
  handler_.fallback->url = "y";
  Begin();
  EXPECT_THAT(FaultCodes(), ElementsAre(11100, 11100));
  EXPECT_EQ(Result().document, kDefault);
  EXPECT_THAT(Result().attempts, IsEmpty());
}

TEST_F(PlanTest, ACancelledCallAsksNothingMore) {
  Begin();
  Answer(Status(500));
  Answer(Failed(NetError::kCancelled));
  EXPECT_TRUE(Result().cancelled);
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_THAT(FaultCodes(), ElementsAre(11200));  // what had failed is still told
  EXPECT_THAT(Result().attempts, SizeIs(2));

  Begin();
  Answer(Failed(NetError::kCancelled));
  EXPECT_TRUE(Result().cancelled);
  EXPECT_THAT(Result().faults, IsEmpty());
}

// Retries.

TEST_F(PlanTest, RetriesFollowThePolicy) {
  const Reply refused = Failed(NetError::kConnectRefused);
  const Reply slow = Failed(NetError::kReadTimeout);
  const Reply cut = Failed(NetError::kReadTimeout, /*answered=*/true);
  const Reply lost = Failed(NetError::kConnectionLost);
  const struct {
    const char* fragment;
    Reply reply;
    int requests;
  } kRows[] = {
      {"", refused, 2},
      {"", Failed(NetError::kConnectTimeout), 2},
      {"", Failed(NetError::kTlsHandshake), 2},
      {"", Failed(NetError::kNameNotFound), 1},
      {"", Failed(NetError::kCertificateExpired), 1},
      {"", Status(503), 1},
      {"", Status(404), 1},
      {"", slow, 1},
      {"#rc=0", refused, 1},
      {"#rc=0&rp=all", Status(503), 1},
      {"#rc=2&rp=all", refused, 3},
      {"#rc=2&rp=all", Status(503), 3},
      {"#rc=2&rp=all", Status(404), 3},
      {"#rc=2&rp=all", slow, 3},
      {"#rc=2&rp=all", cut, 1},
      {"#rc=2&rp=all", lost, 1},
      {"#rc=2&rp=all", Failed(NetError::kTotalTimeout), 1},
      {"#rc=2&rp=all", Document("<Response>"), 1},
      {"#rc=2&rp=all", RedirectTo("/x", 308), 1},
      {"#rc=5&rp=5xx", Status(503), 6},
      {"#rc=6&rp=5xx", Status(503), 6},
      {"#rc=2&rp=5xx", Status(404), 1},
      {"#rc=2&rp=4xx", Status(404), 3},
      {"#rc=2&rp=4xx", Status(503), 1},
      {"#rc=2&rp=rt", slow, 3},
      {"#rc=2&rp=rt", refused, 1},
      {"#ct=500&rc=3&rp=ct,5xx&tt=4000", Status(503), 4},
  };
  for (const auto& row : kRows) {
    handler_.primary.url = absl::StrCat(kPrimary, row.fragment);
    Begin();
    int requests = 0;
    while (!IsOver() && AskedUrl() == kPrimary) {
      ++requests;
      Answer(row.reply);
    }
    EXPECT_EQ(requests, row.requests) << row.fragment << " " << row.reply.status;
    EXPECT_EQ(AskedUrl(), kFallback) << row.fragment;
  }
}

TEST_F(PlanTest, ARetryIsTheSameRequestAgain) {
  handler_.primary.url = absl::StrCat(kPrimary, "#rc=2&rp=5xx");
  Begin();
  const Exchange first = Asked();
  Answer(Status(503));
  EXPECT_EQ(Asked().url, first.url);
  EXPECT_EQ(Asked().body, first.body);
  EXPECT_EQ(Asked().headers, first.headers);
  EXPECT_EQ(Asked().give_up_at, first.give_up_at);
  Answer(Status(503));
  EXPECT_EQ(Asked().headers, first.headers);
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kPrimary);
  EXPECT_THAT(Result().faults, IsEmpty());
}

TEST_F(PlanTest, RetriesArePerTargetAndNotPerHop) {
  handler_.primary.url = absl::StrCat(kPrimary, "#rc=1&rp=5xx");
  handler_.fallback->url = absl::StrCat(kFallback, "#rc=1&rp=5xx");
  Begin();
  Answer(Status(503));
  Answer(RedirectTo("/next"));
  EXPECT_EQ(AskedUrl(), "https://www.example.com/next");
  Answer(Status(503));
  EXPECT_EQ(AskedUrl(), kFallback);
  Answer(Status(503));
  EXPECT_EQ(AskedUrl(), kFallback);
  Answer(Status(503));
  EXPECT_EQ(Result().source, Source::kDefault);
}

TEST_F(PlanTest, OverridesReachTheRequest) {
  handler_.primary.url = absl::StrCat(kPrimary, "#ct=10000&rt=300&tt=800&sni=n");
  Begin();
  EXPECT_EQ(Asked().connect_timeout, absl::Seconds(10));
  EXPECT_EQ(Asked().read_timeout, absl::Milliseconds(300));
  EXPECT_EQ(Asked().give_up_at, kBegin + absl::Milliseconds(800));
  EXPECT_FALSE(Asked().send_sni);
  Answer(Status(500));
  // The fallback has its own fragment, here none, and its own time.
  EXPECT_EQ(Asked().connect_timeout, limits_.connect_timeout);
  EXPECT_EQ(Asked().read_timeout, limits_.read_timeout);
  EXPECT_EQ(Asked().give_up_at, now_ + limits_.total_timeout);
  EXPECT_TRUE(Asked().send_sni);
}

TEST_F(PlanTest, OverridesCannotGoOverTheTotalTime) {
  limits_.total_timeout = absl::Seconds(2);
  handler_.primary.url = absl::StrCat(kPrimary, "#tt=15000");
  Begin();
  EXPECT_EQ(Asked().give_up_at, kBegin + absl::Seconds(2));
}

TEST_F(PlanTest, HarmlessMistakesInAFragmentAreNoted) {
  handler_.primary.url = "https://u:secret@www.example.com/voice#rc=9";
  Begin();
  Answer(Document(kVoiceTwiml));
  EXPECT_THAT(Result().notes,
              ElementsAre(::testing::StartsWith("https://www.example.com/voice: ")));
}

// Time.

TEST_F(PlanTest, NoRetryOnceTheTotalTimeIsOver) {
  handler_.primary.url = absl::StrCat(kPrimary, "#rc=5&rp=all&tt=1000");
  const absl::Time end = kBegin + absl::Seconds(1);
  Begin();
  AnswerAt(Status(503), end - absl::Nanoseconds(1));
  EXPECT_EQ(AskedUrl(), kPrimary);
  EXPECT_EQ(Asked().give_up_at, end);
  AnswerAt(Status(503), end);
  EXPECT_EQ(AskedUrl(), kFallback);
}

TEST_F(PlanTest, NoHopAndNoCredentialsOnceTheTotalTimeIsOver) {
  const absl::Time end = kBegin + absl::Seconds(15);
  Begin();
  AnswerAt(RedirectTo("/next"), end - absl::Nanoseconds(1));
  EXPECT_EQ(AskedUrl(), "https://www.example.com/next");
  Begin();
  AnswerAt(RedirectTo("/next"), end);
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11205");

  handler_.primary.url = "https://u:p@www.example.com/voice";
  Begin();
  AnswerAt(Unauthorized(kBasic), end - absl::Nanoseconds(1));
  EXPECT_EQ(AskedUrl(), kPrimary);
  Begin();
  AnswerAt(Unauthorized(kBasic), end);
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11200");
}

TEST_F(PlanTest, ADocumentInTheLastMomentStillCounts) {
  Begin();
  AnswerAt(Document(kVoiceTwiml), kBegin + absl::Seconds(15));
  EXPECT_EQ(Result().source, Source::kPrimary);
}

// The caller's deadline, less the reserve of 100 ms, is shared: the primary leaves the fallback its
// full time if it can, and else keeps three fifths.
TEST_F(PlanTest, TheCallersDeadlineIsShared) {
  const struct {
    absl::Duration deadline;
    absl::Duration with_fallback;
    absl::Duration without;
  } kRows[] = {
      {absl::InfiniteDuration(), absl::Seconds(15), absl::Seconds(15)},
      {absl::Milliseconds(30100), absl::Seconds(15), absl::Seconds(15)},
      {absl::Milliseconds(25100), absl::Seconds(15), absl::Seconds(15)},
      {absl::Milliseconds(25000), absl::Milliseconds(14940), absl::Seconds(15)},
      {absl::Milliseconds(15100), absl::Seconds(9), absl::Seconds(15)},
      {absl::Milliseconds(10100), absl::Seconds(6), absl::Seconds(10)},
      {absl::Milliseconds(1100), absl::Milliseconds(600), absl::Seconds(1)},
      {absl::Milliseconds(101), absl::Microseconds(600), absl::Milliseconds(1)},
  };
  for (const auto& row : kRows) {
    call_.deadline = kBegin + row.deadline;
    handler_.fallback = Endpoint{.url = kFallback};
    Begin();
    EXPECT_LT(absl::AbsDuration(Asked().give_up_at - kBegin - row.with_fallback),
              absl::Microseconds(1))
        << row.deadline;
    AnswerAt(Failed(NetError::kTotalTimeout), Asked().give_up_at);
    EXPECT_EQ(AskedUrl(), kFallback) << row.deadline;
    EXPECT_EQ(Asked().give_up_at,
              std::min(now_ + absl::Seconds(15), call_.deadline - absl::Milliseconds(100)))
        << row.deadline;

    handler_.fallback.reset();
    Begin();
    EXPECT_EQ(Asked().give_up_at, kBegin + row.without) << row.deadline;
  }
}

TEST_F(PlanTest, NoTimeForTheFallbackIsTheDefaultAtOnce) {
  call_.deadline = kBegin + absl::Seconds(1);
  const absl::Time end = call_.deadline - limits_.reply_reserve;
  Begin();
  AnswerAt(Status(500), end - absl::Nanoseconds(1));
  EXPECT_EQ(AskedUrl(), kFallback);
  Begin();
  AnswerAt(Status(500), end);
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_THAT(FaultCodes(), ElementsAre(11200));
}

TEST_F(PlanTest, ADeadlineThatIsOverLeavesNoTimeToAsk) {
  for (const absl::Duration left :
       {absl::Milliseconds(100), absl::ZeroDuration(), -absl::Hours(1)}) {
    call_.deadline = kBegin + left;
    Begin();
    EXPECT_EQ(Result().document, kDefault) << left;
    EXPECT_THAT(FaultCodes(), ElementsAre(11205)) << left;
    EXPECT_THAT(Result().attempts, IsEmpty()) << left;
  }
}

// Redirects.

TEST_F(PlanTest, ARedirectBecomesAGetWithoutWhatTheVerbSaid) {
  for (const int status : {301, 302, 303}) {
    Begin();
    Answer(RedirectTo("../next?step=2#part", status));
    EXPECT_EQ(Asked().method, Method::kGet) << status;
    EXPECT_EQ(Asked().url,
              "https://www.example.com/next?step=2&CallSid=CA1&From=%2B14155550100"
              "&AccountSid=AC1&ApiVersion=2010-04-01")
        << status;
    EXPECT_EQ(Asked().body, "") << status;
    Answer(Document(kVoiceTwiml));
    EXPECT_EQ(Result().source, Source::kPrimary) << status;
    EXPECT_EQ(Result().document_url, "https://www.example.com/next?step=2") << status;
    ASSERT_THAT(Result().attempts, SizeIs(2)) << status;
    EXPECT_EQ(Result().attempts[0].http_status, status);
    EXPECT_EQ(Result().attempts[0].error_code, 0) << status;
  }
}

TEST_F(PlanTest, ARedirect307KeepsMethodAndBody) {
  Begin();
  const std::string body = Asked().body;
  Answer(RedirectTo("http://other.example/next?step=2", 307));
  EXPECT_EQ(Asked().method, Method::kPost);
  EXPECT_EQ(Asked().url, "http://other.example/next?step=2");
  EXPECT_EQ(Asked().body, body);
  Answer(RedirectTo("/last"));
  Answer(RedirectTo("/very-last", 307));
  EXPECT_EQ(Asked().method, Method::kGet);
}

TEST_F(PlanTest, TenRedirectsAreFollowedAndTheEleventhIsNot) {
  for (const bool self : {true, false}) {
    Begin();
    for (int i = 1; i <= 10; ++i) {
      Answer(RedirectTo(self ? kPrimary : absl::StrCat("/", i)));
      ASSERT_TRUE(absl::StartsWith(AskedUrl(), "https://www.example.com/")) << i;
    }
    const std::string url = AskedUrl();
    Answer(RedirectTo("/11"));
    EXPECT_EQ(AskedUrl(), kFallback);
    EXPECT_EQ(AskedParameter("ErrorCode"), "11215");
    EXPECT_EQ(AskedParameter("ErrorUrl"), url);
  }
}

TEST_F(PlanTest, ALocationThatLeadsNowhereIsAFault) {
  for (const char* location : {"", "ftp://a.example/", "http://a_b.example/", "javascript:x"}) {
    Begin();
    Answer(RedirectTo(location));
    EXPECT_EQ(AskedUrl(), kFallback) << location;
    EXPECT_EQ(AskedParameter("ErrorCode"), "11216") << location;
    EXPECT_EQ(AskedParameter("ErrorUrl"), kPrimary) << location;
  }
}

TEST_F(PlanTest, ErrorUrlIsTheHopThatFailed) {
  Begin();
  Answer(RedirectTo("https://u:secret@other.example/next?step=2#part"));
  Answer(Status(500));
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorUrl"), "https://other.example/next?step=2");
  EXPECT_EQ(AskedParameter("Digits"), "5");  // lost on the way, but the fallback has it
}

TEST_F(PlanTest, ARedirectedFallbackStillHearsOfTheError) {
  Begin();
  Answer(Status(500));
  Answer(RedirectTo("/next"));
  EXPECT_EQ(AskedUrl(), "https://fallback.example.com/next");
  EXPECT_EQ(AskedParameter("ErrorCode"), "11200");
  EXPECT_EQ(AskedParameter("ErrorUrl"), kPrimary);
}

TEST_F(PlanTest, AParameterThatALocationCarriesIsBackOnTheNextHop) {
  Begin();
  Answer(Status(500));
  Answer(RedirectTo("/next?ErrorCode=11200&CallSid=CA1"));
  EXPECT_EQ(Asked().url,
            "https://fallback.example.com/next?ErrorCode=11200&CallSid=CA1&From=%2B14155550100"
            "&AccountSid=AC1&ApiVersion=2010-04-01&ErrorUrl=https%3A%2F%2Fwww.example.com%2Fvoice");
  Answer(RedirectTo("/last"));
  EXPECT_EQ(AskedParameter("ErrorCode"), "11200");
  EXPECT_EQ(AskedParameter("CallSid"), "CA1");
}

TEST_F(PlanTest, HopsShareOneBudget) {
  Begin();
  const absl::Time end = Asked().give_up_at;
  Answer(RedirectTo("/a"), absl::Seconds(4));
  EXPECT_EQ(Asked().give_up_at, end);
  Answer(RedirectTo("/b"), absl::Seconds(4));
  EXPECT_EQ(Asked().give_up_at, end);
  AnswerAt(Failed(NetError::kTotalTimeout), end);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11205");
}

// Credentials.

TEST_F(PlanTest, CredentialsFollowAChallenge) {
  handler_.primary.url = "https://Aladdin:open%20sesame@www.example.com/voice";
  Begin();
  const std::string body = Asked().body;
  EXPECT_EQ(AskedHeader("Authorization"), kNothing);
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedUrl(), kPrimary);
  EXPECT_EQ(Asked().body, body);
  EXPECT_EQ(AskedHeader("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kPrimary);
  ASSERT_THAT(Result().attempts, SizeIs(2));
  EXPECT_EQ(Result().attempts[0].http_status, 401);
  EXPECT_EQ(Result().attempts[0].error_code, 0);
}

TEST_F(PlanTest, ASecond401IsFinal) {
  handler_.primary.url = "https://u:p@www.example.com/voice#rc=0";
  Begin();
  Answer(Unauthorized(kBasic));
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11200");
}

TEST_F(PlanTest, A401WithoutAChallengeWeCanAnswerIsAnHttpError) {
  const struct {
    const char* url;
    Reply reply;
  } kRows[] = {
      {"https://u:p@www.example.com/voice", Status(401)},
      {"https://u:p@www.example.com/voice", Unauthorized("Basic")},
      {"https://u:p@www.example.com/voice", Unauthorized("Bearer realm=\"calls\"")},
      {kPrimary, Unauthorized(kBasic)},
  };
  for (const auto& row : kRows) {
    handler_.primary.url = row.url;
    Begin();
    Answer(row.reply);
    EXPECT_EQ(AskedUrl(), kFallback) << row.url;
  }
}

TEST_F(PlanTest, AChallengeIsNeitherARetryNorARedirect) {
  handler_.primary.url = "https://u:p@www.example.com/voice#rc=1&rp=5xx";
  limits_.max_redirects = 1;
  Begin();
  Answer(Unauthorized(kBasic));
  Answer(Status(503));
  EXPECT_EQ(AskedUrl(), kPrimary);
  Answer(RedirectTo("/next"));
  EXPECT_EQ(AskedUrl(), "https://www.example.com/next");
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kPrimary);
}

TEST_F(PlanTest, CredentialsStayInUseAtTheirOriginOnly) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  Begin();
  Answer(Unauthorized(kBasic));
  Answer(RedirectTo("https://WWW.example.com:443/next"));
  EXPECT_EQ(AskedHeader("Authorization"), "Basic dTpw");
  for (const char* elsewhere :
       {"https://other.example/", "http://www.example.com/", "https://www.example.com:8443/"}) {
    Answer(RedirectTo(elsewhere));
    EXPECT_EQ(AskedHeader("Authorization"), kNothing) << elsewhere;
  }
  Answer(RedirectTo("https://www.example.com/back"));
  EXPECT_EQ(AskedHeader("Authorization"), "Basic dTpw");
}

TEST_F(PlanTest, AnotherOriginThatAsksGetsNone) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  Begin();
  Answer(RedirectTo("https://other.example/"));
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedUrl(), kFallback);
}

TEST_F(PlanTest, ALocationsOwnCredentialsWaitForTheirChallenge) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  Begin();
  Answer(Unauthorized(kBasic));
  Answer(RedirectTo("https://v:q@other.example/next", 307));
  EXPECT_EQ(Asked().url, "https://other.example/next");
  EXPECT_EQ(AskedHeader("Authorization"), kNothing);
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedHeader("Authorization"), "Basic djpx");
}

TEST_F(PlanTest, TheFallbackDoesNotInheritCredentialsThatNobodyAccepted) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  handler_.fallback->url = "https://www.example.com/fallback";
  for (const bool refused : {false, true}) {
    Begin();
    if (refused) {
      Answer(Unauthorized(kBasic));
      EXPECT_NE(AskedHeader("Authorization"), kNothing);
    }
    Answer(refused ? Unauthorized(kBasic) : Status(500));
    EXPECT_EQ(AskedUrl(), "https://www.example.com/fallback");
    EXPECT_EQ(AskedHeader("Authorization"), kNothing);
    Answer(Unauthorized(kBasic));
    EXPECT_EQ(Result().source, Source::kDefault);
    EXPECT_THAT(Result().session.grants, IsEmpty());
  }
}

TEST_F(PlanTest, AcceptedCredentialsAreForTheRestOfTheCall) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  handler_.fallback->url = "https://www.example.com/fallback";
  Begin();
  Answer(Unauthorized(kBasic));
  const std::string shown = AskedHeader("Authorization");
  Answer(Status(500));  // who asked for credentials and then fails has accepted them
  EXPECT_EQ(AskedUrl(), "https://www.example.com/fallback");
  EXPECT_EQ(AskedHeader("Authorization"), shown);
  Answer(Document(kVoiceTwiml));
  ASSERT_THAT(Result().session.grants, SizeIs(1));
  EXPECT_EQ(Result().session.grants[0].origin, "https://www.example.com:443");

  // So are they for the next document.
  call_.session = Result().session;
  handler_.primary.url = "https://www.example.com/next";
  Begin();
  EXPECT_EQ(AskedHeader("Authorization"), shown);
  // And for nobody else.
  handler_.primary.url = "https://www.example.com:8443/next";
  Begin();
  EXPECT_EQ(AskedHeader("Authorization"), kNothing);
}

TEST_F(PlanTest, ANonceOfAnEarlierDocumentIsRenewedOnce) {
  handler_.primary.url = "https://u:p@www.example.com/voice";
  Begin();
  Answer(Unauthorized(kDigest));
  Answer(Document(kVoiceTwiml));
  call_.session = Result().session;
  handler_.primary.url = "https://www.example.com/next";
  Begin();
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nonce=\"n1\""));
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nc=00000002"));
  Answer(Unauthorized("Digest realm=\"calls\", nonce=\"n2\", qop=\"auth\", stale=true"));
  EXPECT_EQ(AskedUrl(), "https://www.example.com/next");
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nonce=\"n2\""));
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nc=00000001"));
  Answer(Unauthorized(kDigest));
  EXPECT_EQ(AskedUrl(), kFallback);
  Answer(Document(kVoiceTwiml));
  EXPECT_THAT(Result().session.grants, IsEmpty());
}

TEST_F(PlanTest, NewCredentialsInAUrlReplaceTheAcceptedOnes) {
  call_.session.grants = {{.origin = "https://www.example.com:443",
                           .credentials = {.user = "old", .password = Secret("x")}}};
  handler_.primary.url = "https://new:y@www.example.com/voice";
  Begin();
  EXPECT_EQ(AskedHeader("Authorization"), kNothing);  // nobody has asked for these
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedHeader("Authorization"), "Basic bmV3Onk=");
  Answer(Document(kVoiceTwiml));
  ASSERT_THAT(Result().session.grants, SizeIs(1));
  EXPECT_EQ(Result().session.grants[0].credentials.user, "new");
}

TEST_F(PlanTest, CookiesGoFromAnswerToRequestAndToTheNextDocument) {
  call_.session.cookies = {"before"};
  Begin();
  EXPECT_THAT(Asked().cookies, ElementsAre("before"));
  Reply redirect = RedirectTo("/next");
  redirect.cookies = Cookies{"before", "redirect"};
  Answer(redirect);
  EXPECT_THAT(Asked().cookies, ElementsAre("before", "redirect"));
  Answer(Failed(NetError::kReadTimeout));  // an end that says nothing of cookies
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_THAT(Asked().cookies, ElementsAre("before", "redirect"));
  Reply document = Document(kVoiceTwiml);
  document.cookies = Cookies{"fallback"};
  Answer(document);
  EXPECT_THAT(Result().session.cookies, ElementsAre("fallback"));
}

TEST_F(PlanTest, CookiesAreKeptWhenNobodyAnswers) {
  Begin();
  Reply error = Status(500);
  error.cookies = Cookies{"id"};
  Answer(error);
  Answer(Failed(NetError::kConnectionLost));
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_THAT(Result().session.cookies, ElementsAre("id"));
}

TEST_F(PlanTest, ABrokenCookieIsAProtocolViolationAndNotKept) {
  call_.session.cookies = {"before"};
  Begin();
  Reply broken = Document(kVoiceTwiml);
  broken.headers.push_back({"Set-Cookie", "a\tb=c"});
  broken.cookies = Cookies{"before", "broken"};
  Answer(broken);
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11206");
  EXPECT_THAT(Asked().cookies, ElementsAre("before"));
  codes_ = RetrievalCodes::kSpecific;
  Begin();
  Answer(broken);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11206");
}

TEST_F(PlanTest, ASessionNeverOutgrowsItsLimit) {
  Begin();
  Reply document = Document(kVoiceTwiml);
  document.cookies = Cookies{std::string(kMaxEncodedSessionBytes, 'x'), "small"};
  Answer(document);
  EXPECT_THAT(Result().session.cookies, ElementsAre("small"));
  EXPECT_EQ(Result().session_parts_left_out, 1);
}

TEST_F(PlanTest, AReportedFailureGoesStraightToTheFallback) {
  call_.failure = {.code = 13420, .url = "https://u:p@www.example.com/menu?a=b#rc=2"};
  Begin();
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "13420");
  EXPECT_EQ(AskedParameter("ErrorUrl"), "https://www.example.com/menu?a=b");
  EXPECT_EQ(AskedParameter("Digits"), "5");
  Answer(Document(kVoiceTwiml));
  EXPECT_EQ(Result().source, Source::kFallback);
  EXPECT_THAT(FaultCodes(), ElementsAre(13420));
  EXPECT_THAT(Result().attempts, SizeIs(1));
  EXPECT_EQ(Result().faults[0].target, Target::kPrimary);
  EXPECT_EQ(Result().faults[0].attempts, 0);
}

TEST_F(PlanTest, AReportedFailureWithoutAFallbackHasTheDefault) {
  call_.failure = {.code = 12100, .url = kPrimary};
  handler_.fallback.reset();
  Begin();
  EXPECT_EQ(Result().source, Source::kDefault);
  EXPECT_EQ(Result().document, kDefault);
  EXPECT_THAT(FaultCodes(), ElementsAre(12100));
}

std::shared_ptr<const Bin> MakeBin(absl::string_view text) {
  return std::make_shared<const Bin>(
      Bin{.name = "apology", .text = *twilio::BinTemplate::Parse(text)});
}

TEST_F(PlanTest, ABinAnswersWithoutARequest) {
  handler_.primary = {.url = "bin:apology",
                      .bin = MakeBin("<Response><Say>{{From}} {{CallSid}}</Say></Response>")};
  Begin();
  EXPECT_EQ(Result().source, Source::kPrimary);
  EXPECT_EQ(Result().document, "<Response><Say>+14155550100 CA1</Say></Response>");
  EXPECT_EQ(Result().document_url, "bin:apology");
  EXPECT_THAT(Result().attempts, IsEmpty());
  EXPECT_THAT(Result().faults, IsEmpty());
}

TEST_F(PlanTest, ABinAsFallbackIsToldTheError) {
  handler_.fallback = {
      .url = "bin:apology?Lang=de&CallSid=mine",
      .bin = MakeBin("<Response><Say>{{ErrorCode}} {{ErrorUrl}} {{Lang}} {{CallSid}}</Say>"
                     "<Foo/></Response>")};
  handler_.primary.url = "https://www.example.com/voice?a=1&b=2";
  Begin();
  Answer(Status(404));
  EXPECT_EQ(Result().source, Source::kFallback);
  EXPECT_EQ(Result().document,
            "<Response><Say>11200 https://www.example.com/voice?a=1&amp;b=2 de mine</Say>"
            "<Foo/></Response>");
  EXPECT_EQ(Result().document_url, "bin:apology?Lang=de&CallSid=mine");
  ASSERT_THAT(Result().warnings, SizeIs(1));
  EXPECT_EQ(Result().warnings[0].code, 12200);
  EXPECT_THAT(Result().attempts, SizeIs(1));
}

TEST_F(PlanTest, ABinThatOutgrowsADocumentIsLeftForTheFallback) {
  std::string text = "<Response><Say>";
  for (int i = 0; i < 50; ++i) text += "{{From}}";
  handler_.primary = {.url = "bin:apology", .bin = MakeBin(text + "</Say></Response>")};
  call_.parameters[1].value = std::string(10000, 'x');
  Begin();
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_EQ(AskedParameter("ErrorCode"), "11750");
  EXPECT_EQ(AskedParameter("ErrorUrl"), "bin:apology");
}

TEST_F(PlanTest, DigestCoversTheQueryAndCountsItsUses) {
  handler_.primary = {.url = "https://u:p@www.example.com/voice?a=1#rc=2&rp=5xx",
                      .method = Method::kGet};
  Begin();
  const std::string target = Asked().url.substr(std::string("https://www.example.com").size());
  Answer(Unauthorized(kDigest));
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr(absl::StrCat("uri=\"", target, "\"")));
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nc=00000001"));
  const std::string first = AskedHeader("Authorization");
  Answer(Status(503));
  EXPECT_THAT(AskedHeader("Authorization"), HasSubstr("nc=00000002"));
  EXPECT_NE(AskedHeader("Authorization"), first);
}

// Idempotency tokens.

TEST_F(PlanTest, ATargetHasOneTokenOverRetriesRedirectsAndCredentials) {
  handler_.primary.url = "https://u:p@www.example.com/voice#rc=1&rp=5xx";
  constexpr char kToken[] = "I-Twilio-Idempotency-Token";
  Begin();
  const std::string token = AskedHeader(kToken);
  Answer(Status(503));
  EXPECT_EQ(AskedHeader(kToken), token);
  Answer(Unauthorized(kBasic));
  EXPECT_EQ(AskedHeader(kToken), token);
  Answer(RedirectTo("https://other.example/"));
  EXPECT_EQ(AskedHeader(kToken), token);
  Answer(Status(404));
  EXPECT_EQ(AskedUrl(), kFallback);
  EXPECT_NE(AskedHeader(kToken), token);
}

TEST_F(PlanTest, ARepeatedRequestIdShowsTheTokenAgain) {
  constexpr char kToken[] = "I-Twilio-Idempotency-Token";
  call_.request_id = "retry-me";
  Begin();
  const std::string token = AskedHeader(kToken);
  call_.id = "RS2";
  Begin();
  EXPECT_EQ(AskedHeader(kToken), token);
  call_.account_sid = "AC2";
  Begin();
  EXPECT_NE(AskedHeader(kToken), token);

  call_.request_id.clear();
  Begin();
  const std::string by_id = AskedHeader(kToken);
  call_.id = "RS3";
  Begin();
  EXPECT_NE(AskedHeader(kToken), by_id);
}

// Messages.

TEST_F(PlanTest, AMessageIsAnsweredByMessagingRules) {
  call_.kind = Kind::kMessaging;
  Begin();
  Answer(Status(204));
  EXPECT_EQ(Result().source, Source::kPrimary);
  EXPECT_EQ(Result().document, "<Response/>");

  Begin();
  Answer(Document("ID3", "audio/mpeg"));
  EXPECT_EQ(AskedParameter("ErrorCode"), "12300");
  Answer(Document(kMessagingTwiml));
  EXPECT_EQ(Result().source, Source::kFallback);
}

}  // namespace
}  // namespace understudy::router
