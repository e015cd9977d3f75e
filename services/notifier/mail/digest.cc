#include "services/notifier/mail/digest.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/twilio/explanation.h"
#include "services/notifier/mail/letter.h"
#include "services/notifier/words/event_words.h"
#include "services/notifier/words/html_writer.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

using absl::StrAppend;
using absl::StrCat;
using absl::string_view;

constexpr size_t kMaxSubjectCharacters = 150;
// A name cut shorter than this says nothing.
constexpr size_t kMinNameCharacters = 12;

// What is shown of a text that may be longer; in characters.
constexpr size_t kMaxShownHost = 100;
constexpr size_t kMaxShownUrl = 300;
constexpr size_t kMaxShownWord = 100;
constexpr size_t kMaxShownDetail = 1000;
constexpr size_t kMaxShownQuote = 600;
constexpr size_t kMaxShownDeadMails = 20;
constexpr size_t kMaxShownDeadMail = 300;

constexpr char kSender[] = "[understudy] ";

std::string ShownWord(string_view word) {
  return CutMiddle(OneLine(word), kMaxShownWord);
}
std::string ShownUrl(string_view url) {
  return CutEnd(OneLine(url), kMaxShownUrl);
}

std::string ShownQuote(string_view quote) {
  return CutEnd(KeepLines(absl::StripTrailingAsciiWhitespace(quote)), kMaxShownQuote);
}

// The same in less room: what is worst, or else how many were answered.
std::string ShortOutcomesText(const Counts& counts, Noun noun) {
  if (OutcomesIn(counts).size() <= 1) return OutcomesText(counts, noun);
  const Outcome telling = counts.of(Outcome::kDefaultAnswered) > 0 ? Outcome::kDefaultAnswered
                                                                   : Outcome::kFallbackAnswered;
  return StrCat(NumberText(counts.of(telling)), " ", OutcomeText(telling, noun));
}

// "11200 HTTP retrieval failure at www.example.com" in at most `room` characters: the name gives
// way to the host.
std::string Problem(const GroupKey& key, size_t room) {
  const std::string code = key.error_code == 0 ? "" : StrCat(key.error_code);
  const std::string host = ShownHost(key.host);
  const std::string at = host.empty() ? "" : " at ";
  const size_t fixed = code.size() + at.size();
  const size_t host_room = std::min(Characters(host), room > fixed ? room - fixed : 1);
  const size_t used = fixed + (code.empty() ? 0 : 1) + host_room;
  const size_t name_room = room > used ? room - used : 0;
  std::string name = CodeName(key.error_code);
  if (name.size() > name_room && name_room < kMinNameCharacters) {
    name.clear();
  } else {
    name = CutEnd(name, name_room);
  }
  return StrCat(code, code.empty() || name.empty() ? "" : " ", name, at,
                host.empty() ? "" : CutMiddle(host, host_room));
}

// One line, whatever the pieces hold; the problem is cut to make room for the others.
std::string Subject(string_view state, const GroupKey& key, string_view tail) {
  const size_t fixed = Characters(kSender) + Characters(state) + 2 + Characters(tail);
  const size_t room = kMaxSubjectCharacters > fixed ? kMaxSubjectCharacters - fixed : 1;
  return CutEnd(StrCat(kSender, state, Problem(key, room), ": ", tail), kMaxSubjectCharacters);
}

std::string Subject(string_view text) {
  return CutEnd(StrCat(kSender, text), kMaxSubjectCharacters);
}

Tally OutcomeTally(const Counts& counts, Noun noun) {
  Tally tally;
  for (const Outcome outcome : OutcomesIn(counts)) {
    tally.rows.push_back({.count = counts.of(outcome), .what = OutcomeText(outcome, noun)});
  }
  return tally;
}

// What events have to share to be told as one case.
auto SignatureOf(const Event& event) {
  return std::tie(event.error_url, event.target, event.phase, event.http_status, event.detail,
                  event.response_excerpt);
}

std::string CallText(const Event& event) {
  std::vector<std::string> parts = {TimeText(event.occurred_at)};
  for (const std::string* word : {&event.resource_sid, &event.phone_number}) {
    if (!word->empty()) parts.push_back(ShownWord(*word));
  }
  parts.emplace_back(OutcomeText(event.outcome, NounOf(event.kind)));
  if (event.attempt_count > 0) {
    parts.push_back(StrCat(event.attempt_count, event.attempt_count == 1 ? " request" : " requests",
                           " in ", DurationText(event.elapsed)));
  }
  return absl::StrJoin(parts, ", ");
}

// Events that failed in one way together; the newest case and event first.
std::vector<Block> CasesOf(absl::Span<const Event> sample) {
  std::vector<std::pair<const Event*, Case>> cases;
  for (auto event = sample.rbegin(); event != sample.rend(); ++event) {
    auto found = std::find_if(cases.begin(), cases.end(), [&](const auto& candidate) {
      return SignatureOf(*candidate.first) == SignatureOf(*event);
    });
    if (found == cases.end()) {
      cases.push_back({&*event,
                       {.title = FailureText(*event),
                        .url = ShownUrl(event->error_url),
                        .detail = CutEnd(OneLine(event->detail), kMaxShownDetail),
                        .quote = ShownQuote(event->response_excerpt)}});
      found = std::prev(cases.end());
    }
    found->second.calls.push_back(CallText(*event));
  }
  std::vector<Block> blocks;
  blocks.reserve(cases.size());
  for (auto& [event, found] : cases) blocks.emplace_back(std::move(found));
  return blocks;
}

void AddDeadMails(const std::vector<std::string>& dead_mails, Letter& letter) {
  if (dead_mails.empty()) return;
  Bullets bullets;
  for (const std::string& dead : dead_mails) {
    if (bullets.items.size() == kMaxShownDeadMails) {
      bullets.items.push_back("and more");
      break;
    }
    bullets.items.push_back(CutEnd(OneLine(dead), kMaxShownDeadMail));
  }
  letter.sections.push_back(
      {.title = "Mails that could not be delivered", .blocks = {std::move(bullets)}});
}

void AddLinks(const std::string& page_url, int error_code, Letter& letter) {
  Links links;
  if (IsWebUrl(page_url)) links.links.push_back({.text = "See all of it", .url = page_url});
  if (const std::string page = twilio::ErrorCodePage(error_code); !page.empty()) {
    links.links.push_back({.text = StrCat("Twilio's page on ", error_code), .url = page});
  }
  if (!links.links.empty()) letter.sections.push_back({.title = "More", .blocks = {links}});
}

Digest Rendered(std::string subject, Letter letter, absl::Time now) {
  letter.footer = StrCat("Written by Understudy, ", TimeText(now), ".");
  return {.subject = std::move(subject), .text = LetterText(letter), .html = LetterHtml(letter)};
}

std::string GroupSubject(const GroupDigest& group) {
  const Noun noun = NounOf(group.key.kind);
  const std::string news = ShortOutcomesText(group.news, noun);
  const std::string episode = ShortOutcomesText(group.episode, noun);
  switch (group.reason) {
    case Reason::kNews:
      return Subject(group.level == Level::kError ? "Still failing: " : "More warnings: ",
                     group.key, StrCat(Counted(group.news.total(), noun, " more"), ", ", news));
    case Reason::kReminder:
      return Subject("Not over: ", group.key,
                     StrCat(Counted(group.episode.total(), noun), " in ",
                            DurationText(group.now - group.first_at), ", ", episode));
    case Reason::kRecovered:
      return Subject("Recovered: ", group.key,
                     StrCat(Counted(group.episode.total(), noun), ", ", episode));
    default:
      return Subject("", group.key, StrCat(Counted(group.news.total(), noun), ", ", news));
  }
}

// What happened, in a sentence or two.
std::string GroupLead(const GroupDigest& group) {
  const Noun noun = NounOf(group.key.kind);
  const std::string all =
      StrCat(Counted(group.episode.total(), noun), ", ", OutcomesText(group.episode, noun), ".");
  std::string news =
      StrCat(Counted(group.news.total(), noun), ", ", OutcomesText(group.news, noun), ".");
  switch (group.reason) {
    case Reason::kNews:
      return StrCat("Since the last mail: ", news);
    case Reason::kReminder:
      return StrCat("Nothing new since the last mail, but it is not over. In all: ", all);
    case Reason::kRecovered:
      return StrCat("There has been none since ", TimeText(group.last_at), ". In all: ", all);
    default:
      return news;
  }
}

std::pair<Tone, const char*> GroupStatus(const GroupDigest& group) {
  const bool is_error = group.level == Level::kError;
  const Tone tone = is_error ? Tone::kBad : Tone::kWarning;
  switch (group.reason) {
    case Reason::kNews:
      return {tone, is_error ? "Still failing" : "More warnings"};
    case Reason::kReminder:
      return {tone, "Not over"};
    case Reason::kRecovered:
      return {Tone::kGood, "Recovered"};
    default:
      return {tone, is_error ? "Failing" : "Warning"};
  }
}

Letter GroupLetter(const GroupDigest& group, absl::Span<const Event> sample) {
  const Noun noun = NounOf(group.key.kind);
  const twilio::Explanation explanation = twilio::Explain(group.key.error_code);
  Letter letter;
  std::tie(letter.tone, letter.status) = GroupStatus(group);
  letter.headline = StrCat(CodeText(group.key.error_code), group.key.host.empty() ? "" : " at ",
                           CutMiddle(ShownHost(group.key.host), kMaxShownHost));
  letter.lead = {GroupLead(group), std::string(explanation.meaning)};

  Facts facts;
  facts.facts = {
      {.name = "Account", .value = ShownWord(group.key.account_sid)},
      {.name = "Kind", .value = twilio::KindName(group.key.kind)},
      {.name = "First", .value = TimeText(group.first_at)},
      {.name = "Last", .value = TimeText(group.last_at)},
      {.name = "New", .value = Counted(group.news.total(), noun)},
  };
  if (group.episode != group.news) {
    facts.facts.push_back({.name = "In all", .value = Counted(group.episode.total(), noun)});
  }
  letter.sections.push_back({.title = "", .blocks = {std::move(facts)}});

  const bool has_news = group.news.total() > 0;
  letter.sections.push_back(
      {.title = noun == Noun::kCall ? "What became of the calls" : "What became of the messages",
       .blocks = {OutcomeTally(has_news ? group.news : group.episode, noun)}});

  if (!group.urls.empty()) {
    Tally urls;
    for (const DigestUrl& url : group.urls) {
      if (urls.rows.size() == kMaxDigestUrls) break;
      urls.rows.push_back(
          {.count = url.counts.total(),
           .what = url.url.empty() ? "(no URL)" : ShownUrl(url.url),
           .more = OutcomesIn(group.news).size() > 1 ? OutcomesText(url.counts, noun) : ""});
    }
    int64_t listed = 0;
    for (const Tally::Row& row : urls.rows) listed += row.count;
    if (listed < group.urls_counted) {
      urls.rows.push_back({.count = group.urls_counted - listed, .what = "other URLs"});
    }
    Section section = {.title = "By URL", .blocks = {std::move(urls)}};
    if (group.urls_counted < group.news.total()) {
      section.blocks.push_back(
          Paragraph{StrCat("Of the newest ", NumberText(group.urls_counted), " alone.")});
    }
    letter.sections.push_back(std::move(section));
  }

  if (group.reason != Reason::kRecovered || has_news) {
    Bullets checks;
    for (const string_view check : explanation.checks) {
      if (!check.empty()) checks.items.emplace_back(check);
    }
    letter.sections.push_back({.title = "What to check", .blocks = {std::move(checks)}});
  }

  if (!sample.empty()) {
    const auto shown = static_cast<int64_t>(sample.size());
    Section section = {.title = shown < group.news.total() ? StrCat("The newest ", shown, " of ",
                                                                    NumberText(group.news.total()))
                                                           : "Each of them",
                       .blocks = CasesOf(sample)};
    letter.sections.push_back(std::move(section));
  }
  AddDeadMails(group.dead_mails, letter);
  AddLinks(group.page_url, group.key.error_code, letter);
  return letter;
}

}  // namespace

Digest RenderGroup(const GroupDigest& group) {
  absl::Span<const Event> sample = group.sample;
  if (sample.size() > kMaxDigestEvents) {
    sample.remove_prefix(sample.size() - kMaxDigestEvents);
  }
  const std::string subject = GroupSubject(group);
  while (true) {
    Digest digest = Rendered(subject, GroupLetter(group, sample), group.now);
    if (digest.text.size() + digest.html.size() <= kMaxDigestBytes || sample.empty()) {
      return digest;
    }
    sample.remove_prefix((sample.size() + 1) / 2);  // the older half
  }
}

Digest RenderSummary(const SummaryDigest& summary) {
  const std::string problems = StrCat(NumberText(summary.group_count), " problems");
  std::string worst;
  if (!summary.groups.empty()) {
    const GroupKey& key = summary.groups.front().key;
    worst = StrCat(", most of it ", Problem(key, /*room=*/60));
  }
  Letter letter;
  letter.tone = Tone::kBad;
  letter.status = "Summary";
  letter.headline = StrCat(problems, " at once");
  letter.lead = {
      StrCat(Counted(summary.news.total(), Noun::kEvent), ", ",
             OutcomesText(summary.news, Noun::kEvent), "."),
      StrCat("This is one mail in place of ", NumberText(summary.group_count), ": no more than ",
             summary.mail_limit, summary.mail_limit == 1 ? " mail" : " mails", " in ",
             DurationText(summary.mail_limit_per), " are sent to you. No event is left out.")};
  Facts facts;
  facts.facts = {{.name = "New", .value = Counted(summary.news.total(), Noun::kEvent)}};
  letter.sections.push_back({.title = "", .blocks = {std::move(facts)}});

  Tally groups;
  int64_t listed = 0;
  for (const SummaryGroup& group : summary.groups) {
    if (groups.rows.size() == kMaxSummaryGroups) break;
    listed += group.news.total();
    groups.rows.push_back(
        {.count = group.news.total(),
         .what = StrCat(CodeText(group.key.error_code), group.key.host.empty() ? "" : " at ",
                        CutMiddle(ShownHost(group.key.host), kMaxShownHost)),
         .more = StrCat(twilio::KindName(group.key.kind), " of ", ShownWord(group.key.account_sid),
                        ", ", OutcomesText(group.news, NounOf(group.key.kind)), "; ",
                        TimeText(group.first_at), " to ", TimeText(group.last_at),
                        group.open ? "" : ", recovered")});
  }
  const auto left = summary.group_count - static_cast<int64_t>(groups.rows.size());
  Section section = {.title = "Most events first", .blocks = {std::move(groups)}};
  if (left > 0) {
    section.blocks.push_back(
        Paragraph{StrCat("And ", NumberText(left), left == 1 ? " other" : " others", " with ",
                         Counted(summary.news.total() - listed, Noun::kEvent), ".")});
  }
  letter.sections.push_back(std::move(section));
  AddDeadMails(summary.dead_mails, letter);
  AddLinks(summary.page_url, /*error_code=*/0, letter);
  return Rendered(Subject(StrCat(problems, worst, ": ", Counted(summary.news.total(), Noun::kEvent),
                                 ", ", ShortOutcomesText(summary.news, Noun::kEvent))),
                  std::move(letter), summary.now);
}

Digest RenderHeartbeat(const HeartbeatDigest& heartbeat) {
  const std::string every = DurationText(heartbeat.every);
  const int64_t events = heartbeat.events.total();
  const bool is_well =
      heartbeat.open_groups == 0 && heartbeat.unsent_mails == 0 && heartbeat.dead_mails.empty();
  const std::string headline =
      StrCat(events == 0 ? "no events" : Counted(events, Noun::kEvent), " in ", every);
  Letter letter;
  letter.tone = is_well ? Tone::kGood : Tone::kPlain;
  letter.status = is_well ? "All is well" : "Still watching";
  letter.headline = headline;
  letter.headline.front() = absl::ascii_toupper(static_cast<unsigned char>(headline.front()));
  letter.lead = {StrCat("This mail comes every ", every,
                        ". If it does not come, nobody is watching: look after the notifier.")};
  Facts facts;
  facts.facts = {
      {.name = "Open", .value = StrCat(NumberText(heartbeat.open_groups), " problems")},
      {.name = "Unsent", .value = StrCat(NumberText(heartbeat.unsent_mails), " mails")},
  };
  Section section = {.title = "", .blocks = {std::move(facts)}};
  letter.sections.push_back(std::move(section));
  if (events > 0) {
    letter.sections.push_back({.title = "What became of the callers",
                               .blocks = {OutcomeTally(heartbeat.events, Noun::kEvent)}});
  }
  AddDeadMails(heartbeat.dead_mails, letter);
  AddLinks(heartbeat.page_url, /*error_code=*/0, letter);
  std::string subject = StrCat(letter.status, ": ", headline);
  if (heartbeat.open_groups > 0) {
    StrAppend(&subject, ", ", NumberText(heartbeat.open_groups), " not over");
  }
  if (heartbeat.unsent_mails > 0) {
    StrAppend(&subject, ", ", NumberText(heartbeat.unsent_mails), " mails unsent");
  }
  return Rendered(Subject(subject), std::move(letter), heartbeat.now);
}

Digest RenderTest(absl::Time now) {
  Letter letter;
  letter.tone = Tone::kGood;
  letter.status = "Test";
  letter.headline = "Mail from Understudy reaches you";
  letter.lead = {
      "Somebody asked for this mail, to see that alerts would arrive. Nothing is wrong."};
  return Rendered(Subject("Test: mail from Understudy reaches you"), std::move(letter), now);
}

}  // namespace understudy::notifier
