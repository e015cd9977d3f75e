// The server's side of TLS over a socket that does not block, beside whoever waits for that socket.
#ifndef COMMON_SERVING_TLS_STREAM_H_
#define COMMON_SERVING_TLS_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "common/serving/tls_identity.h"

struct ssl_st;
struct ssl_ctx_st;

namespace understudy::serving {

class TlsStream {
 public:
  // Nothing is read or written yet. `fd` must outlive this. SIGPIPE must be ignored (StopSignal).
  TlsStream(ssl_ctx_st& context, int fd);

  enum class Result : uint8_t { kDone, kWouldBlock, kOver };

  // What is inside, as far as it is there or fits; `count` is then how much. Reading makes the
  // handshake, so nothing is to be written before something was read. After a Write that would
  // block the same bytes must come again.
  Result Read(char* out, size_t size, size_t& count);
  Result Write(absl::string_view bytes, size_t& count);

  // Whether a Read that would block waits for room to write, not for bytes.
  bool waits_for_room() const { return waits_for_room_; }
  bool is_established() const;

  // Tells the other side that nothing follows, as far as that takes no waiting.
  void End();

 private:
  Result ResultOf(int returned);

  const std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  bool waits_for_room_ = false;
};

// Makes streams of what an identity has at that time. For one thread.
class TlsAcceptor {
 public:
  // `identity` must outlive this.
  explicit TlsAcceptor(const TlsIdentity& identity) : identity_(identity) {}

  // Null if OpenSSL does not take what the identity has.
  std::unique_ptr<TlsStream> Accept(int fd);

 private:
  const TlsIdentity& identity_;
  std::shared_ptr<const TlsMaterial> material_;  // that context_ was made of
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_TLS_STREAM_H_
