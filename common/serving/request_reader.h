// Reads one request after another from the bytes of a connection, as they come. Decides; the
// sockets and the clock are the server's. Syntax is Boost.Beast's business, what it lets through
// that of request_check.h.
#ifndef COMMON_SERVING_REQUEST_READER_H_
#define COMMON_SERVING_REQUEST_READER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/serving/http_message.h"
#include "common/serving/request_check.h"

namespace understudy::serving {

// How many bytes those who share it may hold. Changed on one thread, read on any.
class ByteBudget {
 public:
  explicit ByteBudget(size_t bytes_max) : bytes_max_(bytes_max) {}

  // False: they are not there, and none are taken.
  bool Take(size_t bytes);
  void Give(size_t bytes);
  size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  const size_t bytes_max_;
  std::atomic<size_t> held_ = 0;
};

// For one thread.
class RequestReader {
 public:
  enum class State : uint8_t {
    kIdle,  // nothing of a request has come
    kHead,
    kBody,
    kWhole,
    kRefused,  // for good: the connection has no further request
  };

  // What has come and is not done with is held, by its bytes on the wire; over limits.own_bytes it
  // counts against `budget`, and for want of room there the request is refused. `budget` must
  // outlive the reader. REQUIRES: limits.head_bytes is kLastChunkBytes or more.
  RequestReader(const RequestLimits& limits, ByteBudget& budget);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  State state() const { return state_; }

  // Takes all of `bytes`; what belongs to later requests waits. REQUIRES: kIdle, kHead or kBody.
  State Read(absl::string_view bytes);

  // The request, without what only the server knows of its sender. Once. REQUIRES: kWhole.
  HttpRequest TakeRequest();

  // Done with the request: gives back what it held, and goes on with what has come behind it.
  // REQUIRES: kWhole.
  State Next();

  // Forgets everything and reads no more: from here on as if refused.
  void Abandon();

  // Whether the sender holds back the body until it is told to go on (100 Continue). REQUIRES:
  // kBody.
  bool expects_continue() const;
  // Whether the sender, as far as the request tells, wants to send another one. REQUIRES: kWhole.
  bool keeps_alive() const { return keeps_alive_; }
  // REQUIRES: kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  class Parser;

  State Refuse(const Refusal& refusal);
  bool Hold(size_t bytes);  // in all; false if there is no room
  State Advance();
  State ReadHead();
  State ReadBody();

  const RequestLimits limits_;
  ByteBudget& budget_;
  size_t held_ = 0;  // of the budget
  State state_ = State::kIdle;
  std::string unread_ = {};  // that has come and is not in request_
  HeadScanner scanner_;
  std::unique_ptr<Parser> parser_;  // from the end of the head to that of the body
  Framing framing_ = {};
  HttpRequest request_ = {};
  size_t wire_bytes_ = 0;       // of the request, and what came behind it
  size_t body_wire_bytes_ = 0;  // of its body
  bool keeps_alive_ = false;
  Refusal refusal_ = {};
};

// "0\r\n\r\n".
inline constexpr size_t kLastChunkBytes = 5;

// What the chunks of a body may take on the wire. Past it they are so small, or so embellished,
// that they are there for the work they make.
inline constexpr size_t MaxChunkedWireBytes(const RequestLimits& limits) {
  return 2 * limits.body_bytes + limits.head_bytes;
}

}  // namespace understudy::serving

#endif  // COMMON_SERVING_REQUEST_READER_H_
