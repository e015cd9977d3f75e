// What a mail says, before it is a mail: subject, text and HTML from what is to be told. Pure.
#ifndef SERVICES_NOTIFIER_MAIL_DIGEST_H_
#define SERVICES_NOTIFIER_MAIL_DIGEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

// Of one mail; what is over is left out, and the mail says so.
inline constexpr size_t kMaxDigestEvents = 50;
inline constexpr size_t kMaxDigestUrls = 20;
inline constexpr size_t kMaxSummaryGroups = 50;
inline constexpr size_t kMaxDigestBytes = size_t{256} * 1024;

struct DigestUrl {
  std::string url = {};
  Counts counts = {};
};

// A mail about one group.
struct GroupDigest {
  Reason reason = Reason::kFirst;
  int64_t group_id = 0;
  GroupKey key = {};
  Level level = Level::kError;
  Counts news = {};     // since the last mail to this recipient
  Counts episode = {};  // since first_at
  absl::Time first_at = {};
  absl::Time last_at = {};
  absl::Time now = {};
  std::vector<DigestUrl> urls = {};          // of the news, most first; there may be more
  int64_t urls_counted = 0;                  // so many of the news, the newest, were counted by URL
  std::vector<Event> sample = {};            // of the news, oldest first
  std::vector<std::string> dead_mails = {};  // a line each: mails that could not be delivered
  std::string page_url = {};                 // of the group; empty: there is none
};

struct SummaryGroup {
  GroupKey key = {};
  Counts news = {};
  absl::Time first_at = {};
  absl::Time last_at = {};
  bool open = true;
};

// One mail about many groups, in place of mails over mail_limit.
struct SummaryDigest {
  std::vector<SummaryGroup> groups = {};  // most events first
  int64_t group_count = 0;                // with those that are not in `groups`
  Counts news = {};                       // of all of them
  int mail_limit = 0;
  absl::Duration mail_limit_per = {};
  absl::Time now = {};
  std::vector<std::string> dead_mails = {};
  std::string page_url = {};
};

struct HeartbeatDigest {
  absl::Duration every = {};
  Counts events = {};  // received in that time
  int64_t open_groups = 0;
  int64_t unsent_mails = 0;
  absl::Time now = {};
  std::vector<std::string> dead_mails = {};
  std::string page_url = {};
};

struct Digest {
  std::string subject = {};  // one line of UTF-8, at most 150 characters
  std::string text = {};     // UTF-8, LF line ends
  std::string html = {};     // a whole document; everything from outside escaped
};

Digest RenderGroup(const GroupDigest& group);
Digest RenderSummary(const SummaryDigest& summary);
Digest RenderHeartbeat(const HeartbeatDigest& heartbeat);
Digest RenderTest(absl::Time now);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_DIGEST_H_
