// HTTP Basic for those who serve: what a request brings, whether it is right, and what happens to
// those who guess. RFC 7617.
#ifndef COMMON_SERVING_BASIC_AUTH_H_
#define COMMON_SERVING_BASIC_AUTH_H_

#include <cstddef>
#include <list>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/secret.h"

namespace understudy::serving {

struct BasicCredentials {
  std::string user = {};
  Secret password = {};
};

// Of the value of an Authorization header; nullopt if that is not Basic, its base64 is not whole,
// or there is no colon or a control character in what it says. The password may be empty and have
// colons in it. Pure.
std::optional<BasicCredentials> ReadBasic(absl::string_view authorization);

// In a time that tells no more of them than whether they are of one length. Pure.
bool IsSameSecret(const Secret& a, const Secret& b);

// Slows down those who guess passwords.
//
// A wrong password is answered at once, and so is the next: to answer late would need a thread or a
// connection for each who guesses, and they have more of them than we. Instead wrong passwords are
// counted, by address and by user name, and over `burst` of them nothing from there is looked at
// before the time is over that so many may take (`interval` each): not the right password either,
// or one could go on guessing. So a guesser gets one answer in each `interval`, from however many
// addresses.
//
// That somebody guesses must not lock out the one who knows. Who has once shown the right password
// is therefore counted apart from strangers, by address and user name together, and their wrong
// passwords (which are few) do not count for others. Behind a proxy that hides the addresses all
// are one.
//
// What is known of addresses, of names and of pairs is bounded each; the one heard of least
// recently is forgotten first.
class LoginLimiter {
 public:
  struct Limits {
    int burst = 10;
    absl::Duration interval = absl::Seconds(6);
    size_t entries = 10000;  // of each of the three
  };

  LoginLimiter() : LoginLimiter(Limits{}) {}
  explicit LoginLimiter(Limits limits) : limits_(limits) {}

  // Judges an attempt whose password was found to be right or not. A duration: it does not count,
  // whatever it was; another may be made after that time (429). nullopt: it counts as what it was.
  // From any thread; times need not ascend.
  std::optional<absl::Duration> Attempt(absl::string_view address, absl::string_view user,
                                        bool is_right, absl::Time now);

 private:
  // By when the wrong passwords so far are made good; those forgotten are.
  class Table {
   public:
    explicit Table(size_t entries) : entries_(entries) {}
    // Null if there is none. Becomes the one heard of last. Until the next Add.
    absl::Time* Find(absl::string_view key);
    absl::Time& Add(absl::string_view key);

   private:
    struct Entry {
      std::string key = {};
      absl::Time good_at = absl::InfinitePast();
    };
    const size_t entries_;
    std::list<Entry> recent_;                                                    // first
    absl::flat_hash_map<absl::string_view, std::list<Entry>::iterator> by_key_;  // of recent_'s
  };

  // How long until one more wrong password would be allowed; zero: now.
  absl::Duration WaitOf(const absl::Time* good_at, absl::Time now) const;
  void Charge(absl::Time& good_at, absl::Time now) const;

  const Limits limits_;
  Mutex mutex_;
  Table addresses_ GUARDED_BY(mutex_) = Table(limits_.entries);
  Table users_ GUARDED_BY(mutex_) = Table(limits_.entries);
  Table known_ GUARDED_BY(mutex_) = Table(limits_.entries);
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_BASIC_AUTH_H_
