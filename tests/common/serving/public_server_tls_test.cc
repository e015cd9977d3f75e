// What only TLS brings to the server of public_server_test.cc.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/common/serving/public_server_world.h"
#include "tests/testing/certificates.h"
#include "tests/testing/secret_mount.h"
#include "tests/testing/wait.h"

namespace understudy::serving {
namespace {

using testing::Certificate;
using testing::DoorClient;
using testing::Get;
using testing::HttpClient;
using testing::PublicServerWorld;
using testing::Response;
using testing::SecretMount;
using testing::TestAuthority;
using testing::WaitFor;

constexpr absl::Duration kBound = absl::Seconds(20);

using ContextPtr = std::shared_ptr<SSL_CTX>;

ContextPtr ClientContext() {
  return {SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
}

// One that believes the authority in `folder` alone.
ContextPtr ClientOf(const SecretMount& folder) {
  ContextPtr context = ClientContext();
  EXPECT_EQ(SSL_CTX_load_verify_locations(context.get(), folder.Path("ca.crt").c_str(), nullptr),
            1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

TEST(PublicServerTlsTest, AHandshakeThatTakesTooLongJustEnds) {
  PublicServerWorld world({.head_time = absl::Milliseconds(200)});
  HttpClient plain(world.port());
  ASSERT_TRUE(plain.Send("\x16\x03\x01"));  // the beginning of a handshake
  EXPECT_TRUE(plain.ServerEnds());
  EXPECT_EQ(world.count(PublicEvent::kHeadTimeout), 1);
  EXPECT_EQ(world.count(PublicEvent::kTlsFailed), 0);
  EXPECT_TRUE(WaitFor([&] { return world.server().connections() == 0; }, kBound));
}

TEST(PublicServerTlsTest, AHandshakeDripByDripHasNoMoreTime) {
  PublicServerWorld world({.head_time = absl::Milliseconds(300)});
  HttpClient plain(world.port());
  // A record of 16 KiB is announced; a byte of it now and then.
  ASSERT_TRUE(plain.Send(std::string("\x16\x03\x01\x40\x00", 5)));
  EXPECT_TRUE(WaitFor(
      [&] {
        static_cast<void>(plain.Send("x"));
        return world.count(PublicEvent::kHeadTimeout) == 1;
      },
      kBound));
}

TEST(PublicServerTlsTest, WhatIsNoHandshakeEndsAndIsCounted) {
  PublicServerWorld world;
  for (const std::string& bytes : {Get("/"), std::string(1000, '\0'), std::string("\x16\x03")}) {
    HttpClient plain(world.port());
    ASSERT_TRUE(plain.Send(bytes));
    plain.EndSending();
    // An alert may come first; then the end.
    EXPECT_FALSE(plain.Read().has_value());
  }
  EXPECT_TRUE(WaitFor([&] { return world.count(PublicEvent::kTlsFailed) == 3; }, kBound));
  EXPECT_EQ(world.requests().size(), 0u);
  DoorClient good(world.port());
  EXPECT_TRUE(good.Ask(Get("/")).has_value());
}

TEST(PublicServerTlsTest, OldVersionsGetNowhere) {
  PublicServerWorld world;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    const ContextPtr context = ClientContext();
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    HttpClient client(world.port(), {.tls = context.get()});
    EXPECT_EQ(client.Ask(Get("/")).has_value(), version >= TLS1_2_VERSION) << version;
  }
}

// A client that reads nothing while a large answer waits, and goes on later.
TEST(PublicServerTlsTest, ALargeAnswerComesWhole) {
  const std::string body(8 << 20, 'x');
  PublicServerWorld world({}, [&](const HttpRequest&) { return HttpResponse{.body = body}; });
  DoorClient client(world.port(), {.receive_buffer_bytes = 8192});
  ASSERT_TRUE(client.Send(Get("/")));
  ASSERT_TRUE(WaitFor([&] { return world.server().held_bytes() >= body.size(); }, kBound));
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, body);
}

TEST(PublicServerTlsTest, RenewedFilesCountForNewHandshakesUnderLoad) {
  const TestAuthority first("first");
  const TestAuthority second("second");
  SecretMount mount(first.Issue({.ip_addresses = {"127.0.0.1"}}), first.ca_pem());
  const SecretMount later(second.Issue({}), second.ca_pem());
  auto identity = TlsIdentity::Load(
      "http", {.certificate = mount.Path("tls.crt"), .key = mount.Path("tls.key")});
  ASSERT_TRUE(identity.ok()) << identity.status();
  auto server =
      PublicServer::Start({.listen = {.host = "127.0.0.1"}, .tls = identity->get()}, testing::Echo);
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  const ContextPtr believes_first = ClientOf(mount);
  const ContextPtr believes_second = ClientOf(later);

  HttpClient kept(port, {.tls = believes_first.get()});
  ASSERT_TRUE(kept.Ask(Get("/")).has_value());
  EXPECT_FALSE(HttpClient(port, {.tls = believes_second.get()}).Ask(Get("/")).has_value());

  std::atomic<bool> is_over = false;
  std::atomic<int> lost = 0;
  std::atomic<int> answered = 0;
  const ContextPtr believes_all = ClientContext();
  std::vector<std::thread> load;
  for (int i = 0; i < 2; ++i) {
    load.emplace_back([&] {
      while (!is_over) {
        HttpClient client(port, {.tls = believes_all.get()});
        ++(client.Ask(Get("/")).has_value() ? answered : lost);
      }
    });
  }
  mount.Replace(std::map<std::string, std::string>{{"tls.key", "no key"}});
  (*identity)->Refresh();
  EXPECT_TRUE(HttpClient(port, {.tls = believes_first.get()}).Ask(Get("/")).has_value());
  mount.Replace(second.Issue({.ip_addresses = {"127.0.0.1"}}));
  (*identity)->Refresh();
  EXPECT_FALSE(HttpClient(port, {.tls = believes_first.get()}).Ask(Get("/")).has_value());
  EXPECT_TRUE(HttpClient(port, {.tls = believes_second.get()}).Ask(Get("/")).has_value());
  EXPECT_TRUE(kept.Ask(Get("/")).has_value());
  EXPECT_TRUE(WaitFor([&] { return answered > 50; }, kBound));
  is_over = true;
  for (std::thread& thread : load) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ((*identity)->facts().refused, 1);
}

}  // namespace
}  // namespace understudy::serving
