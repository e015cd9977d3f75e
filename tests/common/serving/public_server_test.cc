#include "common/serving/public_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "tests/common/serving/public_server_world.h"
#include "tests/testing/http_client.h"
#include "tests/testing/wait.h"

namespace understudy::serving {
namespace {

using testing::Chunked;
using ::testing::ElementsAre;
using testing::Gate;
using testing::Get;
using testing::Gzip;
using ::testing::HasSubstr;
using HttpClient = testing::DoorClient;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Post;
using testing::PublicServerWorld;
using testing::Response;
using ::testing::SizeIs;
using testing::WaitFor;

// What takes longer hangs.
constexpr absl::Duration kBound = absl::Seconds(20);

// --- Ordinary requests.

TEST(PublicServerTest, HandsARequestOverAndItsAnswerBack) {
  PublicServerWorld world({}, [](const HttpRequest& request) {
    return HttpResponse{.status = 201,
                        .content_type = "text/xml",
                        .headers = {{"X-Answer", "yes"}},
                        .body = "<" + request.path + ">"};
  });
  HttpClient client(world.port());
  const std::optional<Response> response =
      client.Ask(Post("/fallback?ErrorCode=11200", "a=b", "X-Twilio-Signature: abc\r\n"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "</fallback>");
  EXPECT_EQ(response->header("Content-Type"), "text/xml");
  EXPECT_EQ(response->header("X-Answer"), "yes");
  EXPECT_EQ(response->header("Connection"), "keep-alive");
  EXPECT_EQ(response->header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(response->header("Server"), "");
  absl::Time date;
  ASSERT_TRUE(
      absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", response->header("Date"), &date, nullptr));
  EXPECT_LT(absl::AbsDuration(absl::Now() - date), absl::Minutes(1));

  ASSERT_THAT(world.requests(), SizeIs(1));
  const HttpRequest request = world.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/fallback?ErrorCode=11200");
  EXPECT_EQ(request.path, "/fallback");
  EXPECT_EQ(request.query, "ErrorCode=11200");
  EXPECT_EQ(request.body, "a=b");
  EXPECT_EQ(request.remote_address, "127.0.0.1");
  EXPECT_FALSE(request.is_tls);
  ASSERT_NE(FindHeader(request.headers, "x-twilio-signature"), nullptr);
  EXPECT_EQ(*FindHeader(request.headers, "x-twilio-signature"), "abc");
  EXPECT_EQ(world.count(PublicEvent::kAccepted), 1);
  EXPECT_EQ(world.count(PublicEvent::kHandled), 1);
}

TEST(PublicServerTest, LeavesTheBodyOutBehindHeadAndWhereThereIsNone) {
  PublicServerWorld world({}, [](const HttpRequest& request) {
    return HttpResponse{.status = request.path == "/none" ? 204 : 200, .body = "four"};
  });
  HttpClient client(world.port());
  ASSERT_TRUE(client.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::optional<Response> head = client.Read(/*behind_head=*/true);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->header("Content-Length"), "4");
  const std::optional<Response> none = client.Ask(Get("/none"));
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->status, 204);
  EXPECT_EQ(none->header("Content-Length"), "");
  // Had there been a body, this would begin with it.
  const std::optional<Response> get = client.Ask(Get("/"));
  ASSERT_TRUE(get.has_value());
  EXPECT_EQ(get->body, "four");
}

TEST(PublicServerTest, KeepsAConnectionForSoManyRequests) {
  PublicServerWorld world({.requests_per_connection = 3});
  HttpClient client(world.port());
  for (int i = 1; i <= 3; ++i) {
    const std::optional<Response> response = client.Ask(Get("/"));
    ASSERT_TRUE(response.has_value()) << i;
    EXPECT_EQ(response->header("Connection"), i < 3 ? "keep-alive" : "close") << i;
  }
  EXPECT_TRUE(client.ServerEnds());
  EXPECT_EQ(world.count(PublicEvent::kAccepted), 1);
}

TEST(PublicServerTest, EndsAConnectionWhenItsClientWantsThat) {
  const struct {
    const char* request;
    bool ends;
  } kCases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
      {"GET / HTTP/1.0\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
  };
  PublicServerWorld world;
  for (const auto& c : kCases) {
    HttpClient client(world.port());
    const std::optional<Response> response = client.Ask(c.request);
    ASSERT_TRUE(response.has_value()) << c.request;
    EXPECT_EQ(response->header("Connection"), c.ends ? "close" : "keep-alive") << c.request;
    if (c.ends) {
      EXPECT_TRUE(client.ServerEnds()) << c.request;
    } else {
      EXPECT_TRUE(client.Ask(c.request).has_value()) << c.request;
    }
  }
}

TEST(PublicServerTest, AnswersAClientThatHasEndedItsSide) {
  Gate gate;
  PublicServerWorld world({}, [&](const HttpRequest& request) {
    gate.Pass();
    return testing::Echo(request);
  });
  HttpClient client(world.port());
  ASSERT_TRUE(client.Send(Get("/a")));
  client.EndSending();
  ASSERT_TRUE(WaitFor([&] { return gate.waiting() == 1; }, kBound));
  gate.Open();
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "GET /a ");
  EXPECT_TRUE(client.ServerEnds());
}

TEST(PublicServerTest, ServesIpv6) {
  auto server = PublicServer::Start({.listen = {.host = "::1"}}, [](const HttpRequest& request) {
    return HttpResponse{.body = request.remote_address};
  });
  ASSERT_TRUE(server.ok()) << server.status();
  testing::HttpClient client((*server)->port(), {.host = "::1"});
  const std::optional<Response> response = client.Ask(Get("/"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "::1");
}

TEST(PublicServerTest, KnowsAnIpv4AddressBehindAnIpv6Port) {
  auto server = PublicServer::Start({.listen = {.host = "::"}}, [](const HttpRequest& request) {
    return HttpResponse{.body = request.remote_address};
  });
  ASSERT_TRUE(server.ok()) << server.status();
  testing::HttpClient client((*server)->port());
  const std::optional<Response> response = client.Ask(Get("/"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "127.0.0.1");
}

TEST(PublicServerTest, DoesNotStartWhereItCannotListen) {
  PublicServerWorld world;
  for (const ListenAddress& address :
       {ListenAddress{.host = "127.0.0.1", .port = static_cast<uint16_t>(world.port())},
        ListenAddress{.host = "192.0.2.1", .port = 0},
        ListenAddress{.host = "does-not-exist.invalid", .port = 0}}) {
    const auto server = PublicServer::Start({.listen = address}, testing::Echo);
    EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(server.status().message()), HasSubstr(ListenAddressText(address)));
  }
}

// --- Requests sent ahead.

TEST(PublicServerTest, AnswersRequestsSentAheadInTheirOrder) {
  // More than is read at once, and more than may be queued.
  constexpr int kRequests = 2000;
  PublicServerWorld world({.requests_per_connection = kRequests, .queued_requests = 2});
  HttpClient client(world.port());
  std::thread sender([&] {
    std::string all;
    for (int i = 0; i < kRequests; ++i) {
      absl::StrAppend(&all, i % 2 == 0 ? Get(absl::StrCat("/", i)) : Post("/", absl::StrCat(i)));
    }
    EXPECT_TRUE(client.Send(all));
  });
  for (int i = 0; i < kRequests; ++i) {
    const std::optional<Response> response = client.Read();
    ASSERT_TRUE(response.has_value()) << i;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body,
              i % 2 == 0 ? absl::StrCat("GET /", i, " ") : absl::StrCat("POST / ", i));
  }
  EXPECT_TRUE(client.ServerEnds());
  sender.join();
}

TEST(PublicServerTest, HandlesOneRequestOfAConnectionAtATime) {
  Gate gate;
  PublicServerWorld world({}, [&](const HttpRequest& request) {
    if (request.path == "/first") gate.Pass();
    return testing::Echo(request);
  });
  HttpClient client(world.port());
  ASSERT_TRUE(client.Send(Get("/first") + Get("/second")));
  ASSERT_TRUE(WaitFor([&] { return gate.waiting() == 1; }, kBound));
  // A connection of its own is not held up, so there is room for the second.
  EXPECT_TRUE(HttpClient(world.port()).Ask(Get("/other")).has_value());
  EXPECT_THAT(world.requests(), SizeIs(2));
  gate.Open();
  EXPECT_EQ(client.Read()->body, "GET /first ");
  EXPECT_EQ(client.Read()->body, "GET /second ");
}

// --- Expect.

TEST(PublicServerTest, TellsThoseToGoOnWhoWait) {
  PublicServerWorld world;
  HttpClient client(world.port());
  const std::string request = Post("/", "hello", "Expect: 100-continue\r\n");
  const std::optional<Response> interim = client.Ask(request.substr(0, request.size() - 5));
  ASSERT_TRUE(interim.has_value());
  EXPECT_EQ(interim->status, 100);
  const std::optional<Response> response = client.Ask("hello");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "POST / hello");
  // Who does not wait is not told.
  EXPECT_EQ(client.Ask(request)->status, 200);
  // Nor is who would be refused.
  EXPECT_EQ(client
                .Ask("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                     "Content-Length: 1048577\r\n\r\n")
                ->status,
            413);
}

// --- N10 to N14: what is refused.

// Sends `request`, more of which may follow, and expects to be told `status`, once.
void ExpectRefused(const PublicServerWorld& world, const std::string& request, int status,
                   const std::string& name) {
  HttpClient client(world.port());
  ASSERT_TRUE(client.is_open()) << name;
  client.Send(request);
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value()) << name;
  EXPECT_EQ(response->status, status) << name;
  EXPECT_EQ(response->header("Connection"), "close") << name;
  EXPECT_THAT(response->body, ::testing::EndsWith(".\n")) << name;
  EXPECT_TRUE(client.ServerEnds()) << name;
}

TEST(PublicServerTest, N10ABodyOfOneByteTooMany) {
  PublicServerWorld world;
  const size_t kMax = PublicLimits().request.body_bytes;
  ASSERT_EQ(kMax, size_t{1} << 20);
  const std::string kChunkedHead =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  {
    HttpClient client(world.port());
    EXPECT_EQ(client.Ask(Post("/", std::string(kMax, 'x')))->status, 200);
    EXPECT_EQ(client.Ask(kChunkedHead + Chunked(std::string(kMax, 'x')))->status, 200);
  }
  const std::string larger(kMax + 1, 'x');
  ExpectRefused(world, Post("/", larger), 413, "by length");
  ExpectRefused(world, kChunkedHead + Chunked(larger), 413, "by chunks");
  ExpectRefused(world, Post("/", Gzip(larger), "Content-Encoding: gzip\r\n"), 415, "by gzip");
  EXPECT_THAT(world.requests(), SizeIs(2));
  EXPECT_EQ(world.count(PublicEvent::kBodyTooLarge), 2);
  EXPECT_EQ(world.count(PublicEvent::kUnsupported), 1);
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() == 0; }, kBound));
}

TEST(PublicServerTest, N13WhatTwoCouldUnderstandInTwoWays) {
  // What each would smuggle in.
  const std::string kSecond = Get("/smuggled");
  const struct {
    const char* name;
    std::string request;
  } kCases[] = {
      {"CL+TE",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
       "\r\n0\r\n\r\n"},
      {"TE+CL",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"
       "\r\n0\r\n\r\n"},
      {"two lengths",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n"},
      {"two lengths in one", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n"},
      {"obs-fold", "POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n Content-Length: 5\r\n\r\n"},
      {"obs-fold of Transfer-Encoding",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
      {"space before colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n"},
      {"bare LF", "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n"},
      {"bare LF in a header", "POST / HTTP/1.1\r\nHost: a\r\nX: a\nContent-Length: 5\r\n\r\n"},
      {"unknown TE", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
      {"TE of HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"chunk line of LF",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n"},
  };
  PublicServerWorld world;
  for (const auto& c : kCases) ExpectRefused(world, c.request + kSecond, 400, c.name);
  EXPECT_THAT(world.requests(), IsEmpty());
  EXPECT_EQ(world.count(PublicEvent::kBadRequest), static_cast<int>(std::size(kCases)));
}

TEST(PublicServerTest, N13WhatIsNotHttp) {
  PublicServerWorld world;
  ExpectRefused(world, std::string("\x16\x03\x01\x02\x00\x01", 6), 400, "TLS");
  ExpectRefused(world, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/2");
  ExpectRefused(world, "GET /\r\n\r\n", 400, "HTTP/0.9");
  ExpectRefused(world, "HELO mail.example.com\r\n\r\n", 400, "SMTP");
}

TEST(PublicServerTest, N14HeadersWithoutEnd) {
  PublicServerWorld world;
  HttpClient client(world.port());
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n"));
  const std::string kLine = absl::StrCat("X: ", std::string(8 * 1024 - 5, 'x'), "\r\n");
  size_t held = 0;
  size_t sent = 0;
  while (sent < 160 << 20 && client.Send(kLine)) {
    sent += kLine.size();
    held = std::max(held, world.server().held_bytes());
  }
  EXPECT_LE(held + PublicLimits().request.own_bytes, size_t{32} * 1024);
  EXPECT_LT(sent, size_t{160} << 20) << "the connection is closed before all is sent";
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 431);
  EXPECT_TRUE(client.ServerEnds());
  EXPECT_EQ(world.count(PublicEvent::kHeadTooLarge), 1);
}

TEST(PublicServerTest, TheLastByteOfAHead) {
  PublicServerWorld world;
  const size_t kMax = PublicLimits().request.head_bytes;
  const size_t kRest = Get("/", "X: \r\n").size();
  HttpClient client(world.port());
  EXPECT_EQ(
      client.Ask(Get("/", absl::StrCat("X: ", std::string(kMax - kRest, 'x'), "\r\n")))->status,
      200);
  ExpectRefused(world, Get("/", absl::StrCat("X: ", std::string(kMax - kRest + 1, 'x'), "\r\n")),
                431, "headers");
  ExpectRefused(world, Get(absl::StrCat("/", std::string(kMax, 'x'))), 414, "target");
  EXPECT_EQ(world.count(PublicEvent::kHeadTooLarge), 1);
  EXPECT_EQ(world.count(PublicEvent::kTargetTooLong), 1);
}

// --- Deadlines.

// Waits for the server to end the connection; how long that took.
absl::Duration TimeToEnd(HttpClient& client) {
  const absl::Time begin = MonotonicNow();
  EXPECT_TRUE(client.ServerEnds());
  return MonotonicNow() - begin;
}

TEST(PublicServerTest, ASilentConnectionJustEnds) {
  PublicServerWorld world({.head_time = absl::Milliseconds(200)});
  HttpClient client(world.port());
  EXPECT_GE(TimeToEnd(client), absl::Milliseconds(150));
  EXPECT_EQ(world.count(PublicEvent::kHeadTimeout), 1);
}

TEST(PublicServerTest, ASlowHeadIsToldSo) {
  PublicServerWorld world({.head_time = absl::Milliseconds(200)});
  const absl::Time begin = MonotonicNow();
  HttpClient client(world.port());
  // Bytes that come do not prolong it.
  std::thread drip([&] {
    for (const char c : Get("/", "X: " + std::string(1000, 'x') + "\r\n")) {
      if (!client.Send(absl::string_view(&c, 1))) return;
      absl::SleepFor(absl::Milliseconds(5));
    }
  });
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 408);
  EXPECT_TRUE(client.ServerEnds());
  EXPECT_GE(MonotonicNow() - begin, absl::Milliseconds(150));
  drip.join();
  EXPECT_EQ(world.count(PublicEvent::kHeadTimeout), 1);
  EXPECT_THAT(world.requests(), IsEmpty());
}

TEST(PublicServerTest, ASlowBodyIsToldSo) {
  PublicServerWorld world({.body_time = absl::Milliseconds(200)});
  for (const char* body : {"", "hell"}) {
    HttpClient client(world.port());
    const absl::Time begin = MonotonicNow();
    const std::string request = Post("/", "hello");
    const std::optional<Response> response =
        client.Ask(absl::StrCat(request.substr(0, request.size() - 5), body));
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 408);
    EXPECT_TRUE(client.ServerEnds());
    EXPECT_GE(MonotonicNow() - begin, absl::Milliseconds(150));
  }
  EXPECT_EQ(world.count(PublicEvent::kBodyTimeout), 2);
  EXPECT_THAT(world.requests(), IsEmpty());
}

TEST(PublicServerTest, AnIdleConnectionJustEnds) {
  PublicServerWorld world({.idle_time = absl::Milliseconds(200)});
  HttpClient client(world.port());
  ASSERT_TRUE(client.Ask(Get("/") + "\r\n").has_value());  // an empty line is no request
  EXPECT_GE(TimeToEnd(client), absl::Milliseconds(150));
  EXPECT_EQ(world.count(PublicEvent::kIdleTimeout), 1);
}

TEST(PublicServerTest, TimeForAHeadBeginsWithIt) {
  PublicServerWorld world({.head_time = absl::Milliseconds(200)});
  HttpClient client(world.port());
  ASSERT_TRUE(client.Ask(Get("/")).has_value());
  absl::SleepFor(absl::Milliseconds(400));  // idle, which is allowed
  EXPECT_TRUE(client.Ask(Get("/")).has_value());
  EXPECT_EQ(world.count(PublicEvent::kHeadTimeout), 0);
}

TEST(PublicServerTest, AHandlerMayTakeLongerThanAllDeadlines) {
  const absl::Duration kShort = absl::Milliseconds(50);
  PublicServerWorld world(
      {.head_time = kShort, .body_time = kShort, .write_time = kShort, .idle_time = kShort},
      [](const HttpRequest& request) {
        absl::SleepFor(absl::Milliseconds(300));
        return testing::Echo(request);
      });
  HttpClient client(world.port());
  EXPECT_EQ(client.Ask(Get("/"))->status, 200);
}

TEST(PublicServerTest, AClientThatNeverReadsIsCutOff) {
  PublicServerWorld world({.write_time = absl::Milliseconds(300)}, [](const HttpRequest& request) {
    return HttpResponse{.body = std::string(request.path == "/large" ? 16 << 20 : 1, 'x')};
  });
  HttpClient client(world.port(), {.receive_buffer_bytes = 4096});
  ASSERT_TRUE(client.Send(Get("/large")));
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() >= 16 << 20; }, kBound));
  EXPECT_TRUE(HttpClient(world.port()).Ask(Get("/")).has_value());
  EXPECT_TRUE(WaitFor([&] { return world.count(PublicEvent::kWriteTimeout) == 1; }, kBound));
  EXPECT_FALSE(client.Read().has_value()) << "the answer is cut short";
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() == 0; }, kBound));
}

TEST(PublicServerTest, ASlowReaderGetsItsAnswer) {
  PublicServerWorld world(
      {}, [](const HttpRequest&) { return HttpResponse{.body = std::string(16 << 20, 'x')}; });
  HttpClient client(world.port(), {.receive_buffer_bytes = 4096});
  ASSERT_TRUE(client.Send(Get("/")));
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() > 0; }, kBound));
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body.size(), size_t{16} << 20);
  EXPECT_EQ(world.server().held_bytes(), 0u);
}

TEST(PublicServerTest, AnswersThatWaitAreHeldToALimit) {
  PublicServerWorld world({.held_bytes = 20 << 20}, [](const HttpRequest&) {
    return HttpResponse{.body = std::string(16 << 20, 'x')};
  });
  HttpClient first(world.port(), {.receive_buffer_bytes = 4096});
  ASSERT_TRUE(first.Send(Get("/")));
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() > 0; }, kBound));
  HttpClient second(world.port(), {.receive_buffer_bytes = 4096});
  ASSERT_TRUE(second.Send(Get("/")));
  EXPECT_TRUE(WaitFor([&] { return world.count(PublicEvent::kHeldBytesFull) == 1; }, kBound));
  EXPECT_FALSE(second.Read().has_value());
  EXPECT_TRUE(first.Read().has_value());
}

// --- Clients that go.

TEST(PublicServerTest, OutlivesClientsThatGoAtAnyMoment) {
  Gate gate;
  PublicServerWorld world({}, [&](const HttpRequest& request) {
    if (request.path == "/wait") gate.Pass();
    return HttpResponse{.body = std::string(1 << 20, 'x')};
  });
  const std::string request = Post("/wait", "hello");
  for (size_t size = 0; size <= request.size(); size += 7) {
    HttpClient closed(world.port());
    closed.Send(request.substr(0, size));
    closed.Close();
    HttpClient reset(world.port());
    reset.Send(request.substr(0, size));
    reset.Reset();
  }
  {
    HttpClient client(world.port());
    client.Send(request);
    ASSERT_TRUE(WaitFor([&] { return gate.waiting() > 0; }, kBound));
    client.Reset();
  }
  gate.Open();
  EXPECT_TRUE(WaitFor([&] { return world.server().connections() == 0; }, kBound));
  EXPECT_EQ(world.server().held_bytes(), 0u);
  EXPECT_TRUE(HttpClient(world.port()).Ask(Get("/")).has_value());
}

// --- Too many.

TEST(PublicServerTest, N16AQueueThatIsFull) {
  Gate gate;
  PublicServerWorld world({.handler_threads = 2, .queued_requests = 3},
                          [&](const HttpRequest& request) {
                            gate.Pass();
                            return testing::Echo(request);
                          });
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<HttpClient>(world.port()));
    ASSERT_TRUE(clients.back()->Send(Get(absl::StrCat("/", i))));
  }
  ASSERT_TRUE(WaitFor([&] { return gate.waiting() == 2; }, kBound));
  // All five have been read once a request sent later is refused for them.
  HttpClient sixth(world.port());
  std::optional<Response> refused;
  ASSERT_TRUE(WaitFor(
      [&] {
        HttpClient client(world.port());
        client.Send(Get("/more"));
        if (!WaitReadable(client.socket(), absl::Milliseconds(50))) return false;
        refused = client.Read();
        return true;
      },
      kBound));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->header("Retry-After"), "1");
  EXPECT_EQ(refused->header("Connection"), "keep-alive");
  EXPECT_GE(world.count(PublicEvent::kQueueFull), 1);
  gate.Open();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(clients[static_cast<size_t>(i)]->Read()->status, 200) << i;
  EXPECT_EQ(sixth.Ask(Get("/"))->status, 200) << "there is room again";
}

// Told why; over TLS, where nothing can be said before a handshake, just sent away.
void ExpectTurnedAway(HttpClient& client, int status) {
  const std::optional<Response> refused = client.Read();
  EXPECT_EQ(refused.has_value(), !testing::kIsOverTls);
  if (!refused.has_value()) return;
  EXPECT_EQ(refused->status, status);
  EXPECT_EQ(refused->header("Retry-After"), "1");
}

TEST(PublicServerTest, TheLastConnection) {
  PublicServerWorld world({.connections = 2});
  HttpClient first(world.port());
  HttpClient second(world.port());
  ASSERT_TRUE(first.Send("GET"));
  ASSERT_TRUE(second.Send("GET"));
  ASSERT_TRUE(WaitFor([&] { return world.server().connections() == 2; }, kBound));
  HttpClient third(world.port());
  ExpectTurnedAway(third, 503);
  EXPECT_TRUE(third.ServerEnds());
  EXPECT_EQ(world.count(PublicEvent::kConnectionsFull), 1);
  // Those inside are served, and make room.
  EXPECT_TRUE(first.Ask(" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").has_value());
  EXPECT_TRUE(first.ServerEnds());
  first.Close();
  ASSERT_TRUE(WaitFor([&] { return world.server().connections() == 1; }, kBound));
  EXPECT_TRUE(HttpClient(world.port()).Ask(Get("/")).has_value());
  EXPECT_TRUE(second.Ask(" / HTTP/1.1\r\nHost: a\r\n\r\n").has_value());
}

TEST(PublicServerTest, TheConnectionThatIdlesForLongestMakesRoom) {
  PublicServerWorld world({.connections = 3});
  HttpClient busy(world.port());
  ASSERT_TRUE(busy.Send("GET"));
  HttpClient first(world.port());
  HttpClient second(world.port());
  ASSERT_TRUE(first.Ask(Get("/")).has_value());
  ASSERT_TRUE(second.Ask(Get("/")).has_value());
  ASSERT_TRUE(first.Ask(Get("/")).has_value());
  HttpClient third(world.port());
  EXPECT_TRUE(third.Ask(Get("/")).has_value());
  EXPECT_TRUE(second.ServerEnds());
  EXPECT_TRUE(first.Ask(Get("/")).has_value());
  EXPECT_TRUE(busy.Ask(" / HTTP/1.1\r\nHost: a\r\n\r\n").has_value());
  EXPECT_EQ(world.count(PublicEvent::kEvicted), 1);
  EXPECT_EQ(world.count(PublicEvent::kConnectionsFull), 0);
}

TEST(PublicServerTest, TheLastConnectionOfAnAddress) {
  PublicServerWorld world({.connections_per_address = 2});
  HttpClient first(world.port());
  HttpClient second(world.port());
  ASSERT_TRUE(first.Send("GET"));
  ASSERT_TRUE(second.Send("GET"));
  ASSERT_TRUE(WaitFor([&] { return world.server().connections() == 2; }, kBound));
  HttpClient third(world.port());
  ExpectTurnedAway(third, 429);
  EXPECT_EQ(world.count(PublicEvent::kAddressFull), 1);
  // Another address has its own.
  HttpClient other(world.port(), {.from = "127.0.0.2"});
  EXPECT_TRUE(other.Ask(Get("/")).has_value());
  EXPECT_EQ(world.requests().back().remote_address, "127.0.0.2");
  // An idle one of the same address makes room, and no other.
  EXPECT_TRUE(first.Ask(" / HTTP/1.1\r\nHost: a\r\n\r\n").has_value());
  HttpClient fourth(world.port());
  EXPECT_TRUE(fourth.Ask(Get("/")).has_value());
  EXPECT_TRUE(first.ServerEnds());
  EXPECT_TRUE(other.Ask(Get("/")).has_value());
  EXPECT_EQ(world.count(PublicEvent::kEvicted), 1);
}

TEST(PublicServerTest, OneConnectionIsEnoughToBeServed) {
  PublicServerWorld world({.connections = 1, .connections_per_address = 1});
  HttpClient first(world.port());
  EXPECT_TRUE(first.Ask(Get("/")).has_value());
  HttpClient second(world.port());
  EXPECT_TRUE(second.Ask(Get("/")).has_value());
  EXPECT_TRUE(first.ServerEnds());
}

// --- Handlers that fail.

TEST(PublicServerTest, AHandlerThatFailsIsNoReasonToDie) {
  PublicServerWorld world({}, [](const HttpRequest& request) -> HttpResponse {
    if (request.path == "/throws") throw std::runtime_error("secret " + request.body);
    if (request.path == "/throws-odd") throw 1;
    if (request.path == "/splits") return {.headers = {{"X", "a\r\nSet-Cookie: b"}}};
    return testing::Echo(request);
  });
  ::testing::internal::CaptureStderr();
  HttpClient client(world.port());
  for (const char* path : {"/throws", "/throws-odd", "/splits"}) {
    const std::optional<Response> response = client.Ask(Post(path, "body"));
    ASSERT_TRUE(response.has_value()) << path;
    EXPECT_EQ(response->status, 500) << path;
    EXPECT_EQ(response->header("Set-Cookie"), "") << path;
    EXPECT_EQ(response->header("Connection"), "keep-alive") << path;
    EXPECT_THAT(response->body, Not(HasSubstr("secret"))) << path;
  }
  EXPECT_EQ(client.Ask(Get("/"))->status, 200);
  EXPECT_EQ(world.count(PublicEvent::kHandlerFailed), 3);
  EXPECT_EQ(world.count(PublicEvent::kHandled), 1);
  ASSERT_TRUE(FlushLog(kBound));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("\"path\":\"/throws\",\"detail\":\"std::runtime_error\""));
  EXPECT_THAT(log, HasSubstr("\"path\":\"/throws-odd\""));
  EXPECT_THAT(log, HasSubstr("\"path\":\"/splits\",\"detail\":\"the header X has"));
  EXPECT_THAT(log, Not(HasSubstr("secret")));
}

TEST(PublicServerTest, RefusesInTheWordsOfItsService) {
  const struct {
    PublicLimits limits;
    std::string request;
    int status;
    const char* retry_after;
  } kCases[] = {{{}, "HTTP/1.1\r\n\r\n", 400, ""},
                {{}, Get("/"), 500, ""},
                {{.connections_per_address = 0}, "", 429, "1"},
                {{.connections = 0}, "", 503, "1"}};
  for (const auto& c : kCases) {
    const auto server = PublicServer::Start(
        {.listen = {.host = "127.0.0.1"},
         .limits = c.limits,
         .refusal =
             [](int status, absl::string_view reason) {
               return HttpResponse{.status = status,
                                   .content_type = "text/x-refusal",
                                   .body = absl::StrCat(status, ": ", reason)};
             }},
        [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); });
    ASSERT_TRUE(server.ok()) << server.status();
    testing::HttpClient client((*server)->port());
    const std::optional<Response> response = client.Ask(c.request);
    ASSERT_TRUE(response.has_value()) << c.status;
    EXPECT_EQ(response->status, c.status);
    EXPECT_EQ(response->header("Content-Type"), "text/x-refusal");
    EXPECT_THAT(response->body, ::testing::StartsWith(absl::StrCat(c.status, ": ")));
    EXPECT_EQ(response->header("Retry-After"), c.retry_after);
  }
}

// --- Stopping.

TEST(PublicServerTest, StopAnswersWhatIsUnderWay) {
  Gate gate;
  PublicServerWorld world({.request = {.own_bytes = 0}, .handler_threads = 1},
                          [&](const HttpRequest& request) {
                            gate.Pass();
                            return testing::Echo(request);
                          });
  HttpClient running(world.port());
  HttpClient queued(world.port());
  HttpClient sending(world.port());
  ASSERT_TRUE(running.Send(Get("/running")));
  ASSERT_TRUE(WaitFor([&] { return gate.waiting() == 1; }, kBound));
  ASSERT_TRUE(queued.Send(Get("/queued")));
  ASSERT_TRUE(sending.Send("GET /sending HTTP/1.1\r\n"));
  ASSERT_TRUE(WaitFor([&] { return world.server().held_bytes() > 80; }, kBound));
  std::thread stopper([&] { world.server().Stop(kBound); });
  ASSERT_TRUE(WaitFor([&] { return !HttpClient(world.port()).is_open(); }, kBound));
  ASSERT_TRUE(sending.Send("Host: a\r\n\r\n"));
  gate.Open();
  for (HttpClient* client : {&running, &queued, &sending}) {
    const std::optional<Response> response = client->Read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->header("Connection"), "close");
    EXPECT_TRUE(client->ServerEnds());
    client->Close();
  }
  stopper.join();
  EXPECT_EQ(world.server().connections(), 0);
  world.server().Stop(kBound);
}

TEST(PublicServerTest, StopEndsIdleConnectionsAtOnce) {
  PublicServerWorld world;
  HttpClient client(world.port());
  ASSERT_TRUE(client.Ask(Get("/")).has_value());
  const absl::Time begin = MonotonicNow();
  world.server().Stop(kBound);
  EXPECT_LT(MonotonicNow() - begin, kBound / 2);
  EXPECT_TRUE(client.ServerEnds());
}

TEST(PublicServerTest, StopServesTheRequestThatIsOnItsWay) {
  // Each round sends its request just when the server stops: it is answered, or the connection
  // ends without a byte, but never is a request begun and left.
  for (int round = 0; round < 50; ++round) {
    PublicServerWorld world;
    HttpClient client(world.port());
    ASSERT_TRUE(client.Ask(Get("/")).has_value());
    std::thread stopper([&] { world.server().Stop(kBound); });
    client.Send(Get("/late"));
    const std::optional<Response> response = client.Read();
    client.Close();
    stopper.join();
    EXPECT_EQ(world.requests().size(), response.has_value() ? 2u : 1u) << round;
  }
}

TEST(PublicServerTest, StopCutsOffWhatIsLeftAfterItsGrace) {
  Gate gate;
  PublicServerWorld world({.request = {.own_bytes = 0}, .handler_threads = 1},
                          [&](const HttpRequest& request) {
                            gate.Pass();
                            return testing::Echo(request);
                          });
  HttpClient running(world.port());
  HttpClient queued(world.port());
  HttpClient sending(world.port());
  ASSERT_TRUE(running.Send(Get("/running")));
  ASSERT_TRUE(WaitFor([&] { return gate.waiting() == 1; }, kBound));
  ASSERT_TRUE(queued.Send(Get("/queued")));
  ASSERT_TRUE(sending.Send("GET"));
  ASSERT_TRUE(WaitFor([&] { return world.server().held_bytes() > 60; }, kBound));
  std::thread opener([&] {
    // When the grace has long passed, the handler that runs is waited for.
    absl::SleepFor(absl::Milliseconds(300));
    gate.Open();
  });
  const absl::Time begin = MonotonicNow();
  world.server().Stop(absl::Milliseconds(50));
  EXPECT_GE(MonotonicNow() - begin, absl::Milliseconds(250));
  opener.join();
  EXPECT_THAT(world.requests(), SizeIs(1)) << "what was queued is not begun";
  EXPECT_TRUE(running.Read().has_value());
  EXPECT_FALSE(queued.Read().has_value());
  EXPECT_FALSE(sending.Read().has_value());
  EXPECT_EQ(world.server().connections(), 0);
  EXPECT_EQ(world.server().held_bytes(), 0u);
}

TEST(PublicServerTest, FreesItsPortWhenStopped) {
  PublicServerWorld world;
  const auto port = static_cast<uint16_t>(world.port());
  ASSERT_TRUE(HttpClient(port).Ask(Get("/")).has_value());
  world.server().Stop(kBound);
  EXPECT_FALSE(HttpClient(port).is_open());
  const auto second =
      PublicServer::Start({.listen = {.host = "127.0.0.1", .port = port}}, testing::Echo);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(testing::HttpClient(port).Ask(Get("/")).has_value());
}

// --- Names.

TEST(PublicEventNameTest, AreDifferent) {
  std::set<std::string> names;
  for (int i = 0; i < kPublicEvents; ++i) {
    const std::string name = PublicEventName(static_cast<PublicEvent>(i));
    EXPECT_NE(name, "") << i;
    names.insert(name);
  }
  EXPECT_THAT(names, SizeIs(kPublicEvents));
  EXPECT_STREQ(PublicEventName(static_cast<PublicEvent>(kPublicEvents)), "");
}

}  // namespace
}  // namespace understudy::serving
