// The page's documents, compared with files, and held to be harmless whatever is in them.
#include "services/notifier/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/notifier/page/chart.h"
#include "tests/notifier/page/markup.h"
#include "tests/testing/golden.h"

namespace understudy::notifier {
namespace {

using testing::ExpectGolden;
using ::testing::HasSubstr;
using testing::MarkupOf;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'795'500'930);  // 2026-11-24 06:15:30
const PageLook kLook = {.now = kNow};

Event SampleEvent() {
  return {.event_id = "0123456789abcdef:primary",
          .occurred_at = kNow - absl::Seconds(42),
          .received_at = kNow - absl::Seconds(41),
          .account_sid = "AC00000000000000000000000000000001",
          .phone_number = "+14155550199",
          .resource_sid = "CA00000000000000000000000000000001",
          .error_code = 11200,
          .error_url = "https://www.example.com/voice?From=%2B14155550142",
          .target = Target::kPrimary,
          .outcome = Outcome::kFallbackAnswered,
          .phase = Phase::kStatus,
          .http_status = 502,
          .detail = "the web server answered 502",
          .elapsed = absl::Milliseconds(312),
          .attempt_count = 2,
          .resolution_id = "0123456789abcdef",
          .response_excerpt = "<html>\nbad gateway",
          .request_method = Method::kPost,
          .parameters = {{"CallSid", "CA00000000000000000000000000000001"},
                         {"From", "+14155550142"},
                         {"Digits", "[not kept]"}},
          .request_headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
          .response_headers = {{"Server", "nginx"}},
          .attempts = {{.url = "https://www.example.com/voice",
                        .method = Method::kPost,
                        .remote_address = "192.0.2.17:443",
                        .error_code = 11205,
                        .phase = Phase::kConnect,
                        .detail = "connection refused",
                        .dns = absl::Milliseconds(2),
                        .connect = absl::Milliseconds(1),
                        .total = absl::Milliseconds(3)},
                       {.url = "https://www.example.com/voice",
                        .method = Method::kPost,
                        .http_status = 502,
                        .error_code = 11200,
                        .phase = Phase::kStatus,
                        .connect = absl::Milliseconds(4),
                        .tls = absl::Milliseconds(9),
                        .first_byte = absl::Milliseconds(290),
                        .total = absl::Milliseconds(309)}}};
}

ShownGroup SampleGroup(int64_t id, bool open) {
  ShownGroup shown;
  shown.group.id = id;
  shown.group.key = GroupKeyOf(SampleEvent());
  GroupState& state = shown.group.state;
  state.open = open;
  state.episode = 2;
  state.level = Level::kError;
  state.counts.Add(Outcome::kFallbackAnswered, 40);
  state.counts.Add(Outcome::kDefaultAnswered, 3);
  state.counts_before.Add(Outcome::kFallbackAnswered, 6);
  state.first_at = kNow - absl::Minutes(20);
  state.last_at = kNow - absl::Seconds(41);
  state.last_mail_at = kNow - absl::Minutes(5);
  shown.hours.resize(kSparklineHours);
  shown.hours.back() = 37;
  return shown;
}

OverviewView SampleOverview() {
  OverviewView view = {.hours = 1};
  for (int minute = 0; minute < 3; ++minute) {
    MinuteCounts counts = {.minute = kNow - absl::Seconds(30) - absl::Minutes(minute),
                           .error_code = minute == 2 ? 12100 : 11200};
    counts.counts.Add(Outcome::kFallbackAnswered, 10 + minute);
    counts.counts.Add(Outcome::kDefaultAnswered, minute);
    view.minutes.push_back(counts);
  }
  view.status = {.open_groups = 1,
                 .recovered_groups = 1,
                 .due_mails = 2,
                 .dead_mails = 1,
                 .oldest_due_mail_at = kNow - absl::Seconds(125)};
  view.open = {SampleGroup(12, true)};
  view.quiet = {SampleGroup(7, false)};
  view.has_more_quiet = true;
  return view;
}

TEST(PageTest, TheDocumentsAreAsTheyWere) {
  ExpectGolden("page_overview.html", OverviewPage(SampleOverview(), kLook));
  ExpectGolden("page_empty.html", OverviewPage({}, kLook));
  ExpectGolden("page_group.html",
               GroupPage({.group = SampleGroup(12, true),
                          .events = {{.row = 99, .group_id = 12, .event = SampleEvent()}},
                          .is_first = false,
                          .rest_before_row = 99},
                         kLook));
  ExpectGolden("page_event.html",
               EventPage({.stored = {.row = 99, .group_id = 12, .event = SampleEvent()},
                          .group = SampleGroup(12, true).group},
                         kLook));
  ExpectGolden(
      "page_search.html",
      SearchPage({.search = ReadSearch("11200", "2026-11-24", ""),
                  .found = {.events = {{.row = 99, .group_id = 12, .event = SampleEvent()}},
                            .rest_before_row = 99}},
                 kLook));
}

TEST(PageTest, NumbersAreMaskedUnlessTheyMayBeShown) {
  const EventView view = {.stored = {.row = 99, .group_id = 12, .event = SampleEvent()}};
  const std::string masked = EventPage(view, kLook);
  EXPECT_THAT(masked, Not(HasSubstr("4155550199")));
  EXPECT_THAT(masked, Not(HasSubstr("4155550142")));
  EXPECT_THAT(masked, HasSubstr("Numbers are masked."));
  const std::string shown = EventPage(view, {.now = kNow, .mask_numbers = false});
  EXPECT_THAT(shown, HasSubstr("+14155550199"));
  EXPECT_THAT(shown, HasSubstr("%2B14155550142"));
  EXPECT_THAT(shown, Not(HasSubstr("Numbers are masked.")));
}

TEST(PageTest, ASearchSaysWhenThereMayBeMore) {
  SearchView view = {.search = ReadSearch("11200", "", "")};
  EXPECT_THAT(SearchPage(view, kLook), HasSubstr("There are none."));
  view.is_first = false;
  EXPECT_THAT(SearchPage(view, kLook), HasSubstr("There are no older ones."));
  view.found.rest_before_row = 7;
  const std::string page = SearchPage(view, kLook);
  EXPECT_THAT(page, HasSubstr("there are older ones."));
  EXPECT_THAT(page, HasSubstr("href=\"/search?q=11200&amp;before=7\""));
}

// --- Whatever is in them ---

constexpr const char* kHostile[] = {
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "javascript:alert(1)",
    "--><svg onload=alert(1)>",
    "<![CDATA[<b>]]>",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "\xE2\x80\xAEtxt.exe",           // writing direction
    "a\r\nContent-Type: text/html",  // lines
    "\x01\x1B[31m\x7F",
    "\xC0\xBC\xFF<",  // not UTF-8
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\\x3cscript\\x3e",
};

TEST(PageTest, NothingFromOutsideIsEverMarkup) {
  const auto pages = [](const std::string& evil) {
    Event event = SampleEvent();
    for (std::string* text :
         {&event.event_id, &event.account_sid, &event.phone_number, &event.resource_sid,
          &event.error_url, &event.detail, &event.resolution_id, &event.response_excerpt}) {
      *text = evil;
    }
    event.parameters = {{evil, evil}};
    event.request_headers = {{evil, evil}};
    event.response_headers = {{evil, evil}};
    for (Attempt& attempt : event.attempts) {
      attempt.url = evil;
      attempt.detail = evil;
      attempt.remote_address = evil;
    }
    ShownGroup group = SampleGroup(12, true);
    group.group.key.host = evil;
    group.group.key.account_sid = evil;
    const StoredEvent stored = {.row = 1, .group_id = 12, .event = event};
    OverviewView overview = SampleOverview();
    overview.open = {group};
    PageSearch search = ReadSearch(evil, evil, evil);
    PageSearch understood = search;
    understood.problem.clear();
    understood.understood = evil;
    return std::vector<std::string>{
        OverviewPage(overview, kLook),
        GroupListPage({.groups = {group}}, kLook),
        GroupPage({.group = group, .events = {stored}}, kLook),
        EventPage({.stored = stored, .group = group.group}, kLook),
        SearchPage({.search = search}, kLook),
        SearchPage({.search = understood, .found = {.events = {stored}, .rest_before_row = 1}},
                   kLook),
        SorryPage(evil, evil, kLook)};
  };
  const std::vector<std::string> harmless = pages("harmless");
  for (const char* evil : kHostile) {
    const std::vector<std::string> found = pages(evil);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(MarkupOf(found[i]), MarkupOf(harmless[i])) << i << " with " << evil;
      EXPECT_FALSE(absl::StrContains(found[i], '\r')) << i << " with " << evil;
      EXPECT_FALSE(absl::StrContains(found[i], '\x1B')) << i << " with " << evil;
      EXPECT_FALSE(absl::StrContains(found[i], "\xE2\x80\xAE")) << i << " with " << evil;
    }
  }
}

TEST(PageTest, DocumentsHoldNoScriptNoStyleAndNoOtherHost) {
  for (const std::string& html :
       {OverviewPage(SampleOverview(), kLook), GroupPage({.group = SampleGroup(12, true)}, kLook),
        EventPage({.stored = {.row = 9, .group_id = 12, .event = SampleEvent()}}, kLook)}) {
    const std::string markup = MarkupOf(html);
    EXPECT_THAT(markup, Not(HasSubstr(" style=")));
    EXPECT_THAT(markup, Not(HasSubstr("<style")));
    EXPECT_THAT(markup, Not(HasSubstr(" on")));
    for (size_t at = html.find(" src=\""); at != std::string::npos;
         at = html.find(" src=\"", at + 1)) {
      EXPECT_EQ(html.substr(at + 6, 1), "/");
    }
    EXPECT_THAT(html, Not(HasSubstr("src=\"//")));
  }
}

}  // namespace
}  // namespace understudy::notifier
