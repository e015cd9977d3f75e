#include "common/serving/config_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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

namespace {

void ReadTls(YamlMapping& mapping, absl::string_view ca_key, std::optional<TlsFiles>& out) {
  TlsFiles files;
  mapping.ReadableFile("certificate_file", files.certificate);
  mapping.ReadableFile("key_file", files.key);
  if (!ca_key.empty()) mapping.ReadableFile(ca_key, files.ca);
  out = files;
  TlsMaterial material;
  // What cannot be opened has been told.
  if (!files.certificate.empty() && !files.key.empty()) {
    if (const auto mistake =
            LoadTls({.certificate = files.certificate, .key = files.key}, material)) {
      mapping.AddMistake(mistake->file == TlsFile::kKey ? "key_file" : "certificate_file",
                         mistake->what);
    }
  }
  if (const auto mistake = LoadTls({.ca = files.ca}, material)) {
    mapping.AddMistake(ca_key, mistake->what);
  }
}

}  // namespace

void ReadServerTls(YamlMapping& door, bool takes_clients, std::optional<TlsFiles>& out) {
  door.Mapping("tls", [&](YamlMapping& tls) {
    tls.Require({"certificate_file", "key_file"});
    ReadTls(tls, takes_clients ? "client_ca_file" : "", out);
  });
}

void ReadClientTls(YamlMapping& client, std::optional<TlsFiles>& out) {
  client.Mapping("tls", [&](YamlMapping& tls) {
    tls.Require({"ca_file"});
    if (tls.Has("certificate_file") || tls.Has("key_file")) {
      tls.Require({"certificate_file", "key_file"});
    }
    ReadTls(tls, "ca_file", out);
  });
}

void WarnOfPlaintext(absl::string_view path, absl::string_view key, const ListenAddress& listen,
                     const std::optional<TlsFiles>& tls, std::vector<std::string>& warnings) {
  if (tls.has_value() || IsLoopback(listen)) return;
  warnings.push_back(absl::StrCat(path, ": ", key, ": ", ListenAddressText(listen),
                                  " takes plaintext from other machines; ",
                                  absl::StripSuffix(key, ".listen"), ".tls would encrypt it"));
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
