#include "services/notifier/groups/delivery.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

const absl::Time kWritten = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kInstant = absl::Nanoseconds(1);

Mail Sending() {
  return {.id = 1, .written_at = kWritten, .state = MailState::kSending, .attempts = 1};
}

TEST(AfterAttemptTest, EndsOrIsTriedAgain) {
  constexpr absl::Duration kNever = absl::InfiniteDuration();
  const struct {
    SendState state;
    SendReason reason;
    bool server_failed;
    MailState becomes;
    absl::Duration retry;
    absl::Duration server_wait;
    absl::Duration recipient_wait;
  } kRows[] = {
      {SendState::kAccepted, SendReason::kNone, false, MailState::kAccepted, kNever, {}, {}},
      {SendState::kAccepted, SendReason::kNone, true, MailState::kAccepted, kNever, {}, {}},
      {SendState::kPermanent,
       SendReason::kRecipientRefused,
       false,
       MailState::kParked,
       kNever,
       {},
       {}},
      {SendState::kPermanent,
       SendReason::kContentRefused,
       false,
       MailState::kParked,
       kNever,
       {},
       {}},
      {SendState::kPermanent, SendReason::kTooLarge, false, MailState::kParked, kNever, {}, {}},
      // The server's fault is not the mail's.
      {SendState::kPermanent,
       SendReason::kGreetingRefused,
       true,
       MailState::kDue,
       kServerWait,
       kServerWait,
       {}},
      {SendState::kTemporary,
       SendReason::kConnectFailed,
       true,
       MailState::kDue,
       kServerWait,
       kServerWait,
       {}},
      {SendState::kAmbiguous,
       SendReason::kTimeout,
       true,
       MailState::kDue,
       kServerWait,
       kServerWait,
       {}},
      {SendState::kPermanent,
       SendReason::kAuthentication,
       false,
       MailState::kDue,
       kAuthenticationWait,
       kAuthenticationWait,
       {}},
      {SendState::kTemporary,
       SendReason::kAuthentication,
       true,
       MailState::kDue,
       kAuthenticationWait,
       kAuthenticationWait,
       {}},
      {SendState::kTemporary,
       SendReason::kContentRefused,
       false,
       MailState::kDue,
       kRetryFirst,
       {},
       {}},
      {SendState::kTemporary,
       SendReason::kRecipientRefused,
       false,
       MailState::kDue,
       kRecipientWait,
       {},
       kRecipientWait},
      {SendState::kTemporary,
       SendReason::kRateLimited,
       false,
       MailState::kDue,
       kRecipientWait,
       {},
       kRecipientWait},
      {SendState::kTemporary,
       SendReason::kRateLimited,
       true,
       MailState::kDue,
       kServerWait,
       kServerWait,
       {}},
      {SendState::kAmbiguous,
       SendReason::kConnectionLost,
       false,
       MailState::kDue,
       kRetryFirst,
       {},
       {}},
  };
  for (const auto& row : kRows) {
    const SendResult result = {.state = row.state,
                               .reason = row.reason,
                               .detail = "why",
                               .reply = "reply",
                               .server_failed = row.server_failed};
    const absl::Time now = kWritten + absl::Seconds(5);
    const Mail mail = AfterAttempt(Sending(), result, /*refusals=*/1, /*jitter=*/0, now);
    const std::string name = absl::StrCat(static_cast<int>(row.state), " ",
                                          SendReasonName(row.reason), " ", row.server_failed);
    EXPECT_EQ(mail.state, row.becomes) << name;
    EXPECT_EQ(mail.reply, "reply");
    EXPECT_EQ(mail.last_error, row.state == SendState::kAccepted ? "" : "why");
    EXPECT_EQ(mail.was_ambiguous, row.state == SendState::kAmbiguous) << name;
    if (row.becomes == MailState::kDue) {
      EXPECT_EQ(mail.next_attempt_at, now + row.retry) << name;
    } else {
      EXPECT_EQ(mail.settled_at, now) << name;
    }
    EXPECT_EQ(ServerWait(result), row.server_wait) << name;
    EXPECT_EQ(RecipientWait(result), row.recipient_wait) << name;
  }
}

TEST(AfterAttemptTest, WaitsTwiceAsLongEachTime) {
  const SendResult refused = {.state = SendState::kTemporary,
                              .reason = SendReason::kContentRefused};
  const SendResult greylisted = {.state = SendState::kTemporary,
                                 .reason = SendReason::kRecipientRefused};
  const struct {
    int refusals;
    absl::Duration wait;
  } kRows[] = {
      {1, absl::Seconds(30)},  {2, absl::Seconds(60)},  {3, absl::Seconds(120)},
      {4, absl::Seconds(240)}, {5, absl::Seconds(480)}, {6, kRetryMax},
      {7, kRetryMax},          {1'000'000, kRetryMax},
  };
  for (const auto& row : kRows) {
    const auto wait = [&](const SendResult& result, double jitter) {
      return AfterAttempt(Sending(), result, row.refusals, jitter, kWritten).next_attempt_at -
             kWritten;
    };
    EXPECT_EQ(wait(refused, 0), row.wait) << row.refusals;
    EXPECT_EQ(wait(refused, 1), row.wait * 0.8) << row.refusals;
    EXPECT_EQ(wait(greylisted, 1), std::max(kRecipientWait, row.wait * 0.8)) << row.refusals;
  }
}

TEST(AfterAttemptTest, RemembersThatItWasAmbiguous) {
  Mail mail = Sending();
  mail.was_ambiguous = true;
  EXPECT_TRUE(AfterAttempt(mail, {.state = SendState::kAccepted}, 1, 0, kWritten).was_ambiguous);
}

TEST(ExpiryTest, IsADayAfterItWasWritten) {
  const SendResult refused = {.state = SendState::kTemporary,
                              .reason = SendReason::kContentRefused};
  const struct {
    absl::Duration age;
    bool is_expired;
  } kRows[] = {{kMaxMailAge - kInstant, false}, {kMaxMailAge, true}, {-kMaxMailAge, false}};
  for (const auto& row : kRows) {
    const absl::Time now = kWritten + row.age;
    EXPECT_EQ(IsExpired(Sending(), now), row.is_expired);
    EXPECT_EQ(AfterAttempt(Sending(), refused, 1, 0, now).state,
              row.is_expired ? MailState::kExpired : MailState::kDue);
    EXPECT_EQ(AfterAttempt(Sending(), {.state = SendState::kAccepted}, 1, 0, now).state,
              MailState::kAccepted);
  }
  Mail untried = Sending();
  untried.attempts = 0;
  EXPECT_FALSE(IsExpired(untried, absl::InfiniteFuture()));
  EXPECT_EQ(Expired(Sending(), kWritten + kMaxMailAge).settled_at, kWritten + kMaxMailAge);
}

}  // namespace
}  // namespace understudy::notifier
