#include "tests/e2e/notifier_world.h"

#include <signal.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

std::optional<Response> Post(int port, absl::string_view path, absl::string_view type,
                             absl::string_view body) {
  HttpClient client(port);
  return client.Ask(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: ",
                                 type, "\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
}

}  // namespace

NotifierWorld::NotifierWorld(const std::string& folder)
    : store_(absl::StrCat(folder.empty() ? dir_.path() : folder, "/notifier.db")) {
  WriteConfig();
}

void NotifierWorld::AddToConfig(absl::string_view text) {
  absl::StrAppend(&more_, text);
  WriteConfig();
}

void NotifierWorld::WriteConfig() {
  config_ = dir_.Write(
      "notifier.yaml",
      absl::StrCat("grpc: {listen: \"", address_, ":", grpc_port_, "\"}\n",
                   "http: {listen: \"127.0.0.1:0\"}\n", "admin: {listen: \"127.0.0.1:0\"}\n",
                   "store: {sqlite: ", store_, "}\n", "mail:\n  from: u@example.com\n",
                   "  smtp: {url: \"", smtp_.url(), "\", starttls: \"off\"}\n",
                   "alerts:\n  group_wait: 1s\n  group_interval: 1s\n  recovered_after: 1d\n",
                   "  heartbeat: 0s\n  mail_limit: {mails: 10000, per: 1s}\n",
                   "  routes: [{to: [ops@example.com]}]\n", more_));
}

void NotifierWorld::Start() {
  process_ = std::make_unique<NotifierProcess>(config_);
  Require(process_->Ready(), "a notifier that serves");
  if (grpc_port_ == 0) {
    grpc_port_ = process_->grpc_port();
    WriteConfig();
  }
  caller_ = std::make_unique<NotifierCaller>(grpc_address());
}

int NotifierWorld::Stop() {
  caller_ = nullptr;  // its connection would be waited for: nobody reads that it should end
  process_->Signal(SIGTERM);
  return process_->WaitForExit();
}

std::string NotifierWorld::grpc_address() const {
  return absl::StrCat(address_, ":", grpc_port_);
}

grpc::Status NotifierWorld::Report(const std::string& id) {
  return caller_->Report({ReportedEvent(id, kWorldAccount)});
}

bool NotifierWorld::HasEvent(const std::string& id) {
  for (const auto& event : caller_->Events(kWorldAccount).events) {
    if (event.event_id() == id) return true;
  }
  return false;
}

std::optional<Response> NotifierWorld::Fallback(const std::string& call_sid) {
  return Post(process_->http_port(), "/fallback/voice", "application/x-www-form-urlencoded",
              absl::StrCat("AccountSid=", kWorldAccount, "&CallSid=", call_sid,
                           "&From=%2B14155550100&To=%2B14155550199&ErrorCode=11200&ErrorUrl="
                           "https%3A%2F%2Fwww.example.com%2Fvoice"));
}

bool NotifierWorld::HasCall(const std::string& call_sid) {
  for (const auto& event : caller_->Events(kWorldAccount).events) {
    if (event.resource_sid() == call_sid) return true;
  }
  return false;
}

int NotifierWorld::PostEvent(const std::string& id) {
  const std::optional<Response> answer = Post(
      process_->http_port(), "/v1/events", "application/json",
      absl::StrCat("{\"events\": [{\"event_id\": \"", id, "\", \"account_sid\": \"", kWorldAccount,
                   "\", \"kind\": \"KIND_VOICE\", \"error_code\": 11200, \"error_url\": "
                   "\"https://www.example.com/voice\"}]}"));
  return answer.has_value() ? answer->status : 0;
}

std::optional<Response> NotifierWorld::Admin(const std::string& path) {
  HttpClient client(process_->admin_port());
  return client.Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

bool NotifierWorld::IsReady() {
  const std::optional<Response> answer = Admin("/readyz");
  return answer.has_value() && answer->status == 200;
}

double NotifierWorld::Metric(const std::string& name) {
  const std::optional<Response> page = Admin("/metrics");
  if (!page.has_value()) return -1;
  for (absl::string_view line : absl::StrSplit(page->body, '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, " ") &&
        absl::SimpleAtod(line, &value)) {
      return value;
    }
  }
  return -1;
}

}  // namespace understudy::testing
