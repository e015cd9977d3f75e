// Clients that have none of our proto files: they find the service by reflection, call it by what
// they found, and probe its health.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <reflection.grpc.pb.h>

#include <csignal>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/health_service.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using grpc::health::v1::HealthCheckResponse;
namespace reflection = grpc::reflection::v1alpha;

// Much less than a stop may take where somebody holds it up.
constexpr absl::Duration kSoon = absl::Seconds(10);
constexpr char kService[] = "understudy.router.v1.RouterService";

class Discovery : public ::testing::Test {
 protected:
  Discovery() {
    origin_.OnAny(Reply{.body = "<Response><Say>found</Say></Response>"});
    const std::string path = absl::StrCat(dir_.path(), "/router.yaml");
    std::ofstream(path) << "grpc: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\n"
                        << "egress: {allow: [127.0.0.0/8]}\n";
    router_ = std::make_unique<RouterProcess>(path);
    EXPECT_TRUE(router_->Ready());
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", router_->grpc_port()),
                                   grpc::InsecureChannelCredentials());
  }

  reflection::ServerReflectionResponse Ask(const reflection::ServerReflectionRequest& request) {
    auto stub = reflection::ServerReflection::NewStub(channel_);
    grpc::ClientContext context;
    auto stream = stub->ServerReflectionInfo(&context);
    reflection::ServerReflectionResponse response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  }

  TempDir dir_;
  Origin origin_;
  std::unique_ptr<RouterProcess> router_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(Discovery, TheServiceIsListed) {
  reflection::ServerReflectionRequest request;
  request.set_list_services("*");
  const reflection::ServerReflectionResponse response = Ask(request);
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, ::testing::Contains(kService));
}

TEST_F(Discovery, TheServiceIsCalledByWhatReflectionTells) {
  reflection::ServerReflectionRequest request;
  request.set_file_containing_symbol(kService);
  const reflection::ServerReflectionResponse files = Ask(request);
  google::protobuf::SimpleDescriptorDatabase database;
  for (const std::string& bytes : files.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(bytes));
    database.Add(file);
  }
  const google::protobuf::DescriptorPool pool(&database);
  const google::protobuf::MethodDescriptor* method =
      pool.FindMethodByName(absl::StrCat(kService, ".ResolveTwiML"));
  ASSERT_NE(method, nullptr);

  google::protobuf::DynamicMessageFactory factory;
  std::unique_ptr<google::protobuf::Message> call(
      factory.GetPrototype(method->input_type())->New());
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  absl::StrCat(R"({"accountSid": "AC00000000000000000000000000000001",
                                   "kind": "KIND_VOICE", "handler": {"url": ")",
                               origin_.url("/v"), R"("}})"),
                  call.get())
                  .ok());
  const grpc::Slice slice(call->SerializeAsString());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  auto reader = stub.PrepareUnaryCall(&context, absl::StrCat("/", kService, "/ResolveTwiML"),
                                      grpc::ByteBuffer(&slice, 1), &queue);
  reader->StartCall();
  grpc::ByteBuffer bytes;
  grpc::Status status;
  reader->Finish(&bytes, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  ASSERT_TRUE(status.ok()) << status.error_message();

  grpc::Slice whole;
  ASSERT_TRUE(bytes.DumpToSingleSlice(&whole).ok());
  std::unique_ptr<google::protobuf::Message> answer(
      factory.GetPrototype(method->output_type())->New());
  ASSERT_TRUE(answer->ParseFromArray(whole.begin(), static_cast<int>(whole.size())));
  std::string json;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(*answer, &json).ok());
  EXPECT_THAT(json, ::testing::HasSubstr("SOURCE_PRIMARY"));
  EXPECT_THAT(json, ::testing::HasSubstr("found"));
}

TEST_F(Discovery, AHealthProbeHearsServing) {
  auto stub = grpc::health::v1::Health::NewStub(channel_);
  for (const std::string& service : {std::string(), std::string(kService)}) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::ClientContext context;
    HealthCheckResponse response;
    const grpc::Status status = stub->Check(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
}

TEST_F(Discovery, AHealthProbeHearsOfAServiceThatIsNotHere) {
  auto stub = grpc::health::v1::Health::NewStub(channel_);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("no.such.Service");
  grpc::ClientContext context;
  HealthCheckResponse response;
  EXPECT_EQ(stub->Check(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);

  grpc::ClientContext watching;
  auto watch = stub->Watch(&watching, request);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  watching.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(Discovery, WhoWatchesHearsOfTheEndAndDoesNotHoldItUp) {
  auto stub = grpc::health::v1::Health::NewStub(channel_);
  grpc::health::v1::HealthCheckRequest request;
  grpc::ClientContext context;
  auto watch = stub->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  const absl::Time told_at = absl::Now();
  router_->Signal(SIGTERM);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(router_->WaitForExit(), 0);
  EXPECT_LT(absl::Now() - told_at, kSoon);
}

// One more than may watch is refused, and there is room again when one has gone.
TEST_F(Discovery, HealthWatchesHaveALimit) {
  auto stub = grpc::health::v1::Health::NewStub(channel_);
  struct Watching {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader;
  };
  const grpc::health::v1::HealthCheckRequest request;
  HealthCheckResponse response;
  std::vector<std::unique_ptr<Watching>> watches;
  for (size_t i = 0; i < serving::kMaxHealthWatches; ++i) {
    watches.push_back(std::make_unique<Watching>());
    watches.back()->reader = stub->Watch(&watches.back()->context, request);
    ASSERT_TRUE(watches.back()->reader->Read(&response)) << i;
  }
  const auto is_refused = [&] {
    grpc::ClientContext context;
    auto reader = stub->Watch(&context, request);
    if (reader->Read(&response)) {
      context.TryCancel();
      reader->Finish();
      return false;
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    return true;
  };
  EXPECT_TRUE(is_refused());
  watches.back()->context.TryCancel();
  watches.back()->reader->Finish();
  watches.pop_back();
  EXPECT_TRUE(WaitFor([&] { return !is_refused(); }, absl::Seconds(20)));
  for (const auto& watch : watches) watch->context.TryCancel();
}

}  // namespace
}  // namespace understudy::testing
