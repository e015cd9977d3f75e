// A web server on loopback that plays scripts: good answers and every way to answer badly.
//
//   Origin origin;
//   origin.On("/voice", Reply{.body = "<Response/>"});
//   origin.On("/cut", Script{}.Send("HTTP/1.1 200 OK\r\nContent-Le").Close());
//   origin.OnSequence("/flaky", {Reply{.status = 503}, Reply{.body = "<Response/>"}});
//   ... fetch origin.url("/voice") ...
//   EXPECT_EQ(origin.requests().back().header("Host"), ...);
#ifndef TESTS_TESTING_ORIGIN_H_
#define TESTS_TESTING_ORIGIN_H_

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/testing/http.h"
#include "tests/testing/socket.h"
#include "tests/testing/tls_context.h"

namespace understudy::testing {

class RequestReader;
class Wire;

// What a server does on a connection, step by step. A script that ends without Stall, Close,
// CloseWithoutNotify or Reset leaves the connection to its ordinary life: the next request. All
// of it ends early when the client goes.
class Script {
 public:
  Script() = default;
  Script(const Reply& reply);  // NOLINT: a reply is the commonest script

  Script& Send(std::string bytes);
  Script& SendSlowly(std::string bytes, absl::Duration delay_per_byte);
  Script& SendEndlessly(std::string bytes);  // over and over until the client goes
  Script& Wait(absl::Duration duration);
  // Waits until the client has sent something that is not read yet: after OnAccept its first
  // bytes, after a reply its next request. Reads nothing.
  Script& AwaitBytes();
  Script& Stall();  // holds the connection open, reads and sends nothing
  Script& Close();  // FIN; over TLS after a close_notify
  Script& CloseWithoutNotify();
  Script& Reset();  // RST

  // Plays as soon as the request's header is in; its body stays unread until the script's end.
  Script& BeforeBody();

 private:
  friend class Origin;
  friend class SmtpServer;
  enum class Act { kSend, kSendSlowly, kSendEndlessly, kWait, kAwaitBytes, kEnd };
  // What has become of the connection after the script.
  enum class End { kNone, kGone, kClose, kCloseWithoutNotify, kReset };
  struct Step {
    Act act = Act::kSend;
    std::string bytes = {};
    absl::Duration duration = {};
    End end = End::kNone;
  };

  Script& Add(Step step);
  bool BeginsWithStall() const;
  End Play(Wire& wire) const;

  std::vector<Step> steps_;
  bool plays_before_body_ = false;
};

// What TLS agreed on. Recorded when the handshake has succeeded or failed.
struct Handshake {
  int connection = 0;
  std::string server_name = {};  // SNI, as sent
  std::string protocol = {};     // by ALPN; empty if none was agreed on
  std::string version = {};      // "TLSv1.3"; empty if the handshake failed
};

struct OriginOptions {
  std::string host = "127.0.0.1";  // a loopback address: "127.0.0.2", "::1"
  int port = 0;                    // 0 takes a free one
  std::optional<TlsOptions> tls = {};
  // Bytes of SO_RCVBUF, 0 for the system's choice. With OnAccept(Script{}.Stall()) a small one
  // plays a server that stops reading: its window closes soon.
  int receive_buffer_bytes = 0;
};

// One thread per connection, but none for a connection whose OnAccept script begins with Stall:
// thousands of those are cheap, a file descriptor each. Connections are kept alive unless the
// client or a script says otherwise; what is not a request is answered 400 and closed. All methods
// may be called from any thread; scripts count from the next request or connection on. The
// destructor ends every connection and waits for its threads.
class Origin {
 public:
  // Header and body of a request, as sent, may have this many bytes; past it the answer is 400.
  static constexpr size_t kRequestBytesMax = 4 << 20;

  explicit Origin(OriginOptions options = {});
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // What a request for `path` (raw, without the query) is answered with.
  void On(absl::string_view path, Script script);
  // The nth request for `path` gets the nth script; the last one repeats.
  void OnSequence(absl::string_view path, std::vector<Script> scripts);
  // Requests for other paths; an ordinary 404 unless set.
  void OnAny(Script script);
  // Played on each new connection before its TLS handshake and before anything is read.
  void OnAccept(Script script);
  // The nth connection gets the nth script; the last one repeats. An empty one is no fault.
  void OnAcceptSequence(std::vector<Script> scripts);

  int port() const { return port_; }
  std::string url(absl::string_view path) const;  // "http://127.0.0.1:PORT/path", "https://..."
  // The same with a name in place of the address.
  std::string url_for_host(absl::string_view host, absl::string_view path) const;

  // Those read so far, oldest first; each is there before its answer begins.
  std::vector<Request> requests() const;
  // False if there are not `count` of them when `bound` has passed.
  [[nodiscard]] bool WaitForRequests(size_t count, absl::Duration bound) const;

  std::vector<Handshake> handshakes() const;
  int connections() const;       // accepted so far
  int open_connections() const;  // of these, ended by neither side

 private:
  struct Connection;
  // Scripts in turn; the last one repeats.
  struct Sequence {
    std::vector<Script> scripts = {};
    size_t next = 0;

    Script Next();
  };

  void Accept();
  // Runs a connection's thread.
  void Serve(Connection& connection);
  Script::End ServeRequest(int connection, RequestReader& reader, Wire& wire);
  bool StartTls(int connection, Wire& wire);

  OriginOptions options_;
  Socket listener_;
  Socket stop_;
  int port_ = 0;
  std::shared_ptr<ssl_ctx_st> tls_;

  mutable Mutex mutex_;
  mutable CondVar request_came_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::map<std::string, Sequence> scripts_ GUARDED_BY(mutex_);
  Sequence any_ GUARDED_BY(mutex_);
  Sequence accept_ GUARDED_BY(mutex_);
  std::vector<Request> requests_ GUARDED_BY(mutex_);
  std::vector<Handshake> handshakes_ GUARDED_BY(mutex_);
  std::list<Connection> connections_ GUARDED_BY(mutex_);
  int accepted_ GUARDED_BY(mutex_) = 0;
  int open_ GUARDED_BY(mutex_) = 0;
  std::thread acceptor_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_ORIGIN_H_
