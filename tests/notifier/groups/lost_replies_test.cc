// A5: mail servers that take a mail and are gone before they say so. The real store, mailer and
// wire; virtual time, as each of them is left alone for half a minute.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/notifier/groups/dispatcher.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/groups/alert_world.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Event;
using notifier::Mail;
using notifier::MailState;
using notifier::SqliteStore;
using notifier::StoreTransaction;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::SizeIs;

TEST(LostRepliesTest, A5_EachEventIsMailedAndNoMailMoreThanTwice) {
  constexpr int kLost = 100;
  const TempDir dir;
  auto store = SqliteStore::Open({.database = {.path = dir.path() + "/notifier.db"}});
  ASSERT_TRUE(store.ok()) << store.status();
  SmtpServer server;
  // Every way to go: politely, rudely.
  std::vector<Script> scripts;
  for (int i = 0; i < kLost; ++i) {
    scripts.push_back(i % 2 == 0 ? Script{}.Close() : Script{}.Reset());
  }
  scripts.push_back(Script{});
  server.OnSequence(SmtpStep::kVerdict, scripts);
  const std::unique_ptr<notifier::SmtpMailer> mailer = MailerOf(PlainOptions(server.url()));
  notifier::AlertRules rules = OpsRules();
  rules.mail_limit.mails = kLost;
  notifier::Dispatcher dispatcher(**store, *mailer, rules, {}, 1);

  // A group each, so a mail each.
  const absl::Time begun_at = absl::FromUnixSeconds(1'800'000'000);
  std::vector<Event> events;
  for (int i = 0; i < kLost; ++i) {
    events.push_back({.event_id = absl::StrCat("event-", i),
                      .occurred_at = begun_at,
                      .received_at = begun_at,
                      .account_sid = "AC00000000000000000000000000000001",
                      .error_code = 11200,
                      .error_url = absl::StrCat("https://web", i, ".example.com/")});
  }
  ASSERT_TRUE((*store)->Append(events).ok());
  // No group is over by then, and none has news.
  const absl::Time end = begun_at + absl::Hours(2);
  for (absl::Time now = begun_at; now < end;) {
    now = std::max(dispatcher.Pump(now), now + absl::Milliseconds(1));
    const auto status = (*store)->ReadStatus();
    ASSERT_TRUE(status.ok());
    if (status->due_mails == 0 && server.mails().size() >= 2 * kLost) break;
  }
  ASSERT_TRUE(dispatcher.Finish(end).ok());

  std::vector<Mail> accepted;
  ASSERT_TRUE((*store)
                  ->Write([&](StoreTransaction& transaction) {
                    accepted = transaction.MailsInState(MailState::kAccepted, 10 * kLost);
                    return absl::OkStatus();
                  })
                  .ok());
  ASSERT_THAT(accepted, SizeIs(kLost));
  EXPECT_THAT(accepted, Each(AllOf(Field(&Mail::attempts, 2), Field(&Mail::was_ambiguous, true))));
  std::map<std::string, int> copies;  // the same bytes, so the same Message-ID
  for (const SmtpMail& mail : server.mails()) ++copies[mail.bytes];
  for (const Mail& mail : accepted) EXPECT_EQ(copies[mail.bytes], 2) << mail.message_id;
  EXPECT_THAT(copies, SizeIs(kLost));
}

}  // namespace
}  // namespace understudy::testing
