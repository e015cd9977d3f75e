#include "common/serving/config_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/twilio/identifiers.h"

namespace understudy::serving {

void CheckFirst(YamlMapping& mapping, absl::string_view key, const std::string& value,
                FirstLines& lines) {
  const auto [first, is_new] = lines.emplace(value, mapping.LineOf(key));
  if (!is_new) mapping.AddMistake(key, absl::StrCat("already given in line ", first->second));
}

absl::Status CheckAccountSid(absl::string_view sid) {
  if (twilio::IsAccountSid(sid)) return absl::OkStatus();
  return absl::InvalidArgumentError("must be AC and 32 lower-case hexadecimal digits");
}

void ReadAccounts(YamlMapping& root, FirstLines& lines, std::vector<twilio::Account>& accounts) {
  root.Mappings("accounts", [&](YamlMapping& mapping) {
    twilio::Account account;
    mapping.Require({"sid"});
    mapping.Text("sid", account.sid, CheckAccountSid);
    mapping.SecretFile("auth_token_file", account.auth_token);
    if (account.sid.empty()) return;
    CheckFirst(mapping, "sid", account.sid, lines);
    accounts.push_back(std::move(account));
  });
}

void ReadLog(YamlMapping& root, LogLevel& level) {
  root.Mapping("log", [&](YamlMapping& log) {
    std::vector<std::pair<absl::string_view, LogLevel>> levels;
    for (const LogLevel choice :
         {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
      levels.emplace_back(LogLevelName(choice), choice);
    }
    log.Choice("level", levels, level);
  });
}

}  // namespace understudy::serving
