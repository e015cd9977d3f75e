#include "tests/e2e/shipped_world.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "tests/e2e/prometheus_process.h"
#include "tests/testing/certificates.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

namespace v1 = understudy::router::v1;

constexpr std::chrono::milliseconds kPause{100};

// So long that no alert is about its end.
constexpr absl::Duration kCertificateLife = absl::Hours(24 * 90);

constexpr char kAny[] = "listen: 127.0.0.1:0";

std::string NotifierConfig(const SmtpServer& smtp, const SecretMount& tls, int factor) {
  std::string config = ReadShipped("deploy/config/notifier.yaml");
  // Nobody calls this port, but that it has a certificate shows in the metrics.
  config = ReplaceExactly(config, "listen: 0.0.0.0:8081\n",
                          absl::StrCat(kAny, "\n  tls: {certificate_file: \"", tls.Path("tls.crt"),
                                       "\", key_file: \"", tls.Path("tls.key"), "\"}\n"));
  for (const char* port : {"50052", "9091"}) {
    config = ReplaceExactly(config, absl::StrCat("listen: 0.0.0.0:", port), kAny);
  }
  config = ReplaceExactly(config, "  directory: mail\n",
                          absl::StrCat("  smtp: {url: \"", smtp.url(), "\", starttls: off}\n"));
  for (const char* wait : {"group_wait: 10s", "group_interval: 5m", "recovered_after: 10m"}) {
    config = ReplaceExactly(config, wait, Hastened(wait, factor));
  }
  return config;
}

std::string RouterConfig(const Origin& primary, const Origin& fallback, int notifier_port,
                         const std::string& folder) {
  std::string config = ReadShipped("deploy/config/router.yaml");
  for (const char* port : {"50051", "9090"}) {
    config = ReplaceExactly(config, absl::StrCat("listen: 0.0.0.0:", port), kAny);
  }
  config = ReplaceExactly(config, "url: https://www.example.com/", "url: " + primary.url("/"), 2);
  config = ReplaceExactly(config, "https://fallback.example.com/", fallback.url("/"));
  config = ReplaceExactly(config, "allow: [] ", "allow: [127.0.0.0/8] ");
  return absl::StrCat(config, "\nnotifier:\n  target: dns:///127.0.0.1:", notifier_port,
                      "\n  outbox_dir: ", folder, "/outbox\n");
}

}  // namespace

ShippedWorld::ShippedWorld(int factor)
    : tls_(TestAuthority().Issue({.ip_addresses = {"127.0.0.1"}, .not_after = kCertificateLife}),
           ""),
      smtp_(std::in_place) {
  primary_.OnAny(Reply{.body = "<Response/>"});
  fallback_.OnAny(Reply{.body = "<Response/>"});
  notifier_.emplace(folder_.Write("notifier.yaml", NotifierConfig(*smtp_, tls_, factor)));
  Require(notifier_->Ready(), "a notifier with the shipped configuration");
  folder_.Write("apology.xml", ReadShipped("deploy/config/apology.xml"));
  router_.emplace(folder_.Write(
      "router.yaml", RouterConfig(primary_, fallback_, notifier_->grpc_port(), folder_.path())));
  Require(router_->Ready(), "a router with the shipped configuration");
  stub_ = v1::RouterService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", router_->grpc_port()), grpc::InsecureChannelCredentials()));
}

ShippedWorld::~ShippedWorld() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.NotifyAll();
  if (traffic_.joinable()) traffic_.join();
}

void ShippedWorld::StartTraffic() {
  traffic_ = std::thread([this] {
    while (true) {
      Send(v1::KIND_VOICE);
      Send(v1::KIND_MESSAGING);
      MutexLock lock(mutex_);
      const auto is_stopping = [&]() REQUIRES(mutex_) { return is_stopping_; };
      if (stopping_.WaitFor(mutex_, kPause, is_stopping)) return;
    }
  });
}

void ShippedWorld::Send(v1::Kind kind) {
  v1::ResolveTwiMLRequest request;
  request.set_kind(kind);
  request.set_phone_number("+14155550199");
  grpc::ClientContext context;
  v1::ResolveTwiMLResponse response;
  const bool is_good = stub_->ResolveTwiML(&context, request, &response).ok();
  MutexLock lock(mutex_);
  ++(is_good ? answered_ : failed_);
}

bool ShippedWorld::AllAnswered() const {
  MutexLock lock(mutex_);
  return answered_ > 0 && failed_ == 0;
}

}  // namespace understudy::testing
