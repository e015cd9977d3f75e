// The sockets of connections that are kept alive for the next request. libcurl names a connection
// it takes up again by its two ends alone, and asked for a socket it knows only that of a transfer
// that has ended. Belongs to the fetcher's thread.
#ifndef SERVICES_ROUTER_FETCH_IDLE_SOCKETS_H_
#define SERVICES_ROUTER_FETCH_IDLE_SOCKETS_H_

#include <string>
#include <unordered_map>

namespace understudy::router {

class IdleSockets {
 public:
  // `ends`: both addresses and ports of the connection, written in any one way.
  void Keep(const std::string& ends, int fd);
  // The socket of that connection, which is idle no more; -1 if none is kept.
  int Take(const std::string& ends);
  // Call before the socket is closed, kept or not.
  void Forget(int fd);

 private:
  std::unordered_map<std::string, int> by_ends_;
  std::unordered_map<int, std::string> by_fd_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_IDLE_SOCKETS_H_
