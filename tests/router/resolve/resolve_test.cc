// The use cases of a failing web server, told over scripted ones in virtual time.
#include "services/router/resolve/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/twilio/documents.h"
#include "common/twilio/signature.h"
#include "tests/sim/replies.h"
#include "tests/sim/sim_origins.h"

namespace understudy::router {
namespace {

using testing::Document;
using ::testing::ElementsAre;
using testing::Failed;
using ::testing::IsEmpty;
using testing::kMessagingTwiml;
using testing::kVoiceTwiml;
using testing::RedirectTo;
using testing::SimOrigins;
using ::testing::SizeIs;
using testing::Status;

constexpr char kPrimary[] = "http://www.example.com/index";
constexpr char kFallback[] = "http://fallback.example.com/index";
constexpr char kApology[] = "<Response><Say>Please call back later.</Say></Response>";

std::string ParameterOf(const SimOrigins::Request& request, absl::string_view name) {
  const Exchange& exchange = request.exchange;
  const size_t question = exchange.url.find('?');
  const twilio::Form form =
      twilio::DecodeForm(exchange.method == Method::kGet && question != std::string::npos
                             ? absl::string_view(exchange.url).substr(question + 1)
                             : absl::string_view(exchange.body));
  const std::string* value = twilio::FindParameter(form, name);
  return value == nullptr ? "(absent)" : *value;
}

std::string HeaderOf(const SimOrigins::Request& request, absl::string_view name) {
  for (const Header& header : request.exchange.headers) {
    if (header.name == name) return header.value;
  }
  return "(absent)";
}

// A number, and calls that come in for it one after the other.
class ResolveTest : public ::testing::Test {
 protected:
  ResolveTest() {
    handler_.primary.url = kPrimary;
    handler_.fallback = Endpoint{.url = kFallback};
    origins_.Script(kFallback, Document(kApology));
  }

  // Lets a call come in; its outcome is there once the origins have run.
  void Begin(Kind kind = Kind::kVoice) {
    const auto route =
        std::make_shared<Route>(Route{.handler = handler_,
                                      .auth_token = Secret("12345"),
                                      .default_document = std::make_shared<const std::string>(
                                          twilio::DefaultDocument(kind, "We are sorry.")),
                                      .codes = codes_});
    Call call = {.id = absl::StrCat("RS", ticket_ + 1),
                 .kind = kind,
                 .account_sid = "AC1",
                 .parameters = {{"From", "+14155550100"}, {"To", "+14155550199"}},
                 .deadline = deadline_};
    if (kind == Kind::kVoice) {
      call.parameters.push_back({"CallSid", "CA1"});
    } else {
      call.parameters.push_back({"MessageSid", "SM1"});
      call.parameters.push_back({"Body", "Hi & bye"});
      call.parameters.push_back({"NumMedia", "0"});
    }
    begun_at_ = origins_.Now();
    cancellation_ = std::make_shared<Cancellation>(++ticket_);
    Resolve(origins_, cancellation_, std::move(call), route, limits_, begun_at_,
            [this](Call&, Outcome& outcome) { outcomes_.push_back(std::move(outcome)); });
  }

  // The outcome of one call from beginning to end.
  Outcome Resolved(Kind kind = Kind::kVoice) {
    outcomes_.clear();
    Begin(kind);
    origins_.RunUntilIdle();
    EXPECT_THAT(outcomes_, SizeIs(1)) << "done exactly once";
    return outcomes_.empty() ? Outcome{} : outcomes_.front();
  }

  // A call whose primary fails so, under both sets of codes: the fallback hears of it, and answers.
  void ExpectFallback(Reply reply, int classic, int specific, int primary_requests = 1) {
    for (const auto& [codes, code] :
         {std::pair{RetrievalCodes::kClassic, classic}, {RetrievalCodes::kSpecific, specific}}) {
      codes_ = codes;
      origins_ = SimOrigins();
      origins_.Script(kPrimary, reply);
      origins_.Script(kFallback, Document(kApology));
      const Outcome outcome = Resolved();
      EXPECT_EQ(outcome.source, Source::kFallback);
      EXPECT_EQ(outcome.document, kApology);
      ASSERT_THAT(outcome.faults, SizeIs(1));
      EXPECT_EQ(outcome.faults[0].code, code);
      EXPECT_EQ(outcome.faults[0].url, kPrimary);
      EXPECT_THAT(origins_.RequestsTo(kPrimary), SizeIs(primary_requests));
      const std::vector<SimOrigins::Request> fallback = origins_.RequestsTo(kFallback);
      ASSERT_THAT(fallback, SizeIs(1));
      EXPECT_EQ(ParameterOf(fallback[0], "ErrorCode"), absl::StrCat(code));
      EXPECT_EQ(ParameterOf(fallback[0], "ErrorUrl"), kPrimary);
      EXPECT_EQ(ParameterOf(fallback[0], "CallSid"), "CA1");
      EXPECT_EQ(ParameterOf(fallback[0], "From"), "+14155550100");
      EXPECT_EQ(ParameterOf(fallback[0], "To"), "+14155550199");
    }
  }

  SimOrigins origins_;
  Handler handler_;
  Limits limits_;
  RetrievalCodes codes_ = RetrievalCodes::kClassic;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time begun_at_ = {};
  std::shared_ptr<Cancellation> cancellation_;
  std::vector<Outcome> outcomes_;

 private:
  Ticket ticket_ = 0;
};

TEST_F(ResolveTest, Uc1_1_AHealthyPrimaryAnswersAlone) {
  origins_.Script(kPrimary, Document(kVoiceTwiml));
  const Outcome outcome = Resolved();
  EXPECT_EQ(outcome.source, Source::kPrimary);
  EXPECT_EQ(outcome.document, kVoiceTwiml);
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_THAT(origins_.RequestsTo(kPrimary), SizeIs(1));
  EXPECT_THAT(origins_.RequestsTo(kFallback), IsEmpty());
}

TEST_F(ResolveTest, Uc1_2_AnHttpErrorGoesToTheFallback) {
  for (const int status : {500, 404, 503}) ExpectFallback(Status(status), 11200, 11217);
}

TEST_F(ResolveTest, Uc1_3_ARefusedConnectionIsTriedTwice) {
  ExpectFallback(Failed(NetError::kConnectRefused), 11205, 11202, /*primary_requests=*/2);
}

TEST_F(ResolveTest, Uc1_4_ANameThatDoesNotResolve) {
  ExpectFallback(Failed(NetError::kNameNotFound), 11210, 11210);
}

TEST_F(ResolveTest, Uc1_5_APrimaryThatNeverAnswers) {
  const SimOrigins::Answer never = {.reply = Document(kVoiceTwiml), .delay = absl::Hours(1)};
  const struct {
    const char* fragment;
    RetrievalCodes codes;
    absl::Duration after;
    const char* code;
  } kRows[] = {
      {"", RetrievalCodes::kClassic, absl::Seconds(15), "11205"},
      {"", RetrievalCodes::kSpecific, absl::Seconds(15), "11203"},
      {"#rt=300", RetrievalCodes::kClassic, absl::Milliseconds(300), "11205"},
      {"#rt=300", RetrievalCodes::kSpecific, absl::Milliseconds(300), "11205"},
      {"#tt=800", RetrievalCodes::kClassic, absl::Milliseconds(800), "11205"},
      {"#rt=300&tt=800&rc=5&rp=rt", RetrievalCodes::kClassic, absl::Milliseconds(800), "11205"},
  };
  for (const auto& row : kRows) {
    handler_.primary.url = absl::StrCat(kPrimary, row.fragment);
    codes_ = row.codes;
    origins_.Script(kPrimary, {never});
    EXPECT_EQ(Resolved().source, Source::kFallback) << row.fragment;
    const SimOrigins::Request fallback = origins_.RequestsTo(kFallback).back();
    EXPECT_EQ(fallback.at, begun_at_ + row.after) << row.fragment;
    EXPECT_EQ(ParameterOf(fallback, "ErrorCode"), row.code) << row.fragment;
  }
}

TEST_F(ResolveTest, Uc1_6_HalfAnAnswerIsNotAskedForAgain) {
  handler_.primary.url = absl::StrCat(kPrimary, "#rc=5&rp=all");
  ExpectFallback(Failed(NetError::kReadTimeout, /*answered=*/true), 11205, 11205);
  ExpectFallback(Failed(NetError::kConnectionLost, /*answered=*/true), 11205, 11205);
}

TEST_F(ResolveTest, Uc1_7_RedirectsThatDoNotEnd) {
  ExpectFallback(RedirectTo(kPrimary), 11215, 11215, /*primary_requests=*/11);
  ExpectFallback(RedirectTo("/elsewhere", 308), 11216, 11216);
}

TEST_F(ResolveTest, Uc1_8_CertificatesThatAreNotToBeTrusted) {
  ExpectFallback(Failed(NetError::kCertificateExpired), 11236, 11236);
  ExpectFallback(Failed(NetError::kCertificateName), 11235, 11235);
  ExpectFallback(Failed(NetError::kCertificateUntrusted), 11237, 11237);
}

TEST_F(ResolveTest, Uc1_9_BrokenXmlCannotBeExecuted) {
  ExpectFallback(Document("<Response><Say>Hello</Response>"), 12100, 12100);
}

TEST_F(ResolveTest, Uc1_10_WhatIsNoDocument) {
  ExpectFallback(Document("<Foo/>"), 12102, 12102);
  ExpectFallback(Document(kVoiceTwiml, "application/pdf"), 12300, 12300);
  ExpectFallback(Failed(NetError::kBodyTooLarge, /*answered=*/true), 11750, 11750);
}

TEST_F(ResolveTest, Uc1_11_AnUnknownAttributeIsAWarningOnly) {
  origins_.Script(kPrimary, Document("<Response><Say mood=\"glad\">Hello</Say></Response>"));
  const Outcome outcome = Resolved();
  EXPECT_EQ(outcome.source, Source::kPrimary);
  ASSERT_THAT(outcome.warnings, SizeIs(1));
  EXPECT_EQ(outcome.warnings[0].code, 12200);
  EXPECT_THAT(origins_.RequestsTo(kFallback), IsEmpty());
}

TEST_F(ResolveTest, Uc1_12_EveryCallTriesThePrimaryFirst) {
  origins_.Script(kPrimary, {{.reply = Status(500)}, {.reply = Document(kVoiceTwiml)}});
  EXPECT_EQ(Resolved().source, Source::kFallback);
  EXPECT_EQ(Resolved().source, Source::kPrimary);
  EXPECT_THAT(origins_.RequestsTo(kPrimary), SizeIs(2));
  EXPECT_THAT(origins_.RequestsTo(kFallback), SizeIs(1));
}

TEST_F(ResolveTest, Uc1_13_TheThirdAttemptAnswers) {
  handler_.primary.url = absl::StrCat(kPrimary, "#rc=2&rp=5xx");
  origins_.Script(
      kPrimary, {{.reply = Status(503)}, {.reply = Status(503)}, {.reply = Document(kVoiceTwiml)}});
  const Outcome outcome = Resolved();
  EXPECT_EQ(outcome.source, Source::kPrimary);
  EXPECT_THAT(outcome.attempts, SizeIs(3));
  const std::vector<SimOrigins::Request> requests = origins_.RequestsTo(kPrimary);
  ASSERT_THAT(requests, SizeIs(3));
  for (const SimOrigins::Request& request : requests) {
    EXPECT_EQ(HeaderOf(request, "I-Twilio-Idempotency-Token"),
              HeaderOf(requests[0], "I-Twilio-Idempotency-Token"));
  }
  EXPECT_THAT(origins_.RequestsTo(kFallback), IsEmpty());
}

TEST_F(ResolveTest, Uc1_14_AGetFallbackKeepsItsQueryAndSignsTheWhole) {
  handler_.fallback = Endpoint{.url = absl::StrCat(kFallback, "?site=b"), .method = Method::kGet};
  origins_.Script(kPrimary, Status(500));
  EXPECT_EQ(Resolved().source, Source::kFallback);
  const SimOrigins::Request request = origins_.RequestsTo(kFallback).at(0);
  EXPECT_EQ(request.exchange.url,
            absl::StrCat(kFallback,
                         "?site=b&From=%2B14155550100&To=%2B14155550199&CallSid=CA1&AccountSid=AC1"
                         "&ApiVersion=2010-04-01&ErrorCode=11200"
                         "&ErrorUrl=http%3A%2F%2Fwww.example.com%2Findex"));
  EXPECT_EQ(request.exchange.body, "");
  EXPECT_EQ(HeaderOf(request, "X-Twilio-Signature"),
            twilio::Sign(Secret("12345"), request.exchange.url, {}));
}

TEST_F(ResolveTest, Uc1_15_AMessageKeepsItsParameters) {
  origins_.Script(kPrimary, Status(500));
  origins_.Script(kFallback, Document(kMessagingTwiml));
  const Outcome outcome = Resolved(Kind::kMessaging);
  EXPECT_EQ(outcome.source, Source::kFallback);
  EXPECT_EQ(outcome.document, kMessagingTwiml);
  const SimOrigins::Request request = origins_.RequestsTo(kFallback).at(0);
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"Body", "Hi & bye"},
                                                        {"NumMedia", "0"},
                                                        {"MessageSid", "SM1"},
                                                        {"ErrorCode", "11200"},
                                                        {"ErrorUrl", kPrimary},
                                                        {"CallSid", "(absent)"}}) {
    EXPECT_EQ(ParameterOf(request, name), value) << name;
  }
}

TEST_F(ResolveTest, Uc1_16_WithoutAFallbackTheDefaultAnswers) {
  handler_.fallback.reset();
  origins_.Script(kPrimary, Status(500));
  const Outcome call = Resolved(Kind::kVoice);
  EXPECT_EQ(call.source, Source::kDefault);
  EXPECT_EQ(call.document, "<Response><Say>We are sorry.</Say><Hangup/></Response>");
  EXPECT_THAT(call.faults, SizeIs(1));
  const Outcome message = Resolved(Kind::kMessaging);
  EXPECT_EQ(message.source, Source::kDefault);
  EXPECT_EQ(message.document, "<Response/>");
  EXPECT_THAT(message.faults, SizeIs(1));
}

TEST_F(ResolveTest, Uc1_17_BothFailedIsTwoFaultsAndNoThirdRequest) {
  origins_.Script(kPrimary, Status(500));
  origins_.Script(kFallback, Failed(NetError::kNameNotFound));
  const Outcome outcome = Resolved();
  EXPECT_EQ(outcome.source, Source::kDefault);
  ASSERT_THAT(outcome.faults, SizeIs(2));
  EXPECT_EQ(outcome.faults[0].code, 11200);
  EXPECT_EQ(outcome.faults[1].code, 11210);
  EXPECT_THAT(origins_.requests(), SizeIs(2));

  handler_.fallback = handler_.primary;
  EXPECT_THAT(Resolved().faults, SizeIs(2));
  EXPECT_THAT(origins_.requests(), SizeIs(4));
}

TEST_F(ResolveTest, Uc1_20_ACallAndAMessageAtTheSameTimeHaveTheirOwnOutcomes) {
  origins_.Script(kPrimary, {{.reply = Status(500), .delay = absl::Milliseconds(30)}});
  Begin(Kind::kVoice);

  constexpr char kMessages[] = "http://www.example.com/messages";
  handler_ = {.primary = {.url = kMessages}};
  origins_.Script(kMessages,
                  {{.reply = Document(kMessagingTwiml), .delay = absl::Milliseconds(10)}});
  Begin(Kind::kMessaging);

  origins_.RunUntilIdle();
  ASSERT_THAT(outcomes_, SizeIs(2));
  EXPECT_EQ(outcomes_[0].source, Source::kPrimary);
  EXPECT_EQ(outcomes_[0].document, kMessagingTwiml);
  EXPECT_EQ(outcomes_[1].source, Source::kFallback);
  EXPECT_EQ(outcomes_[1].document, kApology);
}

TEST_F(ResolveTest, TheAnswerIsThereBeforeTheCallersDeadline) {
  deadline_ = origins_.Now() + absl::Seconds(4);
  const SimOrigins::Answer never = {.reply = Document(kVoiceTwiml), .delay = absl::Hours(1)};
  origins_.Script(kPrimary, {never});
  origins_.Script(kFallback, {never});
  const Outcome outcome = Resolved();
  EXPECT_EQ(outcome.source, Source::kDefault);
  EXPECT_THAT(outcome.faults, SizeIs(2));
  EXPECT_EQ(origins_.Now(), deadline_ - limits_.reply_reserve);
}

TEST_F(ResolveTest, WithNothingToAskTheOutcomeIsThereAtOnce) {
  handler_ = {.primary = {.url = "www.example.com"}};
  Begin();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(outcomes_[0].source, Source::kDefault);
  EXPECT_THAT(origins_.requests(), IsEmpty());
}

// Cancelled before its first, second, ... answer is delivered, and after the last.
TEST_F(ResolveTest, ACallCancelledAtAnyMomentEndsOnceAndAsksNothingMore) {
  origins_.Script(kPrimary, Failed(NetError::kConnectRefused));
  origins_.Script(kFallback, {{.reply = RedirectTo("/there")}});
  origins_.Script("http://fallback.example.com/there", Document(kApology));
  constexpr size_t kRequests = 4;  // the primary twice, the fallback, where it leads
  ASSERT_EQ(Resolved().source, Source::kFallback);
  ASSERT_THAT(origins_.requests(), SizeIs(kRequests));

  for (size_t delivered = 0; delivered <= kRequests; ++delivered) {
    SCOPED_TRACE(delivered);
    outcomes_.clear();
    const size_t before = origins_.requests().size();
    Begin();
    for (size_t i = 0; i < delivered; ++i) ASSERT_TRUE(origins_.RunNext());
    cancellation_->Cancel(origins_);
    const absl::Time cancelled_at = origins_.Now();
    origins_.RunUntilIdle();
    ASSERT_THAT(outcomes_, SizeIs(1));
    EXPECT_EQ(origins_.Now(), cancelled_at);
    EXPECT_EQ(outcomes_[0].cancelled, delivered < kRequests);
    EXPECT_EQ(origins_.requests().size() - before, std::min(delivered + 1, kRequests));
    EXPECT_THAT(outcomes_[0].faults, SizeIs(delivered < 2 ? 0 : 1));
  }
}

TEST_F(ResolveTest, ACallCancelledBeforeItBeginsEndsWithoutWaiting) {
  const auto cancellation = std::make_shared<Cancellation>(100);
  cancellation->Cancel(origins_);
  origins_.Script(kPrimary, {{.reply = Document(kVoiceTwiml), .delay = absl::Seconds(5)}});
  const auto route = std::make_shared<Route>(
      Route{.handler = handler_, .default_document = std::make_shared<const std::string>("x")});
  int done = 0;
  const absl::Time begun_at = origins_.Now();
  Resolve(origins_, cancellation, Call{}, route, limits_, begun_at, [&](Call&, Outcome& outcome) {
    ++done;
    EXPECT_TRUE(outcome.cancelled);
  });
  origins_.RunUntilIdle();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(origins_.Now(), begun_at);
}

// A cancel that finds no answer due, because the next request is not out yet, is not lost.
TEST_F(ResolveTest, ACallCancelledBetweenTwoRequestsEndsWithoutWaiting) {
  // Cancels while it takes the second request, before its answer is due.
  class CancelsInBetween : public Fetcher {
   public:
    explicit CancelsInBetween(SimOrigins& origins) : origins_(origins) {}
    void Fetch(Ticket ticket, Exchange exchange, Done done) override {
      if (++requests_ == 2) cancellation->Cancel(*this);
      origins_.Fetch(ticket, std::move(exchange), std::move(done));
    }
    void Cancel(Ticket ticket) override { origins_.Cancel(ticket); }
    std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>(100);

   private:
    SimOrigins& origins_;
    int requests_ = 0;
  };
  CancelsInBetween fetcher(origins_);
  origins_.Script(kPrimary, Status(500));
  origins_.Script(kFallback, {{.reply = Document(kApology), .delay = absl::Seconds(5)}});
  const auto route = std::make_shared<Route>(
      Route{.handler = handler_, .default_document = std::make_shared<const std::string>("x")});
  int done = 0;
  Resolve(fetcher, fetcher.cancellation, Call{}, route, limits_, origins_.Now(),
          [&](Call&, Outcome& outcome) {
            ++done;
            EXPECT_TRUE(outcome.cancelled);
            EXPECT_THAT(outcome.faults, SizeIs(1));
          });
  ASSERT_TRUE(origins_.RunNext());
  const absl::Time failed_at = origins_.Now();
  origins_.RunUntilIdle();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(origins_.Now(), failed_at);
}

}  // namespace
}  // namespace understudy::router
