#include "tests/notifier/mail/parsed_mail.h"

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/program.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

ParsedMail ToMail(const nlohmann::json& json) {
  ParsedMail mail{.headers = json["headers"].get<Pairs>(),
                  .type = json["type"].get<std::string>(),
                  .from = json["from"].get<Pairs>(),
                  .to = json["to"].get<Pairs>(),
                  .date = json["date"].get<std::string>(),
                  .defects = json["defects"].get<std::vector<std::string>>()};
  for (const nlohmann::json& part : json["parts"]) {
    mail.parts.push_back({.type = part["type"].get<std::string>(),
                          .charset = part["charset"].get<std::string>(),
                          .encoding = part["encoding"].get<std::string>(),
                          .text = part["text"].get<std::string>()});
  }
  return mail;
}

}  // namespace

std::string ParsedMail::header(absl::string_view name) const {
  for (const auto& [header_name, value] : headers) {
    if (absl::EqualsIgnoreCase(header_name, name)) return value;
  }
  return "";
}

std::vector<std::string> ParsedMail::header_names() const {
  std::vector<std::string> names;
  for (const auto& header : headers) names.push_back(header.first);
  return names;
}

std::vector<ParsedMail> ParseMails(const std::vector<std::string>& mails) {
  const TempDir folder;
  std::vector<std::string> words = {"/usr/bin/python3", "tests/notifier/mail/parse_mail.py"};
  for (size_t i = 0; i < mails.size(); ++i) {
    words.push_back(folder.Write(absl::StrCat(i, ".eml"), mails[i]));
  }
  const ProgramEnd end = RunProgram(words);
  Require(end.status == 0, absl::StrCat("Python reads the mails: ", end.err));
  std::vector<ParsedMail> parsed;
  for (const nlohmann::json& mail : nlohmann::json::parse(end.out)) {
    parsed.push_back(ToMail(mail));
  }
  return parsed;
}

ParsedMail ParseMail(const std::string& mail) {
  return ParseMails({mail})[0];
}

}  // namespace understudy::testing
