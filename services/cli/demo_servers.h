// The customer's side of the demo: a primary and a fallback web server on loopback, and ports where
// nothing listens.
#ifndef SERVICES_CLI_DEMO_SERVERS_H_
#define SERVICES_CLI_DEMO_SERVERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"

namespace understudy::cli {

// How a server behaves is the path's to say.
inline constexpr char kVoicePath[] = "/voice";      // TwiML for a call
inline constexpr char kMessagePath[] = "/message";  // TwiML for a message
inline constexpr char kErrorPath[] = "/error";      // HTTP status 500
inline constexpr char kHangPath[] = "/hang";        // no answer while the server lives
inline constexpr char kBrokenPath[] = "/broken";    // TwiML that ends too early

// Of the texts of a document: where the ErrorCode that a fallback was told stands.
std::string ToldCode(int code);

class DemoServer {
 public:
  // `name` stands in its documents. Requests that are not signed with `token` are answered 403, as
  // a customer's server would. With `works` false everything else is answered 500.
  static absl::StatusOr<std::unique_ptr<DemoServer>> Start(const std::string& name,
                                                           const Secret& token, bool works = true);
  ~DemoServer();  // hanging requests are let go
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;

  std::string url(absl::string_view path) const;

 private:
  struct Http;
  explicit DemoServer(std::unique_ptr<Http> http);

  std::unique_ptr<Http> http_;
};

// Keeps a port without listening on it: connects are refused, and nobody else is given it.
class SilentPort {
 public:
  static absl::StatusOr<std::unique_ptr<SilentPort>> Take();
  ~SilentPort();
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  std::string url(absl::string_view path) const;

 private:
  SilentPort(int socket, int port) : socket_(socket), port_(port) {}

  const int socket_;
  const int port_;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_DEMO_SERVERS_H_
