#include "services/notifier/page/page.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/explanation.h"
#include "common/twilio/form.h"
#include "services/notifier/page/chart.h"
#include "services/notifier/page/mask.h"
#include "services/notifier/words/event_words.h"
#include "services/notifier/words/html_writer.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

using absl::StrCat;
using absl::string_view;

// What is shown of a text that may be longer; in characters.
constexpr size_t kMaxShownHost = 80;
constexpr size_t kMaxShownUrl = 120;
constexpr size_t kMaxShownDetail = 160;

// --- The frame ---

void Begin(string_view title, const std::string& searched, HtmlWriter& html) {
  html.Put(
          "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"robots\" content=\"noindex\">\n<title>")
      .Text(title)
      .Put(
          " – Understudy</title>\n<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
          "<link rel=\"stylesheet\" href=\"/style.css\">\n"
          "<script src=\"/page.js\" defer></script>\n</head>\n<body>\n"
          "<a class=\"skip\" href=\"#main\">To the content</a>\n"
          "<header class=\"top\">\n<div class=\"bar\">\n"
          "<a class=\"home\" href=\"/\"><span class=\"mark\" aria-hidden=\"true\"></span>Understudy"
          "</a>\n<nav aria-label=\"Pages\"><ul><li><a href=\"/\">Overview</a></li>"
          "<li><a href=\"/groups?state=open\">Open</a></li>"
          "<li><a href=\"/groups?state=quiet\">Quiet</a></li>"
          "<li><a href=\"/search\">Search</a></li></ul></nav>\n"
          "<form class=\"find\" role=\"search\" action=\"/search\" method=\"get\">"
          "<label class=\"hidden\" for=\"find\">Call sid, number, URL or code</label>"
          "<input id=\"find\" name=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" "
          "placeholder=\"Call sid, number, URL or code\" value=\"")
      .Text(searched)
      .Put(
          "\"><button type=\"submit\">Search</button></form>\n</div>\n</header>\n"
          "<main id=\"main\" tabindex=\"-1\">\n");
}

std::string End(const PageLook& look, HtmlWriter& html) {
  html.Put("</main>\n<footer><p>As of ");
  html.Put("<time id=\"as-of\">").Text(TimeText(look.now)).Put("</time>. Times are UTC.");
  if (look.mask_numbers) html.Put(" Numbers are masked.");
  html.Put("</p></footer>\n</body>\n</html>\n");
  return html.Take();
}

// --- Words ---

std::string AgeText(absl::Time time, absl::Time now) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return "never";
  const absl::Duration age = now - time;
  if (age < absl::Seconds(1)) return "now";
  // The larger unit alone: next to it stands the time.
  if (age < absl::Minutes(1)) return StrCat(absl::ToInt64Seconds(age), " s ago");
  if (age < absl::Hours(1)) return StrCat(absl::ToInt64Minutes(age), " min ago");
  if (age < absl::Hours(48)) return StrCat(absl::ToInt64Hours(age), " h ago");
  return StrCat(absl::ToInt64Hours(age) / 24, " d ago");
}

void PutTime(absl::Time time, HtmlWriter& html) {
  html.Put("<time datetime=\"")
      .Text(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()))
      .Put("\">")
      .Text(absl::StripSuffix(TimeText(time), " UTC"))
      .Put("</time>");
}

std::string KindText(Kind kind) {
  return kind == Kind::kVoice ? "voice" : "messaging";
}

// "91 % (1,234)".
std::string ShareText(int64_t part, int64_t all) {
  const int64_t percent = all == 0 ? 0 : (part * 100 + all / 2) / all;
  const string_view about = part > 0 && percent == 0 ? "under 1" : "";
  return StrCat(about.empty() ? StrCat(percent) : std::string(about), " %");
}

std::string Number(const std::string& number, const PageLook& look) {
  return look.mask_numbers ? MaskNumbers(number) : number;
}

std::string Masked(string_view text, const PageLook& look) {
  return look.mask_numbers ? MaskMarkedNumbers(text) : std::string(text);
}

std::string HostOf(const GroupKey& key) {
  const std::string host = ShownHost(key.host);
  return host.empty() ? "no host" : CutMiddle(host, kMaxShownHost);
}

std::string TitleOf(const GroupKey& key) {
  return StrCat(CodeText(key.error_code), " at ", HostOf(key));
}

void PutState(bool open, Level level, HtmlWriter& html) {
  if (!open) {
    html.Put("<span class=\"state quiet\">Quiet</span>");
  } else if (level == Level::kWarning) {
    html.Put("<span class=\"state warning\">Open, warning</span>");
  } else {
    html.Put("<span class=\"state open\">Open</span>");
  }
}

Markup ToneOf(const Counts& counts) {
  if (counts.of(Outcome::kDefaultAnswered) > 0) return "class=\"callers bad\"";
  if (counts.of(Outcome::kUnknown) > 0) return "class=\"callers unsure\"";
  return "class=\"callers good\"";
}

// What became of the callers, in few words: the worst is what counts.
std::string CallersText(const Counts& counts, Kind kind) {
  return OutcomesText(counts, NounOf(kind));
}

// --- Groups ---

Counts CountsOf(const GroupState& state) {
  return state.counts.Since(state.counts_before);
}

void PutGroupRow(const ShownGroup& shown, const PageLook& look, HtmlWriter& html) {
  const Group& group = shown.group;
  const GroupState& state = group.state;
  const Counts counts = CountsOf(state);
  html.Put("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"what\">");
  PutState(state.open, state.level, html);
  html.Put(" <a class=\"name\" id=\"group-")
      .Text(StrCat(group.id))
      .Put("\" href=\"/groups/")
      .Text(StrCat(group.id))
      .Put("\">")
      .Text(CodeText(group.key.error_code))
      .Put("</a><span class=\"host\">")
      .Text(HostOf(group.key))
      .Put("</span><span class=\"dim\">")
      .Text(KindText(group.key.kind))
      .Put(", ")
      .Text(group.key.account_sid)
      .Put("</span></th><td role=\"cell\" class=\"count\"><b>")
      .Text(NumberText(counts.total()))
      .Put("</b>");
  if (state.episode > 1) {
    html.Put("<span class=\"dim\">of ")
        .Text(NumberText(state.counts.total()))
        .Put(" in all</span>");
  }
  html.Put("</td><td role=\"cell\" class=\"spark\">");
  PutSparkline(shown.hours, html);
  html.Put("</td><td role=\"cell\"><span ")
      .Put(ToneOf(counts))
      .Put(">")
      .Text(CallersText(counts, group.key.kind))
      .Put("</span></td><td role=\"cell\" class=\"seen\"><span>");
  PutTime(state.last_at, html);
  html.Put(" <span class=\"age\">")
      .Text(AgeText(state.last_at, look.now))
      .Put("</span></span><span class=\"dim\">since ");
  PutTime(state.first_at, html);
  html.Put("</span></td></tr>\n");
}

void PutGroups(const std::vector<ShownGroup>& groups, Markup caption, const PageLook& look,
               HtmlWriter& html) {
  html.Put("<table role=\"table\" class=\"groups\"><caption class=\"hidden\">")
      .Put(caption)
      .Put(
          "</caption><thead role=\"rowgroup\"><tr role=\"row\">"
          "<th role=\"columnheader\" scope=\"col\">What, and where</th>"
          "<th role=\"columnheader\" scope=\"col\" class=\"count\">Events</th>"
          "<th role=\"columnheader\" scope=\"col\">Last 24 hours</th>"
          "<th role=\"columnheader\" scope=\"col\">Callers</th>"
          "<th role=\"columnheader\" scope=\"col\">Last seen</th>"
          "</tr></thead><tbody role=\"rowgroup\">\n");
  for (const ShownGroup& group : groups) PutGroupRow(group, look, html);
  html.Put("</tbody></table>\n");
}

// --- Events ---

void PutEventRow(const StoredEvent& stored, bool says_code, const PageLook& look,
                 HtmlWriter& html) {
  const Event& event = stored.event;
  html.Put(
          "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"when\">"
          "<a class=\"name\" id=\"event-")
      .Text(StrCat(stored.row))
      .Put("\" href=\"/events/")
      .Text(StrCat(stored.row))
      .Put("\">");
  PutTime(event.occurred_at, html);
  html.Put("</a></th><td role=\"cell\" class=\"what\">");
  if (says_code) {
    html.Put("<span class=\"code\">").Text(CodeText(event.error_code)).Put("</span>");
  }
  html.Put("<span>").Text(FailureText(event)).Put("</span>");
  html.Put("<span class=\"url\">")
      .Text(CutEnd(OneLine(Masked(event.error_url, look)), kMaxShownUrl))
      .Put("</span>");
  if (!event.detail.empty()) {
    html.Put("<span class=\"dim\">")
        .Text(CutEnd(OneLine(Masked(event.detail, look)), kMaxShownDetail))
        .Put("</span>");
  }
  html.Put("</td><td role=\"cell\" class=\"who\"><span>")
      .Text(event.phone_number.empty() ? "–" : Number(event.phone_number, look))
      .Put("</span><span class=\"dim sid\">")
      .Text(event.resource_sid)
      .Put("</span></td><td role=\"cell\">");
  Counts one;
  one.Add(event.outcome);
  html.Put("<span ")
      .Put(ToneOf(one))
      .Put(">")
      .Text(OutcomeText(event.outcome, NounOf(event.kind)))
      .Put("</span></td></tr>\n");
}

void PutEvents(const std::vector<StoredEvent>& events, bool says_code, const PageLook& look,
               HtmlWriter& html) {
  html.Put(
      "<table role=\"table\" class=\"events\"><caption class=\"hidden\">Events, newest first"
      "</caption><thead role=\"rowgroup\"><tr role=\"row\">"
      "<th role=\"columnheader\" scope=\"col\">When</th>"
      "<th role=\"columnheader\" scope=\"col\">What failed</th>"
      "<th role=\"columnheader\" scope=\"col\">Number, and call or message</th>"
      "<th role=\"columnheader\" scope=\"col\">Caller</th>"
      "</tr></thead><tbody role=\"rowgroup\">\n");
  for (const StoredEvent& event : events) PutEventRow(event, says_code, look, html);
  html.Put("</tbody></table>\n");
}

// `newest` and `older` are paths with their queries.
void PutPaging(bool is_first, const std::string& newest, bool has_older, const std::string& older,
               HtmlWriter& html) {
  if (is_first && !has_older) return;
  html.Put("<nav class=\"paging\" aria-label=\"Pages of this list\"><ul>");
  if (!is_first) {
    html.Put("<li><a href=\"").Text(newest).Put("\">Newest</a></li>");
  }
  if (has_older) {
    html.Put("<li><a rel=\"next\" href=\"").Text(older).Put("\">Older</a></li>");
  }
  html.Put("</ul></nav>\n");
}

// --- Facts ---

void BeginFacts(HtmlWriter& html) {
  html.Put("<dl class=\"facts\">");
}
void PutFact(Markup name, string_view value, HtmlWriter& html) {
  if (value.empty()) return;
  html.Put("<div><dt>").Put(name).Put("</dt><dd>").Text(value).Put("</dd></div>\n");
}
void PutTimeFact(Markup name, absl::Time time, const PageLook& look, HtmlWriter& html) {
  html.Put("<div><dt>").Put(name).Put("</dt><dd>");
  PutTime(time, html);
  html.Put(" <span class=\"age\">").Text(AgeText(time, look.now)).Put("</span></dd></div>\n");
}
void EndFacts(HtmlWriter& html) {
  html.Put("</dl>\n");
}

void PutMeaning(int code, HtmlWriter& html) {
  const twilio::Explanation explanation = twilio::Explain(code);
  html.Put(
          "<section class=\"card meaning\" aria-labelledby=\"meaning\">"
          "<h2 id=\"meaning\">What it means, and what to check</h2>\n<p>")
      .Text(explanation.meaning)
      .Put("</p>\n<ul>");
  for (const string_view check : explanation.checks) {
    if (!check.empty()) html.Put("<li>").Text(check).Put("</li>\n");
  }
  html.Put("</ul>\n");
  const std::string page = twilio::ErrorCodePage(code);
  if (!page.empty()) {
    html.Put("<p>")
        .Link("rel=\"noreferrer\"", page, StrCat("Twilio's page on ", code))
        .Put("</p>\n");
  }
  html.Put("</section>\n");
}

// --- Overview ---

std::string TimeOfDay(absl::Time time) {
  return absl::FormatTime("%H:%M", time, absl::UTCTimeZone());
}

void PutHoursChoice(int hours, HtmlWriter& html) {
  html.Put("<nav class=\"choice\" aria-label=\"Hours shown\"><ul>");
  for (const int offered : kOfferedHours) {
    html.Put("<li><a href=\"/?hours=")
        .Text(StrCat(offered))
        .Put(offered == hours ? Markup("\" aria-current=\"true\">") : Markup("\">"))
        .Text(StrCat(offered, " h"))
        .Put("</a></li>");
  }
  html.Put("</ul></nav>\n");
}

Markup KeyOf(size_t place, int code) {
  if (code == kOtherCodes) return "<span class=\"key other\" aria-hidden=\"true\"></span>";
  switch (place) {
    case 0:
      return "<span class=\"key c0\" aria-hidden=\"true\"></span>";
    case 1:
      return "<span class=\"key c1\" aria-hidden=\"true\"></span>";
    case 2:
      return "<span class=\"key c2\" aria-hidden=\"true\"></span>";
    case 3:
      return "<span class=\"key c3\" aria-hidden=\"true\"></span>";
    default:
      return "<span class=\"key c4\" aria-hidden=\"true\"></span>";
  }
}

void PutChart(const EventColumns& columns, int hours, HtmlWriter& html) {
  const int64_t width = absl::ToInt64Minutes(columns.width);
  const std::string each = width == 1 ? "minute" : StrCat(width, " minutes");
  html.Put(
          "<section class=\"card chart\" id=\"chart\" data-live aria-labelledby=\"chart-title\">"
          "<div class=\"head\"><h2 id=\"chart-title\">Events each ")
      .Text(each)
      .Put(", by code</h2>\n");
  PutHoursChoice(hours, html);
  html.Put("</div>\n");
  if (columns.counts.total() == 0) {
    html.Put("<p class=\"empty\">No event came in the last ")
        .Text(hours == 1 ? "hour" : StrCat(hours, " hours"))
        .Put(".</p></section>\n");
    return;
  }
  html.Put("<p class=\"scale dim\">at most ")
      .Text(StrCat(NumberText(columns.most), " in one ", width == 1 ? "minute" : "column"))
      .Put("</p>\n");
  PutColumns(columns, html);
  const absl::Time end = columns.begin + columns.width * static_cast<int64_t>(columns.columns);
  html.Put("<p class=\"axis dim\" aria-hidden=\"true\"><span>")
      .Text(TimeOfDay(columns.begin))
      .Put("</span><span>")
      .Text(TimeOfDay(columns.begin + (end - columns.begin) / 2))
      .Put("</span><span>")
      .Text(TimeOfDay(end))
      .Put(
          "</span></p>\n<table class=\"codes\"><caption class=\"hidden\">Events by code"
          "</caption><thead class=\"hidden\"><tr><th scope=\"col\">Code</th>"
          "<th scope=\"col\">Events</th></tr></thead><tbody>\n");
  for (size_t place = 0; place < columns.codes.size(); ++place) {
    const EventColumns::Code& code = columns.codes[place];
    html.Put("<tr><th scope=\"row\">").Put(KeyOf(place, code.code));
    html.Text(code.code == kOtherCodes ? "all other codes" : CodeText(code.code))
        .Put("</th><td>")
        .Text(NumberText(code.total))
        .Put("</td></tr>\n");
  }
  html.Put("</tbody></table>\n</section>\n");
}

void PutAnswered(const Counts& counts, int hours, HtmlWriter& html) {
  const std::string span = hours == 1 ? "hour" : StrCat(hours, " hours");
  html.Put(
      "<section class=\"card answered\" id=\"answered\" data-live "
      "aria-labelledby=\"answered-title\">"
      "<h2 id=\"answered-title\">Who answered, where something failed</h2>\n");
  if (counts.total() == 0) {
    html.Put("<p class=\"empty\">No event came in the last ").Text(span).Put(".</p>\n");
  } else {
    PutShares(counts, html);
    html.Put(
        "<table class=\"codes\"><caption class=\"hidden\">Events by who answered</caption>"
        "<thead class=\"hidden\"><tr><th scope=\"col\">Who</th><th scope=\"col\">Share</th>"
        "<th scope=\"col\">Events</th></tr></thead><tbody>\n");
    struct Row {
      Outcome outcome;
      Markup who;
    };
    const Row rows[] = {
        {Outcome::kFallbackAnswered,
         "<span class=\"key fallback\" aria-hidden=\"true\"></span>the fallback"},
        {Outcome::kDefaultAnswered,
         "<span class=\"key default\" aria-hidden=\"true\"></span>the default document"},
        {Outcome::kWarning,
         "<span class=\"key primary\" aria-hidden=\"true\"></span>the web server itself, parts of "
         "its document skipped"},
        {Outcome::kUnknown,
         "<span class=\"key unknown\" aria-hidden=\"true\"></span>the sender did not say"}};
    for (const Row& row : rows) {
      if (counts.of(row.outcome) == 0) continue;
      html.Put("<tr><th scope=\"row\">")
          .Put(row.who)
          .Put("</th><td>")
          .Text(ShareText(counts.of(row.outcome), counts.total()))
          .Put("</td><td>")
          .Text(NumberText(counts.of(row.outcome)))
          .Put("</td></tr>\n");
    }
    html.Put("</tbody></table>\n");
  }
  html.Put("<p class=\"dim note\">Of the events of the last ")
      .Text(span)
      .Put(
          ". Calls that went well send none, and a call whose fallback failed too sends two: the "
          "shares of all calls are in the routers' metrics "
          "(<code>understudy_resolutions_total</code>).</p>\n</section>\n");
}

void PutTiles(const OverviewView& view, const EventColumns& columns, const PageLook& look,
              HtmlWriter& html) {
  const StoreStatus& status = view.status;
  const bool waits = status.oldest_due_mail_at != absl::InfiniteFuture();
  html.Put(
          "<section class=\"tiles\" id=\"tiles\" data-live aria-label=\"How things stand\"><dl>"
          "<div class=\"tile\"><dt>Open groups</dt><dd ")
      .Put(status.open_groups > 0 ? Markup("class=\"bad\">") : Markup("class=\"good\">"))
      .Text(NumberText(status.open_groups))
      .Put("</dd></div>\n<div class=\"tile\"><dt>Events, last ")
      .Text(view.hours == 1 ? "hour" : StrCat(view.hours, " hours"))
      .Put("</dt><dd>")
      .Text(NumberText(columns.counts.total()))
      .Put("</dd></div>\n<div class=\"tile\"><dt>Heard the default</dt><dd ")
      .Put(columns.counts.of(Outcome::kDefaultAnswered) > 0 ? Markup("class=\"bad\">")
                                                            : Markup("class=\"good\">"))
      .Text(NumberText(columns.counts.of(Outcome::kDefaultAnswered)))
      .Put("</dd></div>\n<div class=\"tile\"><dt>Oldest unsent mail</dt><dd>");
  if (waits) {
    html.Text(DurationText(look.now - status.oldest_due_mail_at));
    html.Put("<span class=\"dim\">").Text(StrCat(NumberText(status.due_mails), " waiting"));
    html.Put("</span>");
  } else {
    html.Put("none");
  }
  if (status.dead_mails > 0) {
    html.Put("<span class=\"bad small\">")
        .Text(StrCat(NumberText(status.dead_mails), " given up"))
        .Put("</span>");
  }
  html.Put("</dd></div>\n</dl></section>\n");
}

// A sentence that changes only when something has: it is read aloud then.
void PutNews(const OverviewView& view, HtmlWriter& html) {
  const int64_t open = view.status.open_groups;
  html.Put("<p class=\"lead\" id=\"news\" role=\"status\" aria-live=\"polite\" data-live>");
  if (open == 0) {
    html.Put("Nothing is failing.");
  } else {
    html.Text(StrCat(NumberText(open),
                     open == 1 ? " group of failures is" : " groups of failures are", " open."));
  }
  html.Put("</p>\n");
}

void PutGroupSection(Markup begin, const std::vector<ShownGroup>& groups, Markup empty,
                     Markup caption, bool has_more, Markup more, const PageLook& look,
                     HtmlWriter& html) {
  html.Put(begin);
  if (groups.empty()) {
    html.Put(empty);
  } else {
    PutGroups(groups, caption, look, html);
  }
  if (has_more) html.Put(more);
  html.Put("</section>\n");
}

// --- Pieces of an event ---

std::string MethodText(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kUnspecified:
      break;
  }
  return "";
}

std::string PhaseTime(absl::Duration time) {
  return time == absl::ZeroDuration() ? "–" : DurationText(time);
}

void PutAttemptRow(const Attempt& attempt, size_t number, const PageLook& look, HtmlWriter& html) {
  html.Put("<tr><th scope=\"row\">")
      .Text(StrCat(number))
      .Put("</th><td class=\"what\"><span class=\"url\">")
      .Text(StrCat(MethodText(attempt.method), attempt.method == Method::kUnspecified ? "" : " ",
                   OneLine(Masked(attempt.url, look))))
      .Put("</span><span>");
  std::string outcome =
      attempt.http_status == 0 ? "no response" : StrCat("HTTP ", attempt.http_status);
  if (attempt.error_code != 0) absl::StrAppend(&outcome, ", ", CodeText(attempt.error_code));
  if (attempt.phase != Phase::kNone) {
    absl::StrAppend(&outcome, ", phase ", PhaseText(attempt.phase));
  }
  html.Text(outcome).Put("</span>");
  if (!attempt.detail.empty()) {
    html.Put("<span class=\"dim\">").Text(Masked(attempt.detail, look)).Put("</span>");
  }
  if (!attempt.remote_address.empty()) {
    html.Put("<span class=\"dim\">").Text(attempt.remote_address).Put("</span>");
  }
  html.Put("</td>");
  for (const absl::Duration time :
       {attempt.dns, attempt.connect, attempt.tls, attempt.first_byte, attempt.total}) {
    html.Put("<td class=\"number\">").Text(PhaseTime(time)).Put("</td>");
  }
  html.Put("</tr>\n");
}

void PutAttemptsSection(const Event& event, const PageLook& look, HtmlWriter& html) {
  if (event.attempts.empty()) return;
  html.Put(
      "<section class=\"card\" aria-labelledby=\"attempts\"><h2 id=\"attempts\">Requests"
      "</h2>\n");
  PutAttempts(event.attempts, html);
  html.Put(
      "<p class=\"keys dim\" aria-hidden=\"true\">"
      "<span><span class=\"key dns\"></span>name</span>"
      "<span><span class=\"key connect\"></span>connect</span>"
      "<span><span class=\"key tls\"></span>TLS</span>"
      "<span><span class=\"key wait\"></span>first byte</span>"
      "<span><span class=\"key rest\"></span>rest</span></p>\n"
      "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of requests\">"
      "<table class=\"attempts\"><caption class=\"hidden\">Requests, in their order</caption>"
      "<thead><tr><th scope=\"col\">No.</th><th scope=\"col\">Request and outcome</th>"
      "<th scope=\"col\" class=\"number\">Name</th>"
      "<th scope=\"col\" class=\"number\">Connect</th>"
      "<th scope=\"col\" class=\"number\">TLS</th>"
      "<th scope=\"col\" class=\"number\">First byte</th>"
      "<th scope=\"col\" class=\"number\">Total</th></tr></thead><tbody>\n");
  size_t number = 0;
  for (const Attempt& attempt : event.attempts) PutAttemptRow(attempt, ++number, look, html);
  html.Put("</tbody></table></div>\n");
  if (event.attempt_count > static_cast<int>(event.attempts.size())) {
    html.Put("<p class=\"dim note\">Of ")
        .Text(StrCat(event.attempt_count))
        .Put(" requests the first and the last are kept.</p>\n");
  }
  html.Put("</section>\n");
}

// `masks_all`: what may be a number is masked, also where nothing marks it as one.
void PutFields(Markup title, const twilio::Form& fields, bool masks_all, const PageLook& look,
               HtmlWriter& html) {
  if (fields.empty()) return;
  html.Put("<h3>").Put(title).Put("</h3>\n<dl class=\"fields\">");
  for (const twilio::Parameter& field : fields) {
    const std::string value = !look.mask_numbers ? field.value
                              : masks_all        ? MaskNumbers(field.value)
                                                 : MaskMarkedNumbers(field.value);
    html.Put("<div><dt>").Text(field.name).Put("</dt><dd>").Text(value).Put("</dd></div>\n");
  }
  html.Put("</dl>\n");
}

void PutRequestSection(const Event& event, const PageLook& look, HtmlWriter& html) {
  if (event.parameters.empty() && event.request_headers.empty()) return;
  html.Put(
      "<section class=\"card\" aria-labelledby=\"request\"><h2 id=\"request\">What was sent"
      "</h2>\n");
  PutFields("Parameters", event.parameters, /*masks_all=*/true, look, html);
  PutFields("Headers", event.request_headers, /*masks_all=*/false, look, html);
  html.Put("</section>\n");
}

void PutResponseSection(const Event& event, const PageLook& look, HtmlWriter& html) {
  if (event.response_excerpt.empty() && event.response_headers.empty()) return;
  html.Put(
      "<section class=\"card\" aria-labelledby=\"response\"><h2 id=\"response\">What came back"
      "</h2>\n");
  PutFields("Headers", event.response_headers, /*masks_all=*/false, look, html);
  if (!event.response_excerpt.empty()) {
    html.Put(
            "<h3 id=\"excerpt\">The beginning of the content</h3>\n"
            "<div class=\"quote\" tabindex=\"0\" role=\"region\" aria-labelledby=\"excerpt\">")
        .Lines(Masked(event.response_excerpt, look))
        .Put("</div>\n");
  }
  html.Put("</section>\n");
}

}  // namespace

std::string OverviewPage(const OverviewView& view, const PageLook& look) {
  const EventColumns columns = ColumnsOf(view.minutes, view.hours, look.now);
  HtmlWriter html;
  Begin("Overview", "", html);
  html.Put("<div class=\"intro\"><h1>Overview</h1>\n");
  PutNews(view, html);
  html.Put("</div>\n");
  PutTiles(view, columns, look, html);
  html.Put("<div class=\"two\">\n");
  PutChart(columns, view.hours, html);
  PutAnswered(columns.counts, view.hours, html);
  html.Put("</div>\n");
  PutGroupSection(
      "<section class=\"card list\" id=\"open\" data-live aria-labelledby=\"open-title\">"
      "<h2 id=\"open-title\">Open groups</h2>\n",
      view.open, "<p class=\"empty\">No group of failures is open.</p>\n", "Open groups",
      view.has_more_open,
      "<p class=\"more\"><a href=\"/groups?state=open\">All open groups</a></p>\n", look, html);
  PutGroupSection(
      "<section class=\"card list\" id=\"quiet\" data-live aria-labelledby=\"quiet-title\">"
      "<h2 id=\"quiet-title\">Quiet groups</h2>\n",
      view.quiet, "<p class=\"empty\">No group has gone quiet.</p>\n", "Quiet groups",
      view.has_more_quiet,
      "<p class=\"more\"><a href=\"/groups?state=quiet\">All quiet groups</a></p>\n", look, html);
  return End(look, html);
}

std::string GroupListPage(const GroupListView& view, const PageLook& look) {
  const char* const title = view.open ? "Open groups" : "Quiet groups";
  const std::string path = view.open ? "/groups?state=open" : "/groups?state=quiet";
  HtmlWriter html;
  Begin(title, "", html);
  html.Put("<div class=\"intro\"><h1>")
      .Text(title)
      .Put("</h1>\n<p class=\"lead\" id=\"news\" role=\"status\" aria-live=\"polite\" data-live>")
      .Text(StrCat(NumberText(view.total), view.total == 1 ? " group" : " groups",
                   ", the last to have had an event first."))
      .Put(
          "</p></div>\n<section class=\"card list\" id=\"list\" data-live "
          "aria-label=\"Groups\">\n");
  if (view.groups.empty()) {
    html.Put("<p class=\"empty\">There are none here.</p>\n");
  } else {
    PutGroups(view.groups, "Groups", look, html);
  }
  html.Put("</section>\n");
  PutPaging(view.is_first, path, view.rest.has_value(),
            view.rest.has_value() ? StrCat(path, "&before=", WriteGroupPlace(*view.rest)) : "",
            html);
  return End(look, html);
}

std::string GroupPage(const GroupView& view, const PageLook& look) {
  const Group& group = view.group.group;
  const GroupState& state = group.state;
  const Counts counts = CountsOf(state);
  const Noun noun = NounOf(group.key.kind);
  const std::string path = StrCat("/groups/", group.id);
  HtmlWriter html;
  Begin(TitleOf(group.key), "", html);
  html.Put("<div class=\"intro\"><p class=\"crumbs\"><a href=\"/\">Overview</a></p>\n<h1>")
      .Text(CodeText(group.key.error_code))
      .Put("<span class=\"host\">")
      .Text(HostOf(group.key))
      .Put(
          "</span></h1>\n<p class=\"lead\" id=\"news\" role=\"status\" aria-live=\"polite\" "
          "data-live>");
  PutState(state.open, state.level, html);
  html.Put(" ").Text(StrCat(Counted(counts.total(), noun), ", ", OutcomesText(counts, noun), "."));
  html.Put(
      "</p></div>\n<div class=\"two\">\n"
      "<section class=\"card\" id=\"facts\" data-live aria-labelledby=\"facts-title\">"
      "<h2 id=\"facts-title\">The group</h2>\n");
  BeginFacts(html);
  PutTimeFact("First seen", state.first_at, look, html);
  PutTimeFact("Last seen", state.last_at, look, html);
  PutFact("Events", NumberText(counts.total()), html);
  if (state.episode > 1) {
    PutFact("In all",
            StrCat(NumberText(state.counts.total()), " in ", NumberText(state.episode),
                   " times it was open"),
            html);
  }
  PutFact("Kind", KindText(group.key.kind), html);
  PutFact("Account", group.key.account_sid, html);
  if (state.last_mail_at != absl::InfinitePast()) {
    PutTimeFact("Last mail", state.last_mail_at, look, html);
  }
  EndFacts(html);
  html.Put("<h3>Last 24 hours</h3>\n");
  PutSparkline(view.group.hours, html);
  html.Put("</section>\n");
  PutMeaning(group.key.error_code, html);
  html.Put(
      "</div>\n<section class=\"card list\" id=\"list\" data-live "
      "aria-labelledby=\"events\"><h2 id=\"events\">Events</h2>\n");
  if (view.events.empty()) {
    html.Put("<p class=\"empty\">None are kept any more.</p>\n");
  } else {
    PutEvents(view.events, /*says_code=*/false, look, html);
  }
  html.Put("</section>\n");
  PutPaging(view.is_first, path, view.rest_before_row != 0,
            StrCat(path, "?before=", view.rest_before_row), html);
  return End(look, html);
}

std::string EventPage(const EventView& view, const PageLook& look) {
  const Event& event = view.stored.event;
  HtmlWriter html;
  Begin(StrCat(CodeText(event.error_code), ", event ", view.stored.row), "", html);
  html.Put("<div class=\"intro\"><p class=\"crumbs\"><a href=\"/\">Overview</a>");
  if (view.group.has_value()) {
    html.Put(" › <a href=\"/groups/")
        .Text(StrCat(view.stored.group_id))
        .Put("\">")
        .Text(TitleOf(view.group->key))
        .Put("</a>");
  }
  html.Put("</p>\n<h1>")
      .Text(CodeText(event.error_code))
      .Put("<span class=\"host\">")
      .Text(FailureText(event))
      .Put("</span></h1>\n<p class=\"lead\">");
  Counts one;
  one.Add(event.outcome);
  html.Put("<span ")
      .Put(ToneOf(one))
      .Put(">")
      .Text(StrCat(event.kind == Kind::kVoice ? "The call was " : "The message was ",
                   OutcomeText(event.outcome, NounOf(event.kind))))
      .Put(
          "</span></p></div>\n<div class=\"two\">\n"
          "<section class=\"card\" aria-labelledby=\"facts\"><h2 id=\"facts\">The event</h2>\n");
  BeginFacts(html);
  PutTimeFact("Occurred", event.occurred_at, look, html);
  PutTimeFact("Received", event.received_at, look, html);
  PutFact("URL", Masked(event.error_url, look), html);
  PutFact("Detail", Masked(event.detail, look), html);
  if (event.http_status != 0) PutFact("HTTP status", StrCat(event.http_status), html);
  PutFact("Phase", PhaseText(event.phase), html);
  PutFact("Target",
          event.target == Target::kPrimary    ? "primary"
          : event.target == Target::kFallback ? "fallback"
                                              : "",
          html);
  PutFact("Level", event.level == Level::kError ? "error" : "warning", html);
  if (event.attempt_count > 0) {
    PutFact("Requests", StrCat(event.attempt_count, " in ", DurationText(event.elapsed)), html);
  }
  PutFact("Number", Number(event.phone_number, look), html);
  PutFact(event.kind == Kind::kVoice ? Markup("Call") : Markup("Message"), event.resource_sid,
          html);
  PutFact("Kind", KindText(event.kind), html);
  PutFact("Account", event.account_sid, html);
  PutFact("Resolution", event.resolution_id, html);
  PutFact("Event id", event.event_id, html);
  EndFacts(html);
  html.Put("</section>\n");
  PutMeaning(event.error_code, html);
  html.Put("</div>\n");
  PutAttemptsSection(event, look, html);
  PutResponseSection(event, look, html);
  PutRequestSection(event, look, html);
  return End(look, html);
}

std::string SearchPage(const SearchView& view, const PageLook& look) {
  const PageSearch& search = view.search;
  const auto path = [&](int64_t before_row) {
    twilio::Form query = {{"q", search.what}};
    if (!search.from.empty()) query.push_back({"from", search.from});
    if (!search.to.empty()) query.push_back({"to", search.to});
    if (before_row != 0) query.push_back({"before", StrCat(before_row)});
    return StrCat("/search?", twilio::EncodeForm(query));
  };
  HtmlWriter html;
  Begin("Search", search.what, html);
  html.Put(
          "<div class=\"intro\"><h1>Search</h1></div>\n"
          "<form class=\"card ask\" action=\"/search\" method=\"get\">"
          "<p class=\"wide-field\"><label for=\"q\">Call sid, number, URL or code</label>"
          "<input id=\"q\" name=\"q\" type=\"text\" autocomplete=\"off\" spellcheck=\"false\" "
          "aria-describedby=\"q-help\" value=\"")
      .Text(search.what)
      .Put(
          "\"></p>\n<p><label for=\"from\">From (UTC)</label>"
          "<input id=\"from\" name=\"from\" type=\"text\" placeholder=\"2026-11-24T06:15\" "
          "autocomplete=\"off\" value=\"")
      .Text(search.from)
      .Put(
          "\"></p>\n<p><label for=\"to\">To (UTC)</label>"
          "<input id=\"to\" name=\"to\" type=\"text\" placeholder=\"2026-11-24T07:00\" "
          "autocomplete=\"off\" value=\"")
      .Text(search.to)
      .Put(
          "\"></p>\n<p><button type=\"submit\">Search</button></p>\n"
          "<p class=\"dim help\" id=\"q-help\">A call or message by its sid, an account by its "
          "sid, a number with its +, a code of five digits, an event’s id, or a URL or its "
          "beginning with the whole host name.</p></form>\n");
  if (!search.problem.empty()) {
    html.Put("<p class=\"problem\" role=\"alert\">").Text(search.problem).Put("</p>\n");
    return End(look, html);
  }
  if (search.understood.empty()) return End(look, html);
  const std::vector<StoredEvent>& events = view.found.events;
  const bool has_rest = view.found.rest_before_row != 0;
  html.Put("<section class=\"card list\" aria-labelledby=\"found\"><h2 id=\"found\">")
      .Text(search.understood)
      .Put("</h2>\n");
  if (!events.empty()) {
    PutEvents(events, /*says_code=*/true, look, html);
  } else if (has_rest) {
    html.Put("<p class=\"empty\">None among those looked at so far; there are older ones.</p>\n");
  } else if (view.is_first) {
    html.Put("<p class=\"empty\">There are none.</p>\n");
  } else {
    html.Put("<p class=\"empty\">There are no older ones.</p>\n");
  }
  html.Put("</section>\n");
  PutPaging(view.is_first, path(0), has_rest, path(view.found.rest_before_row), html);
  return End(look, html);
}

std::string SorryPage(string_view title, string_view sentence, const PageLook& look) {
  HtmlWriter html;
  Begin(title, "", html);
  html.Put("<div class=\"intro\"><h1>").Text(title).Put("</h1>\n<p class=\"lead\">").Text(sentence);
  html.Put("</p></div>\n");
  return End(look, html);
}

}  // namespace understudy::notifier
