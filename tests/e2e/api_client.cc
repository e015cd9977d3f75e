#include "tests/e2e/api_client.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/error_codes.h"
#include "tests/e2e/router_world.h"

namespace understudy::testing {

int ApiAnswer::code() const {
  if (!json.is_object() || json.size() != 4 || !json.contains("code") ||
      !json["code"].is_number_integer() || !json["message"].is_string() ||
      json["message"].get<std::string>().empty() || json["status"] != status ||
      json["more_info"] != twilio::ErrorCodePage(json["code"]) ||
      header("Content-Type") != "application/json") {
    return 0;
  }
  return json["code"];
}

std::string BasicHeader(absl::string_view user, absl::string_view password) {
  return absl::StrCat("Authorization: Basic ",
                      absl::Base64Escape(absl::StrCat(user, ":", password)), "\r\n");
}

ApiAnswer ApiClient::Post(absl::string_view path, const twilio::Form& form) {
  return PostBytes(path, twilio::EncodeForm(form));
}

ApiAnswer ApiClient::PostBytes(absl::string_view path, absl::string_view body,
                               absl::string_view type) {
  return Send("POST", path, absl::StrCat("Content-Type: ", type, "\r\n"), body);
}

ApiAnswer ApiClient::Send(absl::string_view method, absl::string_view path,
                          absl::string_view headers, absl::string_view body) {
  const std::string target = absl::StartsWith(path, "/2010")
                                 ? std::string(path)
                                 : absl::StrCat("/2010-04-01/Accounts/", kAccountSid, path);
  const std::string length =
      method == "GET" ? "" : absl::StrCat("Content-Length: ", body.size(), "\r\n");
  ApiAnswer answer;
  if (!client_.Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n",
                                 authorization_, headers, length, "\r\n", body))) {
    return answer;
  }
  std::optional<Response> response = client_.Read(method == "HEAD");
  if (!response.has_value()) return answer;
  answer.status = response->status;
  answer.headers = std::move(response->headers);
  answer.body = std::move(response->body);
  answer.json = nlohmann::json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  return answer;
}

}  // namespace understudy::testing
