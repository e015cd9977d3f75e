#include "services/notifier/groups/dispatcher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "services/notifier/groups/delivery.h"

namespace understudy::notifier {

Dispatcher::Dispatcher(Store& store, Mailer& mailer, AlertRules rules, DispatcherHooks hooks,
                       uint64_t seed)
    : store_(store),
      mailer_(mailer),
      hooks_(std::move(hooks)),
      dice_(seed),
      rules_(std::make_shared<const AlertRules>(std::move(rules))) {}

void Dispatcher::SetRules(AlertRules rules) {
  auto shared = std::make_shared<const AlertRules>(std::move(rules));
  MutexLock lock(mutex_);
  rules_ = std::move(shared);
}

std::shared_ptr<const AlertRules> Dispatcher::Rules() const {
  MutexLock lock(mutex_);
  return rules_;
}

absl::Time Dispatcher::Pump(absl::Time now) {
  const std::shared_ptr<const AlertRules> rules = Rules();
  if (now < last_pump_at_) ForgetWaits();
  if (rules != std::exchange(remembered_rules_, rules)) memory_ = {};
  last_pump_at_ = now;

  const auto failed = [&](const absl::Status& status) {
    if (hooks_.on_store_failed) hooks_.on_store_failed(status);
    return now + kStoreWait;
  };
  if (const absl::Status settled = Settle(now); !settled.ok()) return failed(settled);
  // Mails that are written already go out even if no new ones can be.
  const absl::StatusOr<Decided> decided = DecideNow(*rules, now);
  absl::StatusOr<std::optional<Mail>> claimed = Claim(now);
  if (claimed.ok() && claimed->has_value()) {
    Mail& mail = **claimed;
    const OutgoingMail outgoing = {.recipient = mail.recipient,
                                   .message_id = mail.message_id,
                                   .bytes = std::exchange(mail.bytes, {})};
    sent_ = {.mail = std::move(mail), .result = mailer_.Send(outgoing)};
    return now;
  }
  if (!decided.ok()) return failed(decided.status());
  if (!claimed.ok()) return failed(claimed.status());
  if (const absl::Status purged = Purge(*rules, now); !purged.ok()) return failed(purged);
  const absl::StatusOr<absl::Time> next = NextAt(*decided);
  return next.ok() ? *next : failed(next.status());
}

absl::Status Dispatcher::Finish(absl::Time now) {
  return sent_.has_value() ? Settle(now) : absl::OkStatus();
}

// The clock was set back: times that were reckoned by it may lie far ahead.
void Dispatcher::ForgetWaits() {
  may_have_strays_ = true;
  memory_ = {};
  server_quiet_until_ = purge_at_ = absl::InfinitePast();
  recipient_quiet_until_.clear();
}

absl::Status Dispatcher::Settle(absl::Time now) {
  std::vector<Mail> settled;
  bool has_more_strays = false;
  const double jitter = std::uniform_real_distribution<double>()(dice_);
  absl::Status status = store_.Write([&](StoreTransaction& store) {
    settled.clear();
    const auto settle = [&](Mail mail) {
      store.SaveMailOutcome(mail);
      if (mail.state != MailState::kDue) Release(store, mail, now);
      settled.push_back(std::move(mail));
    };
    if (sent_.has_value()) {
      const auto refused = refusals_.find(sent_->mail.id);
      const int refusals = refused == refusals_.end() ? 1 : refused->second + 1;
      settle(AfterAttempt(sent_->mail, sent_->result, refusals, jitter, now));
    }
    if (may_have_strays_) {
      std::vector<Mail> strays = store.MailsInState(MailState::kSending, kMaxMailsPutOff);
      has_more_strays = strays.size() == static_cast<size_t>(kMaxMailsPutOff);
      for (Mail& mail : strays) {
        mail.state = MailState::kDue;
        mail.was_ambiguous = true;
        mail.next_attempt_at = now;
        store.SaveMailOutcome(mail);
      }
      for (Mail& mail : store.MailsInState(MailState::kDue, kMaxMailsPutOff)) {
        if (mail.next_attempt_at <= now + kRetryMax) continue;
        mail.next_attempt_at = now;
        store.SaveMailOutcome(mail);
      }
    }
    for (int i = 0; i < kMaxMailsPutOff; ++i) {
      std::optional<Mail> mail = store.NextDueMail(now);
      if (!mail.has_value() || !IsExpired(*mail, now)) break;
      settle(Expired(std::move(*mail), now));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;

  may_have_strays_ = has_more_strays;
  for (const Mail& mail : settled) {
    const bool was_sent = sent_.has_value() && sent_->mail.id == mail.id;
    const SendResult result = was_sent ? sent_->result : SendResult();
    if (was_sent) {
      server_quiet_until_ = now + ServerWait(result);
      if (const absl::Duration wait = RecipientWait(result); wait > absl::ZeroDuration()) {
        recipient_quiet_until_[mail.recipient] = now + wait;
      }
      if (!IsServersFault(result)) ++refusals_[mail.id];
    }
    if (mail.state != MailState::kDue) refusals_.erase(mail.id);
    if (hooks_.on_mail) hooks_.on_mail(mail, result);
  }
  sent_.reset();
  return absl::OkStatus();
}

absl::StatusOr<Decided> Dispatcher::DecideNow(const AlertRules& rules, absl::Time now) {
  int64_t unsent_mails = 0;
  if (now >= memory_.heartbeat_at) {
    const absl::StatusOr<StoreStatus> status = store_.ReadStatus();
    if (!status.ok()) return status.status();
    unsent_mails = status->due_mails;
  }
  Decided decided;
  absl::Status status = store_.Write([&](StoreTransaction& store) {
    decided = Decide(store, rules, now, unsent_mails, memory_);
    return absl::OkStatus();
  });
  if (!status.ok()) {
    memory_ = {};
    return status;
  }
  if (hooks_.on_written) {
    for (const Reason reason : decided.written) hooks_.on_written(reason);
  }
  if (hooks_.on_over_limit && decided.over_limit > 0) hooks_.on_over_limit(decided.over_limit);
  return decided;
}

absl::StatusOr<std::optional<Mail>> Dispatcher::Claim(absl::Time now) {
  if (now < server_quiet_until_) return std::nullopt;
  absl::erase_if(recipient_quiet_until_, [now](const auto& entry) { return entry.second <= now; });
  std::optional<Mail> claimed;
  absl::Status status = store_.Write([&](StoreTransaction& store) {
    claimed.reset();
    for (int i = 0; i < kMaxMailsPutOff; ++i) {
      std::optional<Mail> mail = store.NextDueMail(now);
      if (!mail.has_value()) break;
      const auto quiet = recipient_quiet_until_.find(mail->recipient);
      if (quiet != recipient_quiet_until_.end()) {
        mail->next_attempt_at = quiet->second;
        store.SaveMailOutcome(*mail);
        continue;
      }
      mail->state = MailState::kSending;
      ++mail->attempts;
      store.SaveMailOutcome(*mail);
      claimed = std::move(mail);
      break;
    }
    return absl::OkStatus();
  });
  if (!status.ok()) {
    // Where the commit itself failed, the mail may be kSending now.
    may_have_strays_ = true;
    return status;
  }
  return claimed;
}

absl::Status Dispatcher::Purge(const AlertRules& rules, absl::Time now) {
  if (now < purge_at_) return absl::OkStatus();
  int purged = 0;
  absl::Status status = store_.Write([&](StoreTransaction& store) {
    purged = store.Purge(now - rules.retention, kMaxEventsPurged);
    return absl::OkStatus();
  });
  if (status.ok()) purge_at_ = purged == kMaxEventsPurged ? now : now + kPurgeInterval;
  return status;
}

absl::StatusOr<absl::Time> Dispatcher::NextAt(const Decided& decided) {
  absl::Time next = std::min(decided.next_at, purge_at_);
  if (last_pump_at_ >= server_quiet_until_) {
    const absl::StatusOr<absl::Time> due = store_.NextDueAt();
    if (!due.ok()) return due.status();
    return std::min(next, *due);
  }
  // Mails are due, but not to be sent; groups may be.
  absl::Status status = store_.Write([&](StoreTransaction& store) {
    for (const Group& group : store.DueGroups(absl::InfiniteFuture(), 1)) {
      next = std::min(next, group.state.due_at);
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return std::min(next, server_quiet_until_);
}

}  // namespace understudy::notifier
