#include "services/notifier/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temp_dir.h"

namespace understudy::notifier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kReference[] = "deploy/config/notifier.yaml";
constexpr char kGood[] = "tests/testdata/good_config_notifier";

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// The .yaml files of `folder`, in order.
std::vector<std::string> Files(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string Mistakes(absl::string_view yaml) {
  return std::string(ReadNotifierConfig(yaml, "notifier.yaml").status().message());
}

// What must be there, with `more` behind it; `alerts` is more of alerts.
std::string Minimal(absl::string_view more, absl::string_view alerts = "") {
  return absl::StrCat(
      "store: {sqlite: n.db}\n"
      "mail: {from: ops@example.com, directory: mail}\n"
      "alerts:\n"
      "  routes: [{to: [ops@example.com]}]\n",
      alerts, more);
}

TEST(NotifierConfigTest, EachBadFileFailsAsItsFirstLineSays) {
  const std::vector<std::string> paths = Files("tests/testdata/bad_config_notifier");
  ASSERT_GE(paths.size(), 65u);
  for (const std::string& path : paths) {
    const std::string text = ReadText(path);
    const std::string first_line = text.substr(0, text.find('\n'));
    ASSERT_EQ(first_line.substr(0, 2), "# ") << path;
    const absl::Status status = LoadNotifierConfig(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_EQ(std::string(status.message()), absl::StrCat(path, ":", first_line.substr(2)));
  }
}

TEST(NotifierConfigTest, EachGoodFileLoads) {
  const std::vector<std::string> paths = Files(kGood);
  ASSERT_GE(paths.size(), 3u);
  for (const std::string& path : paths) {
    EXPECT_EQ(LoadNotifierConfig(path).status(), absl::OkStatus()) << path;
  }
}

TEST(NotifierConfigTest, ReadsEveryKey) {
  const absl::StatusOr<NotifierConfig> config =
      LoadNotifierConfig(absl::StrCat(kGood, "/every_key.yaml"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->grpc_listen, (serving::ListenAddress{.host = "127.0.0.1", .port = 0}));
  EXPECT_EQ(config->http_listen, (serving::ListenAddress{.host = "::1", .port = 18081}));
  EXPECT_EQ(config->admin_listen, (serving::ListenAddress{.host = "::1", .port = 19091}));
  EXPECT_EQ(config->store_path, absl::StrCat(kGood, "/data/notifier.db"));
  EXPECT_EQ(config->alerts.retention, absl::Hours(1));
  EXPECT_THAT(config->http.accounts,
              ElementsAre(Account{.sid = "AC00000000000000000000000000000001",
                                  .auth_token = Secret("12345 not a real token")},
                          Account{.sid = "ACabcdefabcdef00000000000000000002"}));
  EXPECT_EQ(config->http.public_url, "https://alerts.example.com:8443");
  EXPECT_EQ(config->page.password, Secret("not a real password"));
  EXPECT_EQ(config->page.user, "alice");
  EXPECT_FALSE(config->page.mask_numbers);
  EXPECT_EQ(config->alerts.page_url, "https://alerts.example.com:8443");
  EXPECT_EQ(config->http.fallback.voice_text, "Goodbye.");
  EXPECT_EQ(config->http.fallback.messaging_text, "Please try again.");
  EXPECT_EQ(config->http.fallback.redirect_to, kRedirectToErrorUrl);
  EXPECT_EQ(config->http.fallback.max_per_call, 10);
  ASSERT_TRUE(config->smtp.has_value());
  EXPECT_EQ(config->smtp->url, "smtp://mail.example.com:2525");
  EXPECT_EQ(config->smtp->starttls, StartTls::kOpportunistic);
  EXPECT_EQ(config->smtp->sender, "understudy@example.com");
  EXPECT_EQ(config->smtp->ca_file, absl::StrCat(kGood, "/ca.pem"));
  EXPECT_EQ(config->smtp->helo_name, "alerts.example.com");
  EXPECT_EQ(config->mail_directory, "");
  const AlertRules& alerts = config->alerts;
  EXPECT_EQ(alerts.from.name, "Understudy");
  EXPECT_EQ(alerts.from.address, "understudy@example.com");
  EXPECT_EQ(alerts.waits.group_wait, absl::ZeroDuration());
  EXPECT_EQ(alerts.waits.group_interval, absl::Seconds(1));
  EXPECT_EQ(alerts.waits.repeat_interval, absl::Hours(24 * 30));
  EXPECT_EQ(alerts.waits.recovered_after, absl::Seconds(1));
  EXPECT_EQ(alerts.mail_limit, (MailLimit{.mails = 1, .per = absl::Seconds(1)}));
  EXPECT_EQ(alerts.heartbeat, absl::ZeroDuration());
  EXPECT_THAT(
      alerts.routes,
      ElementsAre(AlertRoute{.match = {.account_sid = "AC00000000000000000000000000000001",
                                       .level = Level::kError,
                                       .kind = Kind::kMessaging,
                                       .error_code = 11200},
                             .to = {"oncall@example.com", "ops@example.com"}},
                  AlertRoute{.match = {.level = Level::kWarning}, .to = {"web@example.com"}},
                  AlertRoute{.to = {"ops@example.com"}}));
  EXPECT_EQ(config->log_level, serving::LogLevel::kDebug);
  EXPECT_THAT(config->files,
              UnorderedElementsAre(absl::StrCat(kGood, "/token"), absl::StrCat(kGood, "/ca.pem"),
                                   absl::StrCat(kGood, "/page_password")));
}

TEST(NotifierConfigTest, WatchesThePasswordsFile) {
  const absl::StatusOr<NotifierConfig> config =
      LoadNotifierConfig(absl::StrCat(kGood, "/smtp_with_credentials.yaml"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->smtp->username, "understudy");
  EXPECT_EQ(config->smtp->password_file, absl::StrCat(kGood, "/mail_password"));
  EXPECT_EQ(config->smtp->starttls, StartTls::kRequired);
  EXPECT_THAT(config->files, ::testing::Contains(absl::StrCat(kGood, "/mail_password")));
}

// The reference says of most keys that it shows their defaults.
TEST(NotifierConfigTest, TheReferenceShowsTheDefaults) {
  const absl::StatusOr<NotifierConfig> shown = LoadNotifierConfig(kReference);
  ASSERT_TRUE(shown.ok()) << shown.status();
  const NotifierConfig defaults;
  EXPECT_EQ(shown->grpc_listen, defaults.grpc_listen);
  EXPECT_EQ(shown->http_listen, defaults.http_listen);
  EXPECT_EQ(shown->admin_listen, defaults.admin_listen);
  EXPECT_EQ(shown->http.public_url, defaults.http.public_url);
  EXPECT_EQ(shown->http.fallback.voice_text, defaults.http.fallback.voice_text);
  EXPECT_EQ(shown->http.fallback.messaging_text, defaults.http.fallback.messaging_text);
  EXPECT_EQ(shown->http.fallback.redirect_to, defaults.http.fallback.redirect_to);
  EXPECT_EQ(shown->http.fallback.max_per_call, defaults.http.fallback.max_per_call);
  EXPECT_EQ(shown->alerts.retention, defaults.alerts.retention);
  EXPECT_EQ(shown->alerts.waits.group_wait, defaults.alerts.waits.group_wait);
  EXPECT_EQ(shown->alerts.waits.group_interval, defaults.alerts.waits.group_interval);
  EXPECT_EQ(shown->alerts.waits.repeat_interval, defaults.alerts.waits.repeat_interval);
  EXPECT_EQ(shown->alerts.waits.recovered_after, defaults.alerts.waits.recovered_after);
  EXPECT_EQ(shown->alerts.mail_limit, defaults.alerts.mail_limit);
  EXPECT_EQ(shown->alerts.heartbeat, defaults.alerts.heartbeat);
  EXPECT_EQ(shown->log_level, defaults.log_level);
  EXPECT_FALSE(shown->smtp.has_value());
  EXPECT_THAT(ReadText(kReference),
              HasSubstr(absl::StrCat("#   ca_file: ", SmtpOptions().ca_file, "\n")));
}

TEST(NotifierConfigTest, WarnsOfPlaintextBetweenMachines) {
  const absl::StatusOr<NotifierConfig> shown = LoadNotifierConfig(kReference);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_THAT(shown->warnings,
              ElementsAre(absl::StrCat(kReference,
                                       ": grpc.listen: 0.0.0.0:50052 takes plaintext from other "
                                       "machines; grpc.tls would encrypt it"),
                          absl::StrCat(kReference,
                                       ": http.listen: 0.0.0.0:8081 takes plaintext from other "
                                       "machines; http.tls would encrypt it")));
}

// What it shows as a comment is a configuration, too.
TEST(NotifierConfigTest, TheReferencesCommentsAreGoodConfiguration) {
  const testing::TempDir folder;
  folder.Write("password", "secret\n");
  folder.Write("token", "secret\n");
  const testing::TestAuthority authority;
  const testing::Certificate certificate = authority.Issue({});
  folder.Write("tls.crt", certificate.chain_pem);
  folder.Write("tls.key", certificate.key_pem);
  folder.Write("ca.crt", authority.ca_pem());
  const std::string text = absl::StrReplaceAll(
      ReadText(kReference),
      {{"  # public_url:", "  public_url:"},
       {"  # tls:\n", "  tls:\n"},
       {"  #   certificate_file: /run/secrets/understudy-tls/", "    certificate_file: "},
       {"  #   key_file: /run/secrets/understudy-tls/", "    key_file: "},
       {"  #   client_ca_file: /run/secrets/understudy-tls/", "    client_ca_file: "},
       {"    # auth_token_file: /run/secrets/understudy/auth-token", "    auth_token_file: token"},
       {"  directory: mail\n", ""},
       {"  # smtp:\n", "  smtp:\n"},
       {"  #   password_file: /run/secrets/understudy/mail-password",
        "    password_file: password"},
       {"# page:\n", "page:\n"},
       {"#   password_file: /run/secrets/understudy/page-password", "  password_file: password"},
       {"#   user: operator\n", "  user: operator\n"},
       {"#   open: false", "  open: false"},
       {"#   mask_numbers:", "  mask_numbers:"},
       {"  #   ca_file: ", "    ca_file: "},
       {"  #   url:", "    url:"},
       {"  #   starttls:", "    starttls:"},
       {"  #   username:", "    username:"},
       {"  #   helo_name:", "    helo_name:"},
       {"    # - match:", "    - match:"},
       {"    #   to:", "      to:"}});
  const absl::StatusOr<NotifierConfig> config =
      LoadNotifierConfig(folder.Write("notifier.yaml", text));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->http.public_url, "https://alerts.example.com");
  serving::TlsFiles files = {.certificate = folder.path() + "/tls.crt",
                             .key = folder.path() + "/tls.key",
                             .ca = folder.path() + "/ca.crt"};
  EXPECT_EQ(config->grpc_tls, files);
  files.ca = "";
  EXPECT_EQ(config->http_tls, files);
  EXPECT_THAT(config->warnings, ::testing::IsEmpty());
  EXPECT_EQ(config->http.accounts[0].auth_token, Secret("secret"));
  EXPECT_EQ(config->smtp->username, "understudy");
  EXPECT_EQ(config->smtp->starttls, SmtpOptions().starttls);
  EXPECT_EQ(config->alerts.routes.size(), 2u);
  EXPECT_EQ(config->page.password, Secret("secret"));
  const PageSettings defaults;
  EXPECT_EQ(config->page.open, defaults.open);
  EXPECT_EQ(config->page.user, defaults.user);
  EXPECT_EQ(config->page.mask_numbers, defaults.mask_numbers);
  EXPECT_EQ(config->alerts.page_url, "https://alerts.example.com");
}

TEST(NotifierConfigTest, ThereIsNoPageUnlessItIsAskedFor) {
  const std::string rest =
      "store: {sqlite: n.db}\nmail: {from: u@example.com, directory: mail}\n"
      "alerts: {routes: [{to: [ops@example.com]}]}\n"
      "http: {listen: \"127.0.0.1:0\", public_url: \"https://alerts.example.com\"}\n"
      "grpc: {listen: \"127.0.0.1:0\"}\n";
  const auto off = ReadNotifierConfig(rest, "n.yaml");
  ASSERT_TRUE(off.ok()) << off.status();
  EXPECT_FALSE(off->page.is_on());
  EXPECT_EQ(off->alerts.page_url, "");
  const auto open = ReadNotifierConfig(rest + "page: {open: true}\n", "n.yaml");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_TRUE(open->page.is_on());
  EXPECT_EQ(open->alerts.page_url, "https://alerts.example.com");
  EXPECT_THAT(open->warnings, ::testing::IsEmpty());  // nobody else reaches it
  const auto to_all = ReadNotifierConfig(
      absl::StrReplaceAll(rest,
                          {{"http: {listen: \"127.0.0.1:0\"", "http: {listen: \"0.0.0.0:0\""}}) +
          "page: {open: true}\n",
      "n.yaml");
  ASSERT_TRUE(to_all.ok()) << to_all.status();
  EXPECT_THAT(to_all->warnings,
              ::testing::Contains(HasSubstr("page.open: the page is shown to whoever")));
}

TEST(NotifierConfigTest, TellsAllMistakesAtOnce) {
  EXPECT_EQ(
      Mistakes("store: {sqlite: n.db, retention: 1m}\n"
               "mail: {from: nobody, directory: mail}\n"
               "alerts:\n"
               "  group_wait: 2h\n"
               "  routes: [{to: []}]\n"
               "httpd: {}\n"),
      "notifier.yaml:1: store.retention: must be a duration from 1h to 3650d (units ms, s, m, "
      "h, d), not \"1m\"\n"
      "notifier.yaml:2: mail.from: must be local@domain or Name <local@domain>: the address "
      "has no \"@\"\n"
      "notifier.yaml:4: alerts.group_wait: must be a duration from 0 to 1h (units ms, s, m, h, "
      "d), not \"2h\"\n"
      "notifier.yaml:5: alerts.routes[0].to: names nobody\n"
      "notifier.yaml:6: httpd: unknown key; did you mean http?");
}

TEST(NotifierConfigTest, DurationsHoldAtTheirBorders) {
  const struct {
    const char* key;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  } kCases[] = {
      {"group_wait", {"0", "1ms", "1h"}, {"3601s"}},
      {"group_interval", {"1s", "1d"}, {"999ms", "86401s", "0"}},
      {"repeat_interval", {"1s", "30d"}, {"999ms", "721h", "0"}},
      {"recovered_after", {"1s", "1d"}, {"999ms", "86401s", "0"}},
      {"heartbeat", {"0", "30d"}, {"721h"}},
  };
  for (const auto& c : kCases) {
    for (const char* value : c.inside) {
      EXPECT_EQ(Mistakes(Minimal("", absl::StrCat("  ", c.key, ": ", value, "\n"))), "") << c.key;
    }
    for (const char* value : c.outside) {
      EXPECT_THAT(Mistakes(Minimal("", absl::StrCat("  ", c.key, ": ", value, "\n"))),
                  HasSubstr(c.key))
          << value;
    }
  }
}

TEST(NotifierConfigTest, AnswersHaveALongestText) {
  const auto text = [](const char* key, size_t size) {
    return Mistakes(Minimal(absl::StrCat("fallback: {", key, ": ", std::string(size, 'x'), "}\n")));
  };
  EXPECT_EQ(text("voice_text", 4096), "");
  EXPECT_THAT(text("voice_text", 4097), HasSubstr("must not be longer than 4096 bytes"));
  EXPECT_EQ(text("messaging_text", 1600), "");
  EXPECT_THAT(text("messaging_text", 1601), HasSubstr("must not be longer than 1600 bytes"));
}

TEST(NotifierConfigTest, RoutesAndRecipientsAreBounded) {
  const auto routes = [](size_t count) {
    std::string yaml =
        "store: {sqlite: n.db}\nmail: {from: ops@example.com, directory: mail}\n"
        "alerts:\n  routes:\n";
    for (size_t i = 1; i < count; ++i) {
      absl::StrAppend(&yaml, "    - {match: {level: error}, to: [a@example.com]}\n");
    }
    return Mistakes(absl::StrCat(yaml, "    - {to: [ops@example.com]}\n"));
  };
  EXPECT_EQ(routes(kMaxRoutes), "");
  EXPECT_THAT(routes(kMaxRoutes + 1), HasSubstr("there may be 1000 routes"));
  const auto recipients = [](size_t count) {
    std::string to = "a0@example.com";
    for (size_t i = 1; i < count; ++i) absl::StrAppend(&to, ", a", i, "@example.com");
    return Mistakes(
        absl::StrCat("store: {sqlite: n.db}\nmail: {from: ops@example.com, directory: mail}\n"
                     "alerts: {routes: [{to: [",
                     to, "]}]}\n"));
  };
  EXPECT_EQ(recipients(kMaxRecipients), "");
  EXPECT_THAT(recipients(kMaxRecipients + 1), HasSubstr("there may be 100 recipients"));
}

TEST(NotifierConfigTest, ShowsNoCredentials) {
  for (const char* yaml : {"http: {public_url: \"https://user:hunter2@a.example\"}\n",
                           "fallback: {recover: {redirect_to: \"ftp://user:hunter2@a.example\"}}\n",
                           "accounts: [{auth_token: hunter2}]\n"}) {
    EXPECT_THAT(Mistakes(Minimal(yaml)), Not(HasSubstr("hunter2"))) << yaml;
    EXPECT_NE(Mistakes(Minimal(yaml)), "") << yaml;
  }
  const std::string smtp = Mistakes(
      "store: {sqlite: n.db}\nalerts: {routes: [{to: [ops@example.com]}]}\n"
      "mail: {from: ops@example.com, smtp: {url: \"smtp://user:hunter2@mail.example.com\"}}\n");
  EXPECT_NE(smtp, "");
  EXPECT_THAT(smtp, Not(HasSubstr("hunter2")));
}

TEST(NotifierConfigTest, SurvivesGarbage) {
  const std::string reference = ReadText(kReference);
  std::mt19937 random(1);  // NOLINT: the same bytes each time are what is wanted
  for (int round = 0; round < 300; ++round) {
    std::string yaml = reference;
    for (size_t edits = 1 + random() % 20; edits > 0; --edits) {
      const size_t at = random() % yaml.size();
      if (random() % 2 == 0) {
        yaml[at] = static_cast<char>(random());
      } else {
        yaml.erase(at, random() % 50 + 1);
      }
      if (yaml.empty()) yaml = "x";
    }
    SCOPED_TRACE(yaml);
    const absl::StatusOr<NotifierConfig> config = ReadNotifierConfig(yaml, "notifier.yaml");
    EXPECT_TRUE(config.ok() || !config.status().message().empty());
  }
}

TEST(NotifierConfigTest, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(std::string(LoadNotifierConfig("tests/testdata/absent.yaml").status().message()),
            "cannot read tests/testdata/absent.yaml: No such file or directory");
}

}  // namespace
}  // namespace understudy::notifier
