#include "services/router/fetch/name_resolver.h"

#include <ares.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy::router {
namespace {

// One query's first patience; doubled when all servers have been asked.
constexpr int kQueryTimeoutMs = 1500;
constexpr int kQueryTries = 2;

enum class FamilyState : uint8_t { kPending, kFound, kEmpty, kFailed };

bool SaysNothingThere(int status) {
  return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME ||
         status == ARES_EBADNAME;
}

}  // namespace

struct NameResolver::Channel {
  ares_channel ares = nullptr;
  absl::Time now = {};  // of the event being handled: c-ares calls back without a time
};

struct NameResolver::Lookup {
  struct Family {
    FamilyState state = FamilyState::kPending;
    std::vector<IpAddress> addresses = {};
    absl::Duration ttl = kCacheCeiling;
  };

  NameResolver* resolver = nullptr;  // null once it is gone
  std::string name = {};
  Family v4 = {};
  Family v6 = {};
  absl::Time answer_by = {};  // with whatever is there
  bool answered = false;
  std::vector<Done> waiting = {};
};

NameResolver::NameResolver(EventPoll& poll) : poll_(poll), channel_(new Channel) {}

NameResolver::~NameResolver() {
  for (auto& [name, lookup] : lookups_) lookup->answered = true;
  if (channel_->ares != nullptr) ares_destroy(channel_->ares);
}

absl::StatusOr<std::unique_ptr<NameResolver>> NameResolver::Create(
    const std::vector<std::string>& servers, EventPoll& poll) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return absl::InternalError(ares_strerror(library));
  std::unique_ptr<NameResolver> resolver(new NameResolver(poll));

  ares_options options = {};
  char lookups[] = "b";  // name servers; never the hosts file
  options.lookups = lookups;
  options.flags = ARES_FLAG_NOSEARCH;
  options.timeout = kQueryTimeoutMs;
  options.tries = kQueryTries;
  options.ndomains = 0;  // this version of c-ares searches despite NOSEARCH
  options.sock_state_cb_data = resolver.get();
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<NameResolver*>(self)->poll_.Watch(fd, EventPoll::Owner::kNames, readable != 0,
                                                  writable != 0);
  };
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                   ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&resolver->channel_->ares, &options, mask);
  if (status != ARES_SUCCESS) {
    resolver->channel_->ares = nullptr;
    return absl::InternalError(absl::StrCat("c-ares: ", ares_strerror(status)));
  }
  if (!servers.empty()) {
    status =
        ares_set_servers_ports_csv(resolver->channel_->ares, absl::StrJoin(servers, ",").c_str());
    if (status != ARES_SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the name servers \"", absl::StrJoin(servers, ","), "\": ", ares_strerror(status)));
    }
  }
  return resolver;
}

void NameResolver::Resolve(const std::string& name, absl::Time now, Done done) {
  if (const auto cached = cache_.find(name); cached != cache_.end()) {
    if (now < cached->second.expires_at) {
      const NameAnswer answer = cached->second.answer;
      done(answer);
      return;
    }
    cache_.erase(cached);
  }
  std::shared_ptr<Lookup>& slot = lookups_[name];
  if (slot != nullptr) {
    slot->waiting.push_back(std::move(done));
    return;
  }
  slot = std::make_shared<Lookup>();
  const std::shared_ptr<Lookup> lookup = slot;
  lookup->resolver = this;
  lookup->name = name;
  lookup->answer_by = now + kLookUpTimeout;
  alarms_.emplace(lookup->answer_by, name);
  lookup->waiting.push_back(std::move(done));
  channel_->now = now;

  // The two families are asked apart, so that a server that never answers one of them costs a
  // moment and not the other's answer. The final dot keeps the name absolute.
  const std::string absolute = name.back() == '.' ? name : name + ".";
  for (const int family : {AF_INET6, AF_INET}) {
    ares_addrinfo_hints hints = {};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    using Asked = std::pair<std::shared_ptr<Lookup>, int>;
    ares_getaddrinfo(
        channel_->ares, absolute.c_str(), nullptr, &hints,
        [](void* argument, int status, int, ares_addrinfo* info) {
          const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
          Lookup& answered = *asked->first;
          Lookup::Family& answer = asked->second == AF_INET ? answered.v4 : answered.v6;
          for (const ares_addrinfo_node* node = info == nullptr ? nullptr : info->nodes;
               node != nullptr; node = node->ai_next) {
            if (std::optional<IpAddress> address = FromSockaddr(*node->ai_addr)) {
              answer.addresses.push_back(*address);
            }
            answer.ttl = std::min(answer.ttl, absl::Seconds(node->ai_ttl));
          }
          ares_freeaddrinfo(info);
          answer.state = !answer.addresses.empty() ? FamilyState::kFound
                         : status == ARES_SUCCESS || SaysNothingThere(status)
                             ? FamilyState::kEmpty
                             : FamilyState::kFailed;
          if (!answered.answered)
            answered.resolver->Settle(answered, answered.resolver->channel_->now);
        },
        new Asked(lookup, family));
  }
}

// Answers the look-up if enough is known, or shortens its wait if half is.
void NameResolver::Settle(Lookup& lookup, absl::Time now) {
  const bool pending =
      lookup.v4.state == FamilyState::kPending || lookup.v6.state == FamilyState::kPending;
  const bool found =
      lookup.v4.state == FamilyState::kFound || lookup.v6.state == FamilyState::kFound;
  if (pending && now < lookup.answer_by) {
    if (found) {
      alarms_.erase({lookup.answer_by, lookup.name});
      lookup.answer_by = std::min(lookup.answer_by, now + kSecondFamilyDelay);
      alarms_.emplace(lookup.answer_by, lookup.name);
    }
    return;
  }
  alarms_.erase({lookup.answer_by, lookup.name});

  NameAnswer answer;
  if (found) {
    answer.result = NameAnswer::Result::kFound;
    answer.addresses = lookup.v6.addresses;
    answer.addresses.insert(answer.addresses.end(), lookup.v4.addresses.begin(),
                            lookup.v4.addresses.end());
    Remember(lookup.name, answer, std::min(lookup.v4.ttl, lookup.v6.ttl), now);
  } else if (pending) {
    answer.result = NameAnswer::Result::kTimeout;
  } else if (lookup.v4.state == FamilyState::kEmpty && lookup.v6.state == FamilyState::kEmpty) {
    answer.result = NameAnswer::Result::kNotFound;
    Remember(lookup.name, answer, kNegativeCache, now);
  }
  lookup.answered = true;
  const std::shared_ptr<Lookup> keep = lookups_[lookup.name];
  lookups_.erase(keep->name);
  for (Done& done : keep->waiting) done(answer);
  keep->waiting.clear();
}

void NameResolver::Remember(const std::string& name, const NameAnswer& answer, absl::Duration ttl,
                            absl::Time now) {
  if (cache_.size() >= kMaxCachedNames && !cache_.contains(name)) {
    for (auto it = cache_.begin(); it != cache_.end();) {
      it = it->second.expires_at <= now ? cache_.erase(it) : std::next(it);
    }
    // Still full of live names: any one may go, it is only a cache.
    if (cache_.size() >= kMaxCachedNames) cache_.erase(cache_.begin());
  }
  cache_[name] = {.answer = answer,
                  .expires_at = now + std::clamp(ttl, kCacheFloor, kCacheCeiling)};
}

void NameResolver::Forget(const std::string& name) {
  cache_.erase(name);
}

void NameResolver::OnEvent(const EventPoll::Event& event, absl::Time now) {
  channel_->now = now;
  ares_process_fd(channel_->ares, event.readable || event.failed ? event.fd : ARES_SOCKET_BAD,
                  event.writable ? event.fd : ARES_SOCKET_BAD);
}

void NameResolver::OnTime(absl::Time now) {
  channel_->now = now;
  ares_process_fd(channel_->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  while (!alarms_.empty() && alarms_.begin()->first <= now) {
    const std::shared_ptr<Lookup> lookup = lookups_.at(alarms_.begin()->second);
    Settle(*lookup, now);
  }
}

absl::Time NameResolver::NextWake(absl::Time now) const {
  timeval wait = {};
  absl::Time wake = absl::InfiniteFuture();
  if (ares_timeout(channel_->ares, nullptr, &wait) != nullptr) {
    wake = now + absl::DurationFromTimeval(wait);
  }
  return alarms_.empty() ? wake : std::min(wake, alarms_.begin()->first);
}

}  // namespace understudy::router
