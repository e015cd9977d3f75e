// HTTP/2 Rapid Reset (CVE-2023-44487) against a gRPC server on loopback: calls that are cancelled
// as soon as they are begun, as many as it takes. Bounded in rate and time.
#ifndef TESTS_E2E_RESET_FLOOD_H_
#define TESTS_E2E_RESET_FLOOD_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace understudy::testing {

struct ResetFloodOptions {
  std::string from = "127.0.0.2";  // the attacker's address
  std::string host = {};
  int port = 0;
  int connections = 1;  // each is made anew when it was closed
  int resets_per_second = 20000;
  absl::Duration at_most = absl::Seconds(30);  // it ends then, if it was not destroyed before
};

class ResetFlood {
 public:
  // Attacks until it is destroyed.
  explicit ResetFlood(ResetFloodOptions options);
  ~ResetFlood();
  ResetFlood(const ResetFlood&) = delete;
  ResetFlood& operator=(const ResetFlood&) = delete;

  int64_t resets() const { return resets_; }            // sent
  int64_t connections() const { return connections_; }  // made

 private:
  void Run();

  const ResetFloodOptions options_;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<int64_t> resets_ = 0;
  std::atomic<int64_t> connections_ = 0;
  std::thread thread_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_RESET_FLOOD_H_
