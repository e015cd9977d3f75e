#include "tests/e2e/door_world.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/admin_page.h"
#include "tests/testing/require.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kBound = absl::Seconds(60);

std::string TextOfConfig(const NotifierYaml& yaml) {
  return absl::StrCat(
      "grpc: {listen: \"127.0.0.1:0\"}\n"
      "http: {listen: \"127.0.0.1:0\"",
      yaml.http,
      "}\n"
      "admin: {listen: \"127.0.0.1:0\"}\n"
      "store: {sqlite: notifier.db}\n",
      yaml.accounts, yaml.fallback, yaml.page, "mail: {from: Understudy <understudy@example.com>, ",
      yaml.mail, "}\n", "alerts: {", yaml.alerts, "}\n");
}

}  // namespace

std::string SigningAccount() {
  return absl::StrCat("accounts: [{sid: ", kNotifierAccount, ", auth_token_file: token}]\n");
}

DoorWorld::DoorWorld(NotifierYaml yaml)
    : config_path_(absl::StrCat(dir_.path(), "/notifier.yaml")) {
  dir_.Write("token", absl::StrCat(kNotifierToken, "\n"));
  Rewrite(yaml);
  Start();
}

void DoorWorld::Rewrite(const NotifierYaml& yaml) {
  fs::rename(dir_.Write("notifier.yaml.new", TextOfConfig(yaml)), config_path_);
}

int DoorWorld::Stop() {
  process_->Signal(SIGTERM);
  return process_->WaitForExit();
}

void DoorWorld::Start() {
  process_ = nullptr;
  process_ = std::make_unique<NotifierProcess>(config_path_);
  if (!process_->Ready()) {
    for (const std::string& line : process_->log()) std::fprintf(stderr, "%s\n", line.c_str());
    Require(false, "the notifier starts");
  }
  stub_ = notifier::v1::NotifierService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", process_->grpc_port()), grpc::InsecureChannelCredentials()));
}

Response DoorWorld::Ask(absl::string_view bytes) {
  HttpClient client(process_->http_port());
  const std::optional<Response> response = client.Ask(bytes);
  Require(response.has_value(), "an answer from the notifier");
  return *response;
}

Response DoorWorld::Get(absl::string_view target, absl::string_view headers) {
  return Ask(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: alerts.test\r\n", headers, "\r\n"));
}

Response DoorWorld::Post(absl::string_view target, absl::string_view type, absl::string_view body,
                         absl::string_view headers) {
  return Ask(absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: alerts.test\r\nContent-Type: ", type,
                          "\r\nContent-Length: ", body.size(), "\r\n", headers, "\r\n", body));
}

Response DoorWorld::PostForm(absl::string_view target, const twilio::Form& form,
                             absl::string_view headers) {
  return Post(target, "application/x-www-form-urlencoded; charset=UTF-8", twilio::EncodeForm(form),
              headers);
}

Response DoorWorld::PostJson(absl::string_view body, absl::string_view headers) {
  return Post("/v1/events", "application/json", body, headers);
}

std::vector<std::string> DoorWorld::mails() const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(absl::StrCat(dir_.path(), "/mail"), error)) {
    if (entry.path().extension() == ".eml") files.emplace_back(entry.last_write_time(), entry);
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> mails;
  for (const auto& [time, path] : files) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    mails.push_back(bytes.str());
  }
  return mails;
}

bool DoorWorld::WaitForMails(size_t count) const {
  return WaitFor([&] { return mails().size() >= count; }, kBound);
}

std::string DoorWorld::Metrics() const {
  return ReadAdminPage(process_->admin_port(), "/metrics");
}

double DoorWorld::Metric(const std::string& series) const {
  return ReadMetric(process_->admin_port(), series);
}

bool DoorWorld::WaitForMetric(const std::string& series, double value) const {
  return WaitFor([&] { return Metric(series) == value; }, kBound);
}

std::vector<std::string> DoorWorld::LogLines(absl::string_view message, int count) {
  const std::string text = absl::StrCat("\"message\":\"", message, "\"");
  static_cast<void>(process_->WaitForLog(text, count));
  std::vector<std::string> lines;
  for (std::string& line : process_->log()) {
    if (absl::StrContains(line, text)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace understudy::testing
