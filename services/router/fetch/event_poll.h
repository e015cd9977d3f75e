// epoll with names for what its descriptors belong to. One thread; only Wake() is for all.
#ifndef SERVICES_ROUTER_FETCH_EVENT_POLL_H_
#define SERVICES_ROUTER_FETCH_EVENT_POLL_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"

namespace understudy::router {

class EventPoll {
 public:
  enum class Owner : uint8_t { kWake, kTransfers, kNames };

  struct Event {
    Owner owner = Owner::kWake;
    int fd = -1;
    bool readable = false;  // or the peer hung up
    bool writable = false;
    bool failed = false;
  };

  EventPoll();
  ~EventPoll();
  EventPoll(const EventPoll&) = delete;
  EventPoll& operator=(const EventPoll&) = delete;

  // False if the process had no descriptors left to make one of.
  bool ok() const { return epoll_fd_ >= 0 && wake_fd_ >= 0; }

  // Watches `fd` for what is asked; for neither: no more. Then, or Forget, before the fd is closed.
  void Watch(int fd, Owner owner, bool read, bool write);

  // Says nothing of `fd` until it is watched again, which soon may be: costs no system call unless
  // something happens on it meanwhile. Forget() it before it is closed.
  void Rest(int fd);
  // Call before `fd` is closed, whether it was watched or not; or when its number is another's.
  void Forget(int fd);

  // Waits for events, Wake() or `timeout`; wake-ups are swallowed. The result lives until the
  // next call.
  const std::vector<Event>& Wait(absl::Duration timeout);

  // Ends the present or next Wait. From any thread.
  void Wake();

 private:
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  struct Interest {
    Owner owner = Owner::kWake;
    uint32_t events = 0;  // as the kernel has them
    bool is_resting = false;
  };
  std::unordered_map<int, Interest> watched_;
  std::vector<Event> events_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_EVENT_POLL_H_
