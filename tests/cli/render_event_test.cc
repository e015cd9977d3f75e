#include "services/cli/render_event.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <understudy/notifier/v1/notifier_service.pb.h>

#include "tests/testing/golden.h"

namespace understudy::cli {
namespace {

namespace v1 = notifier::v1;
using testing::ExpectGolden;

const absl::Time kNow = absl::FromUnixSeconds(1795478400 + 7200);

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

v1::ErrorEvent FullEvent() {
  return Parse<v1::ErrorEvent>(R"(
    event_id: "0123456789abcdef0123456789abcdef-1"
    occurred_at { seconds: 1795478400 nanos: 123456789 }
    account_sid: "AC00000000000000000000000000000001"
    kind: KIND_VOICE
    phone_number: "+14155550199"
    resource_sid: "CA00000000000000000000000000000001"
    level: LEVEL_ERROR
    error_code: 11200
    error_url: "https://www.example.com/voice"
    target: TARGET_PRIMARY
    outcome: OUTCOME_FALLBACK_ANSWERED
    phase: PHASE_STATUS
    http_status: 502
    detail: "the web server answered 502 Bad Gateway"
    elapsed { nanos: 312000000 }
    attempt_count: 2
    resolution_id: "0123456789abcdef0123456789abcdef"
    response_excerpt: "<html>\n<b>502\033[31m</b>\n"
    parameters { key: "To" value: "+14155550199" }
    parameters { key: "CallSid" value: "CA00000000000000000000000000000001" }
    attempts {
      url: "https://www.example.com/voice" method: METHOD_POST remote_address: "192.0.2.1:443"
      error_code: 11205 phase: PHASE_CONNECT detail: "the connection was refused"
      dns { nanos: 5000000 } connect { nanos: 10000000 } total { nanos: 15000000 }
    }
    attempts {
      url: "https://www.example.com/voice" method: METHOD_POST remote_address: "192.0.2.2:443"
      http_status: 502 error_code: 11200 phase: PHASE_STATUS
      connect { nanos: 10000000 } tls { nanos: 20000000 } first_byte { nanos: 60000000 }
      total { nanos: 100000000 }
    }
    request_method: METHOD_POST
    request_headers { key: "User-Agent" value: "TwilioProxy/1.1" }
    response_headers { key: "Content-Type" value: "text/html" }
    group_id: "7")");
}

v1::ErrorGroup SampleGroup() {
  return Parse<v1::ErrorGroup>(R"(
    group_id: "7" account_sid: "AC00000000000000000000000000000001" kind: KIND_VOICE
    error_code: 11200 host: "www.example.com" state: GROUP_STATE_OPEN event_count: 341
    fallback_answered_count: 340 default_answered_count: 1
    last_event_at { seconds: 1795485600 })");
}

TEST(RenderEventTest, TellsEverythingThatIsKnown) {
  const v1::ErrorGroup group = SampleGroup();
  ExpectGolden("cli_event.txt", RenderEvent(FullEvent(), &group, kNow, {}));
  ExpectGolden("cli_event_in_color.txt", RenderEvent(FullEvent(), &group, kNow, {.color = true}));
}

TEST(RenderEventTest, LeavesOutWhatIsNotKnown) {
  const auto event = Parse<v1::ErrorEvent>(R"(
    event_id: "e1" occurred_at { seconds: 1795485590 } kind: KIND_MESSAGING level: LEVEL_WARNING
    account_sid: "AC00000000000000000000000000000001" outcome: OUTCOME_WARNING
    resource_sid: "SM00000000000000000000000000000001")");
  ExpectGolden("cli_event_of_little.txt", RenderEvent(event, nullptr, kNow, {}));
}

TEST(EventTableTest, HasACellForEachColumn) {
  Table events(EventColumns(), 0, {});
  v1::ErrorEvent other = FullEvent();
  other.set_outcome(v1::OUTCOME_DEFAULT_ANSWERED);
  other.set_error_code(0);
  other.clear_phone_number();
  ExpectGolden("cli_events.txt", events.Render({EventCells(FullEvent()), EventCells(other)}));
  Table groups(GroupColumns(), 0, {});
  v1::ErrorGroup recovered = SampleGroup();
  recovered.set_state(v1::GROUP_STATE_RECOVERED);
  recovered.set_error_code(99999);
  recovered.set_event_count(1000000);
  ExpectGolden("cli_groups.txt", groups.Render({GroupCells(SampleGroup()), GroupCells(recovered)}));
}

}  // namespace
}  // namespace understudy::cli
