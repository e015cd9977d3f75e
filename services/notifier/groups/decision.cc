#include "services/notifier/groups/decision.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/notifier/mail/digest.h"

namespace understudy::notifier {
namespace {

using absl::StrCat;

// One more than a mail names, so that it can say that there are more.
constexpr int kMaxDeadMailsRead = 21;

// Until when dead mails were named in a mail that was accepted.
constexpr char kDeadMailsNamed[] = "dead mails named";

// The message id of the summary that is pending to a recipient; "" if none is.
std::string PendingSummary(const std::string& recipient) {
  return StrCat("summary pending to ", recipient);
}
// How many mails of no single group were written.
constexpr char kOtherMails[] = "mails of no single group";
// When the last heartbeat was written.
std::string LastHeartbeat(const std::string& recipient) {
  return StrCat("last heartbeat to ", recipient);
}

std::string TimeNote(absl::Time time) {
  return StrCat(absl::ToUnixNanos(time));
}
absl::Time NotedTime(const std::string& note) {
  int64_t nanos = 0;
  return absl::SimpleAtoi(note, &nanos) ? absl::FromUnixNanos(nanos) : absl::InfinitePast();
}

// FNV-1a, 64 bits.
uint64_t Digested(absl::string_view text) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return hash;
}

// `what` is new in this database; with the digest it is also in others, as after a new beginning.
std::string MessageId(absl::string_view what, const std::string& recipient, const AlertRules& rules,
                      absl::Time now) {
  const uint64_t digest = Digested(StrCat(what, " ", recipient, " ", absl::ToUnixNanos(now)));
  return StrCat(what, ".", absl::Hex(digest, absl::kZeroPad16), "@", rules.from.domain());
}

class Decision {
 public:
  Decision(StoreTransaction& store, const AlertRules& rules, absl::Time now, DecisionMemory& memory)
      : store_(store), rules_(rules), now_(now), memory_(memory) {
    if (memory_.waiting.has_value()) return;
    const std::vector<std::string> all = AllRecipients(rules_.routes);
    memory_.waiting.emplace(all.begin(), all.end());
  }

  Decided Run(int64_t unsent_mails) {
    // A summary is of all the rest, so it is not written before all were looked at.
    if (LookAtDueGroups()) {
      for (const std::string& recipient : std::set<std::string>(*memory_.waiting)) Serve(recipient);
    }
    for (const auto& [recipient, desk] : desks_) {
      decided_.over_limit += std::max<int64_t>(0, desk.turned_away - desk.served);
    }
    if (now_ >= memory_.heartbeat_at) WriteHeartbeats(unsent_mails);
    decided_.next_at = std::min(decided_.next_at, memory_.heartbeat_at);
    return std::move(decided_);
  }

 private:
  // What there is for a recipient.
  struct Desk {
    int64_t room = 0;                             // for mails, now
    absl::Time room_at = absl::InfiniteFuture();  // if there is none
    bool has_summary_pending = false;
    bool has_waiting = false;  // groups, for room
    int64_t turned_away = 0;   // groups that wait since this decision
    int64_t served = 0;        // of those that waited
  };

  Desk& DeskOf(const std::string& recipient) {
    const auto [entry, is_new] = desks_.try_emplace(recipient);
    Desk& desk = entry->second;
    if (!is_new) return desk;
    const MailLimit& limit = rules_.mail_limit;
    std::vector<absl::Time> times = store_.MailsWritten(recipient, now_ - limit.per);
    // One that was written exactly so long ago does not count any more. Nor do those of a time that
    // will not be for long: the clock was set back.
    times.erase(std::remove_if(times.begin(), times.end(),
                               [&](absl::Time written_at) {
                                 return written_at <= now_ - limit.per ||
                                        written_at > now_ + limit.per;
                               }),
                times.end());
    desk.room = std::max(limit.mails, 1) - static_cast<int64_t>(times.size());
    if (desk.room <= 0) desk.room_at = times[static_cast<size_t>(-desk.room)] + limit.per;
    desk.has_summary_pending = !store_.Note(PendingSummary(recipient)).empty();
    desk.has_waiting = !store_.GroupsOverLimit(recipient, 1).empty();
    return desk;
  }

  // The rows of those whom the group is told to, also of those who have none yet.
  std::vector<Told> RecipientRows(const Group& group) {
    const std::vector<Told> known = store_.ToldOf(group.id);
    std::vector<Told> rows;
    for (const std::string& recipient : RecipientsOf(rules_.routes, group.key, group.state.level)) {
      const auto row = std::find_if(known.begin(), known.end(), [&](const Told& candidate) {
        return candidate.recipient == recipient;
      });
      rows.push_back(row == known.end() ? Newcomer(recipient, group.state) : *row);
    }
    return rows;
  }

  void SaveLooked(Group& group, const std::vector<Told>& rows) {
    group.state = OnLooked(group.state, rows, now_, rules_.waits);
    store_.SaveGroupState(group.id, group.state);
  }

  int64_t MailsLeft() const {
    return std::max<int64_t>(0, kMaxMailsAtOnce - std::ssize(decided_.written));
  }

  // False: there are more.
  bool LookAtDueGroups() {
    const std::vector<Group> due = store_.DueGroups(now_, kMaxLooks);
    auto group = due.begin();
    for (; group != due.end() && MailsLeft() > 0; ++group) LookAt(*group);
    const bool is_all = group == due.end() && due.size() < static_cast<size_t>(kMaxLooks);
    if (!is_all) decided_.next_at = now_;
    return is_all;
  }

  void LookAt(Group group) {
    if (HasRecovered(group.state, now_, rules_.waits)) group.state = OnRecovered(group.state);
    std::vector<Told> rows = RecipientRows(group);
    for (Told& told : rows) {
      const Reason reason = WhyDue(group.state, told, now_, rules_.waits);
      if (reason == Reason::kNone || told.over_limit) continue;
      Desk& desk = DeskOf(told.recipient);
      // The last room is kept until it is known how many need it.
      if (desk.room > 1 && !desk.has_waiting && !desk.has_summary_pending) {
        Tell(group, told, reason);
      } else {
        told.over_limit = true;
        desk.has_waiting = true;
        memory_.waiting->insert(told.recipient);
        ++desk.turned_away;
      }
      store_.SaveTold(group.id, told);
    }
    SaveLooked(group, rows);
  }

  // Tells those that wait, as far as there is room.
  void Serve(const std::string& recipient) {
    Desk& desk = DeskOf(recipient);
    if (!desk.has_waiting) memory_.waiting->erase(recipient);
    // The one that is pending lets them in when it is settled.
    if (!desk.has_waiting || desk.has_summary_pending) return;
    if (desk.room <= 0) {
      decided_.next_at = std::min(decided_.next_at, desk.room_at);
      return;
    }
    const std::vector<int64_t> waiting = store_.GroupsOverLimit(recipient, kMaxSummedGroups);
    const auto count = static_cast<int64_t>(waiting.size());
    int64_t singly = count <= desk.room ? count : desk.room - 1;
    // A summary, too, is one.
    const bool is_too_much = (singly < count ? singly + 1 : singly) > MailsLeft();
    if (is_too_much) {
      singly = std::min(singly, MailsLeft());
      decided_.next_at = now_;
    }
    const auto rest = waiting.begin() + singly;
    for (auto id = waiting.begin(); id != rest; ++id) {
      WithWaiting(*id, recipient, [&](Group& group, Told& told, Reason reason) {
        Tell(group, told, reason);
        ++desk.served;
      });
    }
    if (!is_too_much && rest != waiting.end()) {
      Summarize(recipient, std::vector<int64_t>(rest, waiting.end()));
    }
  }

  // Calls `tell` for a group that waits, if it is still due, and keeps what that changed.
  template <typename Tell>
  void WithWaiting(int64_t group_id, const std::string& recipient, Tell tell) {
    std::optional<Group> group = store_.FindGroup(group_id);
    if (!group.has_value()) return;
    std::vector<Told> rows = RecipientRows(*group);
    auto told = std::find_if(rows.begin(), rows.end(),
                             [&](const Told& row) { return row.recipient == recipient; });
    if (told == rows.end()) {
      // Of another route by now. They are told this once more: it waited.
      for (Told& row : store_.ToldOf(group_id)) {
        if (row.recipient == recipient) rows.push_back(std::move(row));
      }
      if (rows.empty() || rows.back().recipient != recipient) return;
      told = std::prev(rows.end());
    }
    const Reason reason = WhyDue(group->state, *told, now_, rules_.waits);
    if (reason == Reason::kNone) {
      told->over_limit = false;
    } else {
      tell(*group, *told, reason);
    }
    store_.SaveTold(group_id, *told);
    SaveLooked(*group, rows);
  }

  // Writes a mail about the group. The caller keeps `group` and `told`.
  void Tell(Group& group, Told& told, Reason reason) {
    const Counts news = group.state.counts.Since(told.counts);
    GroupDigest digest = {
        .reason = reason,
        .group_id = group.id,
        .key = group.key,
        .level = group.state.level,
        .news = news,
        .episode = group.state.counts.Since(group.state.counts_before),
        .first_at = group.state.first_at,
        .last_at = group.state.last_at,
        .now = now_,
        .dead_mails = DeadMailLines(),
        .page_url = rules_.page_url.empty() ? "" : StrCat(rules_.page_url, "/groups/", group.id),
    };
    const auto told_of = [&](int64_t max) {
      return static_cast<int>(std::min<int64_t>(max, news.total()));
    };
    const int counted = told_of(kMaxEventsCountedByUrl);
    if (counted > 0) {
      for (UrlCount& url :
           store_.CountByUrl(group.id, told.last_event_row, counted, int{kMaxDigestUrls})) {
        digest.urls.push_back({.url = std::move(url.url), .counts = url.counts});
      }
      digest.urls_counted = counted;
      for (StoredEvent& stored :
           store_.EventsAfter(group.id, told.last_event_row, told_of(kMaxDigestEvents))) {
        digest.sample.push_back(std::move(stored.event));
      }
    }
    const std::string message_id =
        MessageId(StrCat("g", group.id, ".", told.mails + 1), told.recipient, rules_, now_);
    AddMail(told.recipient, reason, group.id, RenderGroup(digest),
            {.message_id = message_id,
             .in_reply_to = told.last_message_id,
             .references = told.root_message_id});
    told = OnMailWritten(std::move(told), group.state, reason, message_id,
                         store_.NewestEventRow(group.id), now_);
    group.state.last_mail_at = now_;
  }

  void Summarize(const std::string& recipient, const std::vector<int64_t>& group_ids) {
    SummaryDigest digest = {.mail_limit = rules_.mail_limit.mails,
                            .mail_limit_per = rules_.mail_limit.per,
                            .now = now_,
                            .dead_mails = DeadMailLines(),
                            .page_url = rules_.page_url};
    const std::string message_id = OtherMessageId("summary", recipient);
    for (const int64_t id : group_ids) {
      WithWaiting(id, recipient, [&](Group& group, Told& told, Reason reason) {
        const Counts news = group.state.counts.Since(told.counts);
        digest.groups.push_back({.key = group.key,
                                 .news = news,
                                 .first_at = group.state.first_at,
                                 .last_at = group.state.last_at,
                                 .open = reason != Reason::kRecovered});
        digest.news.Add(news);
        told = OnMailWritten(std::move(told), group.state, Reason::kSummary, message_id,
                             store_.NewestEventRow(id), now_);
        group.state.last_mail_at = now_;
      });
    }
    if (digest.groups.empty()) return;
    digest.group_count = static_cast<int64_t>(digest.groups.size());
    const auto listed = std::min(digest.groups.size(), kMaxSummaryGroups);
    std::partial_sort(digest.groups.begin(),
                      digest.groups.begin() + static_cast<std::ptrdiff_t>(listed),
                      digest.groups.end(), [](const SummaryGroup& a, const SummaryGroup& b) {
                        return a.news.total() > b.news.total();
                      });
    digest.groups.resize(listed);
    AddMail(recipient, Reason::kSummary, /*group_id=*/0, RenderSummary(digest),
            {.message_id = message_id});
    store_.SaveNote(PendingSummary(recipient), message_id);
  }

  void WriteHeartbeats(int64_t unsent_mails) {
    memory_.heartbeat_at = absl::InfiniteFuture();
    if (rules_.heartbeat == absl::ZeroDuration() || rules_.routes.empty()) return;
    for (const std::string& recipient : AllRecipients({rules_.routes.back()})) {
      const std::string note = LastHeartbeat(recipient);
      const absl::Time last = NotedTime(store_.Note(note));
      absl::Time next = last + rules_.heartbeat;
      if (last == absl::InfinitePast() || last > now_ + rules_.heartbeat) {
        // Somebody new, or the clock was set back.
        next = now_ + rules_.heartbeat;
        store_.SaveNote(note, TimeNote(now_));
      } else if (next <= now_) {
        const Desk& desk = DeskOf(recipient);
        next = desk.room_at;
        if (desk.room > 0) {
          WriteHeartbeat(recipient, unsent_mails);
          store_.SaveNote(note, TimeNote(now_));
          next = now_ + rules_.heartbeat;
        }
      }
      memory_.heartbeat_at = std::min(memory_.heartbeat_at, next);
    }
  }

  void WriteHeartbeat(const std::string& recipient, int64_t unsent_mails) {
    AddMail(recipient, Reason::kHeartbeat, /*group_id=*/0,
            RenderHeartbeat({.every = rules_.heartbeat,
                             .events = store_.CountEvents(now_ - rules_.heartbeat),
                             .open_groups = store_.CountOpenGroups(),
                             .unsent_mails = unsent_mails,
                             .now = now_,
                             .dead_mails = DeadMailLines(),
                             .page_url = rules_.page_url}),
            {.message_id = OtherMessageId("heartbeat", recipient)});
  }

  // Of a mail of no single group.
  std::string OtherMessageId(absl::string_view what, const std::string& recipient) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(store_.Note(kOtherMails), &number)) number = 0;
    store_.SaveNote(kOtherMails, StrCat(++number));
    return MessageId(StrCat(what, ".", number), recipient, rules_, now_);
  }

  // `head` without what is the same in all of them.
  void AddMail(const std::string& recipient, Reason reason, int64_t group_id, const Digest& digest,
               MailHead head) {
    head.from = rules_.from;
    head.to = recipient;
    head.date = now_;
    head.list_id = StrCat("alerts.understudy.", rules_.from.domain());
    store_.AddMail({.group_id = group_id,
                    .recipient = recipient,
                    .reason = reason,
                    .message_id = head.message_id,
                    .subject = digest.subject,
                    .bytes = BuildMail(head, digest),
                    .written_at = now_,
                    .next_attempt_at = now_});
    --DeskOf(recipient).room;
    decided_.written.push_back(reason);
  }

  const std::vector<std::string>& DeadMailLines() {
    if (dead_mail_lines_.has_value()) return *dead_mail_lines_;
    dead_mail_lines_.emplace();
    // Those settled at that very time may have been after it was written: rather twice than never.
    const absl::Time named = NotedTime(store_.Note(kDeadMailsNamed));
    for (const Mail& mail : store_.DeadMails(named, kMaxDeadMailsRead)) {
      dead_mail_lines_->push_back(
          StrCat(mail.recipient, mail.state == MailState::kExpired ? ", given up: " : ", refused: ",
                 mail.subject, " (", mail.last_error.empty() ? mail.reply : mail.last_error, ")"));
    }
    return *dead_mail_lines_;
  }

  StoreTransaction& store_;
  const AlertRules& rules_;
  const absl::Time now_;
  DecisionMemory& memory_;
  Decided decided_;
  std::map<std::string, Desk> desks_;
  std::optional<std::vector<std::string>> dead_mail_lines_;
};

}  // namespace

Decided Decide(StoreTransaction& store, const AlertRules& rules, absl::Time now,
               int64_t unsent_mails, DecisionMemory& memory) {
  return Decision(store, rules, now, memory).Run(unsent_mails);
}

void Release(StoreTransaction& store, const Mail& mail, absl::Time now) {
  if (mail.state == MailState::kAccepted &&
      mail.written_at > NotedTime(store.Note(kDeadMailsNamed))) {
    store.SaveNote(kDeadMailsNamed, TimeNote(mail.written_at));
  }
  if (mail.reason == Reason::kSummary) {
    const std::string note = PendingSummary(mail.recipient);
    if (store.Note(note) == mail.message_id) store.SaveNote(note, "");
  }
  std::optional<Group> group = store.FindGroup(mail.group_id);
  if (!group.has_value()) return;
  for (Told& told : store.ToldOf(group->id)) {
    if (told.recipient != mail.recipient || told.last_message_id != mail.message_id) continue;
    told.mail_pending = false;
    // To them it is as recent as it is new: the next is spaced from here.
    if (mail.state == MailState::kAccepted) told.last_mail_at = std::max(told.last_mail_at, now);
    store.SaveTold(group->id, told);
    // To be looked at: news may have gathered.
    group->state.due_at = std::min(group->state.due_at, now);
    store.SaveGroupState(group->id, group->state);
  }
}

}  // namespace understudy::notifier
