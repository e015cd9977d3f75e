#include "common/serving/basic_auth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

constexpr absl::string_view kScheme = "basic ";
// Of a user name; our accounts' are shorter.
constexpr size_t kUserBytes = 64;
// Who has an IPv6 address has the others of its network of 64 bits as well.
constexpr size_t kNetworkBytes = 8;

std::string NetworkOf(absl::string_view address) {
  in6_addr v6 = {};
  std::string text(address);
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  std::memset(v6.s6_addr + kNetworkBytes, 0, sizeof(v6.s6_addr) - kNetworkBytes);
  char network[INET6_ADDRSTRLEN] = {};
  return inet_ntop(AF_INET6, &v6, network, sizeof(network));
}

}  // namespace

std::optional<BasicCredentials> ReadBasic(absl::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  std::string decoded;
  if (!absl::Base64Unescape(absl::StripAsciiWhitespace(authorization), &decoded)) {
    return std::nullopt;
  }
  const size_t colon = decoded.find(':');
  const bool has_control = std::any_of(decoded.begin(), decoded.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (colon == std::string::npos || has_control) return std::nullopt;
  return BasicCredentials{.user = decoded.substr(0, colon),
                          .password = Secret(decoded.substr(colon + 1))};
}

bool IsSameSecret(const Secret& a, const Secret& b) {
  return a.Reveal().size() == b.Reveal().size() &&
         CRYPTO_memcmp(a.Reveal().data(), b.Reveal().data(), a.Reveal().size()) == 0;
}

absl::Time* LoginLimiter::Table::Find(absl::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return &found->second->good_at;
}

absl::Time& LoginLimiter::Table::Add(absl::string_view key) {
  if (absl::Time* const known = Find(key)) return *known;
  if (recent_.size() == entries_) {
    by_key_.erase(recent_.back().key);
    recent_.pop_back();
  }
  recent_.push_front({.key = std::string(key)});
  by_key_[recent_.front().key] = recent_.begin();
  return recent_.front().good_at;
}

absl::Duration LoginLimiter::WaitOf(const absl::Time* good_at, absl::Time now) const {
  if (good_at == nullptr) return absl::ZeroDuration();
  return std::max(*good_at - now - (limits_.burst - 1) * limits_.interval, absl::ZeroDuration());
}

void LoginLimiter::Charge(absl::Time& good_at, absl::Time now) const {
  good_at = std::max(good_at, now) + limits_.interval;
}

std::optional<absl::Duration> LoginLimiter::Attempt(absl::string_view address,
                                                    absl::string_view user, bool is_right,
                                                    absl::Time now) {
  user = user.substr(0, kUserBytes);
  const std::string network = NetworkOf(address);
  const std::string pair = absl::StrCat(network, " ", user);
  MutexLock lock(mutex_);
  if (absl::Time* const good_at = known_.Find(pair)) {
    const absl::Duration wait = WaitOf(good_at, now);
    if (wait > absl::ZeroDuration()) return wait;
    if (!is_right) Charge(*good_at, now);
    return std::nullopt;
  }
  const absl::Duration wait =
      std::max(WaitOf(addresses_.Find(network), now), WaitOf(users_.Find(user), now));
  if (wait > absl::ZeroDuration()) return wait;
  if (is_right) {
    known_.Add(pair);
  } else {
    Charge(addresses_.Add(network), now);
    Charge(users_.Add(user), now);
  }
  return std::nullopt;
}

}  // namespace understudy::serving
