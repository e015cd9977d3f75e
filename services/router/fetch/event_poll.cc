#include "services/router/fetch/event_poll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace understudy::router {
namespace {

constexpr size_t kEventsPerWait = 256;

uint64_t Pack(EventPoll::Owner owner, int fd) {
  return (static_cast<uint64_t>(owner) << 32) | static_cast<uint32_t>(fd);
}

}  // namespace

EventPoll::EventPoll()
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ok()) return;
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = Pack(Owner::kWake, wake_fd_);
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
}

EventPoll::~EventPoll() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

void EventPoll::Watch(int fd, Owner owner, bool read, bool write) {
  const uint32_t wanted = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  auto known = watched_.find(fd);
  if (known != watched_.end() && known->second.owner != owner) {  // its number is another's now
    Forget(fd);
    known = watched_.end();
  }
  if (known != watched_.end() && known->second.events == wanted) {
    known->second.is_resting = false;
    return;
  }
  epoll_event event = {};
  event.events = wanted;
  event.data.u64 = Pack(owner, fd);
  if (wanted == 0) {
    if (known == watched_.end()) return;
    watched_.erase(known);
    epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  } else if (known == watched_.end()) {
    watched_.emplace(fd, Interest{.owner = owner, .events = wanted});
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  } else {
    known->second = {.owner = owner, .events = wanted};
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
  }
}

void EventPoll::Rest(int fd) {
  const auto known = watched_.find(fd);
  if (known != watched_.end()) known->second.is_resting = true;
}

void EventPoll::Forget(int fd) {
  if (watched_.erase(fd) == 1) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

const std::vector<EventPoll::Event>& EventPoll::Wait(absl::Duration timeout) {
  std::array<epoll_event, kEventsPerWait> raw;
  // Rounded up: waking a moment before a timer is due would spin until it is.
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(
      std::clamp(timeout, absl::ZeroDuration(), absl::Minutes(1)), absl::Milliseconds(1)));
  const int count =
      epoll_wait(epoll_fd_, raw.data(), static_cast<int>(raw.size()), static_cast<int>(ms));
  events_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = raw[static_cast<size_t>(i)];
    const auto owner = static_cast<Owner>(event.data.u64 >> 32);
    const int fd = static_cast<int>(event.data.u64 & 0xffffffff);
    if (owner == Owner::kWake) {
      uint64_t wakes = 0;
      [[maybe_unused]] const ssize_t drained = read(wake_fd_, &wakes, sizeof wakes);
      continue;
    }
    const auto known = watched_.find(fd);
    if (known != watched_.end() && known->second.is_resting) {
      Forget(fd);
      continue;
    }
    events_.push_back({.owner = owner,
                       .fd = fd,
                       .readable = (event.events & (EPOLLIN | EPOLLHUP)) != 0,
                       .writable = (event.events & EPOLLOUT) != 0,
                       .failed = (event.events & EPOLLERR) != 0});
  }
  return events_;
}

void EventPoll::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

}  // namespace understudy::router
