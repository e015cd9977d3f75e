// A mail server on loopback that plays scripts: it takes mail like any other, and fails at any step
// in every way.
//
//   SmtpServer server;
//   server.On(SmtpStep::kRcpt, Script{}.Send("550 5.1.1 nobody here\r\n"));
//   ... send to server.url() ...
//   EXPECT_THAT(server.mails(), IsEmpty());
#ifndef TESTS_TESTING_SMTP_SERVER_H_
#define TESTS_TESTING_SMTP_SERVER_H_

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
#include "tests/testing/origin.h"
#include "tests/testing/socket.h"
#include "tests/testing/tls_context.h"

namespace understudy::testing {

// Where a script is played, in place of what the server would say there.
enum class SmtpStep {
  kGreeting,
  kEhlo,
  kHelo,
  kStartTls,  // a script ends in the clear: only the ordinary answer is followed by a handshake
  kAuth,
  kMail,
  kRcpt,
  kData,
  kBody,     // see OnBody
  kVerdict,  // on the mail, when it is in
  kQuit,
  kOther,
};

struct SmtpServerOptions {
  std::string host = "127.0.0.1";  // a loopback address
  int port = 0;                    // 0 takes a free one
  std::optional<TlsOptions> tls = {};
  bool is_tls_implicit = false;  // from the first byte on, rather than after STARTTLS
  std::vector<std::string> extensions = {"PIPELINING", "SIZE 10485760", "8BITMIME"};
  std::string username = {};  // if set, AUTH is offered
  std::string password = {};
  std::string mechanisms = "PLAIN LOGIN";
  int receive_buffer_bytes = 0;  // of SO_RCVBUF, 0 for the system's choice
};

// A command as it was sent, without its line end; what is said within AUTH is one, too.
struct SmtpCommand {
  int connection = 0;  // from 0
  bool is_over_tls = false;
  std::string line = {};
};

// A mail that came in to its final dot, whatever was said to it then.
struct SmtpMail {
  int connection = 0;
  std::string sender = {};     // "MAIL FROM:<...>", without the brackets
  std::string recipient = {};  // of the last RCPT TO
  std::string wire = {};       // as sent, without the final dot
  std::string bytes = {};      // without the stuffed dots
};

// One thread per connection. All methods may be called from any thread; scripts count from the next
// command on. The destructor ends every connection and waits for its threads.
class SmtpServer {
 public:
  explicit SmtpServer(SmtpServerOptions options = {});
  ~SmtpServer();
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;

  void On(SmtpStep step, Script script);
  // The nth time gets the nth script, over all connections; the last one repeats. An empty one is
  // the ordinary answer.
  void OnSequence(SmtpStep step, std::vector<Script> scripts);
  // Played once `bytes` of a mail's body are in, and nothing more of it is read before its end.
  void OnBody(size_t bytes, Script script);

  int port() const { return port_; }
  std::string url() const;  // "smtp://127.0.0.1:PORT", "smtps://..."
  std::string url_for_host(absl::string_view host) const;

  std::vector<SmtpMail> mails() const;
  std::vector<SmtpCommand> commands() const;
  // Of one connection: "EHLO", "STARTTLS", "MAIL", ...
  std::vector<std::string> verbs(int connection) const;
  int connections() const;       // accepted so far
  int open_connections() const;  // of these, ended by neither side

 private:
  struct Session;
  struct Sequence {
    std::vector<Script> scripts = {};
    size_t next = 0;
  };

  void Accept();
  void Serve(Session& session);
  Script NextScript(SmtpStep step);
  // False when the session is over.
  bool Answer(Session& session, const std::string& line);
  bool Play(Session& session, const Script& script);
  bool StartTls(Session& session);
  bool Authenticate(Session& session, const std::string& line);
  bool TakeMail(Session& session);

  SmtpServerOptions options_;
  Socket listener_;
  Socket stop_;
  int port_ = 0;
  std::shared_ptr<ssl_ctx_st> tls_;

  mutable Mutex mutex_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::map<SmtpStep, Sequence> scripts_ GUARDED_BY(mutex_);
  size_t body_bytes_before_script_ GUARDED_BY(mutex_) = 0;
  std::vector<SmtpMail> mails_ GUARDED_BY(mutex_);
  std::vector<SmtpCommand> commands_ GUARDED_BY(mutex_);
  std::list<Session> sessions_ GUARDED_BY(mutex_);
  int accepted_ GUARDED_BY(mutex_) = 0;
  int open_ GUARDED_BY(mutex_) = 0;
  std::thread acceptor_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_SMTP_SERVER_H_
