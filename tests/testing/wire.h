// One accepted connection as a stream of bytes, plain or TLS.
#ifndef TESTS_TESTING_WIRE_H_
#define TESTS_TESTING_WIRE_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/testing/socket.h"

struct ssl_ctx_st;
struct ssl_st;

namespace understudy::testing {

// For one thread. Every wait ends early, as if the client had gone, when another thread shuts the
// socket down.
class Wire {
 public:
  // `socket` must outlive the wire. Blocks SIGPIPE on the calling thread: a client that goes is
  // no reason to die.
  explicit Wire(const Socket& socket);

  // Takes the server's side of a handshake; false if it fails. From then on the rest is TLS.
  bool StartTls(ssl_ctx_st* context);
  // What the handshake, failed or not, has come to know; empty if nothing.
  std::string server_name() const;
  std::string protocol() const;
  std::string version() const;

  // Appends what has come, waiting for it; false at the end.
  bool Read(std::string& bytes);
  bool Write(absl::string_view bytes);  // false if the client has gone

  bool AwaitBytes();                           // until there is something to read; false at the end
  bool AwaitClientsEnd(absl::Duration bound);  // true if the client goes within `bound`

  // Sends the end of our side, over TLS with a close_notify if asked to; then reads and drops
  // what comes until the client ends its side: an early close would reset the connection.
  void End(bool notifies);

 private:
  const Socket& socket_;
  std::shared_ptr<ssl_st> tls_;
  bool is_established_ = false;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_WIRE_H_
