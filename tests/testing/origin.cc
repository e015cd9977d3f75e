#include "tests/testing/origin.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/request_reader.h"
#include "tests/testing/require.h"
#include "tests/testing/wire.h"

namespace understudy::testing {

Script::Script(const Reply& reply) {
  Send(ToBytes(reply));
  if (reply.closes) Close();
}

Script& Script::Add(Step step) {
  steps_.push_back(std::move(step));
  return *this;
}

Script& Script::Send(std::string bytes) {
  return Add({.act = Act::kSend, .bytes = std::move(bytes)});
}

Script& Script::SendSlowly(std::string bytes, absl::Duration delay_per_byte) {
  return Add({.act = Act::kSendSlowly, .bytes = std::move(bytes), .duration = delay_per_byte});
}

Script& Script::SendEndlessly(std::string bytes) {
  Require(!bytes.empty(), "something to send");
  return Add({.act = Act::kSendEndlessly, .bytes = std::move(bytes)});
}

Script& Script::Wait(absl::Duration duration) {
  return Add({.act = Act::kWait, .duration = duration});
}

Script& Script::AwaitBytes() {
  return Add({.act = Act::kAwaitBytes});
}

Script& Script::Stall() {
  return Wait(absl::InfiniteDuration());
}

Script& Script::Close() {
  return Add({.act = Act::kEnd, .end = End::kClose});
}

Script& Script::CloseWithoutNotify() {
  return Add({.act = Act::kEnd, .end = End::kCloseWithoutNotify});
}

Script& Script::Reset() {
  return Add({.act = Act::kEnd, .end = End::kReset});
}

Script& Script::BeforeBody() {
  plays_before_body_ = true;
  return *this;
}

bool Script::BeginsWithStall() const {
  return !steps_.empty() && steps_[0].act == Act::kWait &&
         steps_[0].duration == absl::InfiniteDuration();
}

Script::End Script::Play(Wire& wire) const {
  for (const Step& step : steps_) {
    bool is_there = true;  // the client
    switch (step.act) {
      case Act::kSend:
        is_there = wire.Write(step.bytes);
        break;
      case Act::kSendSlowly:
        for (size_t i = 0; is_there && i < step.bytes.size(); ++i) {
          is_there = wire.Write(absl::string_view(step.bytes).substr(i, 1)) &&
                     !wire.AwaitClientsEnd(step.duration);
        }
        break;
      case Act::kSendEndlessly:
        while (wire.Write(step.bytes)) {
        }
        is_there = false;
        break;
      case Act::kWait:
        is_there = !wire.AwaitClientsEnd(step.duration);
        break;
      case Act::kAwaitBytes:
        is_there = wire.AwaitBytes();
        break;
      case Act::kEnd:
        return step.end;
    }
    if (!is_there) return End::kGone;
  }
  return End::kNone;
}

struct Origin::Connection {
  int index = 0;
  Socket socket = {};
  Script on_accept = {};
  std::thread thread = {};
  bool is_finished = false;  // the thread has nothing left to do but return
};

Script Origin::Sequence::Next() {
  if (scripts.empty()) return Script();
  const Script& script = scripts[next];
  if (next + 1 < scripts.size()) ++next;
  return script;
}

Origin::Origin(OriginOptions options)
    : options_(std::move(options)),
      listener_(Bind(Transport::kTcp, options_.host, options_.port)),
      stop_(MakeWaker()) {
  Require(listener_.is_open(), "the origin's port is free");
  port_ = PortOf(listener_);
  if (options_.tls) tls_ = MakeTlsContext(*options_.tls);
  if (const int bytes = options_.receive_buffer_bytes; bytes > 0) {
    // Accepted sockets inherit it; set on them it would come too late for the first window.
    setsockopt(listener_.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  Require(listen(listener_.fd(), SOMAXCONN) == 0, "listen");
  OnAny(Reply{.status = 404, .content_type = "text/plain", .body = "no script for this path\n"});
  acceptor_ = std::thread([this] { Accept(); });
}

Origin::~Origin() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    for (const Connection& connection : connections_) {
      // Ends every wait of its thread.
      if (connection.socket.is_open()) shutdown(connection.socket.fd(), SHUT_RDWR);
    }
  }
  Wake(stop_);
  acceptor_.join();
  for (Connection& connection : connections_) connection.thread.join();
}

void Origin::On(absl::string_view path, Script script) {
  OnSequence(path, {std::move(script)});
}

void Origin::OnSequence(absl::string_view path, std::vector<Script> scripts) {
  Require(!scripts.empty(), "a sequence has scripts");
  MutexLock lock(mutex_);
  scripts_[std::string(path)] = {.scripts = std::move(scripts)};
}

void Origin::OnAny(Script script) {
  MutexLock lock(mutex_);
  any_ = {.scripts = {std::move(script)}};
}

void Origin::OnAccept(Script script) {
  OnAcceptSequence({std::move(script)});
}

void Origin::OnAcceptSequence(std::vector<Script> scripts) {
  MutexLock lock(mutex_);
  accept_ = {.scripts = std::move(scripts)};
}

std::string Origin::url(absl::string_view path) const {
  const bool is_v6 = absl::StrContains(options_.host, ':');
  return url_for_host(is_v6 ? absl::StrCat("[", options_.host, "]") : options_.host, path);
}

std::string Origin::url_for_host(absl::string_view host, absl::string_view path) const {
  return absl::StrCat(options_.tls ? "https://" : "http://", host, ":", port_, path);
}

std::vector<Request> Origin::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

bool Origin::WaitForRequests(size_t count, absl::Duration bound) const {
  MutexLock lock(mutex_);
  return request_came_.WaitFor(mutex_, absl::ToChronoNanoseconds(bound),
                               [&]() REQUIRES(mutex_) { return requests_.size() >= count; });
}

std::vector<Handshake> Origin::handshakes() const {
  MutexLock lock(mutex_);
  return handshakes_;
}

int Origin::connections() const {
  MutexLock lock(mutex_);
  return accepted_;
}

int Origin::open_connections() const {
  MutexLock lock(mutex_);
  return open_;
}

void Origin::Accept() {
  const Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  const auto watch = [&epoll](const Socket& socket, uint32_t events) {
    epoll_event event = {.events = events, .data = {.fd = socket.fd()}};
    Require(epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, socket.fd(), &event) == 0, "epoll_ctl");
  };
  watch(stop_, EPOLLIN);
  watch(listener_, EPOLLIN);
  std::map<int, Socket> stalled;  // by descriptor: connections that need no thread
  for (;;) {
    epoll_event event = {};
    if (epoll_wait(epoll.fd(), &event, 1, -1) != 1) continue;
    if (event.data.fd == stop_.fd()) return;
    MutexLock lock(mutex_);
    if (is_stopping_) return;
    if (event.data.fd != listener_.fd()) {
      stalled.erase(event.data.fd);
      --open_;
      continue;
    }
    Socket socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.is_open()) {
      Require(errno == ECONNABORTED || errno == EINTR, "accept");
      continue;
    }
    const int index = accepted_++;
    ++open_;
    Script on_accept = accept_.Next();
    if (on_accept.BeginsWithStall()) {
      watch(socket, EPOLLRDHUP);
      const int fd = socket.fd();
      stalled.emplace(fd, std::move(socket));
      continue;
    }
    connections_.remove_if([](Connection& connection) {
      if (connection.is_finished) connection.thread.join();
      return connection.is_finished;
    });
    Connection& connection = connections_.emplace_back();
    connection.index = index;
    connection.socket = std::move(socket);
    connection.on_accept = std::move(on_accept);
    connection.thread = std::thread([this, &connection] { Serve(connection); });
  }
}

void Origin::Serve(Connection& connection) {
  using End = Script::End;
  Wire wire(connection.socket);
  RequestReader reader(wire, kRequestBytesMax);
  End end = connection.on_accept.Play(wire);
  if (end == End::kNone && !StartTls(connection.index, wire)) end = End::kCloseWithoutNotify;
  while (end == End::kNone) end = ServeRequest(connection.index, reader, wire);

  {
    MutexLock lock(mutex_);
    --open_;
    if (end == End::kReset) connection.socket.Reset();
  }
  if (end == End::kClose || end == End::kCloseWithoutNotify) wire.End(end == End::kClose);
  MutexLock lock(mutex_);
  connection.socket.Close();
  connection.is_finished = true;
}

bool Origin::StartTls(int connection, Wire& wire) {
  if (tls_ == nullptr) return true;
  const bool is_done = wire.StartTls(tls_.get());
  MutexLock lock(mutex_);
  handshakes_.push_back({.connection = connection,
                         .server_name = wire.server_name(),
                         .protocol = wire.protocol(),
                         .version = wire.version()});
  return is_done;
}

Script::End Origin::ServeRequest(int connection, RequestReader& reader, Wire& wire) {
  Request request = {.connection = connection};
  Script script;
  Reading reading = reader.ReadHead(request);
  if (reading == Reading::kDone) {
    {
      MutexLock lock(mutex_);
      const auto found = scripts_.find(request.path);
      script = found != scripts_.end() ? found->second.Next() : any_.Next();
    }
    if (!script.plays_before_body_) reading = reader.ReadBody(request);
  }
  if (reading == Reading::kEnded) return Script::End::kGone;
  if (reading == Reading::kBad) {
    return Script(Reply{.status = 400, .content_type = "", .closes = true}).Play(wire);
  }
  const bool is_last = request.version == "HTTP/1.0" || script.plays_before_body_ ||
                       absl::EqualsIgnoreCase(request.header("Connection"), "close");
  {
    MutexLock lock(mutex_);
    requests_.push_back(std::move(request));
    request_came_.NotifyAll();
  }
  const Script::End end = script.Play(wire);
  return end == Script::End::kNone && is_last ? Script::End::kClose : end;
}

}  // namespace understudy::testing
