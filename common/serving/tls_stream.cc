#include "common/serving/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "common/serving/log.h"

namespace understudy::serving {
namespace {

void SetUpServer(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Whoever comes again brings a ticket: nothing is kept here for them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // An idle connection holds no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // After a record without content it is another connection's turn.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
}

}  // namespace

TlsStream::TlsStream(SSL_CTX& context, int fd) : ssl_(SSL_new(&context), SSL_free) {
  SSL_set_fd(ssl_.get(), fd);
  SSL_set_accept_state(ssl_.get());
}

TlsStream::Result TlsStream::Read(char* out, size_t size, size_t& count) {
  ERR_clear_error();
  return ResultOf(SSL_read_ex(ssl_.get(), out, size, &count));
}

TlsStream::Result TlsStream::Write(absl::string_view bytes, size_t& count) {
  ERR_clear_error();
  return ResultOf(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count));
}

bool TlsStream::is_established() const {
  return SSL_is_init_finished(ssl_.get()) == 1;
}

void TlsStream::End() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

TlsStream::Result TlsStream::ResultOf(int returned) {
  waits_for_room_ = false;
  if (returned == 1) return Result::kDone;
  const int error = SSL_get_error(ssl_.get(), returned);
  waits_for_room_ = error == SSL_ERROR_WANT_WRITE;
  return waits_for_room_ || error == SSL_ERROR_WANT_READ ? Result::kWouldBlock : Result::kOver;
}

std::unique_ptr<TlsStream> TlsAcceptor::Accept(int fd) {
  if (std::shared_ptr<const TlsMaterial> now = identity_.material(); now != material_) {
    TlsMistake why;
    // It was made once already, when the files were checked.
    if (std::shared_ptr<SSL_CTX> context = MakeTlsContext(*now, why)) {
      SetUpServer(context.get());
      context_ = std::move(context);
    } else {
      Log(LogLevel::kError, "certificates cannot be used",
          {{"use", identity_.use()}, {"detail", why.what}});
    }
    material_ = std::move(now);
  }
  return context_ == nullptr ? nullptr : std::make_unique<TlsStream>(*context_, fd);
}

}  // namespace understudy::serving
