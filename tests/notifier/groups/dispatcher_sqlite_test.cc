// The dispatcher over a real database: a storm as large as the notifier is made for.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/notifier/groups/dispatcher.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/groups/alert_world.h"
#include "tests/sim/sim_mail.h"
#include "tests/testing/temp_dir.h"

namespace understudy::notifier {
namespace {

using testing::NewEventsIn;
using testing::OpsRules;
using testing::SimMail;

TEST(DispatcherSqliteTest, AStormOfGroupsIsAFewMailsThatCountEverything) {
  constexpr int kGroups = 5000;
  constexpr int kEventsPerGroup = 20;
  constexpr int kBatch = 500;
  const testing::TempDir dir;
  const AlertRules rules = OpsRules();
  auto store =
      SqliteStore::Open({.database = {.path = dir.path() + "/notifier.db"}, .waits = rules.waits});
  ASSERT_TRUE(store.ok()) << store.status();
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  SimMail mail(now);
  Dispatcher dispatcher(**store, mail, rules, {}, /*seed=*/1);

  for (int first = 0; first < kGroups * kEventsPerGroup; first += kBatch) {
    std::vector<Event> events;
    for (int i = first; i < first + kBatch; ++i) {
      events.push_back({.event_id = absl::StrCat("event-", i),
                        .occurred_at = now,
                        .received_at = now,
                        .account_sid = "AC00000000000000000000000000000001",
                        .error_code = 11200,
                        .error_url = absl::StrCat("https://host-", i % kGroups, ".example.com/"),
                        .outcome = Outcome::kFallbackAnswered});
    }
    ASSERT_TRUE((*store)->Append(std::move(events)).ok());
  }
  // As long as a step takes, nothing is appended.
  absl::Duration longest;
  const absl::Time end = now + absl::Hours(1);
  while (now < end) {
    const absl::Time begun_at = absl::Now();
    const absl::Time next = dispatcher.Pump(now);
    longest = std::max(longest, absl::Now() - begun_at);
    now = std::max(now, next);
  }
  RecordProperty("longest_step_ms", absl::StrCat(absl::ToInt64Milliseconds(longest)));
  int64_t told = 0;
  for (const SimMail::Attempt& attempt : mail.Accepted()) told += NewEventsIn(attempt.mail.bytes);
  EXPECT_EQ(told, kGroups * kEventsPerGroup);
  // Twice: what happened, and that it is over.
  EXPECT_EQ(mail.Accepted().size(), 2U * static_cast<size_t>(rules.mail_limit.mails));
}

}  // namespace
}  // namespace understudy::notifier
