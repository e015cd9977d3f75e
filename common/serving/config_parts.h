// What the configurations of our services have in common, read once.
#ifndef COMMON_SERVING_CONFIG_PARTS_H_
#define COMMON_SERVING_CONFIG_PARTS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/serving/log.h"
#include "common/serving/strict_yaml.h"
#include "common/twilio/account.h"

namespace understudy::serving {

// Where a value that may be there only once was first given.
using FirstLines = absl::flat_hash_map<std::string, int>;

// Says so if the value of `key` was given before.
void CheckFirst(YamlMapping& mapping, absl::string_view key, const std::string& value,
                FirstLines& lines);

absl::Status CheckAccountSid(absl::string_view sid);

// `accounts`: a list of sid and auth_token_file. `lines` then has the sids there are.
void ReadAccounts(YamlMapping& root, FirstLines& lines, std::vector<twilio::Account>& accounts);

// `log`: its level.
void ReadLog(YamlMapping& root, LogLevel& level);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_CONFIG_PARTS_H_
