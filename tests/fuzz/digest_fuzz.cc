// Any bytes as everything that mails tell of others: URLs, hosts, details, excerpts.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/notifier/mail/digest.h"
#include "services/notifier/words/shown_text.h"
#include "tests/fuzz/fuzz_target.h"

using absl::string_view;
using understudy::notifier::Characters;
using understudy::notifier::Counts;
using understudy::notifier::Digest;
using understudy::notifier::Event;
using understudy::notifier::GroupDigest;
using understudy::notifier::KeepLines;
using understudy::notifier::kMaxDigestBytes;
using understudy::notifier::OneLine;
using understudy::notifier::Outcome;
using understudy::notifier::Phase;
using understudy::notifier::RenderGroup;
using understudy::testing::Require;

namespace {

GroupDigest GroupOf(const std::string& text) {
  Event event = {.account_sid = text,
                 .phone_number = text,
                 .resource_sid = text,
                 .error_url = text,
                 .outcome = Outcome::kFallbackAnswered,
                 .phase = Phase::kStatus,
                 .http_status = 502,
                 .detail = text,
                 .attempt_count = 1,
                 .response_excerpt = text};
  GroupDigest group = {.key = {.account_sid = text, .error_code = 11200, .host = text},
                       .urls = {{.url = text}},
                       .sample = {event},
                       .dead_mails = {text},
                       .page_url = absl::StrCat("no URL ", text)};
  for (Counts* counts : {&group.news, &group.episode, &group.urls[0].counts}) {
    counts->Add(Outcome::kFallbackAnswered);
  }
  return group;
}

// The elements of a document, without its line breaks.
std::vector<string_view> TagsOf(string_view html) {
  std::vector<string_view> tags;
  for (size_t at = html.find('<'); at != string_view::npos; at = html.find('<', at + 1)) {
    const string_view tag = html.substr(at, html.find('>', at) + 1 - at);
    if (tag != "<br>") tags.push_back(tag);
  }
  return tags;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Not blank, so that nothing is left out for being empty.
  const std::string input =
      absl::StrCat(string_view(reinterpret_cast<const char*>(data), size), "x");
  static const auto* const plain = new Digest(RenderGroup(GroupOf("x")));

  const Digest digest = RenderGroup(GroupOf(input));
  Require(Characters(digest.subject) <= 150, "subjects are short");
  Require(OneLine(digest.subject) == digest.subject, "subjects are one line of what can be seen");
  Require(KeepLines(digest.text) == digest.text, "texts can be seen");
  Require(TagsOf(digest.html) == TagsOf(plain->html), "every element is ours");
  Require(digest.text.size() + digest.html.size() <= kMaxDigestBytes, "mails are bounded");
  return 0;
}
