// The way out: libcurl's multi interface, c-ares and one thread for every request of the process.
//
// libcurl dials, speaks TLS and reads HTTP/1.1. What it leaves open or gets wrong is done here:
// names (name_resolver.h), which addresses may be dialled (egress.h), the head of a response
// (response_head.h), its size after decompression, times between packets, whether a kept connection
// is still clean (kept_connections.h), and what an end means (transfer_end.h). docs/decisions says
// which measurement is behind each.
#ifndef SERVICES_ROUTER_FETCH_CURL_FETCHER_H_
#define SERVICES_ROUTER_FETCH_CURL_FETCHER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/router/fetch/egress.h"
#include "services/router/resolve/fetcher.h"

namespace understudy::router {

// Of the addresses of a name at most so many are tried.
inline constexpr size_t kMaxAddressesPerName = 8;
// libcurl looks through all connections of one of its multi handles when a transfer ends and when
// one begins, so that the cost of a request would grow with the number of others: none gets more.
inline constexpr int kConnectionsPerMulti = 64;
// Finished handles kept for the next requests.
inline constexpr size_t kMaxSpareHandles = 1024;
// No connection is used again after so long idle, nor after so long at all unless said otherwise
// (a certificate that has expired since must not go on being trusted).
inline constexpr absl::Duration kMaxConnectionIdle = absl::Seconds(60);
inline constexpr absl::Duration kMaxConnectionAge = absl::Minutes(30);
// How long the body of an answer outside 2xx may take: its status has said all.
inline constexpr absl::Duration kErrorBodyTimeout = absl::Milliseconds(250);

struct FetcherOptions {
  EgressRule egress = {};
  std::vector<std::string> dns_servers = {};  // none: the system's
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  size_t max_body_bytes = 65536;  // decoded
  // Kept-alive connections, in use or idle, rounded up to a multiple of kConnectionsPerMulti; over
  // it idle ones are closed.
  int max_connections = 10000;
  absl::Duration max_connection_age = kMaxConnectionAge;  // in whole seconds, at least 1
  // Told of each request that the egress rule stopped, on the fetcher's thread; may be null.
  std::function<void(AddressClass)> on_denied = {};
};

class CurlFetcher : public Fetcher {
 public:
  // FailedPrecondition if the CA file holds no certificate: nothing is ever fetched unverified.
  static absl::StatusOr<std::unique_ptr<CurlFetcher>> Start(FetcherOptions options);

  // Answers everything that is due with kCancelled, then ends the thread.
  ~CurlFetcher() override;

  void Fetch(Ticket ticket, Exchange exchange, Done done) override;
  void Cancel(Ticket ticket) override;

 private:
  class Loop;

  explicit CurlFetcher(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_CURL_FETCHER_H_
