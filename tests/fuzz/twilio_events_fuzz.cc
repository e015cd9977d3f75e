// Any bytes as the form of a fallback request and of the debugger webhook, as a token, and as an
// event stream's batch.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "common/twilio/charset.h"
#include "services/notifier/ingest/twilio_events.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::notifier::DebuggerEvent;
using understudy::notifier::Event;
using understudy::notifier::FallbackEvent;
using understudy::notifier::FingerprintOf;
using understudy::notifier::GroupKeyOf;
using understudy::notifier::Kind;
using understudy::notifier::KindOf;
using understudy::notifier::kMaxTextBytes;
using understudy::notifier::kMaxUrlBytes;
using understudy::notifier::kMaxWordBytes;
using understudy::notifier::Normalize;
using understudy::notifier::StreamEvents;
using understudy::notifier::StreamItem;
using understudy::testing::Require;
using understudy::twilio::DecodeForm;
using understudy::twilio::Form;
using understudy::twilio::ValidUtf8Prefix;

namespace {

const absl::Time kNow = absl::FromUnixSeconds(1764000000);

void RequireText(const std::string& text, size_t max) {
  Require(text.size() <= max, "a text is within its limit");
  Require(ValidUtf8Prefix(text) == text.size(), "a text is UTF-8");
  for (const char c : text) {
    Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a text has no control characters");
  }
}

// Whatever came in, an event is refused for its account alone, or good to keep.
void Check(Event event) {
  event.account_sid = "AC00000000000000000000000000000001";
  Require(!Normalize(event, kNow).has_value(), "an event of a good account is good");
  RequireText(event.event_id, understudy::notifier::kMaxEventIdBytes);
  RequireText(event.error_url, kMaxUrlBytes);
  RequireText(event.detail, kMaxTextBytes);
  RequireText(event.response_excerpt, kMaxTextBytes);
  RequireText(event.phone_number, kMaxWordBytes);
  RequireText(event.resource_sid, kMaxWordBytes);
  RequireText(GroupKeyOf(event).host, kMaxWordBytes);
  Require(event.error_code >= 0 && event.http_status >= 0, "numbers are not negative");
  Event again = event;
  Require(!Normalize(again, kNow).has_value() && again == event, "what is kept stays as it is");
  Require(FingerprintOf(again) == FingerprintOf(event), "an event is known again");
}

}  // namespace

// The first line is the token.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), size);
  const absl::string_view token = input.substr(0, end);
  Form form = DecodeForm(input.substr(std::min(end + 1, size)));
  // As from an account that is one, so that it is the rest that matters.
  form.insert(form.begin(), {"AccountSid", "AC00000000000000000000000000000001"});
  const Kind kind = KindOf(form).value_or(Kind::kVoice);
  if (const auto event = FallbackEvent(form, kind, token, kNow)) Check(*event);
  const auto read = DebuggerEvent(form);
  if (const auto* event = std::get_if<Event>(&read)) Check(*event);
  // All of it as an event stream's batch.
  const auto stream = StreamEvents(std::string(input));
  if (const auto* items = std::get_if<std::vector<StreamItem>>(&stream)) {
    for (const StreamItem& item : *items) {
      if (!item.refusal.has_value()) Check(item.event);
    }
  }
  // The rest alone as a payload, which no form would let through so often.
  const auto payload = DebuggerEvent({{"Sid", "NO1"}, {"Payload", std::string(input)}});
  if (const auto* event = std::get_if<Event>(&payload)) Check(*event);
  return 0;
}
