#include "services/router/fetch/idle_sockets.h"

namespace understudy::router {

void IdleSockets::Keep(const std::string& ends, int fd) {
  by_ends_[ends] = fd;
  by_fd_[fd] = ends;
}

int IdleSockets::Take(const std::string& ends) {
  const auto kept = by_ends_.find(ends);
  if (kept == by_ends_.end()) return -1;
  const int fd = kept->second;
  by_fd_.erase(fd);
  by_ends_.erase(kept);
  return fd;
}

void IdleSockets::Forget(int fd) {
  const auto kept = by_fd_.find(fd);
  if (kept == by_fd_.end()) return;
  by_ends_.erase(kept->second);
  by_fd_.erase(kept);
}

}  // namespace understudy::router
