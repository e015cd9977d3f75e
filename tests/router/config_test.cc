#include "services/router/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/router/resolve/session_seal.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temp_dir.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kReference[] = "deploy/config/router.yaml";

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
  return std::string(ReadRouterConfig(yaml, "router.yaml").status().message());
}

// A number with that, nothing else wrong.
std::string NumberWith(absl::string_view handlers) {
  return absl::StrCat(
      "accounts: [{sid: AC00000000000000000000000000000001}]\n"
      "numbers:\n"
      "  - phone_number: \"+14155550199\"\n"
      "    account_sid: AC00000000000000000000000000000001\n",
      handlers);
}

TEST(RouterConfigTest, EachBadFileFailsAsItsFirstLineSays) {
  const std::vector<std::string> paths = Files("tests/testdata/bad_config");
  ASSERT_GE(paths.size(), 40u);
  for (const std::string& path : paths) {
    const std::string text = ReadText(path);
    const std::string first_line = text.substr(0, text.find('\n'));
    ASSERT_EQ(first_line.substr(0, 2), "# ") << path;
    const absl::Status status = LoadRouterConfig(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_EQ(std::string(status.message()), absl::StrCat(path, ":", first_line.substr(2)));
  }
}

TEST(RouterConfigTest, EachGoodFileLoads) {
  const std::vector<std::string> paths = Files("tests/testdata/good_config");
  ASSERT_GE(paths.size(), 3u);
  for (const std::string& path : paths) {
    EXPECT_EQ(LoadRouterConfig(path).status(), absl::OkStatus()) << path;
  }
}

TEST(RouterConfigTest, ReadsEveryKey) {
  const absl::StatusOr<RouterConfig> config =
      LoadRouterConfig("tests/testdata/good_config/every_key.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->grpc_listen, (serving::ListenAddress{.host = "127.0.0.1", .port = 0}));
  EXPECT_EQ(config->max_connection_age, absl::Seconds(1));
  EXPECT_EQ(config->admin_listen, (serving::ListenAddress{.host = "::1", .port = 19090}));
  EXPECT_EQ(config->http, (HttpConfig{.listen = {.host = "127.0.0.1", .port = 18080}}));
  EXPECT_THAT(config->accounts, ElementsAre(Account{.sid = "AC00000000000000000000000000000001",
                                                    .auth_token = Secret("12345 not a real token")},
                                            Account{.sid = "ACabcdefabcdef00000000000000000002"}));
  const Number first = {
      .phone_number = "+14155550199",
      .account_sid = "AC00000000000000000000000000000001",
      .voice = Handler{.primary = {.url = "https://user:pw@www.example.com/voice?a=b#rc=2",
                                   .method = Method::kGet},
                       .fallback =
                           Endpoint{.url = "http://fallback.example.com/", .method = Method::kGet}},
      .messaging = Handler{.primary = {.url = "https://www.example.com/message"},
                           .fallback = Endpoint{.url = "https://fallback.example.com/message"}}};
  const Number second = {.phone_number = "+4930123456",
                         .account_sid = "ACabcdefabcdef00000000000000000002",
                         .messaging = Handler{.primary = {.url = "https://www.example.com/m"}}};
  EXPECT_THAT(config->numbers, ElementsAre(first, second));
  EXPECT_EQ(config->numbers_database, "tests/testdata/good_config/numbers.db");
  EXPECT_EQ(config->limits.connect_timeout, absl::Milliseconds(100));
  EXPECT_EQ(config->limits.read_timeout, absl::Seconds(1));
  EXPECT_EQ(config->limits.total_timeout, absl::Milliseconds(2500));
  EXPECT_EQ(config->limits.max_redirects, 0);
  EXPECT_EQ(config->max_body_bytes, 1u);
  EXPECT_EQ(config->max_in_flight, 100000);
  EXPECT_EQ(config->ca_file, "tests/testdata/good_config/ca.pem");
  EXPECT_THAT(config->dns_servers,
              ElementsAre("192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"));
  EXPECT_THAT(config->egress.allow,
              ElementsAre(*ParseCidr("10.20.0.0/16"), *ParseCidr("127.0.0.1/32")));
  EXPECT_THAT(config->egress.deny, ElementsAre(*ParseCidr("2001:db8::/32")));
  EXPECT_EQ(config->default_voice_text, "Goodbye.\nReally.");
  EXPECT_EQ(config->retrieval_codes, RetrievalCodes::kSpecific);
  EXPECT_EQ(config->notifier,
            (NotifierConfig{.target = "dns:///understudy-notifier.example.com:50052",
                            .outbox_dir = "/var/lib/understudy/outbox",
                            .outbox_max_bytes = 1048576}));
  EXPECT_EQ(config->log_level, serving::LogLevel::kDebug);
  ASSERT_EQ(config->bins.size(), 2u);
  EXPECT_EQ(config->bins[0]->name, "apology");
  EXPECT_THAT(*config->bins[0]->text.Render({{"ErrorCode", "11200"}}), HasSubstr("(error 11200)"));
  EXPECT_EQ(config->bins[1]->name, "no-reply_2");
  EXPECT_EQ(config->session_key, Secret("01234567890123456789012345678901"));
  EXPECT_THAT(
      config->warnings,
      ElementsAre("tests/testdata/good_config/every_key.yaml: notifier.target: events go to "
                  "understudy-notifier.example.com:50052 as plaintext; notifier.tls would "
                  "encrypt them"));
  const std::string folder = "tests/testdata/good_config/";
  EXPECT_THAT(config->files, ::testing::UnorderedElementsAre(
                                 folder + "token", folder + "apology.xml", folder + "no_reply.xml",
                                 folder + "ca.pem", folder + "session_key"));
}

// Files for TLS, and configurations that name them.
class TlsConfigTest : public ::testing::Test {
 protected:
  TlsConfigTest() {
    folder_.Write("tls.crt", certificate_.chain_pem);
    folder_.Write("tls.key", certificate_.key_pem);
    folder_.Write("ca.crt", authority_.ca_pem());
  }
  absl::StatusOr<RouterConfig> Load(const std::string& yaml) {
    return LoadRouterConfig(folder_.Write("router.yaml", yaml));
  }
  std::string Mistakes(const std::string& yaml) {
    return std::string(Load(yaml).status().message());
  }
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  const testing::TestAuthority authority_;
  const testing::Certificate certificate_ = authority_.Issue({});
  const testing::TempDir folder_;
};

constexpr char kGrpcTls[] =
    "grpc:\n  listen: 0.0.0.0:1\n  tls:\n    certificate_file: tls.crt\n    key_file: tls.key\n"
    "    client_ca_file: ca.crt\n";

TEST_F(TlsConfigTest, ReadsBothSides) {
  const absl::StatusOr<RouterConfig> config = Load(
      absl::StrCat(kGrpcTls,
                   "notifier:\n  target: dns:///notifier:50052\n  outbox_dir: outbox\n"
                   "  tls: {ca_file: ca.crt, certificate_file: tls.crt, key_file: tls.key}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  const serving::TlsFiles files = {
      .certificate = Path("tls.crt"), .key = Path("tls.key"), .ca = Path("ca.crt")};
  EXPECT_EQ(config->grpc_tls, files);
  EXPECT_EQ(config->notifier->tls, files);
  EXPECT_THAT(config->files, ::testing::Contains(Path("tls.key")));
  EXPECT_THAT(config->warnings, ::testing::IsEmpty());
}

TEST_F(TlsConfigTest, TellsWhichFileIsNoGood) {
  const std::string at_key = Path("router.yaml:5: grpc.tls.key_file: ");
  folder_.Write("tls.key", authority_.Issue({}).key_pem);
  EXPECT_EQ(Mistakes(kGrpcTls),
            absl::StrCat(at_key, Path("tls.key"), ": not the key of the certificate"));
  folder_.Write("tls.key", certificate_.chain_pem);
  EXPECT_EQ(Mistakes(kGrpcTls), absl::StrCat(at_key, Path("tls.key"),
                                             ": not a private key in PEM, without a passphrase"));
  folder_.Write("tls.key", "");
  EXPECT_EQ(Mistakes(kGrpcTls),
            absl::StrCat(at_key, Path("tls.key"), " cannot be read: it is empty"));
  folder_.Write("tls.key", certificate_.key_pem);
  folder_.Write("tls.crt", certificate_.chain_pem.substr(0, 100));
  folder_.Write("ca.crt", authority_.ca_pem() + authority_.ca_pem().substr(0, 100));
  EXPECT_EQ(Mistakes(kGrpcTls),
            absl::StrCat(Path("router.yaml:4: grpc.tls.certificate_file: "), Path("tls.crt"),
                         " is not made of certificates in PEM alone\n",
                         Path("router.yaml:6: grpc.tls.client_ca_file: "), Path("ca.crt"),
                         " is not made of certificates in PEM alone"));
}

TEST_F(TlsConfigTest, AKeyThatOpenSslFindsTooShortIsNoGood) {
  const testing::Certificate weak = authority_.Issue({.rsa_bits = 1024});
  folder_.Write("tls.crt", weak.chain_pem);
  folder_.Write("tls.key", weak.key_pem);
  EXPECT_THAT(Mistakes(kGrpcTls), HasSubstr("ee key too small"));
}

TEST(RouterConfigTest, WarnsOfPlaintextBetweenMachines) {
  const auto warnings = [](const std::string& yaml) {
    return ReadRouterConfig(yaml, "router.yaml")->warnings;
  };
  const std::string door =
      "router.yaml: grpc.listen: 0.0.0.0:50051 takes plaintext from other machines; grpc.tls would "
      "encrypt it";
  EXPECT_THAT(warnings("log: {level: info}"), ElementsAre(door));
  EXPECT_THAT(warnings("notifier: {target: \"dns:///notifier:50052\", outbox_dir: outbox}"),
              ElementsAre(door, HasSubstr("router.yaml: notifier.target: ")));
  for (const char* loopback : {"127.0.0.1:1", "127.255.0.1:1", "[::1]:1", "localhost:1"}) {
    EXPECT_THAT(warnings(absl::StrCat("grpc: {listen: \"", loopback, "\"}\nnotifier: {target: \"",
                                      loopback, "\", outbox_dir: outbox}")),
                ::testing::IsEmpty())
        << loopback;
  }
  for (const char* open : {"128.0.0.1:1", "126.255.255.255:1", "[::]:1", "router:1"}) {
    EXPECT_THAT(warnings(absl::StrCat("grpc: {listen: \"", open, "\"}")), ::testing::SizeIs(1))
        << open;
  }
}

TEST(RouterConfigTest, ThereIsAnHttpPortIfItOrADatabaseIsConfigured) {
  const auto http = [](const std::string& yaml) {
    return ReadRouterConfig(yaml, "router.yaml")->http;
  };
  EXPECT_EQ(http("log: {level: info}"), std::nullopt);
  EXPECT_EQ(http("http: {}"), HttpConfig());
  EXPECT_EQ(http("numbers_database: numbers.db"), HttpConfig());
  EXPECT_EQ(http("numbers_database: numbers.db\nhttp: {listen: \"127.0.0.1:1\"}"),
            (HttpConfig{.listen = {.host = "127.0.0.1", .port = 1}}));
}

TEST_F(TlsConfigTest, TheNumbersApiWantsTokensAndTls) {
  const std::string quiet = "grpc: {listen: \"127.0.0.1:1\"}\nnumbers_database: numbers.db\n";
  const absl::StatusOr<RouterConfig> open = Load(quiet);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->numbers_database, Path("numbers.db"));
  EXPECT_THAT(open->warnings,
              ElementsAre(HasSubstr("numbers_database: no account has an auth token"),
                          HasSubstr("http.listen: 0.0.0.0:8080 takes plaintext")));
  folder_.Write("token", "12345");
  const absl::StatusOr<RouterConfig> config = Load(
      absl::StrCat(quiet,
                   "accounts: [{sid: AC00000000000000000000000000000001, auth_token_file: token}]\n"
                   "http: {tls: {certificate_file: tls.crt, key_file: tls.key}}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->http->tls,
            (serving::TlsFiles{.certificate = Path("tls.crt"), .key = Path("tls.key")}));
  EXPECT_THAT(config->warnings, ::testing::IsEmpty());
}

// A configuration with one bin, which a number of either kind is answered from.
class BinConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<RouterConfig> Load(const std::string& document, const std::string& handlers) {
    folder_.Write("bin.xml", document);
    return LoadRouterConfig(folder_.Write(
        "router.yaml", absl::StrCat("grpc: {listen: localhost:0}\n", NumberWith(handlers),
                                    "\nbins:\n  menu: {document_file: bin.xml}\n")));
  }

  testing::TempDir folder_;
};

TEST_F(BinConfigTest, IsGoodForPrimaryAndFallback) {
  const absl::StatusOr<RouterConfig> config =
      Load("<Response/>", "    voice: {url: \"bin:menu?Lang=de\", fallback_url: \"bin:menu\"}");
  ASSERT_TRUE(config.ok()) << config.status();
  const Handler& handler = *config->numbers[0].voice;
  EXPECT_EQ(handler.primary.url, "bin:menu?Lang=de");
  EXPECT_EQ(handler.primary.bin, config->bins[0]);
  EXPECT_EQ(handler.fallback->bin, config->bins[0]);
}

TEST_F(BinConfigTest, WarnsForTheKindsThatUseIt) {
  const std::string say = "<Response>\n  <Say>Hi</Say></Response>";
  EXPECT_THAT(Load(say, "    voice: {url: \"bin:menu\"}")->warnings, ::testing::IsEmpty());
  const absl::StatusOr<RouterConfig> config =
      Load(say, "    messaging: {url: \"https://a.example/\", fallback_url: \"bin:menu\"}");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_FALSE(config->warnings.empty());
  EXPECT_THAT(config->warnings[0], HasSubstr("bin.xml:2:3: "));
  EXPECT_THAT(config->warnings[0], HasSubstr("[12200]"));
}

TEST_F(BinConfigTest, HasALargestSize) {
  const auto sized = [](size_t bytes) {
    const std::string head = "<Response><!--";
    const std::string tail = "--></Response>";
    return head + std::string(bytes - head.size() - tail.size(), 'x') + tail;
  };
  EXPECT_TRUE(Load(sized(kMaxBinBytes), "    voice: {url: \"bin:menu\"}").ok());
  EXPECT_THAT(
      std::string(
          Load(sized(kMaxBinBytes + 1), "    voice: {url: \"bin:menu\"}").status().message()),
      HasSubstr("longer than 65536 bytes"));
}

TEST_F(BinConfigTest, MayBeInAnEncodingOfItsOwn) {
  const absl::StatusOr<RouterConfig> config =
      Load("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Response><Say>\xE9</Say></Response>",
           "    voice: {url: \"bin:menu\"}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(*config->bins[0]->text.Render({}), HasSubstr("<Say>\xC3\xA9</Say>"));
  EXPECT_THAT(
      std::string(
          Load("<Response>\xFF</Response>", "    voice: {url: \"bin:menu\"}").status().message()),
      HasSubstr("bin.xml: "));
}

TEST(RouterConfigTest, ThereAreAtMostSoManyBins) {
  const testing::TempDir folder;
  folder.Write("bin.xml", "<Response/>");
  const auto with = [&](size_t count) {
    std::string yaml = "bins:\n";
    for (size_t i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "  b", i, ": {document_file: bin.xml}\n");
    }
    return LoadRouterConfig(folder.Write("router.yaml", yaml));
  };
  EXPECT_TRUE(with(kMaxBins).ok());
  EXPECT_THAT(std::string(with(kMaxBins + 1).status().message()),
              HasSubstr("bins.b1000: there may be 1000 bins"));
}

TEST(RouterConfigTest, ABinsNameHasBorders) {
  const testing::TempDir folder;
  folder.Write("bin.xml", "<Response/>");
  const auto named = [&](const std::string& name) {
    return LoadRouterConfig(
               folder.Write("router.yaml",
                            absl::StrCat("bins: {\"", name, "\": {document_file: bin.xml}}")))
        .ok();
  };
  EXPECT_TRUE(named("a"));
  EXPECT_TRUE(named(std::string(kMaxBinNameBytes, 'Z')));
  EXPECT_FALSE(named(std::string(kMaxBinNameBytes + 1, 'Z')));
  for (const char* name : {"", "a b", "a?", "a/b", "a.b", "\xC3\xA9"}) {
    EXPECT_FALSE(named(name)) << name;
  }
}

// The reference says of most keys that it shows their defaults.
TEST(RouterConfigTest, TheReferenceShowsTheDefaults) {
  const absl::StatusOr<RouterConfig> shown = LoadRouterConfig(kReference);
  ASSERT_TRUE(shown.ok()) << shown.status();
  const RouterConfig defaults;
  EXPECT_EQ(shown->grpc_listen, defaults.grpc_listen);
  EXPECT_EQ(shown->admin_listen, defaults.admin_listen);
  EXPECT_EQ(shown->http, defaults.http);
  EXPECT_THAT(ReadText(kReference),
              HasSubstr(absl::StrCat(
                  "#   listen: ", serving::ListenAddressText(HttpConfig().listen), "\n")));
  EXPECT_EQ(shown->limits.connect_timeout, defaults.limits.connect_timeout);
  EXPECT_EQ(shown->limits.read_timeout, defaults.limits.read_timeout);
  EXPECT_EQ(shown->limits.total_timeout, defaults.limits.total_timeout);
  EXPECT_EQ(shown->limits.max_redirects, defaults.limits.max_redirects);
  EXPECT_EQ(shown->max_body_bytes, defaults.max_body_bytes);
  EXPECT_EQ(shown->max_in_flight, defaults.max_in_flight);
  EXPECT_EQ(shown->dns_servers, defaults.dns_servers);
  EXPECT_EQ(shown->egress.allow, defaults.egress.allow);
  EXPECT_EQ(shown->egress.deny, defaults.egress.deny);
  EXPECT_EQ(shown->default_voice_text, defaults.default_voice_text);
  EXPECT_EQ(shown->retrieval_codes, defaults.retrieval_codes);
  EXPECT_EQ(shown->notifier, defaults.notifier);
  EXPECT_THAT(ReadText(kReference),
              HasSubstr(absl::StrCat("#   outbox_max_bytes: ", NotifierConfig().outbox_max_bytes)));
  EXPECT_EQ(shown->log_level, defaults.log_level);
  EXPECT_THAT(ReadText(kReference), HasSubstr(absl::StrCat("# ca_file: ", defaults.ca_file, "\n")));
  EXPECT_EQ(shown->numbers_database, defaults.numbers_database);
  EXPECT_EQ(shown->numbers.size(), 1u);
  EXPECT_EQ(shown->numbers[0].voice->primary.method, Endpoint().method);
}

TEST(RouterConfigTest, TellsAllMistakesAtOnce) {
  EXPECT_EQ(Mistakes("fetch: {max_redirects: 11}\n"
                     "accounts:\n"
                     "  - sid: AC1\n"
                     "numbers:\n"
                     "  - phone_number: 0\n"
                     "grcp: {}\n"),
            "router.yaml:1: fetch.max_redirects: must be a whole number from 0 to 10, not \"11\"\n"
            "router.yaml:3: accounts[0].sid: must be AC and 32 lower-case hexadecimal digits\n"
            "router.yaml:5: numbers[0].account_sid: missing\n"
            "router.yaml:5: numbers[0].phone_number: must be in E.164 form, + and 2 to 15 digits, "
            "such as +14155550199\n"
            "router.yaml:5: numbers[0]: needs voice, messaging or both\n"
            "router.yaml:6: grcp: unknown key; did you mean grpc?");
}

TEST(RouterConfigTest, LimitsHoldAtTheirBorders) {
  const struct {
    const char* key;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  } kCases[] = {
      {"connect_timeout", {"100ms", "10s", "10000ms"}, {"99ms", "10001ms", "11s", "0"}},
      {"read_timeout", {"100ms", "15s"}, {"99ms", "15001ms", "0"}},
      {"total_timeout", {"100ms", "15s"}, {"99ms", "15001ms", "0"}},
      {"max_redirects", {"0", "10"}, {"-1", "11"}},
      {"max_body_bytes", {"1", "65536"}, {"0", "65537", "-1"}},
      {"max_in_flight", {"1", "100000"}, {"0", "100001"}},
  };
  for (const auto& c : kCases) {
    for (const char* value : c.inside) {
      EXPECT_EQ(Mistakes(absl::StrCat("fetch: {", c.key, ": ", value, "}")), "") << c.key;
    }
    for (const char* value : c.outside) {
      EXPECT_THAT(Mistakes(absl::StrCat("fetch: {", c.key, ": ", value, "}")), HasSubstr(c.key))
          << value;
    }
  }
  const auto voice_text = [](size_t size) {
    return absl::StrCat("default_document: {voice_text: ", std::string(size, 'x'), "}");
  };
  EXPECT_EQ(Mistakes(voice_text(kMaxVoiceTextBytes)), "");
  EXPECT_NE(Mistakes(voice_text(kMaxVoiceTextBytes + 1)), "");
  EXPECT_EQ(Mistakes("default_document: {voice_text: \"\"}"), "");
}

TEST(RouterConfigTest, KnowsPhoneNumbersAndSids) {
  const auto with_number = [](absl::string_view number) {
    return absl::StrCat(
        "accounts: [{sid: AC00000000000000000000000000000001}]\n"
        "numbers: [{account_sid: AC00000000000000000000000000000001, "
        "voice: {url: \"https://a.example/\"}, phone_number: \"",
        number, "\"}]");
  };
  for (const char* number : {"+10", "+123456789012345", "+14155550199"}) {
    EXPECT_EQ(Mistakes(with_number(number)), "") << number;
  }
  for (const char* number : {"", "+", "+1", "+1234567890123456", "14155550199", "+04155550199",
                             "+1415555019a", "+1 415 555 0199", "++14155550199"}) {
    EXPECT_THAT(Mistakes(with_number(number)), HasSubstr("numbers[0].phone_number: must be in"))
        << number;
  }
  const std::string digits = "0123456789abcdef0123456789abcdef";
  const auto with_sid = [](absl::string_view sid) {
    return absl::StrCat("accounts: [{sid: \"", sid, "\"}]");
  };
  EXPECT_EQ(Mistakes(with_sid("AC" + digits)), "");
  for (const std::string& sid :
       {digits, "AC" + digits + "0", "AC" + digits.substr(1), "ac" + digits, "SK" + digits,
        "AC" + digits.substr(1) + "g", "AC" + digits.substr(1) + "F"}) {
    EXPECT_EQ(Mistakes(with_sid(sid)),
              "router.yaml:1: accounts[0].sid: must be AC and 32 lower-case hexadecimal digits");
  }
}

TEST(RouterConfigTest, KnowsNameServers) {
  for (const char* server : {"192.0.2.53", "192.0.2.53:1", "[2001:db8::53]:65535", "::1"}) {
    EXPECT_EQ(Mistakes(absl::StrCat("fetch: {dns_servers: [\"", server, "\"]}")), "") << server;
  }
  for (const char* server : {"", "localhost", "localhost:53", "192.0.2", "192.0.2.53:0",
                             "192.0.2.53:65536", "[2001:db8::53]", "192.0.2.53 ", "5353"}) {
    EXPECT_THAT(Mistakes(absl::StrCat("fetch: {dns_servers: [\"", server, "\"]}")),
                HasSubstr("router.yaml:1: fetch.dns_servers[0]: must be an address"))
        << server;
  }
}

TEST(RouterConfigTest, ShowsNoCredentials) {
  for (const char* url :
       {"ftp://user:hunter2@example.com/", "https://user:hunter2@example.com/#rc=9",
        "https://user:hunter2@exa mple.com/", "hunter2"}) {
    const std::string mistakes =
        Mistakes(NumberWith(absl::StrCat("    voice: {url: \"", url, "\"}\n")));
    EXPECT_THAT(mistakes, HasSubstr("router.yaml:5: numbers[0].voice.url: ")) << url;
    EXPECT_THAT(mistakes, ::testing::Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(Mistakes("accounts: [{auth_token: hunter2}]"), ::testing::Not(HasSubstr("hunter2")));
}

TEST(RouterConfigTest, SurvivesGarbage) {
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
    const absl::StatusOr<RouterConfig> config = ReadRouterConfig(yaml, "router.yaml");
    EXPECT_TRUE(config.ok() || !config.status().message().empty());
  }
}

TEST(RouterConfigTest, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(std::string(LoadRouterConfig("tests/testdata/absent.yaml").status().message()),
            "cannot read tests/testdata/absent.yaml: No such file or directory");
}

}  // namespace
}  // namespace understudy::router
