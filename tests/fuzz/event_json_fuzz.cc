// Any bytes as a body for the two doors that read JSON: our own events, and Twilio's event streams.
// The first byte says which.
#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "common/twilio/charset.h"
#include "common/twilio/kept_form.h"
#include "services/notifier/ingest/http_handlers.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/sim/sim_store.h"

using understudy::notifier::Attempt;
using understudy::notifier::CallerIntake;
using understudy::notifier::Door;
using understudy::notifier::Event;
using understudy::notifier::HttpDoor;
using understudy::notifier::Ingest;
using understudy::notifier::kMaxAttemptDetailBytes;
using understudy::notifier::kMaxAttempts;
using understudy::notifier::kMaxElapsed;
using understudy::notifier::kMaxEventIdBytes;
using understudy::notifier::kMaxTextBytes;
using understudy::notifier::kMaxUrlBytes;
using understudy::notifier::kMaxWordBytes;
using understudy::notifier::RejectedEvent;
using understudy::testing::Require;
using understudy::testing::SimStore;
using understudy::twilio::Form;
using understudy::twilio::ValidUtf8Prefix;

namespace {

void RequireText(const std::string& text, size_t max) {
  Require(text.size() <= max, "a text is within its limit");
  Require(ValidUtf8Prefix(text) == text.size(), "a text is UTF-8");
  for (const char c : text) {
    Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a text has no control characters");
  }
}

void RequireForm(const Form& form, size_t max_count, size_t max_bytes) {
  Require(form.size() <= max_count, "a form has no more fields than it may");
  size_t bytes = 0;
  for (const auto& [name, value] : form) {
    RequireText(name, understudy::twilio::kMaxKeptNameBytes);
    RequireText(value, understudy::twilio::kMaxKeptValueBytes);
    bytes += name.size() + value.size();
  }
  Require(bytes <= max_bytes, "a form is within its limit");
}

void RequireFitToKeep(const Event& event) {
  RequireText(event.event_id, kMaxEventIdBytes);
  RequireText(event.error_url, kMaxUrlBytes);
  RequireText(event.detail, kMaxTextBytes);
  RequireText(event.response_excerpt, kMaxTextBytes);
  for (const std::string& word : {event.phone_number, event.resource_sid, event.resolution_id}) {
    RequireText(word, kMaxWordBytes);
  }
  RequireForm(event.parameters, understudy::twilio::kMaxKeptParameters,
              understudy::twilio::kMaxKeptParametersBytes);
  for (const Form& headers : {event.request_headers, event.response_headers}) {
    RequireForm(headers, understudy::twilio::kMaxKeptHeaders,
                understudy::twilio::kMaxKeptHeadersBytes);
  }
  Require(event.attempts.size() <= kMaxAttempts, "an event has no more attempts than it may");
  for (const Attempt& attempt : event.attempts) {
    RequireText(attempt.url, kMaxUrlBytes);
    RequireText(attempt.remote_address, kMaxWordBytes);
    RequireText(attempt.detail, kMaxAttemptDetailBytes);
    for (const absl::Duration time :
         {attempt.dns, attempt.connect, attempt.tls, attempt.first_byte, attempt.total}) {
      Require(time >= absl::ZeroDuration() && time <= kMaxElapsed, "a time is within its limit");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  SimStore store;
  int stored = 0;
  Ingest ingest(store, {.on_stored =
                            [&](const Event& event, Door) {
                              ++stored;
                              RequireFitToKeep(event);
                            },
                        .on_duplicate = [](Door) {},
                        .on_rejected = [](const RejectedEvent&, Door) {},
                        .on_skipped = [](Door) {},
                        .wake = [] {}});
  static SimStore nothing;
  static Ingest idle(nothing, {});
  // Has a thread, and nothing to do here.
  static CallerIntake callers(idle, {});
  HttpDoor door(ingest, callers, [](Door, const std::string&) {}, {});
  const bool is_stream = data[0] % 2 == 1;
  const auto response = door.Handle({.method = "POST",
                                     .path = is_stream ? "/events/twilio" : "/v1/events",
                                     .headers = {{"Content-Type", "application/json"}},
                                     .body = std::string(data + 1, data + size)});
  Require(response.status == 200 || response.status == 400, "an answer is one of two");
  Require(response.status == 200 || stored == 0, "what is refused leaves nothing");
  const auto kept = store.ListEvents({}, 0, 1000);
  Require(kept.ok() && static_cast<int>(kept->size()) == stored, "what was stored is listed");
  return 0;
}
