#include "services/notifier/groups/delivery.h"

#include <algorithm>
#include <utility>

namespace understudy::notifier {
namespace {

// What jitter may take off.
constexpr double kJitterShare = 0.2;

absl::Duration RetryWait(int refusals, double jitter) {
  absl::Duration wait = kRetryFirst;
  for (int i = 1; i < refusals && wait < kRetryMax; ++i) wait *= 2;
  return std::min(wait, kRetryMax) * (1 - kJitterShare * jitter);
}

}  // namespace

bool IsServersFault(const SendResult& result) {
  return result.state != SendState::kAccepted &&
         (result.server_failed || result.reason == SendReason::kAuthentication);
}

absl::Duration ServerWait(const SendResult& result) {
  if (!IsServersFault(result)) return absl::ZeroDuration();
  return result.reason == SendReason::kAuthentication ? kAuthenticationWait : kServerWait;
}

absl::Duration RecipientWait(const SendResult& result) {
  const bool is_about_recipient =
      result.reason == SendReason::kRecipientRefused || result.reason == SendReason::kRateLimited;
  return result.state == SendState::kTemporary && is_about_recipient && !IsServersFault(result)
             ? kRecipientWait
             : absl::ZeroDuration();
}

Mail AfterAttempt(Mail mail, const SendResult& result, int refusals, double jitter,
                  absl::Time now) {
  mail.reply = result.reply;
  mail.last_error = result.state == SendState::kAccepted ? "" : result.detail;
  mail.was_ambiguous = mail.was_ambiguous || result.state == SendState::kAmbiguous;
  if (result.state == SendState::kAccepted) {
    mail.state = MailState::kAccepted;
    mail.settled_at = now;
    return mail;
  }
  if (result.state == SendState::kPermanent && !IsServersFault(result)) {
    mail.state = MailState::kParked;
    mail.settled_at = now;
    return mail;
  }
  if (IsExpired(mail, now)) return Expired(std::move(mail), now);
  mail.state = MailState::kDue;
  mail.next_attempt_at =
      now + (IsServersFault(result) ? ServerWait(result)
                                    : std::max(RecipientWait(result), RetryWait(refusals, jitter)));
  return mail;
}

bool IsExpired(const Mail& mail, absl::Time now) {
  return mail.attempts > 0 && now - mail.written_at >= kMaxMailAge;
}

Mail Expired(Mail mail, absl::Time now) {
  mail.state = MailState::kExpired;
  mail.settled_at = now;
  return mail;
}

}  // namespace understudy::notifier
