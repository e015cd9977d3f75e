#include "common/serving/public_server.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/core/demangle.hpp>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "common/serving/request_reader.h"
#include "common/serving/tls_stream.h"

namespace understudy::serving {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After an answer that ends the connection its sender may not have read yet: closing at once, with
// bytes of theirs unread, would take the answer away from them. So what they go on to send is read
// and dropped, within this.
constexpr absl::Duration kLingerTime = absl::Seconds(2);
constexpr size_t kLingerBytes = size_t{4} << 20;

// Read or accepted at a time, before it is another connection's turn.
constexpr size_t kReadBytes = size_t{16} * 1024;
constexpr int kAcceptsPerTurn = 64;

// When the system has no descriptors, asking again at once would keep the thread busy.
constexpr std::chrono::milliseconds kAcceptPause{50};

constexpr char kRetryAfterSeconds[] = "1";
constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

constexpr Refusal kHeadTooSlow = {408, "The request's head took too long."};
constexpr Refusal kBodyTooSlow = {408, "The request's body took too long."};
constexpr Refusal kNoConnections = {503, "There are too many connections at the moment."};
constexpr Refusal kNoConnectionsOfAddress = {429, "Too many connections come from this address."};
constexpr Refusal kQueueFull = {429, "There are too many requests at the moment."};
constexpr Refusal kOurMistake = {500, "The server made a mistake."};

PublicEvent EventOf(const Refusal& refusal) {
  switch (refusal.status) {
    case 413:
      return PublicEvent::kBodyTooLarge;
    case 414:
      return PublicEvent::kTargetTooLong;
    case 415:
    case 417:
      return PublicEvent::kUnsupported;
    case 431:
      return PublicEvent::kHeadTooLarge;
    case 503:
      return PublicEvent::kHeldBytesFull;
    default:
      return PublicEvent::kBadRequest;
  }
}

// The answer of `handler`; nullopt, and a line of the log, if it has none that can be sent.
std::optional<HttpResponse> RunHandler(const HttpHandler& handler, const HttpRequest& request) {
  std::string detail;
  try {
    HttpResponse response = handler(request);
    const absl::Status status = CheckResponse(response);
    if (status.ok()) return response;
    detail = std::string(status.message());
  } catch (const std::exception& e) {
    // Its type alone: messages quote what was read, and the log shows no bodies.
    detail = boost::core::demangle(typeid(e).name());
  } catch (...) {
    detail = "something that is no std::exception";
  }
  Log(LogLevel::kError, "an HTTP handler failed", {{"path", request.path}, {"detail", detail}});
  return std::nullopt;
}

bool WouldBlock(error_code error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

error_code ErrorOf(TlsStream::Result result) {
  switch (result) {
    case TlsStream::Result::kDone:
      return {};
    case TlsStream::Result::kWouldBlock:
      return asio::error::would_block;
    case TlsStream::Result::kOver:
      break;
  }
  return asio::error::eof;
}

bool IsReadable(int fd) {
  pollfd ready = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&ready, 1, /*timeout=*/0) > 0;
}

bool IsOutOfResources(error_code error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space ||
         error == boost::system::errc::too_many_files_open_in_system;
}

// Those who share a key share connections_per_address.
using PeerKey = std::array<unsigned char, 8>;

PeerKey KeyOf(const asio::ip::address& address) {
  PeerKey key = {};
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    // No IPv6 network that is in use begins so.
    key = {0, 0, 0, 4};
    std::copy(bytes.begin(), bytes.end(), key.begin() + 4);
  } else {
    const auto bytes = address.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.begin() + 8, key.begin());
  }
  return key;
}

asio::ip::address Unmapped(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

// What a connection is at. All but kHandling have a deadline, the same for all in that phase.
enum class Phase : uint8_t { kIdle, kHead, kBody, kHandling, kWriting, kLingering, kClosed };
constexpr size_t kOpenPhases = 6;

struct Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

struct Peer {
  int connections = 0;
  std::list<ConnectionPtr> idle = {};  // for longest first
};

struct Connection {
  Connection(tcp::socket s, const RequestLimits& limits, ByteBudget& budget)
      : socket(std::move(s)), reader(limits, budget) {}

  tcp::socket socket;
  std::unique_ptr<TlsStream> tls = {};  // over the socket; null: plaintext
  std::string remote_address = {};
  std::map<PeerKey, Peer>::iterator peer = {};
  RequestReader reader;
  Phase phase = Phase::kHead;
  absl::Time deadline = {};
  std::list<ConnectionPtr>::iterator place = {};       // among those in its phase
  std::list<ConnectionPtr>::iterator idle_place = {};  // among its peer's, in kIdle
  int requests = 0;
  bool is_head_request = false;
  bool closes = false;   // after the answer that is being written
  bool lingers = false;  // and before that reads on
  size_t linger_bytes = 0;
  std::string answer_head = {};
  std::string answer_body = {};
  size_t written = 0;
  size_t answer_held = 0;  // of the budget, once the answer has to wait

  size_t answer_bytes() const { return answer_head.size() + answer_body.size(); }
};

}  // namespace

HttpResponse PlainRefusal(int status, absl::string_view reason) {
  return {.status = status, .body = absl::StrCat(reason, "\n")};
}

const char* PublicEventName(PublicEvent event) {
  switch (event) {
    case PublicEvent::kAccepted:
      return "accepted";
    case PublicEvent::kHandled:
      return "handled";
    case PublicEvent::kHandlerFailed:
      return "handler_failed";
    case PublicEvent::kIdleTimeout:
      return "idle_timeout";
    case PublicEvent::kEvicted:
      return "evicted";
    case PublicEvent::kConnectionsFull:
      return "connections_full";
    case PublicEvent::kAddressFull:
      return "address_full";
    case PublicEvent::kNoDescriptors:
      return "no_descriptors";
    case PublicEvent::kBadRequest:
      return "bad_request";
    case PublicEvent::kTargetTooLong:
      return "target_too_long";
    case PublicEvent::kHeadTooLarge:
      return "head_too_large";
    case PublicEvent::kBodyTooLarge:
      return "body_too_large";
    case PublicEvent::kUnsupported:
      return "unsupported";
    case PublicEvent::kHeadTimeout:
      return "head_timeout";
    case PublicEvent::kBodyTimeout:
      return "body_timeout";
    case PublicEvent::kWriteTimeout:
      return "write_timeout";
    case PublicEvent::kHeldBytesFull:
      return "held_bytes_full";
    case PublicEvent::kTlsFailed:
      return "tls_failed";
    case PublicEvent::kQueueFull:
      return "queue_full";
  }
  return "";
}

// Everything here but the constructor, Listen, Stop and the getters runs on the loop's thread, and
// so needs no lock.
class PublicServer::Loop {
 public:
  Loop(PublicServerOptions options, HttpHandler handler)
      : options_(std::move(options)),
        limits_(options_.limits),
        handler_(std::move(handler)),
        budget_(limits_.held_bytes),
        pool_(static_cast<size_t>(limits_.handler_threads)) {
    if (options_.tls != nullptr) tls_.emplace(*options_.tls);
  }

  absl::Status Listen() {
    try {
      const std::string port = absl::StrCat(options_.listen.port);
      const auto found =
          tcp::resolver(io_).resolve(options_.listen.host, port, tcp::resolver::passive);
      acceptor_ = tcp::acceptor(io_, found.begin()->endpoint(), /*reuse_addr=*/true);
      acceptor_.non_blocking(true);
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& e) {
      return absl::UnavailableError(absl::StrCat(
          "cannot listen on ", ListenAddressText(options_.listen), ": ", e.code().message()));
    }
    AwaitConnections();
    thread_ = std::thread([this] { io_.run(); });
    return absl::OkStatus();
  }

  void Stop(absl::Duration grace) {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { BeginStop(); });
    {
      MutexLock lock(mutex_);
      drained_.WaitFor(mutex_, absl::ToChronoMilliseconds(grace),
                       [this]() REQUIRES(mutex_) { return is_drained_; });
    }
    pool_.stop();
    pool_.join();
    asio::post(io_, [this] { CloseAll(); });
    thread_.join();
  }

  uint16_t port() const { return port_; }
  int connections() const { return connections_.load(std::memory_order_relaxed); }
  size_t held_bytes() const { return budget_.held(); }

 private:
  void Count(PublicEvent event) { options_.on_event(event); }

  // Accepting.

  void AwaitConnections() {
    acceptor_.async_wait(tcp::acceptor::wait_read, [this](error_code error) {
      if (error || is_stopping_) return;
      if (AcceptSome(kAcceptsPerTurn)) {
        AwaitConnections();
        return;
      }
      accept_pause_.expires_after(kAcceptPause);
      accept_pause_.async_wait([this](error_code cancelled) {
        if (!cancelled && !is_stopping_) AwaitConnections();
      });
    });
  }

  // False if the system has nothing to accept a connection with.
  bool AcceptSome(int count) {
    for (int i = 0; i < count; ++i) {
      error_code error;
      tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (WouldBlock(error)) return true;
      if (IsOutOfResources(error)) {
        // The system says so before it looks whether there is anyone.
        if (!IsReadable(acceptor_.native_handle())) return true;
        Count(PublicEvent::kNoDescriptors);
        if (!EvictFrom(In(Phase::kIdle))) return false;
        continue;
      }
      // Anything else is about that one connection, which is gone.
      if (!error) Welcome(std::move(socket));
    }
    return true;
  }

  void Welcome(tcp::socket socket) {
    error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // it has gone already
    socket.non_blocking(true, error);
    socket.set_option(tcp::no_delay(true), error);
    Count(PublicEvent::kAccepted);

    const asio::ip::address address = Unmapped(remote.address());
    const auto peer = peers_.try_emplace(KeyOf(address)).first;
    // Counted first: a peer without connections is forgotten.
    if (++peer->second.connections > limits_.connections_per_address &&
        !EvictFrom(peer->second.idle)) {
      Count(PublicEvent::kAddressFull);
      TurnAway(socket, kNoConnectionsOfAddress);
      Leave(peer);
      return;
    }
    if (connections() >= limits_.connections && !EvictFrom(In(Phase::kIdle))) {
      Count(PublicEvent::kConnectionsFull);
      TurnAway(socket, kNoConnections);
      Leave(peer);
      return;
    }
    auto connection = std::make_shared<Connection>(std::move(socket), limits_.request, budget_);
    if (tls_.has_value()) {
      connection->tls = tls_->Accept(connection->socket.native_handle());
      if (connection->tls == nullptr) {  // never plaintext in its place
        Leave(peer);
        return;
      }
    }
    connection->remote_address = address.to_string();
    connection->peer = peer;
    connections_.fetch_add(1, std::memory_order_relaxed);
    std::list<ConnectionPtr>& arrivals = In(Phase::kHead);
    connection->place = arrivals.insert(arrivals.end(), connection);
    SetDeadline(*connection, Phase::kHead);
    AwaitBytes(connection);
  }

  // No connection of ours: it is told so as far as that takes no waiting.
  void TurnAway(tcp::socket& socket, const Refusal& refusal) {
    if (tls_.has_value()) return;
    const HttpResponse response = ResponseOf(refusal);
    const std::string bytes =
        absl::StrCat(ResponseHead(response, /*keeps_alive=*/false, absl::Now()), response.body);
    error_code error;
    socket.write_some(asio::buffer(bytes), error);
    socket.shutdown(tcp::socket::shutdown_send, error);
  }

  // Closes the one that idles for longest; false if none does.
  bool EvictFrom(std::list<ConnectionPtr>& idle) {
    if (idle.empty()) return false;
    Count(PublicEvent::kEvicted);
    const ConnectionPtr connection = idle.front();
    Close(connection);
    return true;
  }

  void Leave(std::map<PeerKey, Peer>::iterator peer) {
    if (--peer->second.connections == 0) peers_.erase(peer);
  }

  HttpResponse ResponseOf(const Refusal& refusal) const {
    HttpResponse response = options_.refusal(refusal.status, refusal.reason);
    if (refusal.status == 429 || refusal.status == 503) {
      response.headers.push_back({"Retry-After", kRetryAfterSeconds});
    }
    return response;
  }

  // Phases and their deadlines.

  std::list<ConnectionPtr>& In(Phase phase) { return phases_[static_cast<size_t>(phase)]; }

  absl::Duration TimeFor(Phase phase) const {
    switch (phase) {
      case Phase::kIdle:
        return limits_.idle_time;
      case Phase::kHead:
        return limits_.head_time;
      case Phase::kBody:
        return limits_.body_time;
      case Phase::kWriting:
        return limits_.write_time;
      case Phase::kLingering:
        return kLingerTime;
      case Phase::kHandling:
      case Phase::kClosed:
        break;
    }
    return absl::InfiniteDuration();
  }

  void Enter(const ConnectionPtr& connection, Phase phase) {
    if (connection->phase == Phase::kIdle) {
      connection->peer->second.idle.erase(connection->idle_place);
    }
    std::list<ConnectionPtr>& others = In(phase);
    others.splice(others.end(), In(connection->phase), connection->place);
    if (phase == Phase::kIdle) {
      std::list<ConnectionPtr>& idle = connection->peer->second.idle;
      connection->idle_place = idle.insert(idle.end(), connection);
    }
    SetDeadline(*connection, phase);
  }

  void SetDeadline(Connection& connection, Phase phase) {
    connection.phase = phase;
    connection.deadline = MonotonicNow() + TimeFor(phase);
    if (connection.deadline < timer_at_) SetTimer(connection.deadline);
  }

  void SetTimer(absl::Time at) {
    timer_at_ = at;
    timer_.expires_at(
        std::chrono::steady_clock::time_point(absl::ToChronoNanoseconds(at - absl::UnixEpoch())));
    timer_.async_wait([this](error_code cancelled) {
      if (!cancelled) OnTimer();
    });
  }

  // Within a phase those who came first are due first.
  void OnTimer() {
    const absl::Time now = MonotonicNow();
    for (const Phase phase :
         {Phase::kIdle, Phase::kHead, Phase::kBody, Phase::kWriting, Phase::kLingering}) {
      while (!In(phase).empty() && In(phase).front()->deadline <= now) {
        const ConnectionPtr connection = In(phase).front();
        OnDeadline(connection);
      }
    }
    absl::Time next = absl::InfiniteFuture();
    for (const std::list<ConnectionPtr>& connections : phases_) {
      if (!connections.empty()) next = std::min(next, connections.front()->deadline);
    }
    timer_at_ = absl::InfiniteFuture();
    if (next != absl::InfiniteFuture()) SetTimer(next);
  }

  // Leaves the phase, whatever happens.
  void OnDeadline(const ConnectionPtr& connection) {
    switch (connection->phase) {
      case Phase::kIdle:
        Count(PublicEvent::kIdleTimeout);
        Close(connection);
        return;
      case Phase::kHead:
        Count(PublicEvent::kHeadTimeout);
        if (connection->reader.state() == RequestReader::State::kIdle) {
          Close(connection);
        } else {
          Refuse(connection, kHeadTooSlow, /*lingers=*/false);
        }
        return;
      case Phase::kBody:
        Count(PublicEvent::kBodyTimeout);
        Refuse(connection, kBodyTooSlow, /*lingers=*/false);
        return;
      case Phase::kWriting:
        Count(PublicEvent::kWriteTimeout);
        Reset(connection);
        return;
      case Phase::kLingering:
        Close(connection);
        return;
      case Phase::kHandling:
      case Phase::kClosed:
        return;  // these have none
    }
  }

  // Reading. All bytes come in by Read and leave by WriteSome: that is where TLS has its place.

  void AwaitBytes(const ConnectionPtr& connection) {
    const bool for_room = connection->tls != nullptr && connection->tls->waits_for_room();
    connection->socket.async_wait(for_room ? tcp::socket::wait_write : tcp::socket::wait_read,
                                  [this, connection](error_code error) {
                                    if (!error) OnBytes(connection);
                                  });
  }

  size_t Read(Connection& connection, error_code& error) {
    // What comes after the end is dropped as it is.
    if (connection.tls == nullptr || connection.phase == Phase::kLingering) {
      return connection.socket.read_some(asio::buffer(bytes_), error);
    }
    size_t count = 0;
    const TlsStream::Result result = connection.tls->Read(bytes_.data(), bytes_.size(), count);
    if (result == TlsStream::Result::kOver && !connection.tls->is_established()) {
      Count(PublicEvent::kTlsFailed);
    }
    error = ErrorOf(result);
    return count;
  }

  void OnBytes(const ConnectionPtr& connection) {
    // While this was waiting for its turn a deadline may have passed.
    const Phase phase = connection->phase;
    if (phase != Phase::kIdle && phase != Phase::kHead && phase != Phase::kBody &&
        phase != Phase::kLingering) {
      return;
    }
    error_code error;
    const size_t count = Read(*connection, error);
    if (WouldBlock(error)) {
      AwaitBytes(connection);
    } else if (error) {
      Close(connection);
    } else if (phase == Phase::kLingering) {
      Linger(connection, count);
    } else {
      connection->reader.Read({bytes_.data(), count});
      Proceed(connection);
    }
  }

  // Goes on from what the reader has come to.
  void Proceed(const ConnectionPtr& connection) {
    switch (connection->reader.state()) {
      case RequestReader::State::kIdle:
        AwaitBytes(connection);
        return;
      case RequestReader::State::kHead:
        if (connection->phase != Phase::kHead) Enter(connection, Phase::kHead);
        AwaitBytes(connection);
        return;
      case RequestReader::State::kBody:
        if (connection->phase != Phase::kBody) {
          Enter(connection, Phase::kBody);
          if (connection->reader.expects_continue() && !WriteContinue(*connection)) {
            Close(connection);
            return;
          }
        }
        AwaitBytes(connection);
        return;
      case RequestReader::State::kRefused: {
        const Refusal& refusal = connection->reader.refusal();
        Count(EventOf(refusal));
        Refuse(connection, refusal, /*lingers=*/true);
        return;
      }
      case RequestReader::State::kWhole:
        Handle(connection);
        return;
    }
  }

  // False if it does not fit: whoever has so much of earlier answers unread gets no further.
  bool WriteContinue(Connection& connection) {
    error_code error;
    const size_t count = WriteSome(connection, kContinue, {}, error);
    return !error && count == kContinue.size();
  }

  // Handling.

  void Handle(const ConnectionPtr& connection) {
    ++connection->requests;
    HttpRequest request = connection->reader.TakeRequest();
    connection->is_head_request = request.method == "HEAD";
    if (in_hand_ >= limits_.handler_threads + limits_.queued_requests) {
      Count(PublicEvent::kQueueFull);
      Answer(connection, ResponseOf(kQueueFull));
      return;
    }
    ++in_hand_;
    Enter(connection, Phase::kHandling);
    request.remote_address = connection->remote_address;
    asio::post(pool_, [this, connection, request = std::move(request)]() mutable {
      std::optional<HttpResponse> answer = RunHandler(handler_, request);
      request = {};
      asio::post(io_, [this, connection, answer = std::move(answer)]() mutable {
        --in_hand_;
        if (connection->phase == Phase::kClosed) return;
        Count(answer.has_value() ? PublicEvent::kHandled : PublicEvent::kHandlerFailed);
        Answer(connection, answer.has_value() ? *std::move(answer) : ResponseOf(kOurMistake));
      });
    });
  }

  // Writing.

  void Refuse(const ConnectionPtr& connection, const Refusal& refusal, bool lingers) {
    connection->closes = true;
    connection->lingers = lingers;
    connection->is_head_request = false;
    Write(connection, ResponseOf(refusal));
  }

  void Answer(const ConnectionPtr& connection, HttpResponse response) {
    connection->closes = is_stopping_ || !connection->reader.keeps_alive() ||
                         connection->requests >= limits_.requests_per_connection;
    connection->lingers = true;
    Write(connection, std::move(response));
  }

  void Write(const ConnectionPtr& connection, HttpResponse response) {
    connection->answer_head = ResponseHead(response, !connection->closes, absl::Now());
    connection->answer_body.clear();
    if (!connection->is_head_request && HasBody(response.status)) {
      connection->answer_body = std::move(response.body);
    }
    connection->written = 0;
    Enter(connection, Phase::kWriting);
    WriteOn(connection);
  }

  void WriteOn(const ConnectionPtr& connection) {
    Connection& c = *connection;
    while (c.written < c.answer_bytes()) {
      const size_t head_written = std::min(c.written, c.answer_head.size());
      error_code error;
      c.written +=
          WriteSome(c, absl::string_view(c.answer_head).substr(head_written),
                    absl::string_view(c.answer_body).substr(c.written - head_written), error);
      if (WouldBlock(error)) {
        AwaitRoom(connection);
        return;
      }
      if (error) {
        Close(connection);
        return;
      }
    }
    OnWritten(connection);
  }

  // The beginning of `first` and, if all of it went, of `second`.
  size_t WriteSome(Connection& connection, absl::string_view first, absl::string_view second,
                   error_code& error) {
    if (connection.tls != nullptr) {
      // In one record, where two would be two packets.
      const size_t room = kReadBytes - std::min(first.size(), kReadBytes);
      size_t count = 0;
      error = ErrorOf(connection.tls->Write(
          first.empty() ? second : absl::string_view(absl::StrCat(first, second.substr(0, room))),
          count));
      return count;
    }
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(first.data(), first.size()),
                                                       asio::buffer(second.data(), second.size())};
    return connection.socket.write_some(buffers, error);
  }

  void AwaitRoom(const ConnectionPtr& connection) {
    if (connection->answer_held == 0) {
      if (!budget_.Take(connection->answer_bytes())) {
        Count(PublicEvent::kHeldBytesFull);
        Reset(connection);
        return;
      }
      connection->answer_held = connection->answer_bytes();
    }
    connection->socket.async_wait(tcp::socket::wait_write, [this, connection](error_code error) {
      if (!error && connection->phase == Phase::kWriting) WriteOn(connection);
    });
  }

  void OnWritten(const ConnectionPtr& connection) {
    DropAnswer(*connection);
    if (connection->closes) {
      connection->reader.Abandon();
      if (connection->tls != nullptr) connection->tls->End();
      error_code error;
      connection->socket.shutdown(tcp::socket::shutdown_send, error);
      if (error || !connection->lingers) {
        Close(connection);
        return;
      }
      Enter(connection, Phase::kLingering);
      AwaitBytes(connection);
      return;
    }
    if (connection->reader.Next() == RequestReader::State::kIdle) {
      Enter(connection, Phase::kIdle);
      AwaitBytes(connection);
      return;
    }
    Enter(connection, Phase::kHead);
    // Behind those of others.
    asio::post(io_, [this, connection] {
      if (connection->phase == Phase::kHead) Proceed(connection);
    });
  }

  void DropAnswer(Connection& connection) {
    std::string().swap(connection.answer_head);
    std::string().swap(connection.answer_body);
    budget_.Give(std::exchange(connection.answer_held, 0));
  }

  // Ending.

  void Linger(const ConnectionPtr& connection, size_t count) {
    connection->linger_bytes += count;
    if (connection->linger_bytes > kLingerBytes) {
      Close(connection);
    } else {
      AwaitBytes(connection);
    }
  }

  // Ends the connection without leaving the system anything to send.
  void Reset(const ConnectionPtr& connection) {
    error_code error;
    connection->socket.set_option(tcp::socket::linger(true, 0), error);
    Close(connection);
  }

  void Close(const ConnectionPtr& connection) {
    error_code error;
    connection->socket.close(error);
    connection->reader.Abandon();
    DropAnswer(*connection);
    if (connection->phase == Phase::kIdle) {
      connection->peer->second.idle.erase(connection->idle_place);
    }
    In(connection->phase).erase(connection->place);
    connection->phase = Phase::kClosed;
    Leave(connection->peer);
    connections_.fetch_sub(1, std::memory_order_relaxed);
    CheckDrained();
  }

  void BeginStop() {
    is_stopping_ = true;
    // Those whose connections the system has made already are served.
    AcceptSome(limits_.connections);
    error_code error;
    acceptor_.close(error);
    accept_pause_.cancel();
    while (!In(Phase::kIdle).empty()) {
      const ConnectionPtr connection = In(Phase::kIdle).front();
      // A request that is on its way to us is served.
      if (connection->socket.available(error) > 0) {
        Enter(connection, Phase::kHead);
      } else {
        Close(connection);
      }
    }
    CheckDrained();
  }

  void CheckDrained() {
    if (!is_stopping_ || acceptor_.is_open() || connections() > 0) return;
    MutexLock lock(mutex_);
    is_drained_ = true;
    drained_.NotifyAll();
  }

  void CloseAll() {
    for (std::list<ConnectionPtr>& connections : phases_) {
      while (!connections.empty()) {
        const ConnectionPtr connection = connections.front();
        Close(connection);
      }
    }
    timer_.cancel();
    work_.reset();
  }

  const PublicServerOptions options_;
  const PublicLimits& limits_;
  const HttpHandler handler_;
  ByteBudget budget_;
  std::optional<TlsAcceptor> tls_;
  asio::io_context io_{1};
  // Handlers that run are work of the loop, too: it has to see their answers off.
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::thread_pool pool_;
  tcp::acceptor acceptor_{io_};
  asio::steady_timer accept_pause_{io_};
  asio::steady_timer timer_{io_};
  absl::Time timer_at_ = absl::InfiniteFuture();
  std::array<char, kReadBytes> bytes_ = {};  // what was read last
  std::array<std::list<ConnectionPtr>, kOpenPhases> phases_ = {};
  std::map<PeerKey, Peer> peers_ = {};
  std::atomic<int> connections_ = 0;
  int in_hand_ = 0;  // requests that handlers have, or wait for one
  bool is_stopping_ = false;
  uint16_t port_ = 0;
  Mutex mutex_;
  CondVar drained_;
  bool is_drained_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<PublicServer>> PublicServer::Start(PublicServerOptions options,
                                                                  HttpHandler handler) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(handler));
  if (absl::Status status = loop->Listen(); !status.ok()) return status;
  return std::unique_ptr<PublicServer>(new PublicServer(std::move(loop)));
}

PublicServer::PublicServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

PublicServer::~PublicServer() {
  Stop(absl::ZeroDuration());
}

uint16_t PublicServer::port() const {
  return loop_->port();
}
int PublicServer::connections() const {
  return loop_->connections();
}
size_t PublicServer::held_bytes() const {
  return loop_->held_bytes();
}

void PublicServer::Stop(absl::Duration grace) {
  loop_->Stop(grace);
}

}  // namespace understudy::serving
