#include "services/notifier/mail/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "services/notifier/words/shown_text.h"
#include "tests/testing/golden.h"

namespace understudy::notifier {
namespace {

using testing::ExpectGolden;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMaxSubject = 150;

absl::Time At(int minute, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(2026, 11, 24, 6, minute, second), absl::UTCTimeZone());
}

Counts CountsOf(int64_t fallback, int64_t fell_to_default = 0, int64_t warnings = 0,
                int64_t unknown = 0) {
  Counts counts;
  counts.Add(Outcome::kFallbackAnswered, fallback);
  counts.Add(Outcome::kDefaultAnswered, fell_to_default);
  counts.Add(Outcome::kWarning, warnings);
  counts.Add(Outcome::kUnknown, unknown);
  return counts;
}

Event CallAt(absl::Time at, int number) {
  return {.occurred_at = at,
          .account_sid = "AC00000000000000000000000000000001",
          .phone_number = "+14155550199",
          .resource_sid = absl::StrCat("CA0000000000000000000000000000000", number),
          .error_code = 11200,
          .error_url = "https://www.example.com/voice",
          .target = Target::kPrimary,
          .outcome = Outcome::kFallbackAnswered,
          .phase = Phase::kStatus,
          .http_status = 502,
          .detail = "the web server answered 502",
          .elapsed = absl::Milliseconds(312),
          .attempt_count = 1,
          .response_excerpt =
              "<html><head><title>502 Bad Gateway</title></head>\n"
              "<body>nginx</body></html>\n"};
}

GroupDigest First() {
  GroupDigest group = {
      .reason = Reason::kFirst,
      .group_id = 12,
      .key = {.account_sid = "AC00000000000000000000000000000001",
              .kind = Kind::kVoice,
              .error_code = 11200,
              .host = "www.example.com"},
      .level = Level::kError,
      .news = CountsOf(37),
      .episode = CountsOf(37),
      .first_at = At(15, 2),
      .last_at = At(15, 11),
      .now = At(15, 12),
      .urls = {{.url = "https://www.example.com/voice", .counts = CountsOf(30)},
               {.url = "https://www.example.com/menu?step=2", .counts = CountsOf(7)}},
      .urls_counted = 37,
      .page_url = "https://alerts.example.com/groups/12",
  };
  group.sample = {CallAt(At(15, 9), 1), CallAt(At(15, 10), 2), CallAt(At(15, 11), 3)};
  group.sample[1].error_url = "https://www.example.com/menu?step=2";
  group.sample[1].phase = Phase::kHeaders;
  group.sample[1].http_status = 0;
  group.sample[1].detail = "no answer within 15 s";
  group.sample[1].response_excerpt = "";
  group.sample[1].elapsed = absl::Seconds(30);
  group.sample[1].attempt_count = 2;
  return group;
}

void ExpectGoldenDigest(const std::string& name, const Digest& digest) {
  ExpectGolden(absl::StrCat("mail_", name, ".txt"),
               absl::StrCat("Subject: ", digest.subject, "\n\n", digest.text));
  ExpectGolden(absl::StrCat("mail_", name, ".html"), digest.html);
}

TEST(RenderGroupTest, First) {
  ExpectGoldenDigest("first", RenderGroup(First()));
}

// What a Fallback URL or the debugger is told leaves open how the request failed.
TEST(RenderGroupTest, DoesNotClaimWhatNobodyKnows) {
  const struct {
    int http_status;
    Phase phase;
    Target target;
    const char* title;
  } kCases[] = {
      {502, Phase::kStatus, Target::kPrimary, "HTTP 502 from the primary, phase status"},
      {502, Phase::kNone, Target::kUnspecified, "HTTP 502"},
      {0, Phase::kHeaders, Target::kFallback, "No response from the fallback, phase headers"},
      {0, Phase::kNone, Target::kPrimary, "Failure of the primary"},
      {0, Phase::kNone, Target::kUnspecified, "Failure"},
  };
  for (const auto& c : kCases) {
    GroupDigest group = First();
    group.sample = {CallAt(At(15, 11), 3)};
    group.sample[0].http_status = c.http_status;
    group.sample[0].phase = c.phase;
    group.sample[0].target = c.target;
    EXPECT_THAT(RenderGroup(group).text, HasSubstr(absl::StrCat("\n  ", c.title, "\n")));
  }
}

TEST(RenderGroupTest, News) {
  GroupDigest group = First();
  group.reason = Reason::kNews;
  group.news = CountsOf(11'180, 3, 0, 5);
  group.episode = CountsOf(11'217, 3, 0, 5);
  group.urls = {{.url = "https://www.example.com/voice", .counts = CountsOf(9'980, 3, 0, 5)},
                {.url = "", .counts = CountsOf(12)}};
  group.urls_counted = 10'000;
  group.last_at = At(20, 10);
  group.now = At(20, 12);
  group.dead_mails = {
      "g3.1 to gone@example.com, 2026-11-24 05:02:10 UTC: parked, 550 5.1.1 no such user"};
  ExpectGoldenDigest("news", RenderGroup(group));
}

TEST(RenderGroupTest, Reminder) {
  GroupDigest group = First();
  group.reason = Reason::kReminder;
  group.news = {};
  group.urls = {};
  group.urls_counted = 0;
  group.sample = {};
  group.now = At(15, 12) + absl::Hours(4);
  ExpectGoldenDigest("reminder", RenderGroup(group));
}

TEST(RenderGroupTest, RecoveredMessages) {
  GroupDigest group = First();
  group.reason = Reason::kRecovered;
  group.key.kind = Kind::kMessaging;
  group.key.error_code = 11205;
  group.news = {};
  group.episode = CountsOf(0, 2);
  group.urls = {};
  group.sample = {};
  group.now = At(25, 11);
  ExpectGoldenDigest("recovered", RenderGroup(group));
}

TEST(RenderGroupTest, Warning) {
  GroupDigest group = First();
  group.key.error_code = 12200;
  group.level = Level::kWarning;
  group.news = group.episode = CountsOf(0, 0, 1);
  group.urls = {{.url = "https://www.example.com/voice", .counts = CountsOf(0, 0, 1)}};
  group.urls_counted = 1;
  group.sample = {{.occurred_at = At(15, 2),
                   .resource_sid = "CA00000000000000000000000000000001",
                   .level = Level::kWarning,
                   .error_code = 12200,
                   .error_url = "https://www.example.com/voice",
                   .target = Target::kPrimary,
                   .outcome = Outcome::kWarning,
                   .phase = Phase::kParse,
                   .http_status = 200,
                   .detail = "line 3, column 5: Say has no attribute \"voise\""}};
  group.last_at = At(15, 2);
  ExpectGoldenDigest("warning", RenderGroup(group));
}

// Everything an enemy of mail would write.
std::string Evil() {
  return std::string(
      "\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\" onload='x' &amp; "
      "\xFF\xC3\x28 \xE2\x80\xAE"
      "dlrow\xE2\x80\xA8 \x1B[31m\0\x7F https://evil.example/?a=1&b=2",
      110);
}

GroupDigest Hostile() {
  GroupDigest group = First();
  const std::string evil = Evil();
  group.key.account_sid = evil;
  group.key.host = absl::StrCat(evil, std::string(8192, 'h'), evil);
  group.key.error_code = 99999;
  group.urls = {
      {.url = absl::StrCat("javascript:", evil, std::string(8192, 'u')), .counts = CountsOf(37)}};
  Event& event = group.sample[0];
  event.account_sid = event.phone_number = event.resource_sid = evil;
  event.error_url = absl::StrCat("javascript:", evil, std::string(8192, 'u'));
  event.detail = evil;
  event.response_excerpt = evil;
  group.sample.resize(1);
  group.dead_mails = {evil};
  group.page_url = absl::StrCat("javascript:", evil);
  return group;
}

// No line of it, no element and no direction is anybody's but ours.
void ExpectHarmless(const Digest& digest) {
  EXPECT_LE(Characters(digest.subject), kMaxSubject);
  EXPECT_EQ(digest.subject, OneLine(digest.subject));
  EXPECT_EQ(digest.text, KeepLines(digest.text));
  EXPECT_EQ(digest.html, KeepLines(digest.html));
  EXPECT_THAT(digest.text, Not(HasSubstr("\nBcc")));
  EXPECT_LE(digest.text.size() + digest.html.size(), kMaxDigestBytes);
  EXPECT_THAT(digest.html, Not(HasSubstr("<script")));
  EXPECT_THAT(digest.html, Not(HasSubstr("onload='")));
  EXPECT_THAT(digest.html, Not(HasSubstr("href=\"javascript")));
  for (const char* remote : {"<img", "src=", "url(", "<link", "@import", "<form", "<iframe"}) {
    EXPECT_THAT(digest.html, Not(HasSubstr(remote)));
  }
}

TEST(RenderGroupTest, HostileInputIsShownAndDoesNothing) {
  const Digest digest = RenderGroup(Hostile());
  ExpectHarmless(digest);
  EXPECT_THAT(digest.subject, HasSubstr(": 37 calls, all answered by the fallback"));
  EXPECT_THAT(digest.subject, Not(HasSubstr("a=1")));
  EXPECT_THAT(digest.text, HasSubstr("\\u202Edlrow"));
  ExpectGoldenDigest("hostile", digest);
}

TEST(RenderTest, HostileInputIsHarmlessEverywhere) {
  const GroupDigest group = Hostile();
  for (const Reason reason :
       {Reason::kFirst, Reason::kNews, Reason::kReminder, Reason::kRecovered}) {
    GroupDigest other = group;
    other.reason = reason;
    ExpectHarmless(RenderGroup(other));
  }
  SummaryDigest summary = {.groups = {{.key = group.key, .news = CountsOf(1)}},
                           .group_count = 1,
                           .news = CountsOf(1),
                           .dead_mails = {Evil()},
                           .page_url = group.page_url};
  ExpectHarmless(RenderSummary(summary));
  ExpectHarmless(RenderHeartbeat({.dead_mails = {Evil()}, .page_url = group.page_url}));
}

TEST(RenderGroupTest, TheLargestDigestKeepsItsLimits) {
  GroupDigest group = Hostile();
  group.news = group.episode = CountsOf(1'000'000);
  // Characters that take the most room when escaped, no two events alike.
  const std::string quotes(8192, '"');
  group.urls.assign(1000, {.url = quotes, .counts = CountsOf(1)});
  group.sample.clear();
  for (int i = 0; i < 1000; ++i) {
    group.sample.push_back(CallAt(At(15), 1));
    group.sample.back().detail = absl::StrCat(i, quotes);
    group.sample.back().error_url = group.sample.back().response_excerpt = quotes;
    group.sample.back().resource_sid = group.sample.back().phone_number = quotes;
  }
  group.dead_mails.assign(1000, quotes);
  const Digest digest = RenderGroup(group);
  ExpectHarmless(digest);
  EXPECT_THAT(digest.text, HasSubstr("THE NEWEST 6 OF 1,000,000")) << "and the mail says so";
  EXPECT_THAT(digest.text, HasSubstr("999\"\"")) << "the newest are kept";
  EXPECT_THAT(digest.text, HasSubstr("and more"));

  // As many as there may be fit when they are no larger than usual.
  group = First();
  group.news = CountsOf(51);
  group.sample.assign(51, CallAt(At(15), 1));
  EXPECT_THAT(RenderGroup(group).text, HasSubstr("THE NEWEST 50 OF 51"));
  group.sample.resize(50);
  group.news = CountsOf(50);
  EXPECT_THAT(RenderGroup(group).text, HasSubstr("EACH OF THEM"));
}

TEST(SubjectTest, TellsWhatWhereHowManyAndWhoAnswered) {
  const struct {
    Reason reason;
    Kind kind;
    Level level;
    int code;
    const char* host;
    Counts news;
    Counts episode;
    const char* subject;
  } kRows[] = {
      {Reason::kFirst, Kind::kVoice, Level::kError, 11200, "www.example.com", CountsOf(37),
       CountsOf(37),
       "[understudy] 11200 HTTP retrieval failure at www.example.com: 37 calls, all answered by "
       "the fallback"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 11200, "www.example.com", CountsOf(1),
       CountsOf(1),
       "[understudy] 11200 HTTP retrieval failure at www.example.com: 1 call, answered by the "
       "fallback"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 11200, "www.example.com", CountsOf(34, 3),
       CountsOf(34, 3),
       "[understudy] 11200 HTTP retrieval failure at www.example.com: 37 calls, 3 heard the "
       "default message"},
      {Reason::kFirst, Kind::kMessaging, Level::kError, 11210, "www.example.com:8443",
       CountsOf(0, 1), CountsOf(0, 1),
       "[understudy] 11210 HTTP bad host name at www.example.com:8443: 1 message, got the default "
       "answer"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 11200, "", CountsOf(2, 0, 0, 3),
       CountsOf(2, 0, 0, 3),
       "[understudy] 11200 HTTP retrieval failure: 5 calls, 2 answered by the fallback"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 0, "www.example.com", CountsOf(0, 0, 0, 2),
       CountsOf(0, 0, 0, 2),
       "[understudy] unknown error at www.example.com: 2 calls, all with unknown outcome"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 99999, "(other hosts)", CountsOf(2),
       CountsOf(2),
       "[understudy] 99999 unknown error at (other hosts): 2 calls, all answered by the fallback"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 11200, "www.example.com?token=secret",
       CountsOf(2), CountsOf(2),
       "[understudy] 11200 HTTP retrieval failure at www.example.com: 2 calls, all answered by "
       "the fallback"},
      {Reason::kNews, Kind::kVoice, Level::kError, 11200, "www.example.com", CountsOf(12'345),
       CountsOf(20'000),
       "[understudy] Still failing: 11200 HTTP retrieval failure at www.example.com: 12,345 more "
       "calls, all answered by the fallback"},
      {Reason::kNews, Kind::kVoice, Level::kWarning, 12200, "www.example.com", CountsOf(0, 0, 2),
       CountsOf(0, 0, 20),
       "[understudy] More warnings: 12200 Schema validation warning at www.example.com: 2 more "
       "calls, all answered, parts of the document skipped"},
      {Reason::kReminder,
       Kind::kVoice,
       Level::kError,
       11200,
       "www.example.com",

       {},
       CountsOf(37, 1),
       "[understudy] Not over: 11200 HTTP retrieval failure at www.example.com: 38 calls in 10 s, "
       "1 heard the default message"},
      {Reason::kRecovered, Kind::kMessaging, Level::kError, 11200, "www.example.com", CountsOf(2),
       CountsOf(37),
       "[understudy] Recovered: 11200 HTTP retrieval failure at www.example.com: 37 messages, all "
       "answered by the fallback"},
      // The name of the code gives way.
      {Reason::kFirst, Kind::kVoice, Level::kError, 11237,
       "a-host-with-a-rather-long-name.example.com", CountsOf(37), CountsOf(37),
       "[understudy] 11237 Certificate Invalid - Could not find path\xE2\x80\xA6 at "
       "a-host-with-a-rather-long-name.example.com: 37 calls, all answered by the fallback"},
      {Reason::kFirst, Kind::kVoice, Level::kError, 11237,
       "a-host-with-a-rather-long-name-in-a-department-of.example.com", CountsOf(37), CountsOf(37),
       "[understudy] 11237 Certificate Invalid -\xE2\x80\xA6 at "
       "a-host-with-a-rather-long-name-in-a-department-of.example.com: 37 calls, all answered by "
       "the fallback"},
  };
  for (const auto& row : kRows) {
    GroupDigest group = First();
    group.reason = row.reason;
    group.key.kind = row.kind;
    group.key.error_code = row.code;
    group.key.host = row.host;
    group.level = row.level;
    group.news = row.news;
    group.episode = row.episode;
    EXPECT_EQ(RenderGroup(group).subject, row.subject);
  }
}

// Whatever the lengths: one line within the limit, the whole host as long as it fits without the
// name, and the counts always.
TEST(SubjectTest, FitsWhateverTheHost) {
  for (size_t length = 1; length <= 260; ++length) {
    GroupDigest group = First();
    group.key.error_code = 11237;
    group.key.host = std::string(length, 'h');
    const std::string subject = RenderGroup(group).subject;
    EXPECT_LE(Characters(subject), kMaxSubject);
    EXPECT_THAT(subject, HasSubstr("[understudy] 11237 "));
    EXPECT_TRUE(absl::EndsWith(subject, ": 37 calls, all answered by the fallback")) << subject;
    // "[understudy] 11237 at " and that end take 62.
    EXPECT_EQ(absl::StrContains(subject, group.key.host), length <= kMaxSubject - 62) << subject;
  }
  GroupDigest group = First();
  group.reason = Reason::kNews;
  group.key.error_code = 2147483647;
  group.key.host = std::string(300, 'h');
  group.news = CountsOf(INT64_MAX / 2, INT64_MAX / 2);
  const std::string subject = RenderGroup(group).subject;
  EXPECT_LE(Characters(subject), kMaxSubject);
  EXPECT_THAT(subject, HasSubstr("heard the default message"));
}

SummaryDigest Summary() {
  SummaryDigest summary = {.group_count = 4'981,
                           .news = CountsOf(95'000, 620),
                           .mail_limit = 20,
                           .mail_limit_per = absl::Minutes(5),
                           .now = At(20),
                           .page_url = "https://alerts.example.com/"};
  summary.groups = {
      {.key = {.account_sid = "AC00000000000000000000000000000001",
               .error_code = 11200,
               .host = "www.example.com"},
       .news = CountsOf(9'000, 620),
       .first_at = At(10),
       .last_at = At(19)},
      {.key = {.account_sid = "AC00000000000000000000000000000002",
               .kind = Kind::kMessaging,
               .error_code = 11205,
               .host = "sms.example.com"},
       .news = CountsOf(40),
       .first_at = At(10),
       .last_at = At(11),
       .open = false},
  };
  return summary;
}

TEST(RenderSummaryTest, SaysHowManyOfWhat) {
  ExpectGoldenDigest("summary", RenderSummary(Summary()));
}

TEST(RenderSummaryTest, ListsAsManyAsThereMayBe) {
  for (const size_t groups : {kMaxSummaryGroups, kMaxSummaryGroups + 1}) {
    SummaryDigest summary = Summary();
    summary.groups.assign(groups, {.key = {.host = std::string(2048, '"')},
                                   .news = CountsOf(2),
                                   .first_at = At(1),
                                   .last_at = At(2)});
    summary.group_count = static_cast<int64_t>(groups);
    summary.news = CountsOf(static_cast<int64_t>(2 * groups));
    const Digest digest = RenderSummary(summary);
    ExpectHarmless(digest);
    EXPECT_EQ(absl::StrContains(digest.text, "And 1 other with 2 events."),
              groups > kMaxSummaryGroups);
  }
}

TEST(RenderHeartbeatTest, AllIsWell) {
  ExpectGoldenDigest("heartbeat", RenderHeartbeat({.every = absl::Hours(24), .now = At(0)}));
}

TEST(RenderHeartbeatTest, NotAllIsWell) {
  const Digest digest = RenderHeartbeat({.every = absl::Hours(24),
                                         .events = CountsOf(1'200, 3),
                                         .open_groups = 2,
                                         .unsent_mails = 4,
                                         .now = At(0),
                                         .dead_mails = {"a mail that nobody took"},
                                         .page_url = "https://alerts.example.com/"});
  EXPECT_EQ(digest.subject,
            "[understudy] Still watching: 1,203 events in 24 h, 2 not over, 4 mails unsent");
  EXPECT_THAT(digest.text, HasSubstr("a mail that nobody took"));
}

TEST(RenderTestTest, SaysThatItIsATest) {
  ExpectGoldenDigest("test", RenderTest(At(0)));
}

// The same facts in both: every word of the text is in the HTML.
TEST(RenderTest, TextAndHtmlSayTheSame) {
  for (const Digest& digest :
       {RenderGroup(First()), RenderGroup(Hostile()), RenderSummary(Summary()),
        RenderHeartbeat({.every = absl::Hours(24), .now = At(0)})}) {
    const std::string html = absl::StrReplaceAll(
        absl::AsciiStrToLower(digest.html),
        {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}});
    for (const absl::string_view word : absl::StrSplit(absl::AsciiStrToLower(digest.text),
                                                       absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
      if (word == "|" || word == "-") continue;
      EXPECT_THAT(html, HasSubstr(std::string(absl::StripSuffix(word, ":"))));
    }
  }
}

}  // namespace
}  // namespace understudy::notifier
