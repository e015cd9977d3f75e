#include "tests/e2e/reset_flood.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "tests/testing/socket.h"

namespace understudy::testing {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(5);
constexpr absl::Duration kDialBound = absl::Milliseconds(200);
// What one send may hold, so that a server that reads slowly is not owed more and more.
constexpr size_t kMaxPending = size_t{1} << 20;
constexpr uint32_t kLastStream = 0x7fffffff;

enum class Frame : char { kHeaders = 1, kRstStream = 3, kSettings = 4 };
constexpr char kEndHeaders = 4;
constexpr char kAck = 1;

void AppendNumber(std::string& out, uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// RFC 9113, 4.1.
void AppendFrame(std::string& out, Frame type, char flags, uint32_t stream,
                 absl::string_view payload) {
  AppendNumber(out, static_cast<uint32_t>(payload.size()), 3);
  out.push_back(static_cast<char>(type));
  out.push_back(flags);
  AppendNumber(out, stream, 4);
  out.append(payload.data(), payload.size());
}

// RFC 7541, 6.2.2: a literal without indexing. Both are shorter than 127 bytes.
void AppendHeader(std::string& out, absl::string_view name, absl::string_view value) {
  out.push_back(0);
  out.push_back(static_cast<char>(name.size()));
  absl::StrAppend(&out, name);
  out.push_back(static_cast<char>(value.size()));
  absl::StrAppend(&out, value);
}

std::string CallHeaders() {
  std::string block = "\x83\x86";  // :method POST, :scheme http, from the static table
  AppendHeader(block, ":path", "/understudy.router.v1.RouterService/ResolveTwiML");
  AppendHeader(block, ":authority", "router");
  AppendHeader(block, "content-type", "application/grpc");
  AppendHeader(block, "te", "trailers");
  return block;
}

struct Connection {
  Socket socket = {};
  std::string pending = {};
  uint32_t next_stream = 1;

  // False: it is gone, or used up.
  bool Exchange() {
    while (!pending.empty()) {
      const ssize_t sent =
          send(socket.fd(), pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent <= 0) break;
      pending.erase(0, static_cast<size_t>(sent));
    }
    char read[16384];
    while (true) {
      const ssize_t count = recv(socket.fd(), read, sizeof read, MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
      if (count < 0) break;
    }
    return next_stream < kLastStream - 2;
  }
};

}  // namespace

ResetFlood::ResetFlood(ResetFloodOptions options) : options_(std::move(options)) {
  thread_ = std::thread([this] { Run(); });
}

ResetFlood::~ResetFlood() {
  is_stopping_ = true;
  thread_.join();
}

void ResetFlood::Run() {
  std::string opening = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  AppendFrame(opening, Frame::kSettings, 0, 0, "");
  AppendFrame(opening, Frame::kSettings, kAck, 0, "");
  const std::string headers = CallHeaders();
  const std::string cancel("\0\0\0\x08", 4);
  std::vector<Connection> connections(static_cast<size_t>(options_.connections));
  const absl::Time begun_at = absl::Now();
  double owed = 0;
  for (absl::Time last = begun_at; !is_stopping_ && last - begun_at < options_.at_most;) {
    absl::SleepFor(kTick);
    const absl::Time now = absl::Now();
    // What could not be sent in time is not sent later.
    owed = std::min(absl::ToDoubleSeconds(now - std::exchange(last, now)), 0.1) *
           options_.resets_per_second / options_.connections;
    for (Connection& connection : connections) {
      if (!connection.socket.is_open()) {
        connection = {
            .socket = Dial(options_.host, options_.port, kDialBound, {.from = options_.from}),
            .pending = opening};
        if (!connection.socket.is_open()) continue;
        ++connections_;
      }
      for (int i = 0; i < owed && connection.pending.size() < kMaxPending; ++i) {
        AppendFrame(connection.pending, Frame::kHeaders, kEndHeaders, connection.next_stream,
                    headers);
        AppendFrame(connection.pending, Frame::kRstStream, 0, connection.next_stream, cancel);
        connection.next_stream += 2;
        ++resets_;
      }
      if (!connection.Exchange()) connection = {};
    }
  }
}

}  // namespace understudy::testing
