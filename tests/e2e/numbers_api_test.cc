// The numbers API on real sockets, and the calls that follow what was set over it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using nlohmann::json;
using router::RouterConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using twilio::Form;

constexpr char kOtherSid[] = "AC00000000000000000000000000000002";
constexpr char kOtherToken[] = "67890";
constexpr char kTokenlessSid[] = "AC00000000000000000000000000000003";
constexpr char kNumbers[] = "/IncomingPhoneNumbers.json";
constexpr char kApplications[] = "/Applications.json";
constexpr char kNewNumber[] = "+14155550123";

class NumbersApiTest : public ::testing::Test {
 protected:
  NumbersApiTest() { config_ = Config(); }

  RouterConfig Config() const {
    RouterConfig config = LoopbackConfig();
    config.http = router::HttpConfig{.listen = {.host = "127.0.0.1", .port = 0}};
    config.numbers_database = absl::StrCat(folder_.path(), "/numbers.db");
    config.accounts.push_back({.sid = kOtherSid, .auth_token = Secret(kOtherToken)});
    config.accounts.push_back({.sid = kTokenlessSid});
    return config;
  }

  RouterWorld& world() {
    if (!world_.has_value()) world_.emplace(config_);
    return *world_;
  }
  int port() { return world().router().http_port(); }

  ApiClient Client(const HttpClientOptions& options = {}) {
    return ApiClient(port(), BasicHeader(kAccountSid, kAuthToken), options);
  }

  // A number of kAccountSid; its path below the account.
  std::string Make(ApiClient& client, Form form = {}) {
    form.push_back({"PhoneNumber", kNewNumber});
    const ApiAnswer made = client.Post(kNumbers, form);
    EXPECT_EQ(made.status, 201) << made.body;
    return absl::StrCat("/IncomingPhoneNumbers/", made.json.value("sid", ""), ".json");
  }

  Answer Call(v1::ResolveTwiMLRequest request) {
    request.set_phone_number(kNewNumber);
    return world().Resolve(request);
  }

  TempDir folder_{TempMedium::kMemory};
  RouterConfig config_;
  std::optional<RouterWorld> world_;
};

std::string Problem(const ApiAnswer& answer) {
  return absl::StrCat(answer.status, " ", answer.code());
}

// --- One number.

TEST_F(NumbersApiTest, FromCreateToDelete) {
  ApiClient client = Client();
  const ApiAnswer made = client.Post(kNumbers, {{"PhoneNumber", kNewNumber},
                                                {"FriendlyName", "Ren\xC3\xA9 & Co"},
                                                {"VoiceUrl", "https://www.example.com/v#rc=2"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.header("Content-Type"), "application/json");
  EXPECT_EQ(made.json["phone_number"], kNewNumber);
  EXPECT_EQ(made.json["friendly_name"], "Ren\xC3\xA9 & Co");
  EXPECT_EQ(made.json["voice_url"], "https://www.example.com/v#rc=2");
  const std::string sid = made.json["sid"];
  EXPECT_EQ(made.json["uri"], absl::StrCat("/2010-04-01/Accounts/", kAccountSid,
                                           "/IncomingPhoneNumbers/", sid, ".json"));
  const std::string path = made.json["uri"];

  const ApiAnswer fetched = client.Get(path);
  EXPECT_EQ(fetched.status, 200);
  EXPECT_EQ(fetched.json, made.json);

  const ApiAnswer changed =
      client.Post(path, {{"VoiceMethod", "GET"}, {"VoiceFallbackUrl", "https://f.example.com/"}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.json["voice_method"], "GET");
  EXPECT_EQ(changed.json["voice_url"], "https://www.example.com/v#rc=2");
  EXPECT_EQ(client.Get(path).json, changed.json);

  EXPECT_EQ(client.Post(path, {{"VoiceFallbackUrl", ""}}).json["voice_fallback_url"], "");

  const ApiAnswer deleted = client.Delete(path);
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(deleted.header("Content-Type"), "");
  EXPECT_EQ(Problem(client.Get(path)), "404 20404");
  EXPECT_EQ(Problem(client.Delete(path)), "404 20404");
  EXPECT_EQ(Problem(client.Post(path, {{"VoiceUrl", ""}})), "404 20404");
}

TEST_F(NumbersApiTest, EachMistakeHasItsCode) {
  ApiClient client = Client();
  const std::string path = Make(client);
  const struct {
    Form form;
    const char* problem;
  } kCases[] = {
      {{{"VoiceFallbackUrl", "https://f.example.com/"}}, "400 21405"},
      {{{"SmsFallbackUrl", "https://f.example.com/"}}, "400 21406"},
      {{{"VoiceUrl", "htp:/x"}}, "400 21402"},
      {{{"VoiceMethod", "PUT"}}, "400 21403"},
      {{{"SmsUrl", "bin:none"}}, "400 21402"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Problem(client.Post(path, c.form)), c.problem) << c.form.front().name;
  }
  EXPECT_EQ(Problem(client.Post(kNumbers, {{"PhoneNumber", "12345"}})), "400 21421");
  EXPECT_EQ(Problem(client.Post(kNumbers, {{"PhoneNumber", kNewNumber}})), "400 21422");
  EXPECT_EQ(Problem(client.Post(kNumbers, {})), "400 21421");
}

TEST_F(NumbersApiTest, MadeOnTheListsOfTypes) {
  ApiClient client = Client();
  const struct {
    const char* list;
    const char* number;
    const char* type;
  } kCases[] = {{"/IncomingPhoneNumbers/Local.json", "+14155550123", "local"},
                {"/IncomingPhoneNumbers/Mobile.json", "+447700900123", "mobile"},
                {"/IncomingPhoneNumbers/TollFree.json", "+18005550123", "toll-free"}};
  for (const auto& c : kCases) {
    const ApiAnswer made = client.Post(c.list, {{"PhoneNumber", c.number}});
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.json["type"], c.type);
  }
  for (const auto& c : kCases) {
    const json list = client.Get(c.list).json["incoming_phone_numbers"];
    ASSERT_THAT(list, SizeIs(1));
    EXPECT_EQ(list[0]["phone_number"], c.number);
  }
  EXPECT_THAT(client.Get(kNumbers).json["incoming_phone_numbers"], SizeIs(3));
}

// --- Who may come in.

TEST_F(NumbersApiTest, WithoutTheRightPasswordNothing) {
  const std::string kRefused[] = {
      "",
      "Authorization: Bearer abc\r\n",
      "Authorization: Basic !!!\r\n",
      BasicHeader(kAccountSid, "12346"),
      BasicHeader(kAccountSid, ""),
      BasicHeader(kTokenlessSid, ""),
      BasicHeader("SK00000000000000000000000000000001", kAuthToken),
      BasicHeader("", kAuthToken),
  };
  for (const std::string& header : kRefused) {
    ApiClient client(port(), header);
    const ApiAnswer answer = client.Get(kNumbers);
    EXPECT_EQ(Problem(answer), "401 20003") << header;
    EXPECT_EQ(answer.json["message"], "Authenticate");
    EXPECT_EQ(answer.header("WWW-Authenticate"), "Basic realm=\"Twilio API\"");
  }
}

TEST_F(NumbersApiTest, WhatIsAnothersIsNotThere) {
  ApiClient mine = Client();
  const std::string path = Make(mine);
  ApiClient other(port(), BasicHeader(kOtherSid, kOtherToken));
  EXPECT_EQ(Problem(other.Get(kNumbers)), "404 20404");
  EXPECT_EQ(Problem(other.Get(path)), "404 20404");
  const std::string own = absl::StrCat("/2010-04-01/Accounts/", kOtherSid);
  EXPECT_EQ(Problem(other.Get(absl::StrCat(own, path))), "404 20404");
  EXPECT_EQ(Problem(other.Delete(absl::StrCat(own, path))), "404 20404");
  EXPECT_THAT(other.Get(absl::StrCat(own, kNumbers)).json["incoming_phone_numbers"], SizeIs(0));
  EXPECT_EQ(Problem(other.Post(absl::StrCat(own, kNumbers), {{"PhoneNumber", kNewNumber}})),
            "400 21422");
  EXPECT_EQ(mine.Get(path).status, 200);
}

TEST_F(NumbersApiTest, WhoGuessesIsSlowedDownAndNobodyElse) {
  ApiClient known = Client({.from = "127.0.0.2"});
  EXPECT_EQ(known.Get(kNumbers).status, 200);

  ApiClient guesser(port(), BasicHeader(kAccountSid, "wrong"), {.from = "127.0.0.3"});
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const ApiAnswer answer = guesser.Get(kNumbers);
    if (answer.status == 401) continue;
    ++refused;
    EXPECT_EQ(Problem(answer), "429 20429");
    EXPECT_THAT(answer.header("Retry-After"), ::testing::MatchesRegex("[1-6]"));
  }
  EXPECT_GE(refused, 9);  // of a burst of 10, and what the time in between allows
  ApiClient lucky = Client({.from = "127.0.0.3"});
  EXPECT_EQ(Problem(lucky.Get(kNumbers)), "429 20429");

  EXPECT_EQ(known.Get(kNumbers).status, 200);
  ApiClient other(port(), BasicHeader(kOtherSid, kOtherToken), {.from = "127.0.0.4"});
  EXPECT_EQ(other.Get(absl::StrCat("/2010-04-01/Accounts/", kOtherSid, kNumbers)).status, 200);
}

TEST_F(NumbersApiTest, AReloadChangesTokens) {
  ApiClient client = Client();
  EXPECT_EQ(client.Get(kNumbers).status, 200);
  config_.accounts[0].auth_token = Secret("new");
  world().router().Reload(config_);
  EXPECT_EQ(Problem(client.Get(kNumbers)), "401 20003");
  ApiClient renewed(port(), BasicHeader(kAccountSid, "new"));
  EXPECT_EQ(renewed.Get(kNumbers).status, 200);
}

// --- What is not as it should be.

TEST_F(NumbersApiTest, MethodsAndPaths) {
  ApiClient client = Client();
  const std::string path = Make(client);
  for (const char* method : {"PUT", "DELETE", "PATCH", "OPTIONS", "get"}) {
    const ApiAnswer answer = client.Send(method, kNumbers, "", "");
    EXPECT_EQ(Problem(answer), "405 20004") << method;
    EXPECT_EQ(answer.header("Allow"), "GET, POST");
  }
  const ApiAnswer put = client.Send("PUT", path, "", "");
  EXPECT_EQ(Problem(put), "405 20004");
  EXPECT_EQ(put.header("Allow"), "GET, POST, DELETE");
  const ApiAnswer head = client.Send("HEAD", path, "", "");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  for (const char* none : {"/Messages.json", "/IncomingPhoneNumbers", "/IncomingPhoneNumbers/",
                           "/IncomingPhoneNumbers/PN00000000000000000000000000000000.json",
                           "/IncomingPhoneNumbers/%50N.json", "/IncomingPhoneNumbers/%zz.json"}) {
    EXPECT_EQ(Problem(client.Get(none)), "404 20404") << none;
  }
}

TEST_F(NumbersApiTest, BadBodiesAndQueries) {
  ApiClient client = Client();
  const std::string path = Make(client);
  const json before = client.Get(path).json;
  for (const char* body :
       {"VoiceUrl=%", "VoiceUrl=%4", "VoiceUrl=%zz", "FriendlyName=%FF", "FriendlyName=a%00b",
        "FriendlyName=a&FriendlyName=b", "FriendlyName=a&Friendly%4eame=a", "x=1&x=1"}) {
    EXPECT_EQ(Problem(client.PostBytes(path, body)), "400 20422") << body;
  }
  EXPECT_EQ(Problem(client.PostBytes(path, "{\"FriendlyName\":\"x\"}", "application/json")),
            "400 20422");
  EXPECT_EQ(Problem(client.Send("POST", path, "", "FriendlyName=x")), "400 20422");
  for (const char* query :
       {"?PageSize=0", "?PageSize=x", "?Page=-1", "?PhoneNumber=%", "?PhoneNumber=abc",
        "?PhoneNumber=1%2B1", "?Beta=yes", "?Origin=mars", "?FriendlyName=a&FriendlyName=b"}) {
    EXPECT_EQ(Problem(client.Get(absl::StrCat(kNumbers, query))), "400 20422") << query;
  }
  for (const char* query : {"?Page=1", "?PageToken=none", "?Page=1&PageToken=PA%27--",
                            "?Page=1&PageToken=PAPN00000000000000000000000000000000x"}) {
    EXPECT_EQ(Problem(client.Get(absl::StrCat(kNumbers, query))), "400 21481") << query;
  }
  EXPECT_EQ(client.Get(path).json, before);
}

TEST_F(NumbersApiTest, UnknownFieldsAreIgnored) {
  ApiClient client = Client();
  const std::string path = Make(client);
  EXPECT_EQ(client.Post(path, {{"NoSuchField", "1"}, {"FriendlyName", "x"}}).status, 200);
  EXPECT_EQ(client.Get(path).json["friendly_name"], "x");
}

TEST_F(NumbersApiTest, TheServersOwnRefusalsLookTheSame) {
  ApiClient large = Client();
  EXPECT_EQ(Problem(large.PostBytes(kNumbers, std::string((1 << 20) + 1, 'a'))), "413 20422");
  ApiClient no_host = Client();
  EXPECT_EQ(Problem(no_host.Send("GET", kNumbers, "Host: b\r\n", "")), "400 20422");
  ApiClient long_target = Client();
  EXPECT_EQ(Problem(long_target.Get(absl::StrCat(kNumbers, "?", std::string(20000, 'a')))),
            "414 20422");
  // The largest body there may be is read, and is no good as a name.
  ApiClient largest = Client();
  EXPECT_EQ(
      largest.PostBytes(kNumbers, absl::StrCat("FriendlyName=", std::string((1 << 20) - 13, 'a')))
          .status,
      400);
}

TEST_F(NumbersApiTest, NamesAreData) {
  ApiClient client = Client();
  const std::string path = Make(client);
  for (const std::string& name :
       {std::string("'; DROP TABLE numbers; --"), std::string("<script>alert(1)</script>"),
        std::string("\"\\%s%n{{x}}"), std::string("\xF0\x9F\x93\x9E")}) {
    const ApiAnswer changed = client.Post(path, {{"FriendlyName", name}});
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(changed.json["friendly_name"], name);
    const ApiAnswer list =
        client.Get(absl::StrCat(kNumbers, "?", twilio::EncodeForm({{"FriendlyName", name}})));
    ASSERT_THAT(list.json["incoming_phone_numbers"], SizeIs(1)) << name;
    EXPECT_EQ(list.header("X-Content-Type-Options"), "nosniff");
  }
}

// --- Lists.

TEST_F(NumbersApiTest, PagesShowEachNumberOnce) {
  ApiClient client = Client();
  std::set<std::string> made;
  for (int i = 0; i < 23; ++i) {
    const std::string number = absl::StrCat("+1415555", 1000 + i);
    ASSERT_EQ(client.Post(kNumbers, {{"PhoneNumber", number}, {"FriendlyName", "a b"}}).status,
              201);
    made.insert(number);
  }
  const std::string first = absl::StrCat(kNumbers, "?FriendlyName=a%20b&PageSize=5");
  ApiAnswer page = client.Get(first);
  std::set<std::string> seen;
  std::vector<json> pages;
  for (int count = 0; count < 10; ++count) {
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.json["page"], count);
    EXPECT_EQ(page.json["page_size"], 5);
    EXPECT_EQ(page.json["start"], count * 5);
    EXPECT_EQ(page.json["first_page_uri"],
              absl::StrCat("/2010-04-01/Accounts/", kAccountSid, kNumbers,
                           "?FriendlyName=a+b&PageSize=5&Page=0"));
    for (const json& number : page.json["incoming_phone_numbers"]) {
      EXPECT_TRUE(seen.insert(number["phone_number"]).second) << number;
    }
    EXPECT_EQ(page.json["end"], seen.size() - 1);
    pages.push_back(page.json["incoming_phone_numbers"]);
    if (page.json["next_page_uri"].is_null()) break;
    page = client.Get(page.json["next_page_uri"].get<std::string>());
  }
  EXPECT_EQ(seen, made);
  ASSERT_THAT(pages, SizeIs(5));
  // And back again.
  for (int count = 3; count >= 0; --count) {
    ASSERT_TRUE(page.json["previous_page_uri"].is_string()) << page.body;
    page = client.Get(page.json["previous_page_uri"].get<std::string>());
    EXPECT_EQ(page.json["page"], count);
    EXPECT_EQ(page.json["incoming_phone_numbers"], pages[static_cast<size_t>(count)]);
  }
  EXPECT_TRUE(page.json["previous_page_uri"].is_null());
  EXPECT_THAT(client.Get(absl::StrCat(kNumbers, "?PageSize=5000")).json["incoming_phone_numbers"],
              SizeIs(23));
}

TEST_F(NumbersApiTest, Filters) {
  ApiClient client = Client();
  for (const char* number : {"+14155550101", "+14155550102", "+442071838750"}) {
    ASSERT_EQ(client.Post(kNumbers, {{"PhoneNumber", number}, {"FriendlyName", number + 8}}).status,
              201);
  }
  const struct {
    const char* query;
    size_t count;
  } kCases[] = {
      {"", 3},
      {"?PhoneNumber=%2B14155550101", 1},
      {"?PhoneNumber=+14155550101", 1},  // unescaped
      {"?PhoneNumber=415555", 2},
      {"?PhoneNumber=%2B1*02", 1},
      {"?PhoneNumber=%2B44*", 1},
      {"?PhoneNumber=*", 3},
      {"?PhoneNumber=999", 0},
      {"?FriendlyName=0101", 1},
      {"?FriendlyName=010", 0},
      {"?Beta=true", 3},
      {"?Beta=false", 3},
      {"?Origin=twilio", 3},
      {"?Origin=hosted", 0},
      {"?PhoneNumber=&Origin=&Beta=&NoSuchFilter=1", 3},
  };
  for (const auto& c : kCases) {
    const ApiAnswer list = client.Get(absl::StrCat(kNumbers, c.query));
    EXPECT_EQ(list.status, 200) << c.query << list.body;
    EXPECT_THAT(list.json["incoming_phone_numbers"], SizeIs(c.count)) << c.query;
  }
  // The keys that the Python SDK knows, and the array.
  EXPECT_THAT(client.Get(kNumbers).json, SizeIs(9));
}

// --- The configuration's numbers.

class ConfiguredNumbersTest : public NumbersApiTest {
 protected:
  ConfiguredNumbersTest() {
    config_.numbers = {{.phone_number = kNumber,
                        .account_sid = kAccountSid,
                        .voice = router::Handler{.primary = {.url = "https://www.example.com/v"}}}};
  }
};

TEST_F(ConfiguredNumbersTest, AreListedAndCannotBeChanged) {
  ApiClient client = Client();
  const json list = client.Get(kNumbers).json["incoming_phone_numbers"];
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0]["phone_number"], kNumber);
  EXPECT_EQ(list[0]["voice_url"], "https://www.example.com/v");
  const std::string path = list[0]["uri"];
  EXPECT_EQ(client.Get(path).json, list[0]);
  for (const ApiAnswer& answer : {client.Post(path, {{"VoiceUrl", ""}}), client.Delete(path),
                                  client.Post(kNumbers, {{"PhoneNumber", kNumber}})}) {
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_NE(answer.code(), 0);
    EXPECT_THAT(answer.json["message"], HasSubstr("configuration"));
  }
  EXPECT_EQ(client.Get(path).json, list[0]);
}

TEST_F(ConfiguredNumbersTest, WithoutADatabaseThereIsNoApi) {
  config_.numbers_database.clear();
  ApiClient client = Client();
  EXPECT_EQ(Problem(client.Get(kNumbers)), "404 20404");
  EXPECT_EQ(Problem(client.Post(kNumbers, {{"PhoneNumber", kNewNumber}})), "404 20404");
  ApiClient stranger(port(), "");
  EXPECT_EQ(Problem(stranger.Get(kNumbers)), "404 20404");
}

// --- Calls.

TEST_F(NumbersApiTest, TheNextCallFollows) {
  Origin primary, fallback;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  fallback.OnAny(Reply{.body = kFallbackDocument});
  ApiClient client = Client();
  EXPECT_EQ(Call(VoiceRequest()).status.error_code(), grpc::StatusCode::NOT_FOUND);
  const std::string path = Make(client, {{"VoiceUrl", primary.url("/v")}});
  EXPECT_EQ(Call(VoiceRequest()).response.twiml(), kPrimaryDocument);

  ASSERT_EQ(client
                .Post(path, {{"VoiceUrl", primary.url("/w")},
                             {"VoiceMethod", "GET"},
                             {"VoiceFallbackUrl", fallback.url("/f")},
                             {"VoiceFallbackMethod", "GET"}})
                .status,
            200);
  EXPECT_EQ(Call(VoiceRequest()).response.source(), v1::SOURCE_PRIMARY);
  EXPECT_EQ(primary.requests().back().path, "/w");
  EXPECT_EQ(primary.requests().back().method, "GET");
  primary.OnAny(Reply{.status = 500});
  EXPECT_EQ(Call(VoiceRequest()).response.source(), v1::SOURCE_FALLBACK);
  EXPECT_EQ(fallback.requests().back().method, "GET");

  ASSERT_EQ(client
                .Post(path, {{"SmsUrl", primary.url("/s")},
                             {"SmsFallbackUrl", fallback.url("/g")},
                             {"SmsFallbackMethod", "POST"}})
                .status,
            200);
  EXPECT_EQ(Call(MessageRequest()).response.source(), v1::SOURCE_FALLBACK);
  EXPECT_EQ(fallback.requests().back().path, "/g");
  EXPECT_EQ(fallback.requests().back().method, "POST");

  ASSERT_EQ(client.Post(path, {{"VoiceFallbackUrl", ""}}).status, 200);
  EXPECT_EQ(Call(VoiceRequest()).response.source(), v1::SOURCE_DEFAULT);
  EXPECT_EQ(client.Delete(path).status, 204);
  EXPECT_EQ(Call(VoiceRequest()).status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(NumbersApiTest, AnApplicationTakesPrecedence) {
  Origin own, shared;
  own.OnAny(Reply{.body = kPrimaryDocument});
  shared.OnAny(Reply{.body = kFallbackDocument});
  ApiClient client = Client();
  const std::string path = Make(client, {{"VoiceUrl", own.url("/v")}, {"SmsUrl", own.url("/s")}});
  const ApiAnswer made = client.Post(kApplications, {{"FriendlyName", "all of them"},
                                                     {"VoiceUrl", shared.url("/v")},
                                                     {"SmsUrl", shared.url("/s")}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string application = made.json["uri"];
  const std::string sid = made.json["sid"];
  EXPECT_EQ(client.Get(application).json, made.json);
  EXPECT_THAT(
      client.Get(absl::StrCat(kApplications, "?FriendlyName=all%20of%20them")).json["applications"],
      ElementsAre(made.json));

  ASSERT_EQ(client.Post(path, {{"VoiceApplicationSid", sid}}).status, 200);
  EXPECT_EQ(Call(VoiceRequest()).response.twiml(), kFallbackDocument);
  EXPECT_EQ(Call(MessageRequest()).response.document_url(), own.url("/s"));
  ASSERT_EQ(client.Post(path, {{"SmsApplicationSid", sid}}).status, 200);
  EXPECT_EQ(Call(MessageRequest()).response.document_url(), shared.url("/s"));

  ASSERT_EQ(client.Post(application, {{"VoiceUrl", shared.url("/moved")}}).status, 200);
  EXPECT_EQ(Call(VoiceRequest()).response.document_url(), shared.url("/moved"));
  ASSERT_EQ(client.Delete(application).status, 204);
  EXPECT_EQ(Call(VoiceRequest()).response.twiml(), kPrimaryDocument);
  EXPECT_EQ(Problem(client.Get(application)), "404 20404");
  EXPECT_EQ(Problem(client.Post(path, {{"VoiceApplicationSid", sid}})), "400 21420");
}

TEST_F(NumbersApiTest, ARestartKeepsThem) {
  ApiClient client = Client();
  const std::string path = Make(client, {{"VoiceUrl", "https://www.example.com/v"}});
  const json before = client.Get(path).json;
  world_.reset();
  ApiClient again = Client();
  EXPECT_EQ(again.Get(path).json, before);
}

// --- The port.

TEST_F(NumbersApiTest, IsCounted) {
  ApiClient client = Client();
  EXPECT_EQ(client.Get(kNumbers).status, 200);
  EXPECT_EQ(client.Get("/Nothing.json").status, 404);
  const int admin = world().router().admin_port();
  EXPECT_EQ(ReadMetric(admin, "understudy_api_requests_total{error_code=\"0\"}"), 1);
  EXPECT_EQ(ReadMetric(admin, "understudy_api_requests_total{error_code=\"20404\"}"), 1);
  EXPECT_EQ(ReadMetric(admin, "understudy_http_events_total{event=\"handled\"}"), 2);
  EXPECT_EQ(ReadMetric(admin, "understudy_http_connections"), 1);
}

TEST_F(NumbersApiTest, EndsWithTheRouter) {
  ApiClient client = Client();
  EXPECT_EQ(client.Get(kNumbers).status, 200);
  const int api_port = port();
  world().router().Stop(absl::Seconds(24));
  EXPECT_EQ(client.Get(kNumbers).status, 0);
  EXPECT_FALSE(HttpClient(api_port).is_open());
}

}  // namespace
}  // namespace understudy::testing
