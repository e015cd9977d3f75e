// Walks what can happen to a call, choice by choice, and holds every walk against what the plan
// promises whatever happens. The promises are written out here a second time, from the requests
// and replies alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/documents.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "common/twilio/twiml.h"
#include "services/router/resolve/plan.h"
#include "tests/sim/replies.h"
#include "tests/testing/every_choice.h"

namespace understudy::router {
namespace {

using testing::EveryChoice;
using testing::Failed;
using testing::RedirectTo;
using testing::Status;

const absl::Time kBegin = absl::UnixEpoch() + absl::Hours(1);
const Secret kToken("12345");
constexpr char kSecretWord[] = "hunter2";
constexpr int kRequestsMax = 100;  // far over what any target may be asked

enum class Answer : uint8_t {
  kDocument,
  kServerError,
  kRefused,
  kReadTimeout,
  kTotalTimeout,
  kBrokenDocument,
  kRedirect,
  kRedirectElsewhere,  // keeps the method, to an origin with credentials of its own
  kUnauthorized,
  kCancelled,
};
constexpr Answer kAllAnswers[] = {
    Answer::kDocument,     Answer::kServerError,    Answer::kRefused,  Answer::kReadTimeout,
    Answer::kTotalTimeout, Answer::kBrokenDocument, Answer::kRedirect, Answer::kRedirectElsewhere,
    Answer::kUnauthorized, Answer::kCancelled};

// What the call is configured with and asked under.
struct Setting {
  Kind kind = Kind::kVoice;
  const char* fragment = "";
  int retries = 1;
  std::optional<Method> fallback = {};
  absl::Time deadline = absl::InfiniteFuture();
  Limits limits = {};
};

// One request and how it ended.
struct Made {
  Exchange exchange = {};
  absl::Time at = {};
  Answer answer = Answer::kDocument;
  Reply reply = {};
};

Target TargetOf(const Exchange& exchange) {
  return absl::StrContains(exchange.url.substr(0, exchange.url.find('?')), "fallback.example")
             ? Target::kFallback
             : Target::kPrimary;
}

std::string OriginOf(const Exchange& exchange) {
  return exchange.url.substr(0, exchange.url.find('/', std::string("https://").size()));
}

const std::string* FindHeader(const Exchange& exchange, absl::string_view name) {
  for (const Header& header : exchange.headers) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

// What `answer` is to this request, and when.
Reply ReplyOf(Answer answer, const Exchange& exchange, Kind kind, absl::Time now) {
  const std::string host = TargetOf(exchange) == Target::kPrimary ? "example" : "fallback.example";
  const auto after = [&](Reply reply, absl::Duration took) {
    reply.finished_at = std::min(now + took, exchange.give_up_at);
    return reply;
  };
  switch (answer) {
    case Answer::kDocument:
      return after(
          testing::Document(kind == Kind::kVoice ? testing::kVoiceTwiml : testing::kMessagingTwiml),
          absl::Milliseconds(50));
    case Answer::kServerError:
      return after(Status(503), absl::Milliseconds(50));
    case Answer::kRefused:
      return after(Failed(NetError::kConnectRefused), absl::Milliseconds(1));
    case Answer::kReadTimeout:
      return after(Failed(NetError::kReadTimeout), absl::Seconds(2));
    case Answer::kTotalTimeout:
      return after(Failed(NetError::kTotalTimeout), absl::InfiniteDuration());
    case Answer::kBrokenDocument:
      return after(testing::Document("<Response>"), absl::Milliseconds(50));
    case Answer::kRedirect:
      return after(RedirectTo("next?step=2"), absl::Milliseconds(50));
    case Answer::kRedirectElsewhere:
      return after(
          RedirectTo(absl::StrCat("https://v:", kSecretWord, "@else.", host, "/moved"), 307),
          absl::Milliseconds(50));
    case Answer::kUnauthorized:
      return after(testing::Unauthorized("Digest realm=\"calls\", nonce=\"n\", qop=\"auth\""),
                   absl::Milliseconds(50));
    case Answer::kCancelled:
      return after(Failed(NetError::kCancelled), absl::Milliseconds(10));
  }
  return {};
}

// One walk: the call is carried to its end, with `next_answer` for every request it makes.
class Walk {
 public:
  template <typename NextAnswer>
  Walk(const Setting& setting, NextAnswer next_answer) : setting_(setting) {
    Route route = {.auth_token = kToken,
                   .default_document = std::make_shared<const std::string>(
                       twilio::DefaultDocument(setting.kind, "We are sorry."))};
    route.handler.primary.url =
        absl::StrCat("https://u:", kSecretWord, "@www.example/call?tenant=7", setting.fragment);
    if (setting.fallback.has_value()) {
      route.handler.fallback =
          Endpoint{.url = absl::StrCat("https://u:", kSecretWord, "@www.fallback.example:8443/call",
                                       setting.fragment),
                   .method = *setting.fallback};
    }
    Plan plan({.id = "RS1",
               .kind = setting.kind,
               .account_sid = "AC1",
               .parameters = {{"CallSid", "CA1"}, {"Digits", "5"}},
               .deadline = setting.deadline},
              std::make_shared<const Route>(std::move(route)), setting.limits);
    Step step = plan.Begin(kBegin);
    while (auto* exchange = std::get_if<Exchange>(&step)) {
      if (made_.size() == kRequestsMax) return;
      Made made = {.exchange = std::move(*exchange), .at = ended_at_};
      made.answer = next_answer(made_.size());
      made.reply = ReplyOf(made.answer, made.exchange, setting.kind, made.at);
      ended_at_ = made.reply.finished_at;
      made_.push_back(std::move(made));
      step = plan.OnReply(made_.back().reply);
    }
    outcome_ = std::get<Outcome>(std::move(step));
  }

  // Empty, or which promises the walk broke.
  std::string Broken() {
    Check(made_.size() < kRequestsMax, "a call ends");
    if (!broken_.empty()) return broken_;
    CheckDocument();
    CheckTimes();
    CheckRequestCounts();
    CheckFaultsAndFallback();
    CheckErrorParameters();
    CheckCredentials();
    CheckTokens();
    CheckSignatures();
    CheckAttempts();
    return broken_;
  }

  size_t requests() const { return made_.size(); }

 private:
  void Check(bool holds, absl::string_view promise) {
    if (!holds) absl::StrAppend(&broken_, "\n  ", promise);
  }

  std::vector<const Made*> MadeTo(Target target) const {
    std::vector<const Made*> found;
    for (const Made& made : made_) {
      if (TargetOf(made.exchange) == target) found.push_back(&made);
    }
    return found;
  }

  static bool IsRedirect(const Made& made) {
    return made.answer == Answer::kRedirect || made.answer == Answer::kRedirectElsewhere;
  }

  bool WasCancelled() const { return !made_.empty() && made_.back().answer == Answer::kCancelled; }

  void CheckDocument() {
    Check(outcome_.cancelled == WasCancelled(), "cancelled is what the fetcher said it is");
    if (outcome_.cancelled) return;
    const twilio::TwimlReport report = twilio::CheckTwiml(outcome_.document, setting_.kind);
    Check(!report.fatal.has_value() && report.warnings.empty(), "the document is valid");
    Check((outcome_.source == Source::kDefault) == outcome_.document_url.empty(),
          "a document has a URL unless it is the default");
    if (outcome_.source != Source::kDefault) {
      Check(made_.back().answer == Answer::kDocument &&
                (TargetOf(made_.back().exchange) == Target::kPrimary) ==
                    (outcome_.source == Source::kPrimary),
            "the source is who gave the document");
    }
  }

  void CheckTimes() {
    const absl::Time end = setting_.deadline - setting_.limits.reply_reserve;
    for (const Target target : {Target::kPrimary, Target::kFallback}) {
      const std::vector<const Made*> asked = MadeTo(target);
      for (const Made* made : asked) {
        Check(made->exchange.give_up_at <= end, "no request outlasts the deadline");
        Check(made->exchange.give_up_at > made->at, "no request is made without time");
        Check(made->exchange.give_up_at <= asked.front()->at + setting_.limits.total_timeout,
              "no target takes longer than its total time");
        Check(made->exchange.give_up_at == asked.front()->exchange.give_up_at,
              "a target has one budget");
      }
    }
    Check(ended_at_ <= std::max(end, kBegin), "the outcome is there before the deadline");
  }

  void CheckRequestCounts() {
    for (const Target target : {Target::kPrimary, Target::kFallback}) {
      int retries = 0;
      int redirects = 0;
      int challenges = 0;
      const std::vector<const Made*> asked = MadeTo(target);
      for (size_t i = 0; i + 1 < asked.size(); ++i) {
        if (IsRedirect(*asked[i])) {
          ++redirects;
        } else if (asked[i]->answer == Answer::kUnauthorized &&
                   FindHeader(asked[i]->exchange, "Authorization") == nullptr) {
          ++challenges;
          Check(FindHeader(asked[i + 1]->exchange, "Authorization") != nullptr,
                "a challenge is answered once");
        } else {
          ++retries;
        }
      }
      Check(retries <= setting_.retries, "at most rc + 1 tries");
      Check(redirects <= setting_.limits.max_redirects, "at most so many redirects");
      Check(challenges <= redirects + 1, "one challenge for each request");
    }
  }

  void CheckFaultsAndFallback() {
    const bool primary_failed =
        !outcome_.faults.empty() && outcome_.faults.front().target == Target::kPrimary;
    const std::vector<const Made*> primary = MadeTo(Target::kPrimary);
    const std::vector<const Made*> fallback = MadeTo(Target::kFallback);
    const absl::Time left_at = primary.empty() ? kBegin : primary.back()->reply.finished_at;

    Check(outcome_.source == Source::kPrimary || primary_failed || WasCancelled(),
          "the primary is left for a fault only");
    const bool is_due = primary_failed && setting_.fallback.has_value() &&
                        left_at < setting_.deadline - setting_.limits.reply_reserve;
    Check(is_due == !fallback.empty(), "the fallback is asked exactly when it should be");
    for (size_t i = 0; i < made_.size(); ++i) {
      Check((i < primary.size()) == (TargetOf(made_[i].exchange) == Target::kPrimary),
            "once left, the primary is not asked again");
    }
    if (!fallback.empty()) {
      Check(fallback.front()->at == left_at, "the fallback is asked at once");
    }

    // One fault for each target that ended without a document, in order.
    std::vector<Target> failed;
    if (outcome_.source != Source::kPrimary &&
        !(WasCancelled() && TargetOf(made_.back().exchange) == Target::kPrimary)) {
      failed.push_back(Target::kPrimary);
      if (!fallback.empty() && outcome_.source != Source::kFallback && !WasCancelled()) {
        failed.push_back(Target::kFallback);
      }
    }
    std::vector<Target> told;
    for (const Fault& fault : outcome_.faults) told.push_back(fault.target);
    Check(told == failed, "each target that failed is told of once");
    for (const Fault& fault : outcome_.faults) {
      const twilio::ErrorCode* code = twilio::FindErrorCode(fault.code);
      Check(code != nullptr && code->fatal, "a fault's code is a fatal one");
      const std::vector<const Made*> asked = MadeTo(fault.target);
      Check(fault.attempts == static_cast<int>(asked.size()), "a fault counts its requests");
      if (asked.empty()) continue;
      const absl::string_view url = asked.back()->exchange.url;
      Check(absl::StartsWith(url, fault.url), "a fault's URL is the one that failed");
      Check(fault.elapsed == asked.back()->reply.finished_at - asked.front()->at,
            "a fault says how long it took");
    }
  }

  void CheckErrorParameters() {
    for (const Made& made : made_) {
      const Exchange& exchange = made.exchange;
      const size_t question = exchange.url.find('?');
      const twilio::Form form =
          exchange.method == Method::kPost || question == std::string::npos
              ? twilio::DecodeForm(exchange.body)
              : twilio::DecodeForm(absl::string_view(exchange.url).substr(question + 1));
      const std::string* code = twilio::FindParameter(form, "ErrorCode");
      const std::string* url = twilio::FindParameter(form, "ErrorUrl");
      if (TargetOf(exchange) == Target::kPrimary) {
        Check(code == nullptr && url == nullptr, "the primary hears of no error");
      } else {
        Check(code != nullptr && *code == absl::StrCat(outcome_.faults.front().code) &&
                  url != nullptr && *url == outcome_.faults.front().url,
              "the fallback hears of the primary's fault on every request");
      }
      Check(twilio::FindParameter(form, "CallSid") != nullptr, "the call is named");
    }
  }

  void CheckCredentials() {
    const auto is_clean = [](absl::string_view text) {
      return !absl::StrContains(text, kSecretWord);
    };
    for (const Fault& fault : outcome_.faults) {
      Check(is_clean(fault.url) && is_clean(fault.detail), "faults show no credentials");
    }
    for (const Attempt& attempt : outcome_.attempts) {
      Check(is_clean(attempt.url) && is_clean(attempt.detail), "attempts show no credentials");
    }
    for (const std::string& note : outcome_.notes) Check(is_clean(note), "notes are clean");
    Check(is_clean(outcome_.document_url) && is_clean(outcome_.document), "the answer is clean");

    std::set<std::pair<Target, std::string>> challenged;
    for (const Made& made : made_) {
      Check(is_clean(made.exchange.url) && is_clean(made.exchange.body),
            "requests show no credentials");
      const std::pair<Target, std::string> origin = {TargetOf(made.exchange),
                                                     OriginOf(made.exchange)};
      Check(FindHeader(made.exchange, "Authorization") == nullptr || challenged.count(origin) == 1,
            "credentials follow their origin's challenge");
      if (made.answer == Answer::kUnauthorized) challenged.insert(origin);
    }
  }

  void CheckTokens() {
    std::set<std::string> of_target[2];
    for (const Made& made : made_) {
      const std::string* token = FindHeader(made.exchange, "I-Twilio-Idempotency-Token");
      Check(token != nullptr, "every request has a token");
      if (token != nullptr) {
        of_target[static_cast<size_t>(TargetOf(made.exchange))].insert(*token);
      }
    }
    Check(of_target[0].size() <= 1 && of_target[1].size() <= 1, "a target has one token");
    Check(of_target[0].empty() || of_target[0] != of_target[1], "two targets have two tokens");
  }

  void CheckSignatures() {
    for (const Made& made : made_) {
      const std::string* signature = FindHeader(made.exchange, "X-Twilio-Signature");
      Check(signature != nullptr &&
                *signature == twilio::Sign(kToken,
                                           twilio::SignedUrl(made.exchange.url, setting_.kind),
                                           twilio::DecodeForm(made.exchange.body)),
            "the signature is over what is sent");
    }
  }

  void CheckAttempts() {
    Check(outcome_.attempts.size() == made_.size(), "every request is an attempt");
    for (size_t i = 0; i < std::min(outcome_.attempts.size(), made_.size()); ++i) {
      const Attempt& attempt = outcome_.attempts[i];
      const Made& made = made_[i];
      Check(attempt.target == TargetOf(made.exchange) &&
                absl::StartsWith(made.exchange.url, attempt.url) &&
                attempt.method == made.exchange.method && attempt.http_status == made.reply.status,
            "attempts are the requests, in order");
      const bool is_last_of_target =
          i + 1 == made_.size() || TargetOf(made_[i + 1].exchange) != attempt.target;
      if (is_last_of_target && !WasCancelled()) {
        int code = 0;
        for (const Fault& fault : outcome_.faults) {
          if (fault.target == attempt.target) code = fault.code;
        }
        Check(attempt.error_code == code, "the last attempt at a target has its fault's code");
      }
    }
  }

  const Setting setting_;
  std::vector<Made> made_;
  absl::Time ended_at_ = kBegin;
  Outcome outcome_;
  std::string broken_;
};

struct Count {
  int walks = 0;
  size_t requests = 0;

  void Say(const char* what) const {
    std::printf("%s: %d walks, %zu requests\n", what, walks, requests);
    ::testing::Test::RecordProperty("walks", walks);
  }
};

// Every answer to each of the first three requests, a document to those that follow; under every
// setting, messages under the default fragment only.
TEST(PlanEveryChoiceTest, WhateverHappensThePlanKeepsItsPromises) {
  constexpr size_t kDepth = 3;
  constexpr std::pair<const char*, int> kFragments[] = {{"", 1}, {"#rc=0", 0}, {"#rc=2&rp=all", 2}};
  constexpr std::optional<Method> kFallbacks[] = {std::nullopt, Method::kPost, Method::kGet};
  const absl::Time kDeadlines[] = {absl::InfiniteFuture(), kBegin + absl::Seconds(6),
                                   kBegin + absl::Milliseconds(100)};
  Count count;
  EveryChoice choice;
  while (!choice.Done()) {
    Setting setting;
    setting.deadline = kDeadlines[choice.Pick(3)];
    setting.fallback = kFallbacks[choice.Pick(3)];
    const int fragment = choice.Pick(4);
    if (fragment == 3) {
      setting.kind = Kind::kMessaging;
    } else {
      std::tie(setting.fragment, setting.retries) = kFragments[fragment];
    }

    Walk walk(setting, [&](size_t request) {
      return request < kDepth ? kAllAnswers[choice.Pick(std::size(kAllAnswers))]
                              : Answer::kDocument;
    });
    const std::string broken = walk.Broken();
    ASSERT_EQ(broken, "") << "picks: " << choice.ToString();
    ++count.walks;
    count.requests += walk.requests();
  }
  count.Say("every answer to three requests");
  EXPECT_GE(count.walks, 10000);
}

// Retries, redirects and challenges in every order until the plan itself says enough: with a limit
// of four redirects and two retries, of one target and of two.
TEST(PlanEveryChoiceTest, LimitsHoldInWhateverOrderTheyAreReached) {
  constexpr Answer kAnswers[] = {Answer::kServerError, Answer::kRedirect, Answer::kUnauthorized};
  Count count;
  size_t longest = 0;
  EveryChoice choice;
  while (!choice.Done()) {
    Setting setting = {.fragment = "#rc=2&rp=5xx", .retries = 2};
    setting.limits.max_redirects = 4;
    Walk walk(setting, [&](size_t) { return kAnswers[choice.Pick(std::size(kAnswers))]; });
    const std::string broken = walk.Broken();
    ASSERT_EQ(broken, "") << "picks: " << choice.ToString();
    ++count.walks;
    count.requests += walk.requests();
    longest = std::max(longest, walk.requests());
  }
  count.Say("every order of retries, redirects and a challenge");
  EXPECT_GE(count.walks, 700);
  EXPECT_EQ(longest, 1u + 2 + 4 + 1);  // the first, the retries, the redirects, the challenge
}

}  // namespace
}  // namespace understudy::router
