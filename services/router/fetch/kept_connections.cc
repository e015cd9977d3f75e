#include "services/router/fetch/kept_connections.h"

#include <algorithm>

namespace understudy::router {

void KeptConnections::Keep(const std::string& ends, int fd, const std::string& server,
                           size_t group) {
  by_ends_[ends] = fd;
  by_fd_[fd] = {.ends = ends, .server = server, .group = group};
  unclaimed_[server].push_back(group);
  if (group >= counts_.size()) counts_.resize(group + 1);
  ++counts_[group];
}

int KeptConnections::Take(const std::string& ends) {
  const auto kept = by_ends_.find(ends);
  if (kept == by_ends_.end()) return -1;
  const int fd = kept->second;
  Erase(by_fd_.find(fd));
  return fd;
}

void KeptConnections::Forget(int fd) {
  const auto kept = by_fd_.find(fd);
  if (kept == by_fd_.end()) return;
  RemoveUnclaimed(kept->second.server, kept->second.group);
  Erase(kept);
}

std::optional<size_t> KeptConnections::Claim(const std::string& server) {
  const auto groups = unclaimed_.find(server);
  if (groups == unclaimed_.end()) return std::nullopt;
  const size_t group = groups->second.back();
  groups->second.pop_back();
  if (groups->second.empty()) unclaimed_.erase(groups);
  return group;
}

void KeptConnections::Settle(const std::string& server, size_t group, bool was_claimed,
                             bool took_one) {
  if (was_claimed && !took_one) unclaimed_[server].push_back(group);
  if (took_one && !was_claimed) RemoveUnclaimed(server, group);
}

void KeptConnections::Erase(std::unordered_map<int, Kept>::iterator kept) {
  --counts_[kept->second.group];
  by_ends_.erase(kept->second.ends);
  by_fd_.erase(kept);
}

void KeptConnections::RemoveUnclaimed(const std::string& server, size_t group) {
  const auto groups = unclaimed_.find(server);
  if (groups == unclaimed_.end()) return;
  const auto last = std::find(groups->second.rbegin(), groups->second.rend(), group);
  if (last != groups->second.rend()) groups->second.erase(std::next(last).base());
  if (groups->second.empty()) unclaimed_.erase(groups);
}

}  // namespace understudy::router
