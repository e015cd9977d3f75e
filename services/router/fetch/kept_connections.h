// The connections that are kept alive for the next request: their sockets, and in which of the
// fetcher's groups they are.
//
// libcurl names a connection it takes up again by its two ends alone, and asked for a socket it
// knows only that of a transfer that has ended. And it takes up only connections of the group that
// a transfer is in, so whoever places the transfer has to know where one is. Belongs to the
// fetcher's thread.
#ifndef SERVICES_ROUTER_FETCH_KEPT_CONNECTIONS_H_
#define SERVICES_ROUTER_FETCH_KEPT_CONNECTIONS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace understudy::router {

class KeptConnections {
 public:
  // `ends`: both addresses and ports of the connection, written in any one way. `server`: scheme,
  // host and port that it is for, likewise.
  void Keep(const std::string& ends, int fd, const std::string& server, size_t group);
  // The socket of that connection, which is idle no more; -1 if none is kept.
  int Take(const std::string& ends);
  // Call before the socket is closed, kept or not.
  void Forget(int fd);

  // The group of a connection to `server` that nobody has claimed: of the one kept last, since
  // that one is the least likely to have been closed meanwhile. It is claimed now.
  std::optional<size_t> Claim(const std::string& server);
  // What came of a claim, or of there being none: whether the transfer took up a connection that
  // was kept. Once for each transfer, when that is known.
  void Settle(const std::string& server, size_t group, bool was_claimed, bool took_one);

  // Connections that are kept in `group`.
  int count(size_t group) const { return group < counts_.size() ? counts_[group] : 0; }

 private:
  struct Kept {
    std::string ends = {};
    std::string server = {};
    size_t group = 0;
  };

  void Erase(std::unordered_map<int, Kept>::iterator kept);
  void RemoveUnclaimed(const std::string& server, size_t group);

  std::unordered_map<std::string, int> by_ends_;
  std::unordered_map<int, Kept> by_fd_;
  std::unordered_map<std::string, std::vector<size_t>> unclaimed_;  // groups, by server
  std::vector<int> counts_;                                         // by group
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_KEPT_CONNECTIONS_H_
