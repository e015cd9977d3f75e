// UC-3: being told of errors as they happen, with the real notifier on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/twilio/signature.h"
#include "tests/e2e/door_world.h"
#include "tests/notifier/mail/parsed_mail.h"
#include "tests/sim/sim_mail.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using twilio::Form;

constexpr char kCall[] = "CA0123456789abcdef0123456789abcdef";
constexpr char kMessage[] = "SM0123456789abcdef0123456789abcdef";
constexpr char kErrorUrl[] = "https://www.example.com/voice?a=b";
constexpr char kHangUp[] = "<Say>We are sorry, an application error has occurred. Goodbye.</Say>";

Form VoiceForm(const std::string& url = kErrorUrl, const std::string& code = "11200") {
  return {{"AccountSid", kNotifierAccount}, {"CallSid", kCall},  {"From", "+14155550100"},
          {"To", "+14155550199"},           {"ErrorCode", code}, {"ErrorUrl", url}};
}
Form MessageForm() {
  return {{"AccountSid", kNotifierAccount}, {"MessageSid", kMessage}, {"From", "+14155550100"},
          {"To", "+14155550199"},           {"ErrorCode", "11200"},   {"ErrorUrl", kErrorUrl}};
}
std::string Token(absl::string_view token) {
  return absl::StrCat("I-Twilio-Idempotency-Token: ", token, "\r\n");
}
std::string EventsMetric(const std::string& kind, const std::string& code,
                         const std::string& outcome = "fallback_answered") {
  return absl::StrCat("understudy_error_events_total{error_code=\"", code, "\",kind=\"", kind,
                      "\",outcome=\"", outcome, "\"}");
}
std::string RejectedMetric(const std::string& door, const std::string& reason) {
  return absl::StrCat("understudy_events_rejected_total{door=\"", door, "\",reason=\"", reason,
                      "\"}");
}

// That the event of VoiceForm() has left its traces: a log line, a metric, a mail.
void ExpectTold(DoorWorld& world) {
  const std::vector<std::string> lines = world.LogLines("error event", 1);
  ASSERT_THAT(lines, SizeIs(1));
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["error_code"], 11200);
  EXPECT_EQ(line["error_name"], "HTTP retrieval failure");
  EXPECT_EQ(line["event_level"], "error");
  EXPECT_EQ(line["error_url"], kErrorUrl);
  EXPECT_EQ(line["resource_sid"], kCall);
  EXPECT_EQ(line["account_sid"], kNotifierAccount);
  EXPECT_EQ(line["kind"], "voice");
  EXPECT_EQ(line["phone_number"], "+14155550199");
  EXPECT_THAT(std::string(line["detail"]), HasSubstr("+14155550100"));
  EXPECT_TRUE(line.contains("time"));
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), 1);
  ASSERT_TRUE(world.WaitForMails(1));
  const ParsedMail mail = ParseMail(world.mails()[0]);
  EXPECT_THAT(mail.defects, IsEmpty());
  ASSERT_THAT(mail.to, SizeIs(1));
  EXPECT_EQ(mail.to[0].second, "ops@example.com");
  EXPECT_EQ(mail.header("Subject"),
            "[understudy] 11200 HTTP retrieval failure at www.example.com: 1 call, answered by the "
            "fallback");
  ASSERT_FALSE(mail.parts.empty());
  EXPECT_THAT(mail.parts[0].text, HasSubstr(kErrorUrl));
  EXPECT_THAT(mail.parts[0].text, HasSubstr(kCall));
}

TEST(NotificationTest, Uc3_1_AFallbackRequestIsLoggedCountedMailedAndAnswered) {
  DoorWorld world;
  const Response answer = world.PostForm("/fallback", VoiceForm());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/xml; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr(kHangUp));
  ExpectTold(world);
}

// N4 of docs/faults.md.
TEST(NotificationTest, Uc3_2_N4_TheSameByGet) {
  DoorWorld world;
  const Response answer =
      world.Get(absl::StrCat("/fallback/voice?", twilio::EncodeForm(VoiceForm())));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(kHangUp));
  ExpectTold(world);
}

TEST(NotificationTest, Uc3_3_AMessageNeverHearsSay) {
  DoorWorld silent;
  for (const char* path : {"/fallback", "/fallback/messaging", "/fallback/voice"}) {
    const Response answer = silent.PostForm(path, MessageForm());
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("<Response"));
    EXPECT_THAT(answer.body, Not(HasSubstr("<Say"))) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("<Message"))) << path;
  }
  DoorWorld speaking({.fallback = "fallback: {messaging_text: \"Try <again> & later\"}\n"});
  const Response answer = speaking.PostForm("/fallback", MessageForm());
  EXPECT_THAT(answer.body, HasSubstr("<Message>Try &lt;again&gt; &amp; later</Message>"));
  EXPECT_EQ(speaking.Metric(EventsMetric("messaging", "11200")), 1);
}

TEST(NotificationTest, Uc3_4_Uc3_5_ACallIsSentBackSoOftenAndNoMore) {
  DoorWorld world({.fallback = "fallback: {recover: {redirect_to: error_url, max_per_call: "
                               "2}}\n"});
  const Form form = VoiceForm("https://www.example.com/voice?a=b&c=d#rc=2");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(world.PostForm("/fallback", form, Token(absl::StrCat("t", i))).body,
                HasSubstr(">https://www.example.com/voice?a=b&amp;c=d#rc=2</Redirect>"))
        << i;
  }
  for (int i = 2; i < 4; ++i) {
    EXPECT_THAT(world.PostForm("/fallback", form, Token(absl::StrCat("t", i))).body,
                HasSubstr(kHangUp))
        << i;
  }
  // Another call is another matter.
  Form other = form;
  other[1].value = "CA1123456789abcdef0123456789abcdef";
  EXPECT_THAT(world.PostForm("/fallback", other).body, HasSubstr("<Redirect"));
  // Where no URL failed that could be gone to, there is only the message.
  EXPECT_THAT(world.PostForm("/fallback", VoiceForm("javascript:alert(1)")).body,
              HasSubstr(kHangUp));
}

TEST(NotificationTest, Uc3_4_AMessageIsSentToTheUrlThatIsConfigured) {
  DoorWorld world({.fallback = "fallback: {recover: {redirect_to: "
                               "\"https://spare.example.com/in?x=1\"}}\n"});
  EXPECT_THAT(world.PostForm("/fallback", MessageForm()).body,
              HasSubstr(">https://spare.example.com/in?x=1</Redirect>"));
  EXPECT_THAT(world.PostForm("/fallback", MessageForm()).body, Not(HasSubstr("<Redirect")));
}

TEST(NotificationTest, Uc3_6_Uc3_7_WhatIsNoErrorIsNone) {
  DoorWorld world;
  const Form kNone[] = {
      {{"AccountSid", kNotifierAccount}, {"CallSid", kCall}},
      {{"AccountSid", kNotifierAccount}, {"CallSid", kCall}, {"ErrorCode", "11200"}},
      {{"AccountSid", kNotifierAccount}, {"CallSid", kCall}, {"ErrorUrl", kErrorUrl}},
      // A delivery status callback.
      {{"AccountSid", kNotifierAccount},
       {"MessageSid", kMessage},
       {"MessageStatus", "undelivered"},
       {"ErrorCode", "30008"}}};
  for (const Form& form : kNone) {
    const Response answer = world.PostForm("/fallback", form);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, EndsWith("<Response/>"));
  }
  EXPECT_EQ(world.Metric(RejectedMetric("fallback", "NO_ERROR")), 4);
  EXPECT_THAT(world.Metrics(), Not(HasSubstr("understudy_error_events_total{")));
  EXPECT_EQ(world.Metric("understudy_groups{state=\"open\"}"), 0);
}

// N6 and N9 of docs/faults.md: the answer was lost, or somebody replays.
TEST(NotificationTest, Uc3_8_N6_N9_TheSameRequestTwiceIsOneEventAndTwoAnswers) {
  DoorWorld world;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(world.PostForm("/fallback", VoiceForm(), Token("same")).body, HasSubstr(kHangUp));
  }
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), 1);
  EXPECT_EQ(world.Metric("understudy_events_duplicate_total{door=\"fallback\"}"), 1);
  ASSERT_TRUE(world.WaitForMails(1));
  EXPECT_EQ(NewEventsIn(world.mails()[0]), 1);
}

// N7: also where an answer depends on how often was asked.
TEST(NotificationTest, Uc3_8_N7_AHundredEqualRequestsAtOnceGetOneAnswer) {
  DoorWorld world({.fallback = "fallback: {recover: {redirect_to: error_url}}\n"});
  std::vector<std::string> bodies(100);
  std::vector<std::thread> senders;
  for (std::string& body : bodies) {
    senders.emplace_back(
        [&] { body = world.PostForm("/fallback", VoiceForm(), Token("same")).body; });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_THAT(bodies, Each(HasSubstr("<Redirect")));
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), 1);
  EXPECT_EQ(world.Metric("understudy_events_duplicate_total{door=\"fallback\"}"), 99);
}

TEST(NotificationTest, Uc3_9_AStormIsAFewMailsAndEveryEventCounts) {
  DoorWorld world({.alerts = "group_wait: 1s, group_interval: 2s, heartbeat: 0, routes: [{to: "
                             "[ops@example.com]}]"});
  constexpr int kEvents = 500;
  HttpClient client(world.process().http_port());
  for (int i = 0; i < kEvents; ++i) {
    const std::string body = twilio::EncodeForm(VoiceForm());
    const std::optional<Response> answer = client.Ask(absl::StrCat(
        "POST /fallback HTTP/1.1\r\nHost: alerts.test\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n",
        Token(absl::StrCat("storm-", i)), "Content-Length: ", body.size(), "\r\n\r\n", body));
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(answer->status, 200);
  }
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), kEvents);
  EXPECT_THAT(world.LogLines("error event", kEvents), SizeIs(kEvents));
  const auto told = [&] {
    int64_t count = 0;
    for (const std::string& mail : world.mails()) count += NewEventsIn(mail);
    return count;
  };
  EXPECT_TRUE(WaitFor([&] { return told() == kEvents; }, absl::Seconds(60))) << told();
  EXPECT_LE(world.mails().size(), 10u);
  EXPECT_EQ(world.Metric("understudy_groups{state=\"open\"}"), 1);
}

// N5 of docs/faults.md.
void ExpectSignaturesChecked(DoorWorld& world, const std::string& base) {
  const auto signature = [&](absl::string_view target, const Form& body) {
    const std::string value =
        twilio::Sign(Secret(kNotifierToken), absl::StrCat(base, target), body);
    return absl::StrCat("X-Twilio-Signature: ", value, "\r\n");
  };
  const Form form = VoiceForm();
  EXPECT_EQ(world.PostForm("/fallback", form).status, 400);
  EXPECT_EQ(world.PostForm("/fallback", form, "X-Twilio-Signature: AAAA\r\n").status, 403);
  EXPECT_EQ(world.PostForm("/fallback?x=1", form, signature("/fallback", form)).status, 403);
  Form other = form;
  other.back().value = "https://evil.example.com/";
  EXPECT_EQ(world.PostForm("/fallback", other, signature("/fallback", form)).status, 403);
  other = form;
  other[0].value = "AC00000000000000000000000000000009";
  EXPECT_EQ(world.PostForm("/fallback", other, signature("/fallback", other)).status, 403);
  EXPECT_EQ(world.Metric(RejectedMetric("fallback", "SIGNATURE_MISSING")), 1);
  EXPECT_EQ(world.Metric(RejectedMetric("fallback", "SIGNATURE_WRONG")), 3);
  EXPECT_EQ(world.Metric(RejectedMetric("fallback", "ACCOUNT_UNKNOWN")), 1);
  EXPECT_THAT(world.Metrics(), Not(HasSubstr("understudy_error_events_total{")));

  const Response good = world.PostForm("/fallback?x=1", form, signature("/fallback?x=1", form));
  EXPECT_EQ(good.status, 200);
  EXPECT_THAT(good.body, HasSubstr(kHangUp));
  const std::string target = absl::StrCat("/fallback?", twilio::EncodeForm(form));
  EXPECT_EQ(world.Get(target, signature(target, {})).status, 200);
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), 2);
  for (const std::string& line : world.process().log()) {
    EXPECT_THAT(line, Not(HasSubstr(kNotifierToken)));
  }
}

TEST(NotificationTest, Uc3_10_N5_SignaturesAreCheckedBehindAProxy) {
  DoorWorld world(
      {.accounts = SigningAccount(), .http = ", public_url: \"https://alerts.example.com\""});
  ExpectSignaturesChecked(world, "https://alerts.example.com");
}

TEST(NotificationTest, Uc3_10_N5_SignaturesAreCheckedDirectly) {
  DoorWorld world({.accounts = SigningAccount()});
  ExpectSignaturesChecked(world, "http://alerts.test");
}

TEST(NotificationTest, Uc3_11_AMailServerThatIsDownHoldsNobodyUp) {
  SmtpServer server;
  server.On(SmtpStep::kGreeting, Script{}.Send("421 4.3.2 closing down\r\n").Close());
  DoorWorld world({.mail = absl::StrCat("smtp: {url: \"", server.url(), "\", starttls: \"off\"}")});
  const absl::Time begin = absl::Now();
  EXPECT_THAT(world.PostForm("/fallback", VoiceForm()).body, HasSubstr(kHangUp));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_THAT(world.LogLines("mail not sent", 1), SizeIs(1));
  EXPECT_TRUE(world.WaitForMetric(
      "understudy_mails_total{reason=\"rate_limited\",result=\"temporary\"}", 1))
      << world.Metrics();
  EXPECT_EQ(world.Metric("understudy_mails_unsent"), 1);
  EXPECT_GT(world.Metric("understudy_mail_oldest_unsent_seconds"), 0);
  EXPECT_THAT(server.mails(), IsEmpty());
  // It is back, and so is a new process: it need not wait as long as the old one would have.
  server.On(SmtpStep::kGreeting, Script{});
  EXPECT_EQ(world.Stop(), 0);
  world.Start();
  ASSERT_TRUE(WaitFor([&] { return server.mails().size() == 1; }, absl::Seconds(60)));
  EXPECT_EQ(server.mails()[0].recipient, "ops@example.com");
  EXPECT_TRUE(
      world.WaitForMetric("understudy_mails_total{reason=\"none\",result=\"accepted\"}", 1));
  EXPECT_TRUE(world.WaitForMetric("understudy_mails_unsent", 0));
}

// N2 of docs/faults.md.
TEST(NotificationTest, Uc3_12_N2_AHostileErrorUrlStaysText) {
  const std::string kUrls[] = {
      "https://www.example.com/\r\nBcc: all@example.com\r\n\r\n<html>",
      "https://www.example.com/%0d%0aBcc:%20all@example.com",
      "https://www.example.com/<script>alert(1)</script>\"'&",
      "https://evil.example.com\r\nSubject: owned/",
      std::string("https://www.example.com/\0\x01\x1b[31m\x7f\xc2\x9b", 34),
      "https://www.example.com/\xff\xfe\xc0\xaf",
      "https://user:hunter2@www.example.com/secret",
      "https://www.example.com/%zz%",
      "https://www.example.com/\xe2\x80\xae"
      "moc.live",
      absl::StrCat("https://www.example.com/", std::string(8192, 'x')),
      absl::StrCat("https://", std::string(8192, 'h'), "/"),
      absl::StrCat("https://www.example.com/", std::string(65536, 'x')),
      "\"}\n{\"message\":\"forged\"}",
      "javascript:alert(1)",
      "}{label=\"x\"}",
  };
  DoorWorld world({.alerts = "group_wait: 2s, group_interval: 1s, heartbeat: 0, mail_limit: "
                             "{mails: 1000}, routes: [{to: [ops@example.com]}]"});
  int count = 0;
  for (const std::string& url : kUrls) {
    const Response answer =
        world.PostForm("/fallback", VoiceForm(url), Token(absl::StrCat("h", count++)));
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr(kHangUp));
  }
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200")), count);
  EXPECT_TRUE(WaitFor(
      [&] {
        int64_t told = 0;
        for (const std::string& mail : world.mails()) told += NewEventsIn(mail);
        return told == count;
      },
      absl::Seconds(60)));
  const std::vector<std::string> files = world.mails();
  const std::vector<ParsedMail> mails = ParseMails(files);
  for (size_t i = 0; i < mails.size(); ++i) {
    const ParsedMail& mail = mails[i];
    EXPECT_THAT(mail.defects, IsEmpty());
    EXPECT_EQ(mail.header("Bcc"), "");
    EXPECT_THAT(mail.to, SizeIs(1));
    EXPECT_THAT(mail.header_names(), ::testing::Contains("Subject").Times(1));
    EXPECT_LE(mail.header("Subject").size(), 400u);
    EXPECT_LE(files[i].size(), size_t{256} << 10);
    for (const ParsedPart& part : mail.parts) {
      EXPECT_THAT(part.text, Not(HasSubstr("hunter2")));
      EXPECT_THAT(part.text, Not(HasSubstr("\x1b")));
      if (part.type == "text/html") {
        EXPECT_THAT(part.text, Not(HasSubstr("<script")));
      }
    }
  }
  const std::string metrics = world.Metrics();
  EXPECT_THAT(metrics, Not(HasSubstr("example.com")));
  EXPECT_THAT(metrics, Not(HasSubstr("label=\"x\"")));
  for (const std::string& line : world.process().log()) {
    const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(parsed.is_object()) << line;
    EXPECT_NE(parsed.value("message", ""), "forged");
    EXPECT_THAT(line, Not(HasSubstr("hunter2")));
    EXPECT_LE(line.size(), 16384u);
  }
}

TEST(NotificationTest, Uc3_13_ACodeNobodyKnowsIsAccepted) {
  DoorWorld world;
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm(kErrorUrl, "99999")).status, 200);
  const std::vector<std::string> lines = world.LogLines("error event", 1);
  ASSERT_THAT(lines, SizeIs(1));
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["error_code"], 99999);
  EXPECT_EQ(line["error_name"], "unknown");
  EXPECT_EQ(world.Metric(EventsMetric("voice", "unknown")), 1);
  ASSERT_TRUE(world.WaitForMails(1));
  EXPECT_THAT(HeaderOf(world.mails()[0], "Subject"), HasSubstr("99999"));
}

TEST(NotificationTest, Uc3_14_TheDebuggerWebhookIsTheSameEventOncePerSid) {
  DoorWorld world;
  const Form form = {
      {"AccountSid", kNotifierAccount},
      {"Sid", "NO00000000000000000000000000000001"},
      {"Level", "ERROR"},
      {"PayloadType", "application/json"},
      {"Payload",
       absl::StrCat(R"({"resource_sid":")", kCall,
                    R"(","error_code":"11200","more_info":{"Msg":"Got HTTP 502","url":")",
                    kErrorUrl, R"("},"webhook":{"response":{"status_code":502}}})")}};
  for (int i = 0; i < 3; ++i) {
    const Response answer = world.PostForm("/debugger", form);
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.body, "");
  }
  EXPECT_EQ(world.Metric(EventsMetric("voice", "11200", "unknown")), 1);
  EXPECT_EQ(world.Metric("understudy_events_duplicate_total{door=\"debugger\"}"), 2);
  const std::vector<std::string> lines = world.LogLines("error event", 1);
  ASSERT_THAT(lines, SizeIs(1));
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["error_url"], kErrorUrl);
  EXPECT_EQ(line["resource_sid"], kCall);
  EXPECT_EQ(line["http_status"], 502);
  ASSERT_TRUE(world.WaitForMails(1));
  EXPECT_THAT(TextOf(world.mails()[0]), HasSubstr("Got HTTP 502"));

  // N8: the same Sid in other words. The first stay.
  Form other = form;
  other.back().value = R"({"error_code":"12100"})";
  EXPECT_EQ(world.PostForm("/debugger", other).status, 204);
  EXPECT_EQ(world.Metric("understudy_events_duplicate_total{door=\"debugger\"}"), 3);
  EXPECT_EQ(world.Metric(EventsMetric("voice", "12100", "unknown")), -1);
  other.back().value = "no JSON";
  EXPECT_EQ(world.PostForm("/debugger", other).status, 400);
  other[1].value = "";
  EXPECT_EQ(world.PostForm("/debugger", other).status, 400);
  EXPECT_EQ(world.Get("/debugger").status, 405);
}

}  // namespace
}  // namespace understudy::testing
