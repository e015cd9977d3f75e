// A client of the numbers API: one connection, JSON answers.
#ifndef TESTS_E2E_API_CLIENT_H_
#define TESTS_E2E_API_CLIENT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "tests/testing/http_client.h"

namespace understudy::testing {

struct ApiAnswer {
  int status = 0;  // 0: there was none
  Fields headers = {};
  std::string body = {};
  nlohmann::json json = {};  // discarded where the body is none

  std::string header(absl::string_view name) const { return Find(headers, name); }
  // Of an error; 0 if it is none, or is not as Twilio's SDKs read it.
  int code() const;
};

// "Authorization: Basic ...", with its line end.
std::string BasicHeader(absl::string_view user, absl::string_view password);

class ApiClient {
 public:
  // Shows `authorization`, a header line or nothing, with each request.
  ApiClient(int port, std::string authorization, const HttpClientOptions& options = {})
      : client_(port, options), authorization_(std::move(authorization)) {}

  // Paths are below /2010-04-01/Accounts/{kAccountSid}, unless they begin with "/2010".
  ApiAnswer Get(absl::string_view path) { return Send("GET", path, "", ""); }
  ApiAnswer Delete(absl::string_view path) { return Send("DELETE", path, "", ""); }
  ApiAnswer Post(absl::string_view path, const twilio::Form& form);
  // A body as it is.
  ApiAnswer PostBytes(absl::string_view path, absl::string_view body,
                      absl::string_view type = "application/x-www-form-urlencoded");
  ApiAnswer Send(absl::string_view method, absl::string_view path, absl::string_view headers,
                 absl::string_view body);

 private:
  HttpClient client_;
  std::string authorization_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_API_CLIENT_H_
