#include "tests/common/serving/public_server_world.h"

#include <openssl/ssl.h>
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/certificates.h"
#include "tests/testing/require.h"

namespace understudy::testing {

using serving::HttpHandler;
using serving::HttpRequest;
using serving::HttpResponse;
using serving::PublicEvent;
using serving::PublicLimits;
using serving::PublicServer;

void Gate::Pass() {
  MutexLock lock(mutex_);
  ++waiting_;
  opened_.Wait(mutex_, [this]() REQUIRES(mutex_) { return is_open_; });
  --waiting_;
}

void Gate::Open() {
  MutexLock lock(mutex_);
  is_open_ = true;
  opened_.NotifyAll();
}

int Gate::waiting() const {
  MutexLock lock(mutex_);
  return waiting_;
}

namespace {

// One certificate for all worlds of the process.
const SecretMount& Mount() {
  static const TestAuthority authority;
  static const SecretMount mount(authority.Issue({.ip_addresses = {"127.0.0.1"}}), "");
  return mount;
}

ssl_ctx_st* ClientContext() {
  static const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  return context.get();
}

HttpClientOptions Over(HttpClientOptions options) {
  if (kIsOverTls) options.tls = ClientContext();
  return options;
}

}  // namespace

DoorClient::DoorClient(int port, const HttpClientOptions& options)
    : HttpClient(port, Over(options)) {}

PublicServerWorld::PublicServerWorld(PublicLimits limits)
    : PublicServerWorld(limits, HttpHandler(Echo)) {}

PublicServerWorld::PublicServerWorld(PublicLimits limits, HttpHandler handler) {
  if (kIsOverTls) {
    signal(SIGPIPE, SIG_IGN);  // as main does
    auto identity = serving::TlsIdentity::Load(
        "http", {.certificate = Mount().Path("tls.crt"), .key = Mount().Path("tls.key")});
    Require(identity.ok(), identity.status().message());
    identity_ = *std::move(identity);
  }
  auto server = PublicServer::Start(
      {.listen = {.host = "127.0.0.1"},
       .tls = identity_.get(),
       .limits = limits,
       .on_event = [this](PublicEvent event) { counts_[static_cast<size_t>(event)]++; }},
      [this, handler = std::move(handler)](const HttpRequest& request) {
        {
          MutexLock lock(mutex_);
          requests_.push_back(request);
        }
        return handler(request);
      });
  Require(server.ok(), server.status().message());
  server_ = *std::move(server);
}

std::vector<HttpRequest> PublicServerWorld::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

HttpResponse Echo(const HttpRequest& request) {
  return {.body = absl::StrCat(request.method, " ", request.target, " ", request.body)};
}

std::string Get(absl::string_view target, absl::string_view headers) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: a\r\n", headers, "\r\n");
}

std::string Post(absl::string_view target, absl::string_view body, absl::string_view headers) {
  return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: a\r\nContent-Length: ", body.size(),
                      "\r\n", headers, "\r\n", body);
}

}  // namespace understudy::testing
