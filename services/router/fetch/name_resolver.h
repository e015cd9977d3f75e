// Names to addresses by c-ares on the fetcher's own loop: nothing blocks, nothing starts a thread,
// every look-up can be given up. Asks name servers only: no hosts file, no search list, so that a
// customer's URL can never mean a name that only our own network knows.
#ifndef SERVICES_ROUTER_FETCH_NAME_RESOLVER_H_
#define SERVICES_ROUTER_FETCH_NAME_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/router/fetch/address.h"
#include "services/router/fetch/event_poll.h"

namespace understudy::router {

// How long one look-up may take in all.
inline constexpr absl::Duration kLookUpTimeout = absl::Seconds(3);
// How long the second address family may come after the first (RFC 8305, section 3).
inline constexpr absl::Duration kSecondFamilyDelay = absl::Milliseconds(50);
// What the cache may hold, and for how long whatever a record says.
inline constexpr size_t kMaxCachedNames = 4096;
inline constexpr absl::Duration kCacheFloor = absl::Seconds(1);
inline constexpr absl::Duration kCacheCeiling = absl::Seconds(60);
inline constexpr absl::Duration kNegativeCache = absl::Seconds(5);

struct NameAnswer {
  enum class Result : uint8_t { kFound, kNotFound, kFailed, kTimeout };

  Result result = Result::kFailed;
  std::vector<IpAddress> addresses = {};  // not empty if found
};

// One thread: that of the loop it was made for. Times are monotonic.
class NameResolver {
 public:
  using Done = absl::AnyInvocable<void(const NameAnswer&)>;

  // `servers`: "192.0.2.53" or "192.0.2.53:5353" or "[2001:db8::53]:53"; none: the system's.
  // `poll` must outlive the resolver.
  static absl::StatusOr<std::unique_ptr<NameResolver>> Create(
      const std::vector<std::string>& servers, EventPoll& poll);

  ~NameResolver();  // answers nothing any more
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  // Answers `done` once, by now + kLookUpTimeout: from within if the cache knows. Look-ups of the
  // same name at the same time are one. Whoever lost interest ignores the answer.
  void Resolve(const std::string& name, absl::Time now, Done done);

  // Drops what the cache knows of `name`: its addresses turned out to be dead.
  void Forget(const std::string& name);

  void OnEvent(const EventPoll::Event& event, absl::Time now);
  // What is due by time; call when NextWake() has come, and at will.
  void OnTime(absl::Time now);
  absl::Time NextWake(absl::Time now) const;

 private:
  struct Channel;  // c-ares and what it calls back into
  struct Lookup;
  struct Cached {
    NameAnswer answer = {};
    absl::Time expires_at = {};
  };

  explicit NameResolver(EventPoll& poll);

  void Settle(Lookup& lookup, absl::Time now);
  void Remember(const std::string& name, const NameAnswer& answer, absl::Duration ttl,
                absl::Time now);

  EventPoll& poll_;
  std::unique_ptr<Channel> channel_;
  // By name. A look-up that was answered at its deadline leaves this map and lives on, unheard,
  // until c-ares lets go of it.
  std::unordered_map<std::string, std::shared_ptr<Lookup>> lookups_;
  std::set<std::pair<absl::Time, std::string>> alarms_;  // when each of them has to be answered
  std::unordered_map<std::string, Cached> cache_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_NAME_RESOLVER_H_
