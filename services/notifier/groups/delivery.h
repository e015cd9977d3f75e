// What becomes of a mail after an attempt to send it, and when to try again. Pure.
// Source: RFC 5321, 4.5.4.1 (retries); RFC 1047 (mail nobody knows the end of).
#ifndef SERVICES_NOTIFIER_GROUPS_DELIVERY_H_
#define SERVICES_NOTIFIER_GROUPS_DELIVERY_H_

#include "absl/time/time.h"
#include "services/notifier/mail/mailer.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// A mail that is refused for now is tried again after the first, then twice that and so on, up to
// the second; each is shortened by up to a fifth, so that mails do not come back together.
inline constexpr absl::Duration kRetryFirst = absl::Seconds(30);
inline constexpr absl::Duration kRetryMax = absl::Minutes(15);
// A recipient who is refused for now (greylisting, a full mailbox, a rate limit) is not tried with
// any mail before.
inline constexpr absl::Duration kRecipientWait = absl::Seconds(60);
// A server that fails is not tried with any mail before. It is not made longer, so that mail flows
// soon after the server is back.
inline constexpr absl::Duration kServerWait = absl::Seconds(30);
// The same if it does not take our credentials: some lock an account that tries too often.
inline constexpr absl::Duration kAuthenticationWait = absl::Minutes(5);
// A mail that was not accepted in this time is given up.
inline constexpr absl::Duration kMaxMailAge = absl::Hours(24);

// Whether an attempt says anything about its own mail.
bool IsServersFault(const SendResult& result);

// How long to leave the server alone after it; zero if it is not at fault.
absl::Duration ServerWait(const SendResult& result);
// And the recipient.
absl::Duration RecipientWait(const SendResult& result);

// The mail after an attempt that ended at `now`. `refusals`: how often in a row it was refused for
// now, this time included. `jitter`: from 0 to 1.
Mail AfterAttempt(Mail mail, const SendResult& result, int refusals, double jitter, absl::Time now);

// Whether the mail is too old to be tried again. One that was never tried is not: it may have been
// the notifier that was away.
bool IsExpired(const Mail& mail, absl::Time now);
Mail Expired(Mail mail, absl::Time now);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_DELIVERY_H_
