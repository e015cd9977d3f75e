#include "tests/testing/origin.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/certificates.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr absl::Duration kSoon = absl::Seconds(10);
constexpr absl::Duration kNever = absl::Milliseconds(100);
constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct Received {
  std::string bytes = {};
  // "end" (FIN), "reset" (RST) or, if neither came in time, "open".
  std::string then = {};
};

// Reads until the connection ends, or nothing comes for `bound`.
Received Receive(const Socket& socket, absl::Duration bound = kSoon) {
  Received received;
  std::array<char, 65536> bytes;
  while (WaitReadable(socket, bound)) {
    const ssize_t count = recv(socket.fd(), bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      received.then = count == 0 ? "end" : "reset";
      return received;
    }
    received.bytes.append(bytes.data(), static_cast<size_t>(count));
  }
  received.then = "open";
  return received;
}

// Sends `request` on a connection of its own.
Received Exchange(const Origin& origin, absl::string_view request, absl::Duration bound = kSoon) {
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  if (!socket.is_open()) return {.then = "reset"};  // before the connect was looked at
  const bool was_sent = SendAll(socket, request);
  Received received = Receive(socket, bound);
  // A reset that a send ran into is told once; what comes behind it looks like an end.
  if (!was_sent && received.then == "end") received.then = "reset";
  return received;
}

TEST(OriginTest, AnswersByPathAndRecords) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response/>", .closes = true});
  EXPECT_EQ(Exchange(origin,
                     "POST /voice?b=%32&a HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nx-a: 2\r\n"
                     "Content-Length: 3\r\n\r\nD=1")
                .bytes,
            ToBytes({.body = "<Response/>", .closes = true}));
  ASSERT_EQ(origin.requests().size(), 1u);
  const Request request = origin.requests()[0];
  EXPECT_EQ(request.connection, 0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/voice?b=%32&a");
  EXPECT_EQ(request.path, "/voice");
  EXPECT_THAT(request.query, ElementsAre(Pair("b", "2"), Pair("a", "")));
  EXPECT_EQ(request.version, "HTTP/1.1");
  EXPECT_THAT(request.headers, ElementsAre(Pair("Host", "x"), Pair("X-A", "1"), Pair("x-a", "2"),
                                           Pair("Content-Length", "3")));
  EXPECT_EQ(request.header("x-A"), "1");
  EXPECT_EQ(request.body, "D=1");
}

TEST(OriginTest, NamesItself) {
  const Origin v4;
  EXPECT_EQ(v4.url("/a?b"), absl::StrCat("http://127.0.0.1:", v4.port(), "/a?b"));
  EXPECT_EQ(v4.url_for_host("a.test", "/"), absl::StrCat("http://a.test:", v4.port(), "/"));
  const Origin v6({.host = "::1", .port = v4.port()});
  EXPECT_EQ(v6.url("/a"), absl::StrCat("http://[::1]:", v4.port(), "/a"));
}

TEST(OriginTest, AnswersUnscriptedPaths) {
  Origin origin;
  EXPECT_THAT(Exchange(origin, "GET /x HTTP/1.0\r\n\r\n").bytes, StartsWith("HTTP/1.1 404 "));
  origin.OnAny(Reply{.body = "any"});
  EXPECT_EQ(Exchange(origin, "GET /x HTTP/1.0\r\n\r\n").bytes, ToBytes({.body = "any"}));
}

TEST(OriginTest, PlaysASequenceAndRepeatsItsLast) {
  Origin origin;
  origin.OnSequence("/", {Reply{.status = 503}, Script{}.Reset(), Reply{.body = "c"}});
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  SendAll(socket, kGet);
  SendAll(socket, kGet);
  EXPECT_EQ(Receive(socket).then, "reset");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Exchange(origin, "GET / HTTP/1.0\r\n\r\n").bytes, ToBytes({.body = "c"}));
  }
  ASSERT_EQ(origin.requests().size(), 4u);
  EXPECT_EQ(origin.requests()[1].connection, 0);
  EXPECT_EQ(origin.requests()[2].connection, 1);
  EXPECT_EQ(origin.connections(), 3);
}

TEST(OriginTest, KeepsAConnectionUntilAskedToClose) {
  Origin origin;
  origin.OnAny(Reply{.body = "x"});
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  const std::string reply = ToBytes({.body = "x"});
  for (int i = 0; i < 2; ++i) {
    SendAll(socket, kGet);
    EXPECT_EQ(Receive(socket, kNever).bytes, reply);
  }
  EXPECT_EQ(origin.open_connections(), 1);
  SendAll(socket, "GET / HTTP/1.1\r\nconnection: Close\r\n\r\n");
  const Received last = Receive(socket);
  EXPECT_EQ(last.bytes, reply);
  EXPECT_EQ(last.then, "end");
  EXPECT_EQ(origin.open_connections(), 0);
  EXPECT_EQ(origin.connections(), 1);
}

TEST(OriginTest, ReadsRequestsInOnePieceOrInMany) {
  Origin origin;
  origin.OnAny(Reply{});
  const std::string two =
      "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n"
      "\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nde";
  for (const size_t piece : {two.size(), size_t{1}, size_t{7}}) {
    const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
    for (size_t at = 0; at < two.size(); at += piece) SendAll(socket, two.substr(at, piece));
    EXPECT_EQ(Receive(socket).then, "end");
    const std::vector<Request> requests = origin.requests();
    ASSERT_GE(requests.size(), 2u);
    EXPECT_EQ(requests[requests.size() - 2].body, "abc");
    EXPECT_EQ(requests.back().body, "de");
  }
}

TEST(OriginTest, Answers400ToWhatIsNoRequest) {
  Origin origin;
  origin.OnAny(Reply{});
  for (const char* junk :
       {"\x16\x03\x01\x02", "get / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "GET / x HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"}) {
    const Received received = Exchange(origin, junk);
    EXPECT_THAT(received.bytes, StartsWith("HTTP/1.1 400 ")) << junk;
    EXPECT_EQ(received.then, "end") << junk;
  }
  EXPECT_THAT(origin.requests(), IsEmpty());
}

TEST(OriginTest, LimitsARequest) {
  Origin origin;
  origin.OnAny(Reply{.closes = true});
  const auto request = [](size_t body_bytes) {
    return absl::StrCat("POST / HTTP/1.1\r\nContent-Length: ", body_bytes, "\r\n\r\n",
                        std::string(body_bytes, 'x'));
  };
  const size_t head_bytes = request(1 << 20).size() - (1 << 20);
  const size_t body_bytes_max = Origin::kRequestBytesMax - head_bytes;
  EXPECT_THAT(Exchange(origin, request(body_bytes_max)).bytes, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Exchange(origin, request(body_bytes_max + 1)).bytes, StartsWith("HTTP/1.1 400 "));

  const std::string begin = "GET / HTTP/1.1\r\nA: ";
  const std::string end = "\r\n\r\n";
  const size_t value_bytes_max = Origin::kRequestBytesMax - begin.size() - end.size();
  EXPECT_THAT(Exchange(origin, begin + std::string(value_bytes_max, 'x') + end).bytes,
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Exchange(origin, begin + std::string(value_bytes_max + 1, 'x') + end).bytes,
              StartsWith("HTTP/1.1 400 "));
}

TEST(OriginTest, WaitsForRequests) {
  Origin origin;
  EXPECT_TRUE(origin.WaitForRequests(0, absl::ZeroDuration()));
  EXPECT_FALSE(origin.WaitForRequests(1, kNever));
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  SendAll(socket, kGet);
  EXPECT_TRUE(origin.WaitForRequests(1, kSoon));
}

struct Fault {
  const char* name = "";
  Script script = {};
  std::string bytes = {};
  const char* then = "";
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

std::vector<Fault> Faults() {
  return {
      {"Open", Script{}.Send("a").Send("b"), "ab", "open"},
      {"Stall", Script{}.Send("a").Stall(), "a", "open"},
      {"Close", Script{}.Send("HTTP/1.1 200 OK\r\nContent-Le").Close(),
       "HTTP/1.1 200 OK\r\nContent-Le", "end"},
      {"CloseWithoutNotify", Script{}.Send("a").CloseWithoutNotify(), "a", "end"},
      {"CloseWithoutAByte", Script{}.Close(), "", "end"},
      {"Reset", Script{}.Reset(), "", "reset"},
      {"SlowlyThenClose", Script{}.SendSlowly("abc", absl::Milliseconds(5)).Close(), "abc", "end"},
      {"WaitThenClose", Script{}.Wait(absl::Milliseconds(20)).Send("late").Close(), "late", "end"},
      {"Binary", Script{}.Send(std::string("\0\xff\r\n\0", 5)).Close(),
       std::string("\0\xff\r\n\0", 5), "end"}};
}

class FaultTest : public ::testing::TestWithParam<Fault> {};

INSTANTIATE_TEST_SUITE_P(Faults, FaultTest, ::testing::ValuesIn(Faults()),
                         [](const auto& fault) { return fault.param.name; });

TEST_P(FaultTest, PlaysOnARequest) {
  Origin origin;
  origin.On("/", GetParam().script);
  const Received received = Exchange(origin, kGet, kNever);
  EXPECT_EQ(received.bytes, GetParam().bytes);
  EXPECT_EQ(received.then, GetParam().then);
  EXPECT_EQ(origin.requests().size(), 1u);
}

TEST_P(FaultTest, PlaysOnAConnection) {
  Origin origin;
  origin.OnAccept(GetParam().script);
  const Received received = Exchange(origin, "", kNever);
  EXPECT_EQ(received.bytes, GetParam().bytes);
  EXPECT_EQ(received.then, GetParam().then);
  EXPECT_EQ(origin.connections(), 1);
}

TEST(ScriptTest, SlowBytesTakeTheirTime) {
  Origin origin;
  origin.On("/", Script{}.SendSlowly("abcde", absl::Milliseconds(20)).Close());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Exchange(origin, kGet).bytes, "abcde");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(100));
}

TEST(ScriptTest, SendsEndlesslyUntilTheClientGoes) {
  Origin origin;
  origin.On("/", Script{}.SendEndlessly("HTTP/1.1 103 Early Hints\r\n\r\n"));
  {
    const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
    SendAll(socket, kGet);
    std::string bytes(8 << 20, '\0');
    EXPECT_EQ(recv(socket.fd(), bytes.data(), bytes.size(), MSG_WAITALL), 8 << 20);
  }
  EXPECT_TRUE(WaitFor([&] { return origin.open_connections() == 0; }, kSoon));
}

TEST(ScriptTest, AwaitBytesWaitsForTheNextRequest) {
  Origin origin;
  origin.On("/", Script{}.Send(ToBytes({})).AwaitBytes().Reset());
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  SendAll(socket, kGet);
  const Received first = Receive(socket, kNever);
  EXPECT_EQ(first.bytes, ToBytes({}));
  EXPECT_EQ(first.then, "open");
  SendAll(socket, kGet);
  EXPECT_EQ(Receive(socket).then, "reset");
  EXPECT_EQ(origin.requests().size(), 1u);
}

TEST(ScriptTest, AnEarlyAnswerLeavesTheBodyUnread) {
  Origin origin;
  origin.On("/", Script(Reply{.body = "early"}).BeforeBody());
  const Received received =
      Exchange(origin, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nonly so much");
  EXPECT_EQ(received.bytes, ToBytes({.body = "early"}));
  EXPECT_EQ(received.then, "end");
  EXPECT_EQ(origin.requests().at(0).body, "");
}

TEST(ScriptTest, NoticesThatTheClientWent) {
  for (const Script& script :
       {Script{}.Stall(), Script{}.Wait(absl::Hours(1)), Script{}.SendSlowly("ab", absl::Hours(1)),
        Script{}.AwaitBytes(), Script(Reply{})}) {
    Origin on_request;
    on_request.OnAny(script);
    {
      const Socket socket = Dial("127.0.0.1", on_request.port(), kSoon);
      SendAll(socket, kGet);
      ASSERT_TRUE(on_request.WaitForRequests(1, kSoon));
      EXPECT_EQ(on_request.open_connections(), 1);
    }
    EXPECT_TRUE(WaitFor([&] { return on_request.open_connections() == 0; }, kSoon));

    Origin on_accept;
    on_accept.OnAccept(script);
    {
      const Socket socket = Dial("127.0.0.1", on_accept.port(), kSoon);
      EXPECT_TRUE(WaitFor([&] { return on_accept.open_connections() == 1; }, kSoon));
    }
    EXPECT_TRUE(WaitFor([&] { return on_accept.open_connections() == 0; }, kSoon));
  }
}

TEST(ScriptTest, AnAcceptScriptWithoutAnEndGoesOn) {
  Origin origin;
  origin.OnAny(Reply{.body = "x", .closes = true});
  origin.OnAcceptSequence({Script{}.Reset(), Script{}, Script{}.Wait(absl::Milliseconds(10))});
  EXPECT_EQ(Exchange(origin, kGet).then, "reset");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Exchange(origin, kGet).bytes, ToBytes({.body = "x", .closes = true}));
  }
}

TEST(ScriptTest, AServerThatStopsReadingClosesItsWindow) {
  Origin origin({.receive_buffer_bytes = 1});
  origin.OnAccept(Script{}.Stall());
  const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
  const int bytes = 4096;
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  const std::string much(1 << 20, 'x');
  size_t sent = 0;
  // The client's side is full when nothing more goes out for a while.
  while (WaitFor(
      [&] {
        const ssize_t count =
            send(socket.fd(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<size_t>(count);
        return count > 0;
      },
      kNever)) {
    ASSERT_LT(sent, much.size());
  }
  EXPECT_EQ(errno, EAGAIN);
}

TEST(OriginEndTest, EndsWhateverItsConnectionsDo) {
  const auto begin = std::chrono::steady_clock::now();
  for (const Script& script :
       {Script{}.Stall(), Script{}.Wait(absl::Hours(1)), Script{}.SendSlowly("ab", absl::Hours(1)),
        Script{}.SendEndlessly("x"), Script{}.AwaitBytes(), Script{}.Close(), Script(Reply{})}) {
    for (const bool on_accept : {false, true}) {
      Socket socket;
      Origin origin;
      on_accept ? origin.OnAccept(script) : origin.OnAny(script);
      socket = Dial("127.0.0.1", origin.port(), kSoon);
      if (!on_accept) SendAll(socket, kGet);
      ASSERT_TRUE(WaitFor([&] { return origin.connections() == 1; }, kSoon));
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(OriginEndTest, ComesBackToItsPort) {
  int port = 0;
  for (int i = 0; i < 3; ++i) {
    Origin origin({.port = port});
    port = origin.port();
    origin.OnAny(Reply{.closes = true});
    EXPECT_EQ(Exchange(origin, kGet).then, "end");
  }
}

TEST(OriginMassTest, HoldsThousandsOfSilentConnections) {
  constexpr int kConnections = 2500;
  Origin origin;
  origin.OnAccept(Script{}.Stall());
  std::vector<Socket> sockets;
  for (int i = 0; i < kConnections; ++i) {
    sockets.push_back(Dial("127.0.0.1", origin.port(), kSoon));
    ASSERT_TRUE(sockets.back().is_open()) << i;
    SendAll(sockets.back(), kGet);
  }
  EXPECT_TRUE(WaitFor([&] { return origin.open_connections() == kConnections; }, kSoon));
  EXPECT_EQ(Receive(sockets.front(), kNever).then, "open");
  EXPECT_EQ(Receive(sockets.back(), kNever).then, "open");
  sockets.resize(kConnections / 2);
  EXPECT_TRUE(WaitFor([&] { return origin.open_connections() == kConnections / 2; }, kSoon));
  EXPECT_EQ(origin.connections(), kConnections);
}

TEST(OriginMassTest, DoesNotKeepFinishedConnections) {
  Origin origin;
  origin.OnAny(Reply{.closes = true});
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Exchange(origin, kGet).then, "end");
  EXPECT_EQ(origin.connections(), 500);
  EXPECT_EQ(origin.open_connections(), 0);
}

// A client of TLS, and one that judges HTTP as the router's does.
class Curl {
 public:
  Curl() : easy_(curl_easy_init(), curl_easy_cleanup) {
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, &Curl::Append);
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, &body_);
    curl_easy_setopt(easy_.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy_.get(), CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy_.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  }

  template <typename T>
  Curl& Set(CURLoption option, T value) {
    EXPECT_EQ(curl_easy_setopt(easy_.get(), option, value), CURLE_OK);
    return *this;
  }

  CURLcode Fetch(const std::string& url) {
    body_.clear();
    Set(CURLOPT_URL, url.c_str());
    return curl_easy_perform(easy_.get());
  }

  const std::string& body() const { return body_; }

 private:
  static size_t Append(const char* bytes, size_t size, size_t count, void* body) {
    static_cast<std::string*>(body)->append(bytes, size * count);
    return size * count;
  }

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  std::string body_;
};

TEST(OriginCurlTest, ServesChunksGzipAndKeepAlive) {
  Origin origin;
  origin.On("/chunked", Reply{.headers = {{"Transfer-Encoding", "chunked"}},
                              .body = Chunked(std::string(5000, 'x'))});
  origin.On("/gzip", Reply{.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip("<Response/>")});
  Curl curl;
  curl.Set(CURLOPT_ACCEPT_ENCODING, "gzip");
  EXPECT_EQ(curl.Fetch(origin.url("/chunked")), CURLE_OK);
  EXPECT_EQ(curl.body(), std::string(5000, 'x'));
  EXPECT_EQ(curl.Fetch(origin.url("/gzip")), CURLE_OK);
  EXPECT_EQ(curl.body(), "<Response/>");
  EXPECT_EQ(origin.connections(), 1);
}

class OriginTlsTest : public ::testing::Test {
 protected:
  OriginOptions Tls() const {
    return {.tls = TlsOptions{.certificate = authority_.Issue({.dns_names = {"origin.test"}})}};
  }

  // As origin.test, which no resolver has to know.
  CURLcode Fetch(const Origin& origin) {
    curl_slist* const to =
        curl_slist_append(nullptr, absl::StrCat("::127.0.0.1:", origin.port()).c_str());
    curl_.Set(CURLOPT_CONNECT_TO, to).Set(CURLOPT_CAINFO, ca_file_.c_str());
    const CURLcode code = curl_.Fetch(origin.url_for_host("origin.test", "/"));
    curl_.Set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
    curl_slist_free_all(to);
    return code;
  }

  TempDir dir_;
  TestAuthority authority_;
  std::string ca_file_ = authority_.WriteCaFile(dir_.path());
  Curl curl_;
};

TEST_F(OriginTlsTest, ServesAndRecordsTheHandshake) {
  Origin origin(Tls());
  origin.OnAny(Reply{.body = "x"});
  EXPECT_EQ(Fetch(origin), CURLE_OK);
  EXPECT_EQ(Fetch(origin), CURLE_OK);
  EXPECT_EQ(curl_.body(), "x");
  ASSERT_EQ(origin.handshakes().size(), 1u);
  EXPECT_EQ(origin.handshakes()[0].connection, 0);
  EXPECT_EQ(origin.handshakes()[0].server_name, "origin.test");
  EXPECT_EQ(origin.handshakes()[0].protocol, "");
  EXPECT_EQ(origin.handshakes()[0].version, "TLSv1.3");
  EXPECT_THAT(origin.url("/"), StartsWith("https://127.0.0.1:"));
}

TEST_F(OriginTlsTest, AgreesOnTheMostWantedProtocolOffered) {
  OriginOptions options = Tls();
  options.tls->alpn = {"h2", "http/1.1"};
  Origin origin(options);
  origin.OnAny(Reply{.closes = true});
  EXPECT_EQ(Fetch(origin), CURLE_OK);
  curl_.Set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  EXPECT_NE(Fetch(origin), CURLE_OK) << "an origin that agrees on h2 does not speak it";
  curl_.Set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1).Set(CURLOPT_SSL_ENABLE_ALPN, 0L);
  EXPECT_EQ(Fetch(origin), CURLE_OK);
  ASSERT_EQ(origin.handshakes().size(), 3u);
  EXPECT_EQ(origin.handshakes()[0].protocol, "http/1.1");
  EXPECT_EQ(origin.handshakes()[1].protocol, "h2");
  EXPECT_EQ(origin.handshakes()[2].protocol, "");
}

TEST_F(OriginTlsTest, RecordsAHandshakeThatTheClientRefuses) {
  const TestAuthority stranger;
  Origin origin({.tls = TlsOptions{.certificate = stranger.Issue({.dns_names = {"b.test"}})}});
  EXPECT_EQ(Fetch(origin), CURLE_PEER_FAILED_VERIFICATION);
  ASSERT_TRUE(WaitFor([&] { return origin.handshakes().size() == 1; }, kSoon));
  EXPECT_EQ(origin.handshakes()[0].server_name, "origin.test");
  EXPECT_EQ(origin.handshakes()[0].version, "");
  EXPECT_THAT(origin.requests(), IsEmpty());
}

TEST_F(OriginTlsTest, SendsTheChain) {
  Origin origin({.tls = TlsOptions{.certificate = authority_.Issue(
                                       {.dns_names = {"origin.test"}, .intermediates = 2})}});
  origin.OnAny(Reply{});
  EXPECT_EQ(Fetch(origin), CURLE_OK);
}

TEST_F(OriginTlsTest, SpeaksTheVersionsItIsTold) {
  constexpr long kOldest = CURL_SSLVERSION_TLSv1_0;
  struct Case {
    TlsVersion version;
    const char* name;
  };
  for (const Case& item : {Case{TlsVersion::k10, "TLSv1"}, Case{TlsVersion::k11, "TLSv1.1"},
                           Case{TlsVersion::k12, "TLSv1.2"}, Case{TlsVersion::k13, "TLSv1.3"}}) {
    OriginOptions options = Tls();
    options.tls->min_version = item.version;
    options.tls->max_version = item.version;
    Origin origin(options);
    origin.OnAny(Reply{});
    curl_.Set(CURLOPT_SSLVERSION, kOldest).Set(CURLOPT_SSL_CIPHER_LIST, "ALL@SECLEVEL=0");
    EXPECT_EQ(Fetch(origin), CURLE_OK) << item.name;
    EXPECT_EQ(origin.handshakes().at(0).version, item.name);
    curl_.Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
        .Set(CURLOPT_SSL_CIPHER_LIST, static_cast<const char*>(nullptr))
        .Set(CURLOPT_FRESH_CONNECT, 1L);
    const bool is_modern = item.version >= TlsVersion::k12;
    EXPECT_EQ(Fetch(origin), is_modern ? CURLE_OK : CURLE_SSL_CONNECT_ERROR) << item.name;
  }
}

TEST_F(OriginTlsTest, SpeaksTheCiphersItIsTold) {
  OriginOptions options = Tls();
  options.tls->max_version = TlsVersion::k12;
  options.tls->ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  Origin origin(options);
  origin.OnAny(Reply{});
  EXPECT_EQ(Fetch(origin), CURLE_OK);
  curl_.Set(CURLOPT_SSL_CIPHER_LIST, "ECDHE-ECDSA-AES256-GCM-SHA384")
      .Set(CURLOPT_FRESH_CONNECT, 1L);
  EXPECT_EQ(Fetch(origin), CURLE_SSL_CONNECT_ERROR);
}

TEST_F(OriginTlsTest, RequiresAClientCertificate) {
  const Certificate client = authority_.Issue({.common_name = "client"});
  const std::string chain_file = dir_.Write("client.pem", client.chain_pem);
  const std::string key_file = dir_.Write("client.key", client.key_pem);
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    OriginOptions options = Tls();
    options.tls->max_version = version;
    options.tls->client_ca_pem = authority_.ca_pem();
    Origin origin(options);
    origin.OnAny(Reply{});
    curl_.Set(CURLOPT_SSLCERT, static_cast<const char*>(nullptr));
    EXPECT_EQ(Fetch(origin),
              version == TlsVersion::k13 ? CURLE_RECV_ERROR : CURLE_SSL_CONNECT_ERROR);
    EXPECT_THAT(origin.requests(), IsEmpty());
    curl_.Set(CURLOPT_SSLCERT, chain_file.c_str()).Set(CURLOPT_SSLKEY, key_file.c_str());
    EXPECT_EQ(Fetch(origin), CURLE_OK);
  }
}

TEST_F(OriginTlsTest, SpoilsHandshakes) {
  struct Case {
    const char* name;
    Script script;
    CURLcode code;
  };
  curl_.Set(CURLOPT_TIMEOUT_MS, 300L);
  for (const Case& item :
       {Case{"reset after the hello", Script{}.AwaitBytes().Reset(), CURLE_SSL_CONNECT_ERROR},
        Case{"close after the hello", Script{}.AwaitBytes().Close(), CURLE_SSL_CONNECT_ERROR},
        Case{"junk", Script{}.Send("junk junk junk").Close(), CURLE_SSL_CONNECT_ERROR},
        Case{"silence", Script{}.Stall(), CURLE_OPERATION_TIMEDOUT},
        Case{"half a record", Script{}.AwaitBytes().Send("\x16\x03\x03\x01").Stall(),
             CURLE_OPERATION_TIMEDOUT}}) {
    Origin origin(Tls());
    origin.OnAccept(item.script);
    EXPECT_EQ(Fetch(origin), item.code) << item.name;
    EXPECT_THAT(origin.handshakes(), IsEmpty());
  }
}

// Asked of OpenSSL itself: curl takes either for a good end.
TEST_F(OriginTlsTest, ClosesWithANotifyOrWithout) {
  Origin origin(Tls());
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";  // the body lasts to the end
  origin.OnSequence("/", {Script{}.Send(head + "whole").Close(),
                          Script{}.Send(head + "cut").CloseWithoutNotify()});
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  for (const int error : {SSL_ERROR_ZERO_RETURN, SSL_ERROR_SSL}) {
    const Socket socket = Dial("127.0.0.1", origin.port(), kSoon);
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
    SSL_set_fd(tls.get(), socket.fd());
    ASSERT_EQ(SSL_connect(tls.get()), 1);
    const std::string request = kGet;
    SSL_write(tls.get(), request.data(), static_cast<int>(request.size()));
    std::array<char, 1024> bytes;
    const std::string body = error == SSL_ERROR_ZERO_RETURN ? "whole" : "cut";
    EXPECT_EQ(SSL_read(tls.get(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(head.size() + body.size()));
    EXPECT_EQ(SSL_get_error(tls.get(), SSL_read(tls.get(), bytes.data(), 1)), error) << body;
    ERR_clear_error();
  }
}

TEST_F(OriginTlsTest, AnswersTheWrongScheme) {
  Origin secure(Tls());
  EXPECT_NE(curl_.Fetch(absl::StrCat("http://127.0.0.1:", secure.port(), "/")), CURLE_OK);
  Origin plain;
  EXPECT_EQ(curl_.Fetch(absl::StrCat("https://127.0.0.1:", plain.port(), "/")),
            CURLE_SSL_CONNECT_ERROR);
}

TEST_F(OriginTlsTest, EndsWhateverItsConnectionsDo) {
  for (const Script& script : {Script{}.Stall(), Script{}.SendEndlessly("x"), Script{}.Close()}) {
    Origin origin(Tls());
    origin.OnAny(script);
    curl_.Set(CURLOPT_TIMEOUT_MS, 200L);
    Fetch(origin);
    EXPECT_EQ(origin.requests().size(), 1u);
  }
}

}  // namespace
}  // namespace understudy::testing
