// The router as a process: its options, signals, reload, and what it costs to hold many calls.
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using ::testing::HasSubstr;

constexpr absl::Duration kSoon = absl::Seconds(30);

// How late the last of many answers may be. A sanitizer's build is several times slower, and its
// times are no promise.
#if defined(__SANITIZE_ADDRESS__)
constexpr absl::Duration kLateness = absl::Seconds(5);
#else
constexpr absl::Duration kLateness = absl::Milliseconds(500);
#endif

constexpr char kConfig[] = R"(grpc: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
accounts:
  - sid: AC00000000000000000000000000000001
numbers:
  - phone_number: "+14155550199"
    account_sid: AC00000000000000000000000000000001
    voice: {url: "$0", fallback_url: "$1"}
egress: {allow: [127.0.0.0/8]}
)";

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) : path_(absl::StrCat(dir_.path(), "/router.yaml")) {
    Write(text);
  }
  void Write(const std::string& text) {
    // Written aside and moved in, as whoever edits the configuration of a running process should.
    const std::string aside = absl::StrCat(path_, ".new");
    std::ofstream(aside) << text;
    ASSERT_EQ(rename(aside.c_str(), path_.c_str()), 0);
  }
  const std::string& path() const { return path_; }

 private:
  TempDir dir_;
  std::string path_;
};

v1::ResolveTwiMLRequest Request() {
  v1::ResolveTwiMLRequest request;
  request.set_kind(v1::KIND_VOICE);
  request.set_phone_number("+14155550199");
  (*request.mutable_parameters())["CallSid"] = "CA0123456789abcdef0123456789abcdef";
  return request;
}

class Client {
 public:
  explicit Client(int port)
      : stub_(v1::RouterService::NewStub(grpc::CreateChannel(
            absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()))) {}

  v1::RouterService::Stub& stub() { return *stub_; }
  std::string Twiml() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::ResolveTwiMLResponse response;
    const grpc::Status status = stub_->ResolveTwiML(&context, Request(), &response);
    return status.ok() ? response.twiml() : status.error_message();
  }

 private:
  std::unique_ptr<v1::RouterService::Stub> stub_;
};

TEST(Process, OptionsSayWhatTheyDo) {
  const ProgramEnd help = RunProgram({UNDERSTUDY_ROUTER_BINARY, "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("--check-config"));
  const ProgramEnd version = RunProgram({UNDERSTUDY_ROUTER_BINARY, "--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, ::testing::StartsWith("understudy-router "));
  EXPECT_EQ(RunProgram({UNDERSTUDY_ROUTER_BINARY}).status, 2);
  EXPECT_EQ(RunProgram({UNDERSTUDY_ROUTER_BINARY, "--nonsense"}).status, 2);
}

TEST(Process, CheckConfigTellsEveryMistake) {
  const ConfigFile good(absl::Substitute(kConfig, "https://a.example/", "https://b.example/"));
  EXPECT_EQ(
      RunProgram({UNDERSTUDY_ROUTER_BINARY, "--check-config", "--config", good.path()}).status, 0);
  const ConfigFile bad(absl::Substitute(kConfig, "htp:/x", "https://b.example/#rp=foo"));
  const ProgramEnd finished =
      RunProgram({UNDERSTUDY_ROUTER_BINARY, "--check-config", "--config", bad.path()});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, HasSubstr(absl::StrCat(bad.path(), ":8: numbers[0].voice.url: ")));
  EXPECT_THAT(finished.err,
              HasSubstr(absl::StrCat(bad.path(), ":8: numbers[0].voice.fallback_url: ")));
}

TEST(Process, ATakenPortIsSaidInWords) {
  Origin taken;
  const ConfigFile config(absl::StrCat("grpc: {listen: \"127.0.0.1:", taken.port(), "\"}\n",
                                       "admin: {listen: \"127.0.0.1:0\"}\n"));
  const ProgramEnd finished = RunProgram({UNDERSTUDY_ROUTER_BINARY, "--config", config.path()});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.err, HasSubstr(absl::StrCat("cannot listen on 127.0.0.1:", taken.port())));
}

TEST(Process, SigtermAnswersCallsUnderWayAndExitsWithZero) {
  Origin primary;
  primary.OnAny(Script{}
                    .Wait(absl::Milliseconds(500))
                    .Send(ToBytes(Reply{.body = "<Response><Say>late</Say></Response>"})));
  const ConfigFile config(absl::Substitute(kConfig, primary.url("/v"), primary.url("/f")));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  Client client(router.grpc_port());
  std::string twiml;
  std::thread call([&] { twiml = client.Twiml(); });
  const bool asked = primary.WaitForRequests(1, kSoon);
  router.Signal(SIGTERM);
  call.join();
  ASSERT_TRUE(asked);
  EXPECT_EQ(twiml, "<Response><Say>late</Say></Response>");
  EXPECT_EQ(router.WaitForExit(), 0);
}

TEST(Process, ASecondSigtermStopsAtOnce) {
  Origin primary;
  primary.OnAny(Script{}.Stall());
  const ConfigFile config(absl::Substitute(kConfig, primary.url("/v"), primary.url("/f")));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  Client client(router.grpc_port());
  std::thread call([&] { client.Twiml(); });
  const bool asked = primary.WaitForRequests(1, kSoon);
  router.Signal(SIGTERM);
  const bool draining = router.WaitForLog("stopping");
  router.Signal(SIGTERM);
  const int status = router.WaitForExit();
  call.join();
  EXPECT_TRUE(asked);
  EXPECT_TRUE(draining);
  EXPECT_EQ(status, 1);
}

TEST(Process, AChangedFileIsReadAgainAndABadOneIsRefused) {
  Origin first, second;
  first.OnAny(Reply{.body = "<Response><Say>first</Say></Response>"});
  second.OnAny(Reply{.body = "<Response><Say>second</Say></Response>"});
  ConfigFile config(absl::Substitute(kConfig, first.url("/v"), first.url("/f")));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  Client client(router.grpc_port());
  EXPECT_THAT(client.Twiml(), HasSubstr("first"));

  config.Write("numbers: [");
  EXPECT_TRUE(router.WaitForLog("configuration refused"));
  EXPECT_THAT(client.Twiml(), HasSubstr("first"));

  config.Write(absl::Substitute(kConfig, second.url("/v"), second.url("/f")));
  EXPECT_TRUE(router.WaitForLog("configuration loaded"));
  EXPECT_THAT(client.Twiml(), HasSubstr("second"));
}

TEST(Process, AChangedBinCountsAsAChangedFile) {
  const TempDir folder;
  const auto write_bin = [&](const std::string& text) {  // in one step, as tools do
    folder.Write("new.xml", text);
    ASSERT_EQ(rename((folder.path() + "/new.xml").c_str(), (folder.path() + "/bin.xml").c_str()),
              0);
  };
  write_bin("<Response><Say>first {{ErrorCode}}</Say></Response>");
  const ClosedPort closed;
  const std::string url = absl::StrCat("http://127.0.0.1:", closed.port(), "/#rc=0");
  RouterProcess router(
      folder.Write("router.yaml", absl::StrCat(absl::Substitute(kConfig, url, "bin:apology"),
                                               "\nbins: {apology: {document_file: bin.xml}}\n")));
  ASSERT_TRUE(router.Ready());
  EXPECT_TRUE(router.WaitForLog("session_key_file is not set"));
  Client client(router.grpc_port());
  EXPECT_THAT(client.Twiml(), HasSubstr("first 11205"));
  write_bin("<Response><Say>broken");
  EXPECT_TRUE(router.WaitForLog("configuration refused"));
  EXPECT_TRUE(router.WaitForLog("bin.xml:1:22: "));
  EXPECT_THAT(client.Twiml(), HasSubstr("first 11205"));
  write_bin("<Response><Say>second {{ErrorCode}}</Say></Response>");
  EXPECT_TRUE(router.WaitForLog("configuration loaded"));
  EXPECT_THAT(client.Twiml(), HasSubstr("second 11205"));
}

TEST(Process, SighupReadsTheFileAgain) {
  Origin primary;
  primary.OnAny(Reply{.body = "<Response/>"});
  const ConfigFile config(absl::Substitute(kConfig, primary.url("/v"), primary.url("/f")));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  router.Signal(SIGHUP);
  EXPECT_TRUE(router.WaitForLog("configuration loaded"));
  router.Signal(SIGTERM);
  EXPECT_EQ(router.WaitForExit(), 0);
}

TEST(Process, TheLogHasOneLineForAResolutionAndNoSecrets) {
  Origin primary;
  primary.OnAny(Reply{.status = 500, .body = "internal words"});
  const std::string url = absl::StrCat("http://user:hunter2@127.0.0.1:", primary.port(), "/v");
  const ConfigFile config(absl::Substitute(kConfig, url, url));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  Client client(router.grpc_port());
  EXPECT_THAT(client.Twiml(), HasSubstr("application error"));
  ASSERT_TRUE(router.WaitForLog("\"message\":\"resolution\""));
  router.Signal(SIGTERM);
  EXPECT_EQ(router.WaitForExit(), 0);
  int resolutions = 0;
  for (const std::string& line : router.log()) {
    EXPECT_THAT(line, ::testing::StartsWith("{\"time\":\""));
    EXPECT_THAT(line, ::testing::EndsWith("}"));
    EXPECT_THAT(line, ::testing::Not(HasSubstr("hunter2")));
    EXPECT_THAT(line, ::testing::Not(HasSubstr("internal words")));
    resolutions += line.find("\"message\":\"resolution\"") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(resolutions, 1);
}

// One of many calls at once.
struct HeldCall {
  grpc::ClientContext context;
  v1::ResolveTwiMLResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ResolveTwiMLResponse>> reader;
  absl::Time begun_at;
  absl::Duration took;
};

TEST(Process, TwoThousandCallsHeldOnSilentServersCostAHandfulOfThreads) {
  constexpr int kCalls = 2000;
  constexpr absl::Duration kLimit = absl::Seconds(2);
  Origin silent;
  silent.OnAccept(Script{}.Stall());
  const ConfigFile config(
      absl::Substitute(kConfig, absl::StrCat(silent.url("/v"), "#tt=2000"), "http://127.0.0.1:1/"));
  RouterProcess router(config.path());
  ASSERT_TRUE(router.Ready());
  const int threads_at_rest = router.threads();
  auto stub = v1::RouterService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", router.grpc_port()), grpc::InsecureChannelCredentials()));

  v1::ResolveTwiMLRequest request;
  request.set_kind(v1::KIND_VOICE);
  request.set_account_sid("AC00000000000000000000000000000001");
  request.mutable_handler()->set_url(absl::StrCat(silent.url("/v"), "#tt=2000"));
  grpc::CompletionQueue queue;
  std::deque<HeldCall> calls(kCalls);
  for (HeldCall& call : calls) {
    call.begun_at = absl::Now();
    call.reader = stub->AsyncResolveTwiML(&call.context, request, &queue);
    call.reader->Finish(&call.response, &call.status, &call);
  }
  std::thread answers([&] {  // nothing of a client moves while nobody waits on its queue
    void* tag = nullptr;
    bool ok = false;
    for (int i = 0; i < kCalls && queue.Next(&tag, &ok); ++i) {
      auto& call = *static_cast<HeldCall*>(tag);
      call.took = absl::Now() - call.begun_at;
    }
  });
  // All of them are out there at once.
  EXPECT_TRUE(WaitFor([&] { return silent.open_connections() == kCalls; }, kSoon));
  // Probes are answered all the same (G16).
  auto health = grpc::health::v1::Health::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", router.grpc_port()), grpc::InsecureChannelCredentials()));
  std::vector<absl::Duration> probes;
  for (int i = 0; i < 11; ++i) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    const absl::Time begun_at = absl::Now();
    const grpc::Status status = health->Check(&context, {}, &response);
    probes.push_back(absl::Now() - begun_at);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
  std::sort(probes.begin(), probes.end());
  EXPECT_LE(probes[probes.size() / 2], absl::Milliseconds(100));
  const int threads = router.threads();
  const int64_t resident = router.resident_kilobytes();
  answers.join();
  absl::Duration longest;  // as the caller sees it, from before it sent 2,000 requests
  absl::Duration longest_fetch;
  for (const HeldCall& call : calls) {
    ASSERT_TRUE(call.status.ok()) << call.status.error_message();
    EXPECT_EQ(call.response.source(), v1::SOURCE_DEFAULT);
    EXPECT_EQ(call.response.error_code(), 11205);
    EXPECT_GE(call.took, kLimit);
    longest = std::max(longest, call.took);
    ASSERT_EQ(call.response.attempts_size(), 1);
    longest_fetch = std::max(
        longest_fetch, absl::Nanoseconds(google::protobuf::util::TimeUtil::DurationToNanoseconds(
                           call.response.attempts(0).total())));
  }
  RecordProperty("threads", threads);
  RecordProperty("resident_kilobytes", static_cast<int>(resident));
  RecordProperty("longest_ms", static_cast<int>(absl::ToInt64Milliseconds(longest)));
  RecordProperty("longest_fetch_ms", static_cast<int>(absl::ToInt64Milliseconds(longest_fetch)));
  EXPECT_LE(threads, threads_at_rest + 3);
  EXPECT_LE(threads, 20);
  EXPECT_LE(longest_fetch, kLimit + kLateness);
  EXPECT_LE(longest, kLimit + 4 * kLateness);
}

}  // namespace
}  // namespace understudy::testing
