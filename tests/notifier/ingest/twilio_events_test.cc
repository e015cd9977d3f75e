#include "services/notifier/ingest/twilio_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using twilio::Form;

const absl::Time kNow = absl::FromUnixSeconds(1764000000);  // a whole number of minutes
constexpr char kAccount[] = "AC00000000000000000000000000000001";
constexpr char kCall[] = "CA0123456789abcdef0123456789abcdef";
constexpr char kMessage[] = "SM0123456789abcdef0123456789abcdef";

Form FallbackForm() {
  return {{"AccountSid", kAccount}, {"CallSid", kCall},
          {"From", "+14155550100"}, {"To", "+14155550199"},
          {"ErrorCode", "11200"},   {"ErrorUrl", "https://www.example.com/voice?a=b"}};
}

// `form` with `name` as `value`; null: without it.
Form With(Form form, const std::string& name, const char* value) {
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i].name != name) continue;
    form.erase(form.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  if (value != nullptr) form.push_back({name, value});
  return form;
}

TEST(KindOfTest, ParametersTell) {
  const struct {
    Form form;
    std::optional<Kind> kind;
  } kCases[] = {
      {{{"CallSid", kCall}}, Kind::kVoice},
      {{{"MessageSid", kMessage}}, Kind::kMessaging},
      {{{"SmsSid", kMessage}}, Kind::kMessaging},
      {{{"SmsMessageSid", kMessage}}, Kind::kMessaging},
      {{{"CallSid", kCall}, {"MessageSid", kMessage}}, Kind::kMessaging},
      {{{"CallSid", kCall}, {"MessageSid", ""}}, Kind::kVoice},
      {{{"CallSid", ""}}, std::nullopt},
      {{{"callsid", kCall}}, std::nullopt},
      {{}, std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(KindOf(c.form), c.kind) << twilio::EncodeForm(c.form);
}

TEST(FallbackEventTest, SaysAllTheRequestDoes) {
  const std::optional<Event> event = FallbackEvent(FallbackForm(), Kind::kVoice, "token-1", kNow);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(*event, (Event{.event_id = absl::StrCat("fallback-", kAccount, "-token-1"),
                           .occurred_at = kNow,
                           .account_sid = kAccount,
                           .kind = Kind::kVoice,
                           .phone_number = "+14155550199",
                           .resource_sid = kCall,
                           .error_code = 11200,
                           .error_url = "https://www.example.com/voice?a=b",
                           .target = Target::kPrimary,
                           .outcome = Outcome::kFallbackAnswered,
                           .detail = "the platform asked for the fallback's document; from "
                                     "+14155550100",
                           .parameters = FallbackForm()}));
}

TEST(FallbackEventTest, FindsTheNamesOlderRequestsUse) {
  const Form form = {{"AccountSid", kAccount},       {"SmsMessageSid", kMessage},
                     {"Caller", "+14155550100"},     {"Called", "+14155550199"},
                     {"ErrorUrl", "https://a.test"}, {"ErrorCode", "12300"}};
  const std::optional<Event> event = FallbackEvent(form, Kind::kMessaging, "", kNow);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Kind::kMessaging);
  EXPECT_EQ(event->resource_sid, kMessage);
  EXPECT_EQ(event->phone_number, "+14155550199");
  EXPECT_THAT(event->detail, EndsWith("+14155550100"));
}

// N1 of docs/faults.md.
TEST(FallbackEventTest, N1_ACodeThatIsNoNumberIsUnknown) {
  const struct {
    const char* text;
    int code;
  } kCases[] = {{"11200", 11200},  {"1", 1},           {"99999", 99999}, {"2147483647", 2147483647},
                {"2147483648", 0}, {"99999999999", 0}, {"abc", 0},       {"11200x", 0},
                {"0", 0},          {"-11200", 0},      {"11200.0", 0},   {"0x2bc0", 0}};
  for (const auto& c : kCases) {
    const std::optional<Event> event =
        FallbackEvent(With(FallbackForm(), "ErrorCode", c.text), Kind::kVoice, "t", kNow);
    ASSERT_TRUE(event.has_value()) << c.text;
    EXPECT_EQ(event->error_code, c.code) << c.text;
  }
}

TEST(FallbackEventTest, IsNoneWithoutCodeOrUrl) {
  for (const char* name : {"ErrorCode", "ErrorUrl"}) {
    for (const char* value : {static_cast<const char*>(nullptr), ""}) {
      EXPECT_FALSE(FallbackEvent(With(FallbackForm(), name, value), Kind::kVoice, "t", kNow))
          << name;
    }
  }
  // A delivery status callback.
  EXPECT_FALSE(FallbackEvent({{"AccountSid", kAccount},
                              {"MessageSid", kMessage},
                              {"MessageStatus", "undelivered"},
                              {"ErrorCode", "30008"}},
                             Kind::kMessaging, "t", kNow));
}

TEST(FallbackEventTest, N3_OfAParameterGivenTwiceTheFirstCounts) {
  Form form = FallbackForm();
  form.push_back({"ErrorCode", "12100"});
  form.push_back({"ErrorUrl", "https://second.example.com/"});
  const std::optional<Event> event = FallbackEvent(form, Kind::kVoice, "t", kNow);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->error_code, 11200);
  EXPECT_EQ(event->error_url, "https://www.example.com/voice?a=b");
}

std::string IdOf(const Form& form, absl::string_view token, absl::Time now = kNow) {
  const std::optional<Event> event = FallbackEvent(form, Kind::kVoice, token, now);
  return event.has_value() ? event->event_id : "";
}

TEST(FallbackEventTest, IsKnownAgainByItsToken) {
  const std::string id = IdOf(FallbackForm(), "8f2b-1");
  EXPECT_EQ(IdOf(FallbackForm(), "8f2b-1", kNow + absl::Hours(1)), id);
  EXPECT_EQ(IdOf(With(FallbackForm(), "CallStatus", "completed"), "8f2b-1"), id);
  EXPECT_NE(IdOf(FallbackForm(), "8f2b-2"), id);
  // Of two accounts it is not the same.
  EXPECT_NE(
      IdOf(With(FallbackForm(), "AccountSid", "AC00000000000000000000000000000002"), "8f2b-1"), id);
}

// Whatever the token is, its event is kept.
TEST(FallbackEventTest, AnyTokenMakesAGoodEventId) {
  for (const std::string& token :
       {std::string(64, 'x'), std::string(65, 'x'), std::string(16000, 'x'), std::string("a b"),
        std::string("a\tb"), std::string("\xFF"), std::string("\0", 1), std::string("caf\xC3\xA9"),
        std::string("\x7F")}) {
    std::optional<Event> event = FallbackEvent(FallbackForm(), Kind::kVoice, token, kNow);
    ASSERT_TRUE(event.has_value());
    EXPECT_FALSE(Normalize(*event, kNow).has_value()) << event->event_id;
    EXPECT_NE(event->event_id, IdOf(FallbackForm(), token + "y"));
  }
}

TEST(FallbackEventTest, WithoutATokenByItsContentWithinAMinuteOfTheClock) {
  const std::string id = IdOf(FallbackForm(), "");
  EXPECT_EQ(IdOf(FallbackForm(), "", kNow + kSameRequestTime - absl::Nanoseconds(1)), id);
  EXPECT_NE(IdOf(FallbackForm(), "", kNow + kSameRequestTime), id);
  EXPECT_NE(IdOf(With(FallbackForm(), "CallStatus", "completed"), ""), id);
  std::optional<Event> event = FallbackEvent(FallbackForm(), Kind::kVoice, "", kNow);
  EXPECT_FALSE(Normalize(*event, kNow).has_value());
}

constexpr char kPayload[] = R"({
  "resource_sid": "CA0123456789abcdef0123456789abcdef",
  "service_sid": null,
  "error_code": "11200",
  "more_info": {"Msg": "Got HTTP 502", "sourceComponent": "12000", "ErrorCode": "11200",
                "httpResponse": "502", "url": "http://www.example.com/index", "LogLevel": "ERROR"},
  "webhook": {"type": "application/json",
    "request": {"method": "POST", "url": "http://www.example.com/other",
                "headers": {"Accept": "*/*"}, "parameters": {
                  "From": "+14155550100", "To": "+14155550199", "Count": 3}},
    "response": {"status_code": 503, "headers": {"Server": "nginx"}, "body": "bad gateway"}}})";

Form DebuggerForm(const std::string& payload = kPayload) {
  return {{"AccountSid", kAccount}, {"Sid", "NO00000000000000000000000000000001"},
          {"ParentAccountSid", ""}, {"Timestamp", "2025-11-24T15:58:54Z"},
          {"Level", "ERROR"},       {"PayloadType", "application/json"},
          {"Payload", payload}};
}

Event Good(const Form& form) {
  const std::variant<Event, Refusal> read = DebuggerEvent(form);
  const Refusal* refusal = std::get_if<Refusal>(&read);
  EXPECT_EQ(refusal, nullptr) << refusal->message;
  return refusal == nullptr ? std::get<Event>(read) : Event{};
}

std::string ReasonOf(const Form& form) {
  const std::variant<Event, Refusal> read = DebuggerEvent(form);
  const auto* refusal = std::get_if<Refusal>(&read);
  return refusal == nullptr ? "" : refusal->reason;
}

TEST(DebuggerEventTest, SaysAllTheRequestDoes) {
  EXPECT_EQ(Good(DebuggerForm()),
            (Event{.event_id = "debugger-NO00000000000000000000000000000001",
                   .occurred_at = absl::FromUnixSeconds(1763999934),
                   .account_sid = kAccount,
                   .kind = Kind::kVoice,
                   .phone_number = "+14155550199",
                   .resource_sid = kCall,
                   .level = Level::kError,
                   .error_code = 11200,
                   .error_url = "http://www.example.com/index",
                   .http_status = 503,
                   .detail = "Got HTTP 502",
                   .response_excerpt = "bad gateway",
                   .request_method = Method::kPost,
                   .parameters = {{"Count", "3"}, {"From", "+14155550100"}, {"To", "+14155550199"}},
                   .request_headers = {{"Accept", "*/*"}},
                   .response_headers = {{"Server", "nginx"}}}));
}

TEST(DebuggerEventTest, LevelsAreReadWithoutCase) {
  for (const char* level : {"WARNING", "Warning", "warning"}) {
    const Event event = Good(With(DebuggerForm(), "Level", level));
    EXPECT_EQ(event.level, Level::kWarning) << level;
    EXPECT_EQ(event.outcome, Outcome::kWarning) << level;
  }
  for (const char* level : {"ERROR", "Error", "", "NOTICE"}) {
    const Event event = Good(With(DebuggerForm(), "Level", level));
    EXPECT_EQ(event.level, Level::kError) << level;
    EXPECT_EQ(event.outcome, Outcome::kUnknown) << level;
  }
}

TEST(DebuggerEventTest, FindsWhatThereIs) {
  const struct {
    const char* payload;
    int code;
    const char* url;
    int http_status;
    const char* detail;
    Kind kind;
  } kCases[] = {
      {"{}", 0, "", 0, "", Kind::kVoice},
      {R"({"error_code": 12100})", 12100, "", 0, "", Kind::kVoice},
      {R"({"error_code": null, "more_info": {"ErrorCode": "12200"}})", 12200, "", 0, "",
       Kind::kVoice},
      {R"({"error_code": "x"})", 0, "", 0, "", Kind::kVoice},
      {R"({"error_code": 112e2})", 0, "", 0, "", Kind::kVoice},
      {R"({"error_code": ["11200"], "more_info": "none", "webhook": 5})", 0, "", 0, "",
       Kind::kVoice},
      {R"({"error_code": 18446744073709551615})", 0, "", 0, "", Kind::kVoice},
      {R"({"webhook": {"request": {"url": "http://b.test/"}}})", 0, "http://b.test/", 0, "",
       Kind::kVoice},
      {R"({"more_info": {"msg": "small", "httpResponse": "404"}})", 0, "", 404, "small",
       Kind::kVoice},
      {R"({"more_info": {"parserMessage": "no root"}, "webhook": {"response":
          {"status_code": null}}})",
       0, "", 0, "no root", Kind::kVoice},
      {R"({"resource_sid": "SM1"})", 0, "", 0, "", Kind::kMessaging},
      {R"({"resource_sid": "MM1"})", 0, "", 0, "", Kind::kMessaging},
      {R"({"more_info": {"sourceComponent": "14100"}})", 0, "", 0, "", Kind::kMessaging},
      {R"({"more_info": {"sourceComponent": 14100}})", 0, "", 0, "", Kind::kMessaging},
      {R"({"more_info": {"sourceComponent": "13400"}})", 0, "", 0, "", Kind::kVoice},
  };
  for (const auto& c : kCases) {
    const Event event = Good(DebuggerForm(c.payload));
    EXPECT_EQ(event.error_code, c.code) << c.payload;
    EXPECT_EQ(event.error_url, c.url) << c.payload;
    EXPECT_EQ(event.http_status, c.http_status) << c.payload;
    EXPECT_EQ(event.detail, c.detail) << c.payload;
    EXPECT_EQ(event.kind, c.kind) << c.payload;
  }
}

TEST(DebuggerEventTest, SaysWhyThereIsNone) {
  EXPECT_EQ(ReasonOf(With(DebuggerForm(), "Sid", nullptr)), "SID_REQUIRED");
  EXPECT_EQ(ReasonOf(With(DebuggerForm(), "Sid", "")), "SID_REQUIRED");
  for (const char* payload : {"", "null", "[]", "\"text\"", "1", "{", "{}{}", "{\"a\":\"\xFF\"}",
                              "{'a':1}", "{\"a\":}"}) {
    EXPECT_EQ(ReasonOf(DebuggerForm(payload)), "PAYLOAD_INVALID") << payload;
  }
  EXPECT_EQ(ReasonOf(With(DebuggerForm(), "Payload", nullptr)), "PAYLOAD_INVALID");
}

TEST(DebuggerEventTest, DepthIsBounded) {
  const auto nested = [](size_t depth, const char* open, const char* close) {
    std::string text = "{\"error_code\": \"11200\", \"x\": ";
    for (size_t i = 0; i < depth; ++i) text += open;
    text += "1";
    for (size_t i = 0; i < depth; ++i) text += close;
    return text + "}";
  };
  for (const size_t depth : {size_t{1}, size_t{31}, size_t{33}, size_t{100000}}) {
    EXPECT_EQ(Good(DebuggerForm(nested(depth, "[", "]"))).error_code, 11200) << depth;
  }
  EXPECT_EQ(Good(DebuggerForm(nested(10000, "{\"a\":", "}"))).error_code, 11200);
}

TEST(DebuggerEventTest, ATimeThatIsNoneIsWhenWeHeardOfIt) {
  for (const char* time : {"", "yesterday", "2025-11-24", "2025-13-24T15:58:54Z"}) {
    Event event = Good(With(DebuggerForm(), "Timestamp", time));
    EXPECT_FALSE(Normalize(event, kNow).has_value());
    EXPECT_EQ(event.occurred_at, kNow) << time;
  }
}

TEST(DebuggerEventTest, AnySidMakesAGoodEventId) {
  for (const std::string& sid :
       {std::string("NO1"), std::string(65, 'x'), std::string("a b"), std::string("\xFF")}) {
    Form form = With(DebuggerForm(), "Sid", nullptr);
    form.push_back({"Sid", sid});
    Event event = Good(form);
    EXPECT_THAT(event.event_id, StartsWith("debugger-"));
    EXPECT_FALSE(Normalize(event, kNow).has_value()) << event.event_id;
  }
}

// A CloudEvent with that `data`; what is `more` stands beside it.
std::string CloudEvent(const std::string& data, const std::string& more = "") {
  return absl::StrCat(R"({"specversion":"1.0","type":"com.twilio.error-logs.error.logged",
      "source":"/v1/Errors","id":"NO00000000000000000000000000000001",
      "time":"2025-11-24T15:58:55Z")",
                      more, R"(,"data":)", data, "}");
}

constexpr char kStreamData[] =
    R"({
  "sid": "NO00000000000000000000000000000001",
  "account_sid": "AC00000000000000000000000000000001", "master_account_sid": null,
  "date_created": "2025-11-24T15:58:54.250Z", "level": "ERROR", "error_code": "11200",
  "correlation_sid": "CA0123456789abcdef0123456789abcdef",
  "request_sid": "RQ0123456789abcdef0123456789abcdef", "service_sid": null,
  "product_name": "Programmable Voice",
  "payload": "{\"resource_sid\":\"CA9\",\"error_code\":\"11205\",)"
    R"(\"more_info\":{\"Msg\":\"Got HTTP 502\",)"
    R"(\"url\":\"http://www.example.com/index\"},\"webhook\":{)"
    R"(\"request\":{\"method\":\"GET\",\"headers\":{\"Accept\":\"*/*\"},)"
    R"(\"parameters\":{\"To\":\"+14155550199\"}},)"
    R"(\"response\":{\"status_code\":502,)"
    R"(\"headers\":{\"Server\":\"nginx\"},\"body\":\"bad gateway\"}}}"})";

std::vector<StreamItem> Stream(const std::string& body) {
  auto read = StreamEvents(body);
  const auto* refusal = std::get_if<Refusal>(&read);
  EXPECT_EQ(refusal, nullptr) << refusal->message;
  return refusal == nullptr ? std::get<std::vector<StreamItem>>(std::move(read))
                            : std::vector<StreamItem>();
}
std::string StreamReason(const std::string& body) {
  auto read = StreamEvents(body);
  const auto* refusal = std::get_if<Refusal>(&read);
  return refusal == nullptr ? "" : refusal->reason;
}

TEST(StreamEventsTest, SayAllTheBatchDoes) {
  const auto items = Stream(absl::StrCat("[", CloudEvent(kStreamData), "]"));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_FALSE(items[0].refusal.has_value());
  EXPECT_FALSE(items[0].is_info);
  EXPECT_EQ(items[0].master_account_sid, "");
  EXPECT_EQ(items[0].event, (Event{.event_id = "debugger-NO00000000000000000000000000000001",
                                   .occurred_at = absl::FromUnixMillis(1763999934250),
                                   .account_sid = kAccount,
                                   .kind = Kind::kVoice,
                                   .phone_number = "+14155550199",
                                   .resource_sid = kCall,
                                   .level = Level::kError,
                                   .error_code = 11200,
                                   .error_url = "http://www.example.com/index",
                                   .http_status = 502,
                                   .detail = "Got HTTP 502",
                                   .response_excerpt = "bad gateway",
                                   .request_method = Method::kGet,
                                   .parameters = {{"To", "+14155550199"}},
                                   .request_headers = {{"Accept", "*/*"}},
                                   .response_headers = {{"Server", "nginx"}}}));
  // One alone is a batch of one.
  EXPECT_EQ(Stream(CloudEvent(kStreamData))[0].event, items[0].event);
}

TEST(StreamEventsTest, FindWhatThereIs) {
  const auto event_of = [](const std::string& data) { return Stream(CloudEvent(data))[0].event; };
  EXPECT_EQ(event_of("{}").event_id, "debugger-NO00000000000000000000000000000001");  // the id
  EXPECT_EQ(event_of("{}").occurred_at, absl::FromUnixSeconds(1763999935));           // the time
  EXPECT_EQ(event_of(R"({"error_code":12100})").error_code, 12100);
  EXPECT_EQ(event_of(R"({"payload":"{\"error_code\":\"12200\"}"})").error_code, 12200);
  EXPECT_EQ(event_of(R"({"payload":"no JSON"})").detail, "no JSON");
  EXPECT_EQ(event_of(R"({"payload":"[1]"})").detail, "[1]");
  EXPECT_EQ(event_of(R"({"payload":null})").detail, "");
  EXPECT_EQ(event_of(R"({"correlation_sid":"SM1"})").kind, Kind::kMessaging);
  EXPECT_EQ(event_of(R"({"product_name":"Programmable Messaging"})").kind, Kind::kMessaging);
  EXPECT_EQ(event_of(R"({"product_name":"Programmable Voice"})").kind, Kind::kVoice);
  EXPECT_EQ(event_of(R"({"level":"Warning"})").level, Level::kWarning);
  EXPECT_EQ(event_of(R"({"level":"Warning"})").outcome, Outcome::kWarning);
  EXPECT_EQ(event_of(R"({"level":"error"})").outcome, Outcome::kUnknown);
  EXPECT_EQ(event_of("[]").account_sid, "");
  EXPECT_EQ(Stream(CloudEvent(R"({"master_account_sid":"AC2"})"))[0].master_account_sid, "AC2");
}

TEST(StreamEventsTest, InfoIsNoError) {
  for (const char* level : {"INFO", "info", "Info"}) {
    const auto items = Stream(CloudEvent(absl::StrCat(R"({"level":")", level, R"("})")));
    EXPECT_TRUE(items[0].is_info) << level;
    EXPECT_FALSE(items[0].refusal.has_value()) << level;
  }
}

TEST(StreamEventsTest, ABadEventDoesNotKeepOutTheOthers) {
  const auto items = Stream(absl::StrCat("[1, {}, ", R"({"type":"com.twilio.messaging.sent"}, )",
                                         R"({"type":"com.twilio.error-logs.error.logged"},)",
                                         CloudEvent(kStreamData), "]"));
  ASSERT_EQ(items.size(), 5u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(items[i].refusal->reason, "EVENT_TYPE_UNKNOWN") << i;
  EXPECT_EQ(items[3].refusal->reason, "SID_REQUIRED");
  EXPECT_FALSE(items[4].refusal.has_value());
}

TEST(StreamEventsTest, SayWhyThereAreNone) {
  for (const char* body : {"", "null", "1", "\"text\"", "[", "{", "[]]", "{}{}", "[\"\xFF\"]"}) {
    EXPECT_EQ(StreamReason(body), "JSON_INVALID") << body;
  }
  EXPECT_EQ(StreamReason("[]"), "BATCH_SIZE_INVALID");
  std::string batch = "[1";
  for (size_t i = 1; i < kMaxStreamEvents; ++i) batch += ",1";
  EXPECT_EQ(Stream(batch + "]").size(), kMaxStreamEvents);
  EXPECT_EQ(StreamReason(batch + ",1]"), "BATCH_SIZE_INVALID");
}

TEST(StreamEventsTest, DepthIsBounded) {
  const std::string deep(100000, '[');
  EXPECT_EQ(StreamReason(deep), "JSON_INVALID");
  const auto items = Stream(CloudEvent(
      absl::StrCat(R"({"error_code":"11200","x":)", deep, std::string(100000, ']'), "}")));
  EXPECT_EQ(items[0].event.error_code, 11200);
}

}  // namespace
}  // namespace understudy::notifier
