#include "services/notifier/config.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/serving/config_parts.h"
#include "common/serving/strict_yaml.h"
#include "common/twilio/url.h"

namespace understudy::notifier {
namespace {

using serving::FirstLines;
using serving::YamlMapping;

constexpr size_t kMaxAnswerBytes = 4096;           // Twilio reads no more aloud
constexpr size_t kMaxMessagingAnswerBytes = 1600;  // nor sends more in a message

absl::Status CheckLength(absl::string_view text, size_t max) {
  if (text.size() <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("must not be longer than ", max, " bytes"));
}

// scheme://host[:port], behind which a request's path is put.
absl::Status CheckPublicUrl(absl::string_view text) {
  const absl::StatusOr<twilio::Url> url = twilio::ParseUrl(text);
  if (!url.ok()) return url.status();
  const absl::string_view rest = text.substr(text.find("://") + 3);
  const size_t path = rest.find_first_of("/?#");
  if (absl::StrContains(rest, '@') ||
      (path != absl::string_view::npos && rest.substr(path) != "/")) {
    return absl::InvalidArgumentError("must be scheme, host and port alone, without a path");
  }
  return absl::OkStatus();
}

absl::Status CheckRedirect(absl::string_view text) {
  if (text.empty() || text == kRedirectToErrorUrl) return absl::OkStatus();
  return twilio::ParseUrl(text).status();
}

absl::Status CheckRecipient(absl::string_view text) {
  const absl::StatusOr<Mailbox> mailbox = ParseMailbox(text);
  if (!mailbox.ok()) return mailbox.status();
  if (mailbox->address != text) {
    return absl::InvalidArgumentError("must be an address alone, such as ops@example.com");
  }
  return absl::OkStatus();
}

void ReadHttp(YamlMapping& http, NotifierConfig& config) {
  http.Listen("listen", config.http_listen);
  serving::ReadServerTls(http, /*takes_clients=*/false, config.http_tls);
  http.Text("public_url", config.http.public_url, CheckPublicUrl);
  config.http.public_url = std::string(absl::StripSuffix(config.http.public_url, "/"));
}

void ReadFallback(YamlMapping& fallback, FallbackAnswers& answers) {
  fallback.Text("voice_text", answers.voice_text,
                [](absl::string_view text) { return CheckLength(text, kMaxAnswerBytes); });
  fallback.Text("messaging_text", answers.messaging_text,
                [](absl::string_view text) { return CheckLength(text, kMaxMessagingAnswerBytes); });
  fallback.Mapping("recover", [&](YamlMapping& recover) {
    recover.Text("redirect_to", answers.redirect_to, CheckRedirect);
    recover.Integer("max_per_call", 1, 10, answers.max_per_call);
  });
}

absl::Status CheckUser(absl::string_view text) {
  if (!text.empty() && !absl::StrContains(text, ':')) return absl::OkStatus();
  return absl::InvalidArgumentError("must be a name without a colon");
}

void ReadPage(YamlMapping& page, PageSettings& settings) {
  page.SecretFile("password_file", settings.password);
  page.Text("user", settings.user, CheckUser);
  page.Boolean("open", settings.open);
  page.Boolean("mask_numbers", settings.mask_numbers);
  if (page.Has("password_file") == settings.open) {
    page.AddMistake("", "needs either password_file or open: true");
  } else if (page.Has("user") && settings.open) {
    page.AddMistake("user", "goes together with password_file");
  }
}

// The page tells numbers, URLs and what web servers answered.
void WarnOfOpenPage(const std::string& path, NotifierConfig& config) {
  if (!config.page.open || serving::IsLoopback(config.http_listen)) return;
  config.warnings.push_back(absl::StrCat(
      path,
      ": page.open: the page is shown to whoever reaches http.listen; password_file asks them "
      "for a password"));
}

void ReadSmtp(YamlMapping& mapping, SmtpOptions& smtp) {
  mapping.Require({"url"});
  mapping.Text("url", smtp.url, [](absl::string_view url) {
    if (absl::StartsWith(url, "smtp://") || absl::StartsWith(url, "smtps://")) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError("must begin with smtp:// or smtps://");
  });
  mapping.Choice<StartTls>("starttls",
                           {{"required", StartTls::kRequired},
                            {"opportunistic", StartTls::kOpportunistic},
                            {"off", StartTls::kOff}},
                           smtp.starttls);
  mapping.Text("username", smtp.username);
  mapping.ReadableFile("password_file", smtp.password_file);
  mapping.ReadableFile("ca_file", smtp.ca_file);
  mapping.Text("helo_name", smtp.helo_name);
  if (mapping.Has("username") != mapping.Has("password_file")) {
    mapping.AddMistake("", "username and password_file go together");
  }
}

void ReadMail(YamlMapping& mail, NotifierConfig& config) {
  mail.Require({"from"});
  std::string from;
  mail.Text("from", from, [&](absl::string_view text) {
    absl::StatusOr<Mailbox> mailbox = ParseMailbox(text);
    if (mailbox.ok()) config.alerts.from = *mailbox;
    return mailbox.status();
  });
  mail.Mapping("smtp", [&](YamlMapping& smtp) { ReadSmtp(smtp, config.smtp.emplace()); });
  mail.Path("directory", config.mail_directory);
  if (mail.Has("smtp") == mail.Has("directory")) {
    mail.AddMistake("", "needs either smtp or directory");
  }
  if (!config.smtp.has_value() || config.smtp->url.empty() ||
      config.smtp->username.empty() != config.smtp->password_file.empty()) {
    return;  // a mistake that is told already
  }
  config.smtp->sender = config.alerts.from.address;
  // Whether these options go together, the mailer knows best.
  const absl::Status status = SmtpMailer::Create(*config.smtp).status();
  if (!status.ok()) mail.AddMistake("smtp", status.message());
}

void ReadMatch(YamlMapping& mapping, RouteMatch& match) {
  mapping.Text("account_sid", match.account_sid, serving::CheckAccountSid);
  Level level = Level::kError;
  mapping.Choice<Level>("level", {{"error", Level::kError}, {"warning", Level::kWarning}}, level);
  if (mapping.Has("level")) match.level = level;
  Kind kind = Kind::kVoice;
  mapping.Choice<Kind>("kind", {{"voice", Kind::kVoice}, {"messaging", Kind::kMessaging}}, kind);
  if (mapping.Has("kind")) match.kind = kind;
  mapping.Integer("error_code", 10000, 99999, match.error_code);
  for (const char* key : {"account_sid", "level", "kind", "error_code"}) {
    if (mapping.Has(key)) return;
  }
  mapping.AddMistake("", "says nothing; leave it out where everything matches");
}

void ReadRoutes(YamlMapping& alerts, std::vector<AlertRoute>& routes) {
  bool has_last = false;
  const bool has_routes = alerts.Mappings("routes", [&](YamlMapping& mapping) {
    if (routes.size() == kMaxRoutes) {
      mapping.AddMistake("", absl::StrCat("there may be ", kMaxRoutes, " routes"));
      return;
    }
    AlertRoute route;
    if (has_last) mapping.AddMistake("", "is never reached: a route before it matches everything");
    has_last = has_last || !mapping.Has("match");
    mapping.Mapping("match", [&](YamlMapping& match) { ReadMatch(match, route.match); });
    mapping.Require({"to"});
    mapping.Texts("to", [&](absl::string_view address) {
      if (route.to.size() == kMaxRecipients) {
        return absl::InvalidArgumentError(
            absl::StrCat("there may be ", kMaxRecipients, " recipients"));
      }
      route.to.emplace_back(address);
      return CheckRecipient(address);
    });
    if (mapping.Has("to") && route.to.empty()) mapping.AddMistake("to", "names nobody");
    routes.push_back(std::move(route));
  });
  if (!has_routes) {
    alerts.AddMistake("routes", "needs at least one, so that somebody hears of everything");
  } else if (!has_last && !routes.empty()) {
    alerts.AddMistake("routes",
                      "the last one must have no match, so that somebody hears of everything");
  }
}

void ReadAlerts(YamlMapping& alerts, AlertRules& rules) {
  constexpr absl::Duration kDay = absl::Hours(24);
  alerts.Require({"routes"});
  alerts.Duration("group_wait", absl::ZeroDuration(), absl::Hours(1), rules.waits.group_wait);
  alerts.Duration("group_interval", absl::Seconds(1), kDay, rules.waits.group_interval);
  alerts.Duration("repeat_interval", absl::Seconds(1), 30 * kDay, rules.waits.repeat_interval);
  alerts.Duration("recovered_after", absl::Seconds(1), kDay, rules.waits.recovered_after);
  alerts.Mapping("mail_limit", [&](YamlMapping& limit) {
    limit.Integer("mails", 1, 10000, rules.mail_limit.mails);
    limit.Duration("per", absl::Seconds(1), kDay, rules.mail_limit.per);
  });
  alerts.Duration("heartbeat", absl::ZeroDuration(), 30 * kDay, rules.heartbeat);
  ReadRoutes(alerts, rules.routes);
}

void ReadRoot(YamlMapping& root, const std::string& path, NotifierConfig& config) {
  root.Require({"store", "mail", "alerts"});
  root.Mapping("grpc", [&](YamlMapping& grpc) {
    grpc.Listen("listen", config.grpc_listen);
    serving::ReadServerTls(grpc, /*takes_clients=*/true, config.grpc_tls);
  });
  root.Mapping("http", [&](YamlMapping& http) { ReadHttp(http, config); });
  root.Mapping("admin", [&](YamlMapping& admin) { admin.Listen("listen", config.admin_listen); });
  root.Mapping("store", [&](YamlMapping& store) {
    store.Require({"sqlite"});
    store.Path("sqlite", config.store_path);
    store.Duration("retention", absl::Hours(1), absl::Hours(24 * 3650), config.alerts.retention);
  });
  FirstLines accounts;
  serving::ReadAccounts(root, accounts, config.http.accounts);
  root.Mapping("fallback",
               [&](YamlMapping& fallback) { ReadFallback(fallback, config.http.fallback); });
  root.Mapping("page", [&](YamlMapping& page) { ReadPage(page, config.page); });
  if (config.page.is_on()) config.alerts.page_url = config.http.public_url;
  root.Mapping("mail", [&](YamlMapping& mail) { ReadMail(mail, config); });
  root.Mapping("alerts", [&](YamlMapping& alerts) { ReadAlerts(alerts, config.alerts); });
  serving::ReadLog(root, config.log_level);
  serving::WarnOfPlaintext(path, "grpc.listen", config.grpc_listen, config.grpc_tls,
                           config.warnings);
  serving::WarnOfPlaintext(path, "http.listen", config.http_listen, config.http_tls,
                           config.warnings);
  WarnOfOpenPage(path, config);
  config.files = root.files();
}

}  // namespace

absl::StatusOr<NotifierConfig> LoadNotifierConfig(const std::string& path) {
  NotifierConfig config;
  absl::Status status =
      serving::ReadYamlFile(path, [&](YamlMapping& root) { ReadRoot(root, path, config); });
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<NotifierConfig> ReadNotifierConfig(absl::string_view text, const std::string& path) {
  NotifierConfig config;
  absl::Status status =
      serving::ReadYaml(text, path, [&](YamlMapping& root) { ReadRoot(root, path, config); });
  if (!status.ok()) return status;
  return config;
}

}  // namespace understudy::notifier
