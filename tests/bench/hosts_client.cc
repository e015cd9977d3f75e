// Calls whose primary URLs are of many hosts in turn, a hundred at once: h2load has one request for
// all its calls.
//
//   hosts_client ROUTER_PORT CALLS ORIGIN_PORT HOSTS ACCOUNT_SID    status 0 if all were answered
//   by
//                                                                   the primary
#include <grpcpp/grpcpp.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;

constexpr int kAtOnce = 100;
constexpr std::chrono::seconds kDeadline(15);

int Number(const char* word) {
  int number = 0;
  Require(absl::SimpleAtoi(word, &number) && number > 0, absl::StrCat("a number: ", word));
  return number;
}

// One for each host. Such names are this machine's without a look-up (RFC 6761).
std::vector<v1::ResolveTwiMLRequest> MakeRequests(int hosts, int origin_port,
                                                  const char* account_sid) {
  std::vector<v1::ResolveTwiMLRequest> requests(static_cast<size_t>(hosts));
  for (int host = 0; host < hosts; ++host) {
    v1::ResolveTwiMLRequest& request = requests[static_cast<size_t>(host)];
    request.set_account_sid(account_sid);
    request.set_kind(v1::KIND_VOICE);
    request.mutable_handler()->set_url(
        absl::StrCat("http://h", host, ".localhost:", origin_port, "/voice"));
    for (const char* name : {"ApiVersion", "CallSid", "CallStatus", "Called", "Caller", "Direction",
                             "From", "FromCountry", "To", "ToCountry"}) {
      (*request.mutable_parameters())[name] = "+14155550199";
    }
  }
  return requests;
}

struct Call {
  grpc::ClientContext context = {};
  v1::ResolveTwiMLResponse response = {};
  grpc::Status status = {};
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ResolveTwiMLResponse>> reader = {};
};

int Main(int argc, char** argv) {
  Require(argc == 6, "five arguments");
  const int calls = Number(argv[2]);
  const int hosts = Number(argv[4]);
  const std::vector<v1::ResolveTwiMLRequest> requests =
      MakeRequests(hosts, Number(argv[3]), argv[5]);
  const auto stub = v1::RouterService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", Number(argv[1])), grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  int begun = 0;
  const auto begin = [&] {
    auto call = std::make_unique<Call>();
    call->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    call->reader = stub->AsyncResolveTwiML(&call->context,
                                           requests[static_cast<size_t>(begun++ % hosts)], &queue);
    Call* const tag = call.release();  // the queue's
    tag->reader->Finish(&tag->response, &tag->status, tag);
  };
  while (begun < std::min(calls, kAtOnce)) begin();
  int answered = 0;
  for (int ended = 0; ended < calls; ++ended) {
    void* tag = nullptr;
    bool ok = false;
    Require(queue.Next(&tag, &ok) && ok, "the end of a call");
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    if (call->status.ok() && call->response.source() == v1::SOURCE_PRIMARY) ++answered;
    if (begun < calls) begin();
  }
  return answered == calls ? 0 : 1;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
