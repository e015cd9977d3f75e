// A real mail server: Debian's postfix, with a configuration, a queue and ports of its own.
#ifndef TESTS_NOTIFIER_MAIL_POSTFIX_H_
#define TESTS_NOTIFIER_MAIL_POSTFIX_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/testing/certificates.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

// On loopback. Takes mail for ops@example.com and delivers it to a folder; greylists
// grey@example.com; refuses the sender blocked@example.com and whoever else. Mails of more than
// kPostfixSizeMax bytes are too large.
inline constexpr size_t kPostfixSizeMax = 200000;

// What its ports are for.
enum class PostfixPort {
  kPlain,       // STARTTLS is offered
  kStartTls,    // and demanded
  kTls,         // from the start
  kOneAtATime,  // a second connection is refused, and so is a third mail
  kImpatient,   // hangs up after two idle seconds
  kStranger,    // takes us for one from elsewhere
  kClosed,      // and lets nobody in
};
inline constexpr int kPostfixPorts = 7;

class Postfix {
 public:
  // Needs root, as postfix does. Ends the process if it does not start.
  explicit Postfix(const Certificate& certificate);
  // Stops all of its processes.
  ~Postfix();
  Postfix(const Postfix&) = delete;
  Postfix& operator=(const Postfix&) = delete;

  int port(PostfixPort port) const { return ports_[static_cast<size_t>(port)]; }
  std::string url(PostfixPort port) const;  // of 127.0.0.1

  // What was delivered to ops@example.com, in no order, with the headers postfix added.
  std::vector<std::string> delivered() const;
  std::string log() const;

 private:
  void WriteConfiguration(const Certificate& certificate);
  bool Start();  // false if a port was taken
  void Stop();

  TempDir folder_;
  std::vector<int> ports_;
  pid_t keeper_ = 0;  // the process that ends the others
  Socket life_line_;  // and why
};

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_MAIL_POSTFIX_H_
