#include "services/notifier/mail/host_lookup.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "common/serving/monotonic_clock.h"

namespace understudy::notifier {
namespace {

using serving::MonotonicNow;

// One query's first patience; doubled when all servers have been asked.
constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 3;

// What one address family has come to.
struct Family {
  bool is_done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses = {};
};

struct ChannelDeleter {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, ChannelDeleter>;

Channel MakeChannel(const std::vector<std::string>& dns_servers) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options = {};
  options.timeout = kQueryTimeoutMs;
  options.tries = kQueryTries;
  ares_channel channel = nullptr;
  if (library != ARES_SUCCESS ||
      ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    return nullptr;
  }
  Channel made(channel);
  const std::string servers = absl::StrJoin(dns_servers, ",");
  if (!servers.empty() && ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS) {
    return nullptr;
  }
  return made;
}

void OnAnswer(void* argument, int status, int, ares_addrinfo* info) {
  Family& family = *static_cast<Family*>(argument);
  family.is_done = true;
  family.status = status;
  for (const ares_addrinfo_node* node = info == nullptr ? nullptr : info->nodes; node != nullptr;
       node = node->ai_next) {
    std::array<char, NI_MAXHOST> text = {};
    if (getnameinfo(node->ai_addr, node->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      family.addresses.emplace_back(text.data());
    }
  }
  ares_freeaddrinfo(info);
}

// Waits for sockets of the channel, but not beyond `until`, and lets it go on.
void Process(ares_channel channel, absl::Time until) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets = {};
  const auto bits = static_cast<unsigned>(ares_getsock(channel, sockets.data(), sockets.size()));
  std::array<pollfd, ARES_GETSOCK_MAXNUM> waited = {};
  nfds_t count = 0;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    const int16_t events = static_cast<int16_t>((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
                                                (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));
    if (events != 0) waited[count++] = {.fd = sockets[i], .events = events, .revents = 0};
  }
  absl::Duration wait = until - MonotonicNow();
  timeval own = {};
  if (ares_timeout(channel, nullptr, &own) != nullptr) {
    wait = std::min(wait, absl::DurationFromTimeval(own));
  }
  const timespec timeout = absl::ToTimespec(std::max(wait, absl::ZeroDuration()));
  ppoll(waited.data(), count, &timeout, nullptr);
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what is due by time
  for (nfds_t i = 0; i < count; ++i) {
    const bool is_readable = (waited[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool is_writable = (waited[i].revents & POLLOUT) != 0;
    ares_process_fd(channel, is_readable ? waited[i].fd : ARES_SOCKET_BAD,
                    is_writable ? waited[i].fd : ARES_SOCKET_BAD);
  }
}

// RFC 6761: always this machine. c-ares 1.18 says so too, and loses some memory each time.
bool IsLocalhost(const std::string& host) {
  return absl::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost");
}

bool SaysNothingThere(const Family& family) {
  return family.status == ARES_ENOTFOUND || family.status == ARES_ENODATA ||
         family.status == ARES_ENONAME || family.status == ARES_EBADNAME;
}

}  // namespace

HostAddresses LookUpHost(const std::string& host, const std::vector<std::string>& dns_servers,
                         absl::Time give_up_at) {
  if (IsLocalhost(host)) {
    return {.result = HostAddresses::Result::kFound, .addresses = {"127.0.0.1", "::1"}};
  }
  // Before the channel: as that goes, it still answers what it has not answered yet.
  std::array<Family, 2> families;
  Family& v6 = families[0];
  Family& v4 = families[1];
  const Channel channel = MakeChannel(dns_servers);
  if (channel == nullptr) return {.result = HostAddresses::Result::kFailed};
  // Apart, so that a server that never answers one family does not hold up the other.
  for (Family* const family : {&v6, &v4}) {
    ares_addrinfo_hints hints = {};
    hints.ai_family = family == &v6 ? AF_INET6 : AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, OnAnswer, family);
  }
  absl::Time until = give_up_at;
  bool found = false;
  while (!(v4.is_done && v6.is_done) && MonotonicNow() < until) {
    Process(channel.get(), until);
    if (!found && !(v4.addresses.empty() && v6.addresses.empty())) {
      found = true;
      until = std::min(until, MonotonicNow() + kSecondFamilyDelay);
    }
  }

  HostAddresses answer;
  for (size_t i = 0; i < std::max(v6.addresses.size(), v4.addresses.size()); ++i) {
    for (const Family& family : families) {  // in turn, so that neither is left out
      if (i < family.addresses.size() && answer.addresses.size() < kMaxAddressesPerHost) {
        answer.addresses.push_back(family.addresses[i]);
      }
    }
  }
  if (!answer.addresses.empty()) {
    answer.result = HostAddresses::Result::kFound;
  } else if (!v4.is_done || !v6.is_done || v4.status == ARES_ETIMEOUT ||
             v6.status == ARES_ETIMEOUT) {
    answer.result = HostAddresses::Result::kTimeout;
  } else if (SaysNothingThere(v4) && SaysNothingThere(v6)) {
    answer.result = HostAddresses::Result::kNotFound;
  }
  return answer;
}

}  // namespace understudy::notifier
