#include "services/router/config.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/serving/strict_yaml.h"
#include "common/twilio/identifiers.h"
#include "services/router/fetch/address.h"
#include "services/router/resolve/request.h"

namespace understudy::router {
namespace {

using serving::ListenAddress;
using serving::LogLevel;
using serving::YamlMapping;

// Where a sid or a number was first given.
using Lines = absl::flat_hash_map<std::string, int>;

absl::Status CheckAccountSid(absl::string_view sid) {
  if (twilio::IsAccountSid(sid)) return absl::OkStatus();
  return absl::InvalidArgumentError("must be AC and 32 lower-case hexadecimal digits");
}

absl::Status CheckPhoneNumber(absl::string_view number) {
  if (twilio::IsPhoneNumber(number)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "must be in E.164 form, + and 2 to 15 digits, such as +14155550199");
}

// A literal, but not inet_aton's looser spellings of one.
bool IsAddress(absl::string_view text) {
  const std::optional<IpAddress> address = ParseAddress(text);
  return address.has_value() && (address->v6 || address->ToString() == text);
}

absl::Status CheckDnsServer(absl::string_view text) {
  const absl::StatusOr<ListenAddress> with_port = serving::ParseListenAddress(text);
  if (IsAddress(text) || (with_port.ok() && with_port->port != 0 && IsAddress(with_port->host))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "must be an address or address:port, such as 192.0.2.53 or [2001:db8::53]:5353");
}

absl::Status CheckVoiceText(absl::string_view text) {
  if (text.size() <= kMaxVoiceTextBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must not be longer than ", kMaxVoiceTextBytes, " bytes"));
}

// Says so if the value of `key` was given before.
void CheckFirst(YamlMapping& mapping, absl::string_view key, const std::string& value,
                Lines& lines) {
  const auto [first, is_new] = lines.emplace(value, mapping.LineOf(key));
  if (!is_new) mapping.AddMistake(key, absl::StrCat("already given in line ", first->second));
}

void ReadEndpoint(YamlMapping& handler, absl::string_view url_key, absl::string_view method_key,
                  Endpoint& endpoint) {
  handler.Text(url_key, endpoint.url, CheckEndpointUrl);
  handler.Choice<Method>(method_key, {{"GET", Method::kGet}, {"POST", Method::kPost}},
                         endpoint.method);
}

void ReadHandler(YamlMapping& number, absl::string_view key, std::optional<Handler>& out) {
  number.Mapping(key, [&](YamlMapping& mapping) {
    Handler handler;
    Endpoint fallback;
    ReadEndpoint(mapping, "url", "method", handler.primary);
    ReadEndpoint(mapping, "fallback_url", "fallback_method", fallback);
    if (mapping.Has("fallback_url")) {
      if (!mapping.Has("url"))
        mapping.AddMistake("fallback_url", "a fallback needs a primary: url is missing");
      handler.fallback = std::move(fallback);
    } else {
      mapping.Require({"url"});
      if (mapping.Has("fallback_method")) {
        mapping.AddMistake("fallback_method", "there is no fallback_url");
      }
    }
    out = std::move(handler);
  });
}

void ReadAccounts(YamlMapping& root, Lines& lines, std::vector<Account>& accounts) {
  root.Mappings("accounts", [&](YamlMapping& mapping) {
    Account account;
    mapping.Require({"sid"});
    mapping.Text("sid", account.sid, CheckAccountSid);
    mapping.SecretFile("auth_token_file", account.auth_token);
    if (account.sid.empty()) return;
    CheckFirst(mapping, "sid", account.sid, lines);
    accounts.push_back(std::move(account));
  });
}

void ReadNumbers(YamlMapping& root, const Lines& accounts, std::vector<Number>& numbers) {
  Lines lines;
  root.Mappings("numbers", [&](YamlMapping& mapping) {
    Number number;
    mapping.Require({"phone_number", "account_sid"});
    mapping.Text("phone_number", number.phone_number, CheckPhoneNumber);
    mapping.Text("account_sid", number.account_sid, [&](absl::string_view sid) {
      if (accounts.contains(sid)) return absl::OkStatus();
      absl::Status status = CheckAccountSid(sid);
      return status.ok() ? absl::InvalidArgumentError("not one of accounts") : status;
    });
    ReadHandler(mapping, "voice", number.voice);
    ReadHandler(mapping, "messaging", number.messaging);
    if (!mapping.Has("voice") && !mapping.Has("messaging")) {
      mapping.AddMistake("", "needs voice, messaging or both");
    }
    if (number.phone_number.empty()) return;
    CheckFirst(mapping, "phone_number", number.phone_number, lines);
    numbers.push_back(std::move(number));
  });
}

void ReadFetch(YamlMapping& fetch, RouterConfig& config) {
  constexpr absl::Duration kShortest = absl::Milliseconds(100);
  Limits& limits = config.limits;
  fetch.Duration("connect_timeout", kShortest, absl::Seconds(10), limits.connect_timeout);
  fetch.Duration("read_timeout", kShortest, absl::Seconds(15), limits.read_timeout);
  fetch.Duration("total_timeout", kShortest, absl::Seconds(15), limits.total_timeout);
  fetch.Integer("max_redirects", 0, 10, limits.max_redirects);
  fetch.Integer<size_t>("max_body_bytes", 1, 65536, config.max_body_bytes);
  fetch.Integer("max_in_flight", 1, 100000, config.max_in_flight);
  fetch.ReadableFile("ca_file", config.ca_file);
  fetch.Texts("dns_servers", [&](absl::string_view server) {
    config.dns_servers.emplace_back(server);
    return CheckDnsServer(server);
  });
}

void ReadRanges(YamlMapping& egress, absl::string_view key, std::vector<Cidr>& ranges) {
  egress.Texts(key, [&](absl::string_view text) {
    const absl::StatusOr<Cidr> range = ParseCidr(text);
    if (range.ok()) ranges.push_back(*range);
    return range.status();
  });
}

void ReadRoot(YamlMapping& root, RouterConfig& config) {
  root.Mapping("grpc", [&](YamlMapping& grpc) {
    grpc.Listen("listen", config.grpc_listen);
    grpc.Duration("max_connection_age", absl::Seconds(1), absl::Hours(24),
                  config.max_connection_age);
  });
  root.Mapping("admin", [&](YamlMapping& admin) { admin.Listen("listen", config.admin_listen); });
  Lines accounts;
  ReadAccounts(root, accounts, config.accounts);
  ReadNumbers(root, accounts, config.numbers);
  root.Mapping("fetch", [&](YamlMapping& fetch) { ReadFetch(fetch, config); });
  root.Mapping("egress", [&](YamlMapping& egress) {
    ReadRanges(egress, "allow", config.egress.allow);
    ReadRanges(egress, "deny", config.egress.deny);
  });
  root.Mapping("default_document", [&](YamlMapping& document) {
    document.Text("voice_text", config.default_voice_text, CheckVoiceText);
  });
  root.Choice<RetrievalCodes>(
      "retrieval_codes",
      {{"classic", RetrievalCodes::kClassic}, {"specific", RetrievalCodes::kSpecific}},
      config.retrieval_codes);
  root.Mapping("log", [&](YamlMapping& log) {
    std::vector<std::pair<absl::string_view, LogLevel>> levels;
    for (const LogLevel level :
         {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
      levels.emplace_back(serving::LogLevelName(level), level);
    }
    log.Choice("level", levels, config.log_level);
  });
}

}  // namespace

absl::StatusOr<RouterConfig> LoadRouterConfig(const std::string& path) {
  RouterConfig config;
  absl::Status status =
      serving::ReadYamlFile(path, [&](YamlMapping& root) { ReadRoot(root, config); });
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<RouterConfig> ReadRouterConfig(absl::string_view text, const std::string& path) {
  RouterConfig config;
  absl::Status status =
      serving::ReadYaml(text, path, [&](YamlMapping& root) { ReadRoot(root, config); });
  if (!status.ok()) return status;
  return config;
}

}  // namespace understudy::router
