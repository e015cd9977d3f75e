#include "services/notifier/ingest/event.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1764000000);

Event GoodEvent() {
  return {.event_id = "E1",
          .occurred_at = kNow - absl::Minutes(1),
          .account_sid = "AC00000000000000000000000000000001",
          .phone_number = "+14155550199",
          .resource_sid = "CA0123456789abcdef0123456789abcdef",
          .error_code = 11200,
          .error_url = "https://www.example.com/voice?a=b",
          .detail = "HTTP status 500"};
}

// Why `event` is refused; "" if it is not.
std::string Reason(Event event) {
  const std::optional<Refusal> refusal = Normalize(event, kNow);
  if (!refusal.has_value()) return "";
  EXPECT_FALSE(refusal->field.empty());
  EXPECT_FALSE(refusal->message.empty());
  return refusal->reason;
}

Event Normalized(Event event) {
  EXPECT_FALSE(Normalize(event, kNow).has_value());
  return event;
}

TEST(NormalizeTest, AGoodEventStaysAsItIs) {
  Event expected = GoodEvent();
  expected.received_at = kNow;
  EXPECT_EQ(Normalized(GoodEvent()), expected);
}

TEST(NormalizeTest, RefusesWhatCannotBeTold) {
  Event event = GoodEvent();
  for (const std::string& id : {std::string(), std::string(kMaxEventIdBytes + 1, 'x'),
                                std::string("a\nb"), std::string("a\xFF")}) {
    event.event_id = id;
    EXPECT_EQ(Reason(event), "EVENT_ID_INVALID") << id;
  }
  event.event_id = std::string(kMaxEventIdBytes, 'x');
  EXPECT_EQ(Reason(event), "");
  event = GoodEvent();
  for (const char* sid : {"", "AC1", "CA00000000000000000000000000000001"}) {
    event.account_sid = sid;
    EXPECT_EQ(Reason(event), "ACCOUNT_SID_INVALID") << sid;
  }
  event = GoodEvent();
  event.error_code = -1;
  EXPECT_EQ(Reason(event), "ERROR_CODE_INVALID");
  for (const int code : {0, 99999, 2147483647}) {
    event.error_code = code;
    EXPECT_EQ(Reason(event), "");
  }
}

TEST(NormalizeTest, UrlsLoseTheirCredentialsAndFragment) {
  Event event = GoodEvent();
  event.error_url = "https://u:hunter2@www.example.com/voice?a=b#rc=2";
  EXPECT_EQ(Normalized(event).error_url, "https://www.example.com/voice?a=b");
}

TEST(NormalizeTest, TextsAreCutBetweenCharacters) {
  const std::string tail = "\xC3\xA9";
  for (const size_t over : {size_t{0}, size_t{1}, size_t{2}, size_t{1000000}}) {
    Event event = GoodEvent();
    event.detail = std::string(kMaxTextBytes - 1, 'x') + tail + std::string(over, 'y');
    EXPECT_EQ(Normalized(event).detail, std::string(kMaxTextBytes - 1, 'x'));
    event.detail = std::string(kMaxTextBytes - 2, 'x') + tail + std::string(over, 'y');
    EXPECT_EQ(Normalized(event).detail, std::string(kMaxTextBytes - 2, 'x') + tail);
    event.phone_number = std::string(kMaxWordBytes + over, '1');
    EXPECT_EQ(Normalized(event).phone_number.size(), kMaxWordBytes);
    event.error_url = "https://a.example/" + std::string(kMaxUrlBytes + over, 'u');
    EXPECT_EQ(Normalized(event).error_url.size(), kMaxUrlBytes);
  }
}

TEST(NormalizeTest, TextsBecomeHarmless) {
  Event event = GoodEvent();
  event.detail = "one\r\nBcc: two\tthree\x01\x7f";
  EXPECT_EQ(Normalized(event).detail, "one  Bcc: two three  ");
  event.detail = "a\xFFz\xC3(";
  EXPECT_EQ(Normalized(event).detail, "a\xEF\xBF\xBDz\xEF\xBF\xBD(");
  event.detail = std::string(10000, '\xFF');
  EXPECT_LE(Normalized(event).detail.size(), kMaxTextBytes);
  event.error_url = "https://a.example/\r\nX: y";
  EXPECT_EQ(Normalized(event).error_url, "https://a.example/  X: y");
}

TEST(NormalizeTest, ParametersAndHeadersAreKeptWithinBoundsAndWithoutSecrets) {
  Event event = GoodEvent();
  event.parameters = {{"Digits", "1234"}, {"From", "+14155550100"}};
  event.request_headers = {{"Accept", "*/*"}, {"Authorization", "Basic aHVudGVyMg=="}};
  event.response_headers = {{"Set-Cookie", "a=b"}, {"Server", "nginx"}};
  event = Normalized(event);
  EXPECT_EQ(event.parameters, (twilio::Form{{"Digits", "[not kept]"}, {"From", "+14155550100"}}));
  EXPECT_EQ(event.request_headers, (twilio::Form{{"Accept", "*/*"}}));
  EXPECT_EQ(event.response_headers, (twilio::Form{{"Server", "nginx"}}));
}

TEST(NormalizeTest, OfManyAttemptsTheMiddleOnesAreLeftOut) {
  for (const size_t count : {kMaxAttempts, kMaxAttempts + 1, size_t{1000}}) {
    Event event = GoodEvent();
    for (size_t i = 0; i < count; ++i)
      event.attempts.push_back({.http_status = static_cast<int>(i)});
    event = Normalized(event);
    ASSERT_EQ(event.attempts.size(), kMaxAttempts);
    for (size_t i = 0; i < kMaxAttempts; ++i) {
      const size_t expected = i < kMaxAttempts / 2 ? i : count - kMaxAttempts + i;
      EXPECT_EQ(event.attempts[i].http_status, static_cast<int>(expected));
    }
  }
}

TEST(NormalizeTest, AttemptsAreMadeFitToKeep) {
  Event event = GoodEvent();
  event.attempts = {{.url = "https://u:p@a.example/" + std::string(kMaxUrlBytes, 'u') + "#f",
                     .remote_address = std::string(kMaxWordBytes + 1, 'r'),
                     .http_status = -1,
                     .error_code = -1,
                     .detail = "a\nb" + std::string(kMaxAttemptDetailBytes, 'd'),
                     .dns = -absl::Seconds(1),
                     .connect = absl::InfiniteDuration(),
                     .tls = kMaxElapsed + absl::Nanoseconds(1),
                     .first_byte = kMaxElapsed,
                     .total = -absl::InfiniteDuration()}};
  const Attempt attempt = Normalized(event).attempts.at(0);
  EXPECT_EQ(attempt.url, ("https://a.example/" + std::string(kMaxUrlBytes, 'u')).substr(0, 2048));
  EXPECT_EQ(attempt.remote_address.size(), kMaxWordBytes);
  EXPECT_EQ(attempt.http_status, 0);
  EXPECT_EQ(attempt.error_code, 0);
  EXPECT_EQ(attempt.detail, "a b" + std::string(kMaxAttemptDetailBytes - 3, 'd'));
  EXPECT_EQ(attempt.dns, absl::ZeroDuration());
  EXPECT_EQ(attempt.connect, kMaxElapsed);
  EXPECT_EQ(attempt.tls, kMaxElapsed);
  EXPECT_EQ(attempt.first_byte, kMaxElapsed);
  EXPECT_EQ(attempt.total, absl::ZeroDuration());
}

TEST(NormalizeTest, ATimeFarOffIsNone) {
  Event event = GoodEvent();
  for (const absl::Time time : {absl::Time(), kNow - absl::Hours(25), kNow + absl::Hours(25),
                                absl::InfiniteFuture(), absl::InfinitePast()}) {
    event.occurred_at = time;
    EXPECT_EQ(Normalized(event).occurred_at, kNow);
  }
  event.occurred_at = kNow - absl::Hours(23);
  EXPECT_EQ(Normalized(event).occurred_at, kNow - absl::Hours(23));
  EXPECT_EQ(Normalized(event).received_at, kNow);
}

TEST(GroupKeyTest, IsTheHostOfTheUrl) {
  const struct {
    std::string url;
    std::string host;
  } kCases[] = {
      {"https://WWW.example.com/voice", "www.example.com"},
      {"https://www.example.com", "www.example.com"},
      {"https://www.example.com:8443?a=b", "www.example.com:8443"},
      {"http://[2001:db8::1]:80/", "[2001:db8::1]:80"},
      {"bin:apology?a=b", "bin:apology"},
      {"", ""},
      {"no URL at all", ""},
      {"https://" + std::string(1000, 'x'), std::string(kMaxWordBytes, 'x')},
      // Cut between characters.
      {"https://" + std::string(kMaxWordBytes - 1, 'x') + "\xC3\xA9/",
       std::string(kMaxWordBytes - 1, 'x')},
      {"bin:" + std::string(kMaxWordBytes - 5, 'x') + "\xC3\xA9?a=b",
       "bin:" + std::string(kMaxWordBytes - 5, 'x')},
  };
  for (const auto& c : kCases) {
    Event event = GoodEvent();
    event.error_url = c.url;
    EXPECT_EQ(GroupKeyOf(event), (GroupKey{.account_sid = event.account_sid,
                                           .kind = Kind::kVoice,
                                           .error_code = 11200,
                                           .host = c.host}))
        << c.url;
  }
}

TEST(FingerprintTest, ChangesWithEveryWordOfTheSenders) {
  const auto changed = [](auto change) {
    Event event = GoodEvent();
    change(event);
    return FingerprintOf(event);
  };
  const std::set<uint64_t> fingerprints = {
      changed([](Event&) {}),
      changed([](Event& e) { e.account_sid += "x"; }),
      changed([](Event& e) { e.kind = Kind::kMessaging; }),
      changed([](Event& e) { e.phone_number += "x"; }),
      changed([](Event& e) { e.resource_sid += "x"; }),
      changed([](Event& e) { e.level = Level::kWarning; }),
      changed([](Event& e) { e.error_code++; }),
      changed([](Event& e) { e.error_url += "x"; }),
      changed([](Event& e) { e.target = Target::kFallback; }),
      changed([](Event& e) { e.outcome = Outcome::kDefaultAnswered; }),
      changed([](Event& e) { e.phase = Phase::kDns; }),
      changed([](Event& e) { e.http_status++; }),
      changed([](Event& e) { e.detail += "x"; }),
      changed([](Event& e) { e.elapsed += absl::Milliseconds(1); }),
      changed([](Event& e) { e.attempt_count++; }),
      changed([](Event& e) { e.resolution_id += "x"; }),
      changed([](Event& e) { e.response_excerpt += "x"; }),
      changed([](Event& e) { e.request_method = Method::kGet; }),
      changed([](Event& e) { e.request_method = Method::kPost; }),
      changed([](Event& e) {
        e.parameters = {{"a", "b"}};
      }),
      changed([](Event& e) {
        e.parameters = {{"a", "b"}, {"c", "d"}};
      }),
      changed([](Event& e) {
        e.request_headers = {{"a", "b"}};
      }),
      changed([](Event& e) {
        e.response_headers = {{"a", "b"}};
      }),
      changed([](Event& e) { e.attempts = {{}}; }),
      changed([](Event& e) {
        e.attempts = {{}, {}};
      }),
      changed([](Event& e) { e.attempts = {{.url = "x"}}; }),
      changed([](Event& e) { e.attempts = {{.method = Method::kGet}}; }),
      changed([](Event& e) { e.attempts = {{.remote_address = "x"}}; }),
      changed([](Event& e) { e.attempts = {{.http_status = 1}}; }),
      changed([](Event& e) { e.attempts = {{.error_code = 1}}; }),
      changed([](Event& e) { e.attempts = {{.phase = Phase::kDns}}; }),
      changed([](Event& e) { e.attempts = {{.detail = "x"}}; }),
      changed([](Event& e) { e.attempts = {{.dns = absl::Seconds(1)}}; }),
      changed([](Event& e) { e.attempts = {{.connect = absl::Seconds(1)}}; }),
      changed([](Event& e) { e.attempts = {{.tls = absl::Seconds(1)}}; }),
      changed([](Event& e) { e.attempts = {{.first_byte = absl::Seconds(1)}}; }),
      changed([](Event& e) { e.attempts = {{.total = absl::Seconds(1)}}; })};
  EXPECT_EQ(fingerprints.size(), 37u);
  EXPECT_EQ(changed([](Event& e) { e.received_at = kNow; }), changed([](Event&) {}));
  EXPECT_EQ(changed([](Event& e) { e.occurred_at = kNow; }), changed([](Event&) {}));
}

// Stored with events: one that is sent again after an upgrade is the same.
TEST(FingerprintTest, OfAnEventWithoutDetailsStaysWhatItWas) {
  EXPECT_EQ(FingerprintOf(GoodEvent()), 3954926654070755507uLL);
}

TEST(EventNamesTest, AreDistinct) {
  std::set<std::string> names;
  for (int i = 0; i < kOutcomes; ++i) {
    names.insert(OutcomeName(static_cast<Outcome>(i)));
    names.insert(OutcomeLabel(static_cast<Outcome>(i)));
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_STREQ(PhaseName(Phase::kNone), "PHASE_UNSPECIFIED");
  EXPECT_STREQ(PhaseName(Phase::kParse), "PHASE_PARSE");
}

}  // namespace
}  // namespace understudy::notifier
