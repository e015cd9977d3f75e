// The operator's page with texts from anywhere: whatever they hold, every element is ours, and what
// is asked for is understood or refused.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "services/notifier/page/mask.h"
#include "services/notifier/page/page.h"
#include "services/notifier/page/page_query.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/notifier/page/markup.h"

namespace {

using namespace understudy::notifier;  // NOLINT: the one thing this file is about
using understudy::testing::MarkupOf;
using understudy::testing::Require;

const PageLook kLook = {.now = absl::FromUnixSeconds(1'795'500'930)};

EventView EventOf(const std::string& text) {
  EventView view;
  view.stored.row = 1;
  Event& event = view.stored.event;
  for (std::string* field :
       {&event.event_id, &event.account_sid, &event.phone_number, &event.resource_sid,
        &event.error_url, &event.detail, &event.resolution_id, &event.response_excerpt}) {
    *field = text;
  }
  event.parameters = event.request_headers = event.response_headers = {{text, text}};
  event.attempts = {{.url = text, .remote_address = text, .detail = text}};
  view.group = Group{.id = 1, .key = {.account_sid = text, .host = text}};
  return view;
}

std::string SearchOf(const std::string& text) {
  SearchView view;
  view.search.what = view.search.from = view.search.to = view.search.understood = text;
  view.found.events = {EventOf(text).stored};
  view.found.rest_before_row = 1;
  return SearchPage(view, kLook);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Not blank, so that nothing is left out for being empty.
  const std::string input =
      absl::StrCat(absl::string_view(reinterpret_cast<const char*>(data), size), "x");
  static const auto* const event = new std::string(MarkupOf(EventPage(EventOf("x"), kLook)));
  static const auto* const search = new std::string(MarkupOf(SearchOf("x")));
  Require(MarkupOf(EventPage(EventOf(input), kLook)) == *event, "every element is ours");
  Require(MarkupOf(SearchOf(input)) == *search, "every element is ours");

  const PageSearch read = ReadSearch(input, input, input);
  Require(read.problem.empty() || read.understood.empty(), "understood or refused");
  Require(read.search.url_begins.empty() || !read.search.host.empty(), "a URL has a host");
  Require(MaskNumbers(MaskNumbers(input)) == MaskNumbers(input), "masked is masked");
  return 0;
}
