// What strangers and the world may do to the notifier's doors: section N of docs/faults.md, as far
// as no broken store is needed (tests/notifier/ingest/http_door_test.cc has those).
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/e2e/door_world.h"
#include "tests/sim/sim_mail.h"
#include "tests/testing/http.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using google::protobuf::util::TimeUtil;
using ::testing::HasSubstr;
namespace v1 = notifier::v1;

constexpr char kEvents[] =
    "understudy_error_events_total{error_code=\"11200\",kind=\"voice\",outcome=\"fallback_"
    "answered\"}";

twilio::Form VoiceForm() {
  return {{"AccountSid", kNotifierAccount},
          {"CallSid", "CA0123456789abcdef0123456789abcdef"},
          {"ErrorCode", "11200"},
          {"ErrorUrl", "https://www.example.com/voice"}};
}

TEST(NotifierFaultsTest, N1_ACodeThatIsNoNumberIsKeptAsUnknown) {
  DoorWorld world;
  int count = 0;
  for (const char* code : {"abc", "99999999999", "-1", "0"}) {
    twilio::Form form = VoiceForm();
    form[2].value = code;
    const Response answer = world.PostForm("/fallback", form);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("<Say>"));
    EXPECT_EQ(world.Metric("understudy_error_events_total{error_code=\"unknown\",kind=\"voice\","
                           "outcome=\"fallback_answered\"}"),
              ++count)
        << code;
  }
}

TEST(NotifierFaultsTest, N3_ManyParametersAndDoubleOnes) {
  DoorWorld world;
  twilio::Form form = VoiceForm();
  form.push_back({"ErrorCode", "12100"});
  for (int i = 0; i < 10000; ++i) form.push_back({absl::StrCat("P", i), "x"});
  EXPECT_EQ(world.PostForm("/fallback", form).status, 200);
  EXPECT_EQ(world.Metric(kEvents), 1);
  // In the query they are a target that is too long.
  const std::string target = absl::StrCat("/fallback?", twilio::EncodeForm(form));
  EXPECT_EQ(world.Get(target).status, 414);
}

TEST(NotifierFaultsTest, N10_ABodyOfOneByteMoreThanAMebibyte) {
  DoorWorld world;
  const std::string head =
      "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
  const size_t limit = size_t{1} << 20;
  EXPECT_EQ(world.PostJson(std::string(limit, ' ')).status, 400) << "as big as may be, no JSON";
  EXPECT_EQ(world.Ask(absl::StrCat(head, "Content-Length: ", limit + 1, "\r\n\r\n")).status, 413);
  EXPECT_EQ(world
                .Ask(absl::StrCat(head, "Transfer-Encoding: chunked\r\n\r\n", "100001\r\n",
                                  std::string(1000, ' ')))
                .status,
            413);
  const std::string bomb = Gzip(std::string(16 * limit, ' '));
  EXPECT_EQ(world.PostJson(bomb, "Content-Encoding: gzip\r\n").status, 415);
}

// An event's own time may be off; what is near is kept, and groups go by when it came.
TEST(NotifierFaultsTest, N19_AClockThatIsOff) {
  DoorWorld world;
  v1::ReportErrorEventsRequest request;
  const auto now = TimeUtil::GetCurrentTime();
  const int64_t kHours[] = {-25, -1, 1, 25};
  for (const int64_t hours : kHours) {
    v1::ErrorEvent* event = request.add_events();
    event->set_event_id(absl::StrCat("e", hours));
    event->set_account_sid(kNotifierAccount);
    event->set_kind(v1::KIND_VOICE);
    event->set_error_code(11200);
    event->set_error_url("https://www.example.com/");
    *event->mutable_occurred_at() = now + TimeUtil::HoursToDuration(hours);
  }
  grpc::ClientContext context;
  v1::ReportErrorEventsResponse response;
  ASSERT_TRUE(world.stub().ReportErrorEvents(&context, request, &response).ok());
  EXPECT_EQ(response.rejected_size(), 0);
  grpc::ClientContext list_context;
  v1::ListErrorEventsResponse listed;
  ASSERT_TRUE(world.stub().ListErrorEvents(&list_context, {}, &listed).ok());
  ASSERT_EQ(listed.events_size(), 4);
  const auto off = [&](int i) {
    return TimeUtil::DurationToMinutes(listed.events(i).occurred_at() - now);
  };
  EXPECT_EQ(off(0), 0);
  EXPECT_EQ(off(1), 60);
  EXPECT_EQ(off(2), -60);
  EXPECT_EQ(off(3), 0);
  grpc::ClientContext groups_context;
  v1::ListErrorGroupsResponse groups;
  ASSERT_TRUE(world.stub().ListErrorGroups(&groups_context, {}, &groups).ok());
  ASSERT_EQ(groups.groups_size(), 1);
  EXPECT_LT(groups.groups(0).last_event_at() - now, TimeUtil::MinutesToDuration(5));
}

// 20,000 hosts and codes nobody knows: no series, no mail and no memory for each of them.
TEST(NotifierFaultsTest, N21_ManyHostsAndUnknownCodesGrowNothing) {
  DoorWorld world({.alerts = "group_wait: 0, heartbeat: 0, mail_limit: {mails: 5, per: 1h}, "
                             "routes: [{to: [ops@example.com]}]"});
  const auto report = [&](int from, int count) {
    v1::ReportErrorEventsRequest request;
    for (int i = from; i < from + count; ++i) {
      v1::ErrorEvent* event = request.add_events();
      event->set_event_id(absl::StrCat("e", i));
      event->set_account_sid(kNotifierAccount);
      event->set_kind(v1::KIND_VOICE);
      event->set_error_code(100000 + i);
      event->set_error_url(absl::StrCat("https://host", i, ".example.com/", i));
    }
    grpc::ClientContext context;
    v1::ReportErrorEventsResponse response;
    const grpc::Status status = world.stub().ReportErrorEvents(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.rejected_size(), 0);
  };
  const auto series = [&] {
    const std::string metrics = world.Metrics();
    return std::count(metrics.begin(), metrics.end(), '\n');
  };
  constexpr int kHosts = 20000;
  constexpr int kBatch = 500;
  for (int i = 0; i < kHosts / 4; i += kBatch) report(i, kBatch);
  ASSERT_TRUE(world.WaitForMails(5));
  // Also the series of what mailing does are there now.
  ASSERT_TRUE(WaitFor([&] { return world.Metric("understudy_mail_over_limit_total") >= 1; },
                      absl::Seconds(60)));
  const auto series_before = series();
  const int64_t kilobytes_before = world.process().resident_kilobytes();
  for (int i = kHosts / 4; i < kHosts; i += kBatch) report(i, kBatch);
  EXPECT_EQ(series(), series_before);
  EXPECT_EQ(world.Metric("understudy_groups{state=\"open\"}"), kHosts);
  EXPECT_EQ(world.Metric("understudy_error_events_total{error_code=\"unknown\",kind=\"voice\","
                         "outcome=\"unknown\"}"),
            kHosts);
  EXPECT_LE(world.mails().size(), 6u) << "mail_limit, and a summary";
  const int64_t grown = world.process().resident_kilobytes() - kilobytes_before;
  RecordProperty("grown_kilobytes", static_cast<int>(grown));
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed
  EXPECT_LT(grown, 32 * 1024) << "kB for 15,000 more hosts";
#endif
}

}  // namespace
}  // namespace understudy::testing
