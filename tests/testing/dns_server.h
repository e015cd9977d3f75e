// A name server on loopback that answers by script, over UDP and TCP.
#ifndef TESTS_TESTING_DNS_SERVER_H_
#define TESTS_TESTING_DNS_SERVER_H_

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/testing/socket.h"

namespace understudy::testing {

enum class DnsType { kA = 1, kAaaa = 28 };

enum class DnsCode { kNoError = 0, kServFail = 2, kNxDomain = 3, kRefused = 5 };

// A forged answer sent just before the true one.
enum class DnsSpoof { kNone, kWrongId, kWrongQuestion };

// What a forged answer to an A question claims.
inline constexpr char kSpoofedAddress[] = "203.0.113.66";

// How a name is answered. As it stands: the name exists and has no records.
struct DnsAnswer {
  DnsCode code = DnsCode::kNoError;
  // IPv4 and IPv6 mixed; a question gets those of its type, in this order.
  std::vector<std::string> addresses = {};
  // If set: an alias record to that name, then what the server has for that name, and so on. A
  // circle of aliases is sent once round.
  std::string cname = {};
  absl::Duration ttl = absl::Minutes(1);
  absl::Duration delay = absl::ZeroDuration();
  bool is_silent = false;     // nothing is sent, over UDP or TCP
  bool is_truncated = false;  // over UDP: no records and the TC bit. Over TCP: whole
  DnsSpoof spoof = DnsSpoof::kNone;
};

// A question as it came in.
struct DnsQuestion {
  std::string name = {};  // lower case, without the final dot
  int type = 0;           // as on the wire: 1 for A, 28 for AAAA
  bool is_tcp = false;
};

// Names compare without case. A name without a script does not exist (NXDOMAIN). An answer that
// does not fit the datagram size the question allows (512 bytes without EDNS) is truncated by
// itself. All methods may be called from any thread.
class DnsServer {
 public:
  // Listens on 127.0.0.1, one free port for both transports.
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // Replaces how both types, or one, are answered.
  void On(absl::string_view name, DnsAnswer answer);
  void On(absl::string_view name, DnsType type, DnsAnswer answer);
  // The nth question of each type gets the nth answer; the last one repeats.
  void OnSequence(absl::string_view name, const std::vector<DnsAnswer>& answers);

  int port() const { return port_; }
  std::string address() const;  // "127.0.0.1:PORT"

  // Every question so far, in order of arrival; repeated ones and those over TCP included.
  std::vector<DnsQuestion> questions() const;
  int queries(absl::string_view name) const;
  int queries(absl::string_view name, DnsType type) const;

 private:
  struct Script {
    std::vector<DnsAnswer> answers = {};
    size_t next = 0;
  };
  struct Asker;
  class Loop;

  DnsAnswer NextAnswer(const std::string& name, int type) REQUIRES(mutex_);

  Socket udp_;
  Socket tcp_;
  Socket stop_;
  int port_ = 0;
  mutable Mutex mutex_;
  std::map<std::pair<std::string, int>, Script> scripts_ GUARDED_BY(mutex_);
  std::vector<DnsQuestion> questions_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_DNS_SERVER_H_
