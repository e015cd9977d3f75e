// A request to the numbers API: four lines are its path, its query, its credentials and its body.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/serving/basic_auth.h"
#include "common/twilio/rest.h"
#include "services/router/routes/number_resource.h"
#include "services/router/routes/resource_json.h"
#include "services/router/routes/rest_target.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::router::IncomingPhoneNumber;
using understudy::router::RestTarget;
using understudy::serving::BasicCredentials;
using understudy::testing::Require;
using understudy::twilio::Form;
using understudy::twilio::PageAsked;

namespace {

void CheckTarget(const std::string& path) {
  const std::optional<RestTarget> target = understudy::router::ReadRestTarget(path);
  if (!target.has_value()) return;
  for (const char c : target->account_sid + target->sid) {
    Require(absl::ascii_isalnum(static_cast<unsigned char>(c)), "a name has no odd character");
  }
  if (target->kind == RestTarget::Kind::kNumber) {
    Require(understudy::router::NumberPath(target->account_sid, target->sid) == path,
            "a number has one path");
  }
  if (target->kind == RestTarget::Kind::kApplication) {
    Require(understudy::router::ApplicationPath(target->account_sid, target->sid) == path,
            "an application has one path");
  }
}

void CheckQuery(const std::string& query) {
  const auto read = understudy::twilio::ReadStrictForm(query);
  if (!std::holds_alternative<Form>(read)) return;
  const Form& form = std::get<Form>(read);
  const auto page_read = understudy::twilio::ReadPage(form);
  if (!std::holds_alternative<PageAsked>(page_read)) return;
  const PageAsked& page = std::get<PageAsked>(page_read);
  Require(page.page_size >= 1 && page.page_size <= understudy::twilio::kMaxPageSize,
          "a page has a size");
  const std::string link = understudy::twilio::PageTarget("/", form, page);
  const auto again = understudy::twilio::ReadStrictForm(link.substr(2));
  Require(std::holds_alternative<Form>(again), "our own links are well-formed");
  Require(std::get<PageAsked>(understudy::twilio::ReadPage(std::get<Form>(again))) == page,
          "a link leads to its page");
}

void CheckCredentials(const std::string& authorization) {
  const std::optional<BasicCredentials> credentials = understudy::serving::ReadBasic(authorization);
  if (!credentials.has_value()) return;
  const std::string again = absl::StrCat(
      "Basic ",
      absl::Base64Escape(absl::StrCat(credentials->user, ":", credentials->password.Reveal())));
  const std::optional<BasicCredentials> same = understudy::serving::ReadBasic(again);
  Require(same.has_value() && same->user == credentials->user &&
              same->password == credentials->password,
          "credentials are what they are");
}

void CheckBody(const std::string& body) {
  const auto read = understudy::twilio::ReadStrictForm(body);
  if (!std::holds_alternative<Form>(read)) return;
  IncomingPhoneNumber number;
  const bool is_good =
      understudy::router::MakeNumber("AC1", "", std::get<Form>(read), {}, number).empty();
  if (!is_good) return;
  const auto json = nlohmann::json::parse(understudy::router::NumberJson(number), nullptr,
                                          /*allow_exceptions=*/false);
  Require(json.is_object(), "a number is JSON");
  Require(json["friendly_name"] == number.friendly_name, "a name is kept byte for byte");
  Require(json["voice_url"] == number.voice.url, "a URL is kept byte for byte");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines = absl::StrSplit(text, absl::MaxSplits('\n', 3));
  lines.resize(4);
  CheckTarget(lines[0]);
  CheckQuery(lines[1]);
  CheckCredentials(lines[2]);
  CheckBody(lines[3]);
  return 0;
}
