#include "tests/testing/smtp_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/require.h"
#include "tests/testing/wire.h"

namespace understudy::testing {
namespace {

using absl::string_view;

// A client that sends more than this in a line or a mail is broken.
constexpr size_t kLineBytesMax = 1 << 16;
constexpr size_t kMailBytesMax = 64 << 20;

constexpr char kDot[] = "\r\n.\r\n";
constexpr size_t kDotBytes = sizeof(kDot) - 1;

std::string VerbOf(string_view line) {
  return absl::AsciiStrToUpper(line.substr(0, line.find_first_of(" :")));
}

SmtpStep StepOf(const std::string& verb) {
  static const auto* const steps = new std::map<std::string, SmtpStep>{
      {"EHLO", SmtpStep::kEhlo}, {"HELO", SmtpStep::kHelo}, {"STARTTLS", SmtpStep::kStartTls},
      {"AUTH", SmtpStep::kAuth}, {"MAIL", SmtpStep::kMail}, {"RCPT", SmtpStep::kRcpt},
      {"DATA", SmtpStep::kData}, {"QUIT", SmtpStep::kQuit}};
  const auto found = steps->find(verb);
  return found == steps->end() ? SmtpStep::kOther : found->second;
}

// What stands between the angle brackets.
std::string PathOf(string_view line) {
  const size_t open = line.find('<');
  const size_t close = line.find('>');
  return open < close && close != string_view::npos
             ? std::string(line.substr(open + 1, close - open - 1))
             : "";
}

std::string WithoutStuffing(const std::string& wire) {
  std::string bytes = absl::StrReplaceAll(absl::StrCat("\r\n", wire), {{"\r\n.", "\r\n"}});
  return bytes.substr(2);
}

std::string Decoded(string_view base64) {
  std::string text;
  return absl::Base64Unescape(base64, &text) ? text : "";
}

}  // namespace

struct SmtpServer::Session {
  int index = 0;
  Socket socket = {};
  std::thread thread = {};
  bool is_finished = false;  // the thread has nothing left to do but return
  std::unique_ptr<Wire> wire = {};
  bool is_over_tls = false;
  std::string unread = {};
  SmtpMail mail = {};
  Script::End end = Script::End::kClose;

  // Up to and without the next line end; false if the client goes.
  bool ReadLine(std::string& line) {
    size_t end_at = 0;
    while ((end_at = unread.find('\n')) == std::string::npos) {
      if (unread.size() > kLineBytesMax || !wire->Read(unread)) return false;
    }
    line = std::string(absl::StripSuffix(string_view(unread).substr(0, end_at), "\r"));
    unread.erase(0, end_at + 1);
    return true;
  }
};

SmtpServer::SmtpServer(SmtpServerOptions options)
    : options_(std::move(options)),
      listener_(Bind(Transport::kTcp, options_.host, options_.port)),
      stop_(MakeWaker()) {
  Require(listener_.is_open(), "the mail server's port is free");
  port_ = PortOf(listener_);
  if (options_.tls) tls_ = MakeTlsContext(*options_.tls);
  if (const int bytes = options_.receive_buffer_bytes; bytes > 0) {
    setsockopt(listener_.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  Require(listen(listener_.fd(), SOMAXCONN) == 0, "listen");
  acceptor_ = std::thread([this] { Accept(); });
}

SmtpServer::~SmtpServer() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    for (const Session& session : sessions_) {
      if (session.socket.is_open()) shutdown(session.socket.fd(), SHUT_RDWR);
    }
  }
  Wake(stop_);
  acceptor_.join();
  for (Session& session : sessions_) session.thread.join();
}

void SmtpServer::On(SmtpStep step, Script script) {
  OnSequence(step, {std::move(script)});
}

void SmtpServer::OnSequence(SmtpStep step, std::vector<Script> scripts) {
  Require(!scripts.empty(), "a sequence has scripts");
  MutexLock lock(mutex_);
  scripts_[step] = {.scripts = std::move(scripts)};
}

void SmtpServer::OnBody(size_t bytes, Script script) {
  On(SmtpStep::kBody, std::move(script));
  MutexLock lock(mutex_);
  body_bytes_before_script_ = bytes;
}

std::string SmtpServer::url() const {
  return url_for_host(options_.host);
}

std::string SmtpServer::url_for_host(string_view host) const {
  return absl::StrCat(options_.is_tls_implicit ? "smtps://" : "smtp://", host, ":", port_);
}

std::vector<SmtpMail> SmtpServer::mails() const {
  MutexLock lock(mutex_);
  return mails_;
}

std::vector<SmtpCommand> SmtpServer::commands() const {
  MutexLock lock(mutex_);
  return commands_;
}

std::vector<std::string> SmtpServer::verbs(int connection) const {
  std::vector<std::string> verbs;
  for (const SmtpCommand& command : commands()) {
    if (command.connection == connection) verbs.push_back(VerbOf(command.line));
  }
  return verbs;
}

int SmtpServer::connections() const {
  MutexLock lock(mutex_);
  return accepted_;
}

int SmtpServer::open_connections() const {
  MutexLock lock(mutex_);
  return open_;
}

void SmtpServer::Accept() {
  pollfd waited[] = {{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                     {.fd = listener_.fd(), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (poll(waited, std::size(waited), -1) < 0) continue;
    MutexLock lock(mutex_);
    if (is_stopping_) return;
    Socket socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.is_open()) {
      Require(errno == ECONNABORTED || errno == EINTR, "accept");
      continue;
    }
    sessions_.remove_if([](Session& session) {
      if (session.is_finished) session.thread.join();
      return session.is_finished;
    });
    Session& session = sessions_.emplace_back();
    session.index = accepted_++;
    ++open_;
    session.socket = std::move(socket);
    session.thread = std::thread([this, &session] { Serve(session); });
  }
}

void SmtpServer::Serve(Session& session) {
  session.wire = std::make_unique<Wire>(session.socket);
  bool goes_on = !options_.is_tls_implicit || StartTls(session);
  if (goes_on) {
    const Script script = NextScript(SmtpStep::kGreeting);
    goes_on = script.steps_.empty() ? session.wire->Write("220 mail.test ESMTP\r\n")
                                    : Play(session, script);
  }
  std::string line;
  while (goes_on && session.ReadLine(line)) {
    {
      MutexLock lock(mutex_);
      commands_.push_back(
          {.connection = session.index, .is_over_tls = session.is_over_tls, .line = line});
    }
    goes_on = Answer(session, line);
  }

  {
    MutexLock lock(mutex_);
    --open_;
    if (session.end == Script::End::kReset) session.socket.Reset();
  }
  if (session.socket.is_open()) session.wire->End(session.end == Script::End::kClose);
  MutexLock lock(mutex_);
  session.socket.Close();
  session.is_finished = true;
}

Script SmtpServer::NextScript(SmtpStep step) {
  MutexLock lock(mutex_);
  const auto found = scripts_.find(step);
  if (found == scripts_.end()) return Script();
  Sequence& sequence = found->second;
  const Script script = sequence.scripts[sequence.next];
  if (sequence.next + 1 < sequence.scripts.size()) ++sequence.next;
  return script;
}

bool SmtpServer::Play(Session& session, const Script& script) {
  const Script::End end = script.Play(*session.wire);
  if (end == Script::End::kNone) return true;
  session.end = end;
  return false;
}

bool SmtpServer::StartTls(Session& session) {
  session.is_over_tls = session.wire->StartTls(tls_.get());
  if (!session.is_over_tls) session.end = Script::End::kCloseWithoutNotify;
  return session.is_over_tls;
}

bool SmtpServer::Answer(Session& session, const std::string& line) {
  const SmtpStep step = StepOf(VerbOf(line));
  if (step == SmtpStep::kMail) session.mail = {.connection = session.index, .sender = PathOf(line)};
  if (step == SmtpStep::kRcpt) session.mail.recipient = PathOf(line);
  if (const Script script = NextScript(step); !script.steps_.empty()) return Play(session, script);
  Wire& wire = *session.wire;
  switch (step) {
    case SmtpStep::kEhlo: {
      std::string answer = "250-mail.test\r\n";
      for (const std::string& extension : options_.extensions) {
        absl::StrAppend(&answer, "250-", extension, "\r\n");
      }
      if (tls_ != nullptr && !session.is_over_tls) absl::StrAppend(&answer, "250-STARTTLS\r\n");
      if (!options_.username.empty()) {
        absl::StrAppend(&answer, "250-AUTH ", options_.mechanisms, "\r\n");
      }
      return wire.Write(absl::StrCat(answer, "250 HELP\r\n"));
    }
    case SmtpStep::kHelo:
      return wire.Write("250 mail.test\r\n");
    case SmtpStep::kStartTls:
      if (tls_ == nullptr) return wire.Write("502 5.5.1 no TLS here\r\n");
      return wire.Write("220 2.0.0 go ahead\r\n") && StartTls(session);
    case SmtpStep::kAuth:
      return Authenticate(session, line);
    case SmtpStep::kMail:
      return wire.Write("250 2.1.0 Ok\r\n");
    case SmtpStep::kRcpt:
      return wire.Write("250 2.1.5 Ok\r\n");
    case SmtpStep::kData:
      return wire.Write("354 go ahead\r\n") && TakeMail(session);
    case SmtpStep::kQuit:
      wire.Write("221 2.0.0 Bye\r\n");
      return false;
    default:
      return wire.Write("502 5.5.2 no such command\r\n");
  }
}

bool SmtpServer::Authenticate(Session& session, const std::string& line) {
  // Asks for the next word of the client's.
  const auto ask = [&](string_view prompt, std::string& answer) {
    if (!session.wire->Write(absl::StrCat("334 ", prompt, "\r\n")) || !session.ReadLine(answer)) {
      return false;
    }
    MutexLock lock(mutex_);
    commands_.push_back(
        {.connection = session.index, .is_over_tls = session.is_over_tls, .line = answer});
    return true;
  };
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  std::string username;
  std::string password;
  if (words.size() > 1 && words[1] == "PLAIN") {
    std::string answer = words.size() > 2 ? words[2] : "";
    if (answer.empty() && !ask("", answer)) return false;
    const std::vector<std::string> pieces = absl::StrSplit(Decoded(answer), '\0');
    if (pieces.size() == 3) {
      username = pieces[1];
      password = pieces[2];
    }
  } else if (words.size() > 1 && words[1] == "LOGIN") {
    std::string answer = words.size() > 2 ? words[2] : "";
    if (answer.empty() && !ask("VXNlcm5hbWU6", answer)) return false;
    username = Decoded(answer);
    if (!ask("UGFzc3dvcmQ6", answer)) return false;
    password = Decoded(answer);
  } else {
    return session.wire->Write("504 5.5.4 no such mechanism\r\n");
  }
  const bool is_right = username == options_.username && password == options_.password;
  return session.wire->Write(is_right ? "235 2.7.0 Authentication successful\r\n"
                                      : "535 5.7.8 Error: authentication failed\r\n");
}

bool SmtpServer::TakeMail(Session& session) {
  Script script = NextScript(SmtpStep::kBody);
  size_t script_at;
  {
    MutexLock lock(mutex_);
    script_at = body_bytes_before_script_;
  }
  std::string body = "\r\n" + std::exchange(session.unread, {});  // a dot may come at once
  size_t end = 0;
  size_t searched = 0;
  while ((end = body.find(kDot, searched)) == std::string::npos) {
    if (!script.steps_.empty() && body.size() - 2 >= script_at) {
      if (!Play(session, script)) return false;
      script = Script();
    }
    searched = body.size() - std::min(body.size(), kDotBytes - 1);
    if (body.size() > kMailBytesMax || !session.wire->Read(body)) return false;
  }
  session.unread = body.substr(end + kDotBytes);
  session.mail.wire = end == 0 ? "" : body.substr(2, end);
  session.mail.bytes = WithoutStuffing(session.mail.wire);
  {
    MutexLock lock(mutex_);
    mails_.push_back(session.mail);
  }
  if (const Script verdict = NextScript(SmtpStep::kVerdict); !verdict.steps_.empty()) {
    return Play(session, verdict);
  }
  return session.wire->Write("250 2.0.0 Ok: queued as 4F2A1\r\n");
}

}  // namespace understudy::testing
