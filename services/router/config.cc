#include "services/router/config.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/serving/config_parts.h"
#include "common/serving/strict_yaml.h"
#include "common/twilio/charset.h"
#include "common/twilio/identifiers.h"
#include "common/twilio/twiml.h"
#include "services/router/fetch/address.h"
#include "services/router/resolve/request.h"
#include "services/router/resolve/session_seal.h"

namespace understudy::router {
namespace {

using serving::CheckFirst;
using serving::FirstLines;
using serving::ListenAddress;
using serving::YamlMapping;

// A bin, and what it was made from.
struct BinSource {
  std::shared_ptr<const Bin> bin = {};
  std::string text = {};  // UTF-8
  std::string path = {};
};
using Bins = absl::flat_hash_map<std::string, BinSource>;

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

bool IsBinName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxBinNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

// "file:line:column: what", the place in a bin's document.
std::string PlaceIn(const std::string& path, const twilio::Finding& finding) {
  return absl::StrCat(path, ":", finding.line, ":", finding.column, ": ", finding.message);
}

void ReadBin(absl::string_view name, YamlMapping& mapping, RouterConfig& config, Bins& bins) {
  if (!IsBinName(name)) {
    mapping.AddMistake(
        "", absl::StrCat("a bin's name is 1 to ", kMaxBinNameBytes, " letters, digits, - and _"));
  }
  mapping.Require({"document_file"});
  std::string bytes;
  std::string path;
  if (!mapping.WholeFile("document_file", kMaxBinBytes, bytes, path)) return;
  const absl::StatusOr<std::string> text = twilio::ToUtf8(bytes, "");
  if (!text.ok()) {
    mapping.AddMistake("document_file", absl::StrCat(path, ": ", text.status().message()));
    return;
  }
  absl::StatusOr<twilio::BinTemplate> bin = twilio::BinTemplate::Parse(*text);
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    // What is fatal is so for both kinds; a warning is for those that use the bin.
    const twilio::TwimlReport report = twilio::CheckBin(*text, kind);
    if (!report.fatal.has_value()) continue;
    mapping.AddMistake("document_file", PlaceIn(path, *report.fatal));
    return;
  }
  if (!bin.ok()) {
    mapping.AddMistake("document_file", absl::StrCat(path, ": ", bin.status().message()));
    return;
  }
  config.bins.push_back(
      std::make_shared<const Bin>(Bin{.name = std::string(name), .text = *std::move(bin)}));
  bins.emplace(name, BinSource{.bin = config.bins.back(), .text = *text, .path = path});
}

void ReadBins(YamlMapping& root, RouterConfig& config, Bins& bins) {
  root.NamedMappings("bins", [&](absl::string_view name, YamlMapping& mapping) {
    if (bins.size() == kMaxBins) {
      mapping.AddMistake("", absl::StrCat("there may be ", kMaxBins, " bins"));
      return;
    }
    ReadBin(name, mapping, config, bins);
  });
}

void ReadEndpoint(YamlMapping& handler, absl::string_view url_key, absl::string_view method_key,
                  const Bins& bins, Endpoint& endpoint) {
  handler.Text(url_key, endpoint.url, [&](absl::string_view url) {
    const std::optional<absl::string_view> name = BinName(url);
    if (!name.has_value()) return CheckEndpointUrl(url);
    const auto bin = bins.find(*name);
    if (bin == bins.end()) {
      return absl::InvalidArgumentError(absl::StrCat("\"", *name, "\" is not one of bins"));
    }
    endpoint.bin = bin->second.bin;
    return absl::OkStatus();
  });
  handler.Choice<Method>(method_key, {{"GET", Method::kGet}, {"POST", Method::kPost}},
                         endpoint.method);
}

void ReadHandler(YamlMapping& number, absl::string_view key, const Bins& bins,
                 std::optional<Handler>& out) {
  number.Mapping(key, [&](YamlMapping& mapping) {
    Handler handler;
    Endpoint fallback;
    ReadEndpoint(mapping, "url", "method", bins, handler.primary);
    ReadEndpoint(mapping, "fallback_url", "fallback_method", bins, fallback);
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

void ReadNumbers(YamlMapping& root, const FirstLines& accounts, const Bins& bins,
                 std::vector<Number>& numbers) {
  FirstLines lines;
  root.Mappings("numbers", [&](YamlMapping& mapping) {
    Number number;
    mapping.Require({"phone_number", "account_sid"});
    mapping.Text("phone_number", number.phone_number, CheckPhoneNumber);
    mapping.Text("account_sid", number.account_sid, [&](absl::string_view sid) {
      if (accounts.contains(sid)) return absl::OkStatus();
      absl::Status status = serving::CheckAccountSid(sid);
      return status.ok() ? absl::InvalidArgumentError("not one of accounts") : status;
    });
    ReadHandler(mapping, "voice", bins, number.voice);
    ReadHandler(mapping, "messaging", bins, number.messaging);
    if (!mapping.Has("voice") && !mapping.Has("messaging")) {
      mapping.AddMistake("", "needs voice, messaging or both");
    }
    if (number.phone_number.empty()) return;
    CheckFirst(mapping, "phone_number", number.phone_number, lines);
    numbers.push_back(std::move(number));
  });
}

// The warnings about each bin, for the kinds of numbers that are answered from it.
void WarnOfBins(const Bins& bins, RouterConfig& config) {
  std::set<std::pair<std::string, Kind>> used;
  const auto use = [&](const std::optional<Handler>& handler, Kind kind) {
    if (!handler.has_value()) return;
    if (handler->primary.bin != nullptr) used.emplace(handler->primary.bin->name, kind);
    if (handler->fallback.has_value() && handler->fallback->bin != nullptr) {
      used.emplace(handler->fallback->bin->name, kind);
    }
  };
  for (const Number& number : config.numbers) {
    use(number.voice, Kind::kVoice);
    use(number.messaging, Kind::kMessaging);
  }
  for (const auto& [name, kind] : used) {
    const BinSource& source = bins.at(name);
    for (const twilio::Finding& warning : twilio::CheckBin(source.text, kind).warnings) {
      config.warnings.push_back(
          absl::StrCat(PlaceIn(source.path, warning), " [", warning.code, "]"));
    }
  }
}

absl::Status CheckSessionKey(const Secret& key) {
  if (key.empty() || key.Reveal().size() >= kMinSessionKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a session key has at least ", kMinSessionKeyBytes,
                                                 " bytes, such as those of ",
                                                 "`openssl rand -hex 32`"));
}

absl::Status CheckNotifierTarget(absl::string_view target) {
  absl::ConsumePrefix(&target, "dns:///");
  const absl::StatusOr<ListenAddress> address = serving::ParseListenAddress(target);
  if (address.ok() && address->port != 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "must be a name or an address and a port, such as dns:///understudy-notifier:50052");
}

// As WarnOfPlaintext, of what goes out.
void WarnOfPlainTarget(const std::string& path, const NotifierConfig& notifier,
                       std::vector<std::string>& warnings) {
  absl::string_view target = notifier.target;
  absl::ConsumePrefix(&target, "dns:///");
  const absl::StatusOr<ListenAddress> address = serving::ParseListenAddress(target);
  if (notifier.tls.has_value() || !address.ok() || serving::IsLoopback(*address)) return;
  warnings.push_back(absl::StrCat(path, ": notifier.target: events go to ", target,
                                  " as plaintext; notifier.tls would encrypt them"));
}

void ReadNotifier(YamlMapping& root, std::optional<NotifierConfig>& out) {
  root.Mapping("notifier", [&](YamlMapping& mapping) {
    NotifierConfig& notifier = out.emplace();
    mapping.Require({"target", "outbox_dir"});
    mapping.Text("target", notifier.target, CheckNotifierTarget);
    mapping.Path("outbox_dir", notifier.outbox_dir);
    mapping.Integer("outbox_max_bytes", kMinOutboxBytes, kMaxOutboxBytes,
                    notifier.outbox_max_bytes);
    serving::ReadClientTls(mapping, notifier.tls);
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

void ReadHttp(YamlMapping& root, std::optional<HttpConfig>& out) {
  root.Mapping("http", [&](YamlMapping& mapping) {
    HttpConfig& http = out.emplace();
    mapping.Listen("listen", http.listen);
    serving::ReadServerTls(mapping, /*takes_clients=*/false, http.tls);
  });
}

// What is odd about how numbers are managed; a database brings the port along.
void CheckNumbersApi(const std::string& path, RouterConfig& config) {
  if (!config.numbers_database.empty()) {
    if (!config.http.has_value()) config.http.emplace();
    if (std::all_of(config.accounts.begin(), config.accounts.end(),
                    [](const Account& account) { return account.auth_token.empty(); })) {
      config.warnings.push_back(absl::StrCat(
          path,
          ": numbers_database: no account has an auth token, so nobody can use the numbers "
          "API"));
    }
  }
  if (config.http.has_value()) {
    serving::WarnOfPlaintext(path, "http.listen", config.http->listen, config.http->tls,
                             config.warnings);
  }
}

void ReadRoot(YamlMapping& root, const std::string& path, RouterConfig& config) {
  root.Mapping("grpc", [&](YamlMapping& grpc) {
    grpc.Listen("listen", config.grpc_listen);
    grpc.Duration("max_connection_age", absl::Seconds(1), absl::Hours(24),
                  config.max_connection_age);
    serving::ReadServerTls(grpc, /*takes_clients=*/true, config.grpc_tls);
  });
  ReadHttp(root, config.http);
  root.Mapping("admin", [&](YamlMapping& admin) { admin.Listen("listen", config.admin_listen); });
  FirstLines accounts;
  serving::ReadAccounts(root, accounts, config.accounts);
  Bins bins;
  ReadBins(root, config, bins);
  ReadNumbers(root, accounts, bins, config.numbers);
  WarnOfBins(bins, config);
  root.Path("numbers_database", config.numbers_database);
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
  root.SecretFile("session_key_file", config.session_key);
  if (absl::Status status = CheckSessionKey(config.session_key); !status.ok()) {
    root.AddMistake("session_key_file", status.message());
  }
  ReadNotifier(root, config.notifier);
  serving::WarnOfPlaintext(path, "grpc.listen", config.grpc_listen, config.grpc_tls,
                           config.warnings);
  CheckNumbersApi(path, config);
  if (config.notifier.has_value()) WarnOfPlainTarget(path, *config.notifier, config.warnings);
  serving::ReadLog(root, config.log_level);
  config.files = root.files();
}

}  // namespace

absl::StatusOr<RouterConfig> LoadRouterConfig(const std::string& path) {
  RouterConfig config;
  absl::Status status =
      serving::ReadYamlFile(path, [&](YamlMapping& root) { ReadRoot(root, path, config); });
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<RouterConfig> ReadRouterConfig(absl::string_view text, const std::string& path) {
  RouterConfig config;
  absl::Status status =
      serving::ReadYaml(text, path, [&](YamlMapping& root) { ReadRoot(root, path, config); });
  if (!status.ok()) return status;
  return config;
}

}  // namespace understudy::router
