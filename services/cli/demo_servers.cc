#include "services/cli/demo_servers.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"

namespace understudy::cli {
namespace {

constexpr char kLoopback[] = "127.0.0.1";
constexpr size_t kWorkerThreads = 2;
constexpr char kTwimlType[] = "text/xml";

std::string UrlOf(int port, absl::string_view path) {
  return absl::StrCat("http://", kLoopback, ":", port, path);
}

// Says who speaks and, asked as a fallback, why.
std::string Words(const std::string& name, const twilio::Form& form) {
  const std::string* code = twilio::FindParameter(form, "ErrorCode");
  return code == nullptr
             ? absl::StrCat("Hello from the ", name, " server.")
             : absl::StrCat("Our application is unwell (error ", *code, "). Please try later.");
}

}  // namespace

std::string ToldCode(int code) {
  return absl::StrCat("(error ", code, ")");
}

struct DemoServer::Http {
  httplib::Server server;
  int port = 0;
  std::thread acceptor;

  Mutex mutex;
  CondVar stopping_changed;
  bool is_stopping GUARDED_BY(mutex) = false;

  void HangUntilStop() {
    MutexLock lock(mutex);
    stopping_changed.Wait(mutex, [this]() REQUIRES(mutex) { return is_stopping; });
  }
  void StopHanging() {
    {
      MutexLock lock(mutex);
      is_stopping = true;
    }
    stopping_changed.NotifyAll();
  }
};

absl::StatusOr<std::unique_ptr<DemoServer>> DemoServer::Start(const std::string& name,
                                                              const Secret& token, bool works) {
  auto http = std::make_unique<Http>();
  httplib::Server& server = http->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kWorkerThreads); };
  server.set_keep_alive_max_count(1);  // an idle connection would hold a worker
  const auto answer = [=, &http = *http](const httplib::Request& request,
                                         httplib::Response& response) {
    const twilio::Form form = twilio::DecodeForm(request.body);
    if (!twilio::SignatureMatches(token, UrlOf(http.port, request.path), form,
                                  request.get_header_value("X-Twilio-Signature"))) {
      response.status = 403;
      return;
    }
    if (!works || request.path == kErrorPath) {
      response.status = 500;
      response.set_content("Internal Server Error\n", "text/plain");
    } else if (request.path == kHangPath) {
      http.HangUntilStop();
    } else if (request.path == kBrokenPath) {
      response.set_content("<Response><Say>Hello", kTwimlType);
    } else {
      const char* verb = request.path == kMessagePath ? "Message" : "Say";
      response.set_content(
          absl::StrCat("<Response><", verb, ">", Words(name, form), "</", verb, "></Response>\n"),
          kTwimlType);
    }
  };
  server.Post(".*", answer);
  http->port = server.bind_to_any_port(kLoopback);
  if (http->port <= 0) return absl::UnavailableError("cannot listen on 127.0.0.1");
  http->acceptor = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing before the loop runs. It runs at once: only the thread has to get there.
  while (!server.is_running()) std::this_thread::yield();
  return std::unique_ptr<DemoServer>(new DemoServer(std::move(http)));
}

DemoServer::DemoServer(std::unique_ptr<Http> http) : http_(std::move(http)) {}

DemoServer::~DemoServer() {
  http_->StopHanging();
  http_->server.stop();
  http_->acceptor.join();
}

std::string DemoServer::url(absl::string_view path) const {
  return UrlOf(http_->port, path);
}

absl::StatusOr<std::unique_ptr<SilentPort>> SilentPort::Take() {
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (taken < 0 || bind(taken, generic, size) != 0 || getsockname(taken, generic, &size) != 0) {
    absl::Status status = absl::ErrnoToStatus(errno, "cannot take a port of 127.0.0.1");
    if (taken >= 0) close(taken);
    return status;
  }
  return std::unique_ptr<SilentPort>(new SilentPort(taken, ntohs(address.sin_port)));
}

SilentPort::~SilentPort() {
  close(socket_);
}

std::string SilentPort::url(absl::string_view path) const {
  return UrlOf(port_, path);
}

}  // namespace understudy::cli
