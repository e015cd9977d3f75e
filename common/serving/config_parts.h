// What the configurations of our services have in common, read once.
#ifndef COMMON_SERVING_CONFIG_PARTS_H_
#define COMMON_SERVING_CONFIG_PARTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/serving/listen_address.h"
#include "common/serving/log.h"
#include "common/serving/strict_yaml.h"
#include "common/serving/tls_material.h"
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

// `tls` of a door: certificate_file and key_file, and, where `takes_clients`, client_ca_file, whose
// certificates clients then must show. All that the files hold is checked.
void ReadServerTls(YamlMapping& door, bool takes_clients, std::optional<TlsFiles>& out);

// `tls` of a client: ca_file, and what to show to a server that asks: certificate_file and
// key_file.
void ReadClientTls(YamlMapping& client, std::optional<TlsFiles>& out);

// What to say of a door that takes plaintext from other machines; `key` is that of its address,
// "grpc.listen". Nothing if there is nothing to say.
void WarnOfPlaintext(absl::string_view path, absl::string_view key, const ListenAddress& listen,
                     const std::optional<TlsFiles>& tls, std::vector<std::string>& warnings);

// `log`: its level.
void ReadLog(YamlMapping& root, LogLevel& level);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_CONFIG_PARTS_H_
