// Calls whose primary URLs are of many hosts in turn, so many a second: h2load sends one request
// only.
//
//   hosts_client ROUTER_PORT CALLS_PER_SECOND CALLS ORIGIN_PORT HOSTS ACCOUNT_SID
//
// Prints how many calls it made; status 0 if the primary answered each of them.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/steady_calls.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr std::chrono::seconds kDeadline(15);
constexpr absl::Duration kLook = absl::Milliseconds(1);

int Number(const char* word) {
  int number = 0;
  Require(absl::SimpleAtoi(word, &number) && number > 0, absl::StrCat("a number: ", word));
  return number;
}

int Main(int argc, char** argv) {
  Require(argc == 7, "six arguments");
  const int calls = Number(argv[3]);
  const int origin_port = Number(argv[4]);
  const int hosts = Number(argv[5]);

  router::v1::ResolveTwiMLRequest request;
  request.set_account_sid(argv[6]);
  request.set_kind(router::v1::KIND_VOICE);
  for (const char* name : {"CallSid", "CallStatus", "Called", "Caller", "Direction", "From",
                           "FromCountry", "FromState", "To", "ToCountry"}) {
    (*request.mutable_parameters())[name] = "+14155550199";
  }
  std::vector<router::v1::ResolveTwiMLRequest> requests(static_cast<size_t>(hosts), request);
  for (int host = 0; host < hosts; ++host) {
    // Such names are this machine's without a look-up (RFC 6761).
    requests[static_cast<size_t>(host)].mutable_handler()->set_url(
        absl::StrCat("http://h", host, ".localhost:", origin_port, "/voice"));
  }

  std::atomic<int> begun = 0;
  std::atomic<int> answered = 0;
  SteadyCalls load(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", Number(argv[1])),
                          grpc::InsecureChannelCredentials()),
      Number(argv[2]),
      [&](SteadyCall& call) {
        call.context.set_deadline(std::chrono::system_clock::now() + kDeadline);
        call.request = requests[static_cast<size_t>(call.number % hosts)];
        ++begun;
      },
      [&](const SteadyCall& call) {
        if (call.status.ok() && call.response.source() == router::v1::SOURCE_PRIMARY) ++answered;
      });
  while (begun < calls) absl::SleepFor(kLook);
  load.Stop();
  std::printf("%d\n", begun.load());
  return answered == begun ? 0 : 1;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
