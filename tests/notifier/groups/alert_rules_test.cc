#include "services/notifier/groups/alert_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::notifier {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<AlertRoute> kRoutes = {
    {.match = {.account_sid = "AC1", .error_code = 11200}, .to = {"one@example.com"}},
    {.match = {.account_sid = "AC1"}, .to = {"two@example.com", "one@example.com"}},
    {.match = {.level = Level::kWarning, .kind = Kind::kMessaging}, .to = {"three@example.com"}},
};

TEST(RecipientsOfTest, TheFirstRouteThatMatchesCounts) {
  const struct {
    GroupKey key;
    Level level;
    std::vector<std::string> recipients;
  } kRows[] = {
      {{.account_sid = "AC1", .error_code = 11200}, Level::kError, {"one@example.com"}},
      {{.account_sid = "AC1", .error_code = 11205},
       Level::kError,
       {"two@example.com", "one@example.com"}},
      {{.account_sid = "AC11", .error_code = 11200}, Level::kError, {}},
      {{.kind = Kind::kMessaging}, Level::kWarning, {"three@example.com"}},
      {{.kind = Kind::kMessaging}, Level::kError, {}},
      {{.kind = Kind::kVoice}, Level::kWarning, {}},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(RecipientsOf(kRoutes, row.key, row.level), row.recipients);
  }
  EXPECT_THAT(RecipientsOf({}, {}, Level::kError), IsEmpty());
  EXPECT_THAT(RecipientsOf({{.to = {"a@example.com", "a@example.com"}}}, {}, Level::kError),
              ElementsAre("a@example.com"))
      << "each once";
}

TEST(AllRecipientsTest, HasEachOnce) {
  EXPECT_THAT(AllRecipients(kRoutes),
              ElementsAre("one@example.com", "two@example.com", "three@example.com"));
  EXPECT_THAT(AllRecipients({}), IsEmpty());
}

}  // namespace
}  // namespace understudy::notifier
