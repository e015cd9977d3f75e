#include "tests/testing/wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr size_t kReadBytes = 16384;

// OpenSSL writes without MSG_NOSIGNAL. Blocking the signal concerns this thread alone; ignoring
// it would change the process under test.
void BlockBrokenPipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// The events of `events` that have come within `bound`, with errors and ends; 0 if none has.
int16_t Poll(int fd, int16_t events, absl::Duration bound) {
  pollfd waited = {.fd = fd, .events = events, .revents = 0};
  const timespec timeout = absl::ToTimespec(bound);
  while (ppoll(&waited, 1, bound == absl::InfiniteDuration() ? nullptr : &timeout, nullptr) < 0) {
    Require(errno == EINTR, "ppoll");
  }
  return waited.revents;
}

}  // namespace

Wire::Wire(const Socket& socket) : socket_(socket) {
  BlockBrokenPipe();
}

bool Wire::StartTls(ssl_ctx_st* context) {
  tls_ = {SSL_new(context), SSL_free};
  Require(tls_ != nullptr && SSL_set_fd(tls_.get(), socket_.fd()) == 1, "a TLS connection");
  is_established_ = SSL_accept(tls_.get()) == 1;
  ERR_clear_error();
  return is_established_;
}

std::string Wire::server_name() const {
  const char* const name = SSL_get_servername(tls_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string Wire::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

std::string Wire::version() const {
  return is_established_ ? SSL_get_version(tls_.get()) : "";
}

bool Wire::Read(std::string& bytes) {
  std::array<char, kReadBytes> buffer;
  ssize_t count = 0;
  if (tls_ == nullptr) {
    count = recv(socket_.fd(), buffer.data(), buffer.size(), 0);
  } else if (is_established_) {
    count = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
    ERR_clear_error();
  }
  if (count <= 0) return false;
  bytes.append(buffer.data(), static_cast<size_t>(count));
  return true;
}

bool Wire::Write(absl::string_view bytes) {
  if (tls_ == nullptr) return SendAll(socket_, bytes);
  while (!bytes.empty()) {
    const auto size = static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX));
    const int count = SSL_write(tls_.get(), bytes.data(), size);
    ERR_clear_error();
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool Wire::AwaitBytes() {
  if (tls_ != nullptr && SSL_pending(tls_.get()) > 0) return true;
  Poll(socket_.fd(), POLLIN, absl::InfiniteDuration());
  char byte = 0;
  return recv(socket_.fd(), &byte, 1, MSG_PEEK) > 0;
}

bool Wire::AwaitClientsEnd(absl::Duration bound) {
  return Poll(socket_.fd(), POLLRDHUP, bound) != 0;
}

void Wire::End(bool notifies) {
  if (notifies && is_established_) SSL_shutdown(tls_.get());
  ERR_clear_error();
  shutdown(socket_.fd(), SHUT_WR);
  std::array<char, kReadBytes> dropped;
  while (recv(socket_.fd(), dropped.data(), dropped.size(), 0) > 0) {
  }
}

}  // namespace understudy::testing
