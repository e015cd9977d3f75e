// TLS between machines: who gets in at the gRPC ports, what the router makes of the notifier's
// certificate, and that new files count without a restart and without a lost call.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/admin_page.h"
#include "tests/e2e/notifier_process.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/certificates.h"
#include "tests/testing/http_client.h"
#include "tests/testing/secret_mount.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;

constexpr absl::Duration kSoon = absl::Seconds(30);
constexpr char kLoaded[] = "certificates loaded";
constexpr char kRefused[] = "new certificates refused";

Certificate ServerCertificate(const TestAuthority& authority) {
  return authority.Issue({.ip_addresses = {"127.0.0.1"}, .common_name = "server"});
}

// A client, with what it trusts and shows.
std::shared_ptr<grpc::Channel> Channel(int port, const std::string& ca_pem,
                                       const Certificate& certificate) {
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::SslCredentials({.pem_root_certs = ca_pem,
                                                         .pem_private_key = certificate.key_pem,
                                                         .pem_cert_chain = certificate.chain_pem}),
                                   options);
}

v1::ResolveTwiMLRequest Request() {
  v1::ResolveTwiMLRequest request;
  request.set_kind(v1::KIND_VOICE);
  request.set_phone_number("+14155550199");
  (*request.mutable_parameters())["CallSid"] = "CA0123456789abcdef0123456789abcdef";
  return request;
}

// What came of a call, and whom it was made to.
struct Called {
  grpc::Status status = {};
  std::string server_pem = {};
};

Called Call(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::RouterService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::ResolveTwiMLResponse response;
  Called called = {.status = stub->ResolveTwiML(&context, Request(), &response)};
  if (called.status.ok()) {
    for (const grpc::string_ref& pem :
         context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME)) {
      called.server_pem.assign(pem.data(), pem.size());
    }
  }
  return called;
}

// A router that answers from a bin. `tls` and `notifier` are mappings of its configuration.
class TlsRouter {
 public:
  explicit TlsRouter(const std::string& tls, const std::string& notifier = "") {
    dir_.Write("hello.xml", "<Response><Say>Hello</Say></Response>");
    path_ = dir_.Write(
        "router.yaml",
        absl::StrCat("grpc: {listen: 127.0.0.1:0", tls.empty() ? "" : ", tls: ", tls, "}\n",
                     "admin: {listen: 127.0.0.1:0}\n"
                     "accounts: [{sid: AC00000000000000000000000000000001}]\n"
                     "bins: {hello: {document_file: hello.xml}}\n"
                     "numbers:\n"
                     "  - phone_number: \"+14155550199\"\n"
                     "    account_sid: AC00000000000000000000000000000001\n"
                     "    voice: {url: \"http://127.0.0.1:9/\", fallback_url: \"bin:hello\"}\n",
                     notifier.empty() ? "" : absl::StrCat("notifier: ", notifier, "\n")));
    process_.emplace(path_);
  }

  RouterProcess& process() { return *process_; }
  const std::string& path() const { return path_; }

 private:
  const TempDir dir_;
  std::string path_;
  std::optional<RouterProcess> process_;
};

// The `tls` of a door whose files are in `mount`.
std::string DoorTls(const SecretMount& mount, bool takes_clients = true) {
  return absl::StrCat(
      "{certificate_file: \"", mount.Path("tls.crt"), "\", key_file: \"", mount.Path("tls.key"),
      "\"", takes_clients ? absl::StrCat(", client_ca_file: \"", mount.Path("ca.crt"), "\"") : "",
      "}");
}

struct ClientCase {
  const char* name;
  bool is_welcome = false;
  Certificate certificate = {};
};

TEST(TlsPort, TakesClientsOfItsAuthorityAlone) {
  const TestAuthority servers("servers");
  const TestAuthority clients("clients");
  const TestAuthority strangers("clients");  // by the same name
  const SecretMount mount(ServerCertificate(servers), clients.ca_pem());
  TlsRouter router(DoorTls(mount));
  ASSERT_TRUE(router.process().Ready());
  const std::vector<ClientCase> cases = {
      {"good", true, clients.Issue({})},
      {"good by an intermediate authority", true, clients.Issue({.intermediates = 1})},
      {"no certificate", false, {}},
      {"expired", false, clients.Issue({.not_after = -absl::Seconds(10)})},
      {"not yet valid", false, clients.Issue({.not_before = absl::Hours(1)})},
      {"of another authority", false, strangers.Issue({})},
      {"of the servers' authority", false, servers.Issue({})},
      {"signed by itself", false, clients.Issue({.is_self_signed = true})},
      {"its intermediate authority is missing", false,
       clients.Issue({.intermediates = 1, .omits_intermediates = true})},
  };
  for (const ClientCase& client : cases) {
    const Called called =
        Call(Channel(router.process().grpc_port(), servers.ca_pem(), client.certificate));
    EXPECT_EQ(called.status.ok(), client.is_welcome)
        << client.name << ": " << called.status.error_message();
  }
  // Nor do those who speak no TLS, and health and reflection are behind the same door.
  EXPECT_FALSE(Call(grpc::CreateChannel(absl::StrCat("127.0.0.1:", router.process().grpc_port()),
                                        grpc::InsecureChannelCredentials()))
                   .status.ok());
}

// A TLS client of its own, which can begin with the session of an earlier connection.
class RawClient {
 public:
  RawClient(int port, int version, const Certificate& certificate, SSL_SESSION* session) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context_.get(), OnSession);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    SSL_set_alpn_protos(ssl_.get(), kHttp2, sizeof(kHttp2));
    if (!certificate.chain_pem.empty()) Show(certificate);
    if (session != nullptr) SSL_set_session(ssl_.get(), session);
    socket_ = Dial("127.0.0.1", port, kSoon);
    SSL_set_fd(ssl_.get(), socket_.fd());
    SetReceiveTimeout();
    char byte = 0;
    // The server's first frame comes after the tickets, if any, and after it took our certificate.
    gets_in_ = SSL_connect(ssl_.get()) == 1 && SSL_read(ssl_.get(), &byte, 1) == 1;
  }

  bool gets_in() const { return gets_in_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SSL_SESSION* session() const { return session_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };

  static int OnSession(SSL* ssl, SSL_SESSION* session) {
    static_cast<RawClient*>(SSL_get_app_data(ssl))->session_.reset(session);
    return 1;  // ours now
  }

  void Show(const Certificate& certificate) {
    const auto bio = [](const std::string& pem) {
      return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    };
    const std::unique_ptr<X509, Free> leaf(
        PEM_read_bio_X509(bio(certificate.chain_pem).get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<EVP_PKEY, Free> key(
        PEM_read_bio_PrivateKey(bio(certificate.key_pem).get(), nullptr, nullptr, nullptr));
    SSL_use_certificate(ssl_.get(), leaf.get());
    SSL_use_PrivateKey(ssl_.get(), key.get());
  }

  void SetReceiveTimeout() const {
    const timeval bound = absl::ToTimeval(kSoon);
    setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  }

  const std::unique_ptr<SSL_CTX, Free> context_{SSL_CTX_new(TLS_client_method())};
  std::unique_ptr<SSL_SESSION, Free> session_;
  Socket socket_;
  std::unique_ptr<SSL, Free> ssl_;
  bool gets_in_ = false;
};

// Or whoever once had a certificate would go on without one.
TEST(TlsPort, ASessionOfAnEarlierConnectionIsNoCertificate) {
  const TestAuthority servers("servers");
  const TestAuthority clients("clients");
  const SecretMount mount(ServerCertificate(servers), clients.ca_pem());
  TlsRouter router(DoorTls(mount));
  ASSERT_TRUE(router.process().Ready());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    const RawClient first(router.process().grpc_port(), version, clients.Issue({}), nullptr);
    EXPECT_TRUE(first.gets_in());
    ASSERT_NE(first.session(), nullptr);
    const RawClient second(router.process().grpc_port(), version, {}, first.session());
    EXPECT_FALSE(second.resumed());
    EXPECT_FALSE(second.gets_in());
  }
}

TEST(TlsPort, WithoutAClientAuthorityTakesEverybodyWhoTrustsIt) {
  const TestAuthority servers;
  const TestAuthority others;
  const SecretMount mount(ServerCertificate(servers), "");
  TlsRouter router(DoorTls(mount, /*takes_clients=*/false));
  ASSERT_TRUE(router.process().Ready());
  const int port = router.process().grpc_port();
  EXPECT_TRUE(Call(Channel(port, servers.ca_pem(), {})).status.ok());
  EXPECT_FALSE(Call(Channel(port, others.ca_pem(), {})).status.ok());
}

// Clients with a connection of their own for each call, and others that keep theirs.
class Callers {
 public:
  Callers(int port, std::string ca_pem, Certificate certificate)
      : port_(port), ca_pem_(std::move(ca_pem)), certificate_(std::move(certificate)) {
    for (const bool keeps : {false, false, true, true}) {
      threads_.emplace_back([this, keeps] { Run(keeps); });
    }
  }
  ~Callers() { Stop(); }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  void Stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  int good() const { return good_; }
  int bad() const { return bad_; }

 private:
  void Run(bool keeps) {
    std::shared_ptr<grpc::Channel> channel;
    while (!is_over_) {
      if (channel == nullptr || !keeps) channel = Channel(port_, ca_pem_, certificate_);
      const grpc::Status status = Call(channel).status;
      ++(status.ok() ? good_ : bad_);
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
  }

  const int port_;
  const std::string ca_pem_;
  const Certificate certificate_;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> good_ = 0;
  std::atomic<int> bad_ = 0;
  std::vector<std::thread> threads_;
};

TEST(TlsPort, NewCertificatesCountUnderLoadAndNoCallIsLost) {
  const TestAuthority servers("servers");
  const TestAuthority clients("clients");
  const TestAuthority later("later clients");
  SecretMount mount(ServerCertificate(servers), clients.ca_pem());
  TlsRouter router(DoorTls(mount));
  ASSERT_TRUE(router.process().Ready());
  const int port = router.process().grpc_port();
  const Certificate client = clients.Issue({});
  Callers callers(port, servers.ca_pem(), client);

  for (int rotation = 1; rotation <= 3; ++rotation) {
    const Certificate renewed = ServerCertificate(servers);
    mount.Replace(renewed);
    ASSERT_TRUE(router.process().WaitForLog(kLoaded, 1 + rotation));
    EXPECT_EQ(Call(Channel(port, servers.ca_pem(), client)).server_pem, renewed.chain_pem);
  }
  // Two authorities for a while, as one follows the other.
  const Certificate later_client = later.Issue({});
  EXPECT_FALSE(Call(Channel(port, servers.ca_pem(), later_client)).status.ok());
  mount.Replace({{"ca.crt", clients.ca_pem() + later.ca_pem()}});
  ASSERT_TRUE(router.process().WaitForLog(kLoaded, 5));
  EXPECT_TRUE(Call(Channel(port, servers.ca_pem(), later_client)).status.ok());
  callers.Stop();
  EXPECT_GT(callers.good(), 100);
  EXPECT_EQ(callers.bad(), 0);

  // Who is connected stays so; who comes anew is judged by the new authority.
  const auto connected = Channel(port, servers.ca_pem(), client);
  ASSERT_TRUE(Call(connected).status.ok());
  mount.Replace({{"ca.crt", later.ca_pem()}});
  ASSERT_TRUE(router.process().WaitForLog(kLoaded, 6));
  EXPECT_TRUE(Call(connected).status.ok());
  EXPECT_FALSE(Call(Channel(port, servers.ca_pem(), client)).status.ok());
  EXPECT_TRUE(Call(Channel(port, servers.ca_pem(), later_client)).status.ok());
  EXPECT_EQ(ReadMetric(router.process().admin_port(),
                       "understudy_certificate_reloads_total{use=\"grpc\",result=\"loaded\"}"),
            5);
}

TEST(TlsPort, ABadPairLeavesTheOldOneInPlace) {
  const TestAuthority servers;
  const Certificate first = ServerCertificate(servers);
  SecretMount mount(first, servers.ca_pem());
  TlsRouter router(DoorTls(mount));
  ASSERT_TRUE(router.process().Ready());
  const int port = router.process().grpc_port();
  const Certificate client = servers.Issue({});
  const Certificate second = ServerCertificate(servers);
  const std::vector<std::map<std::string, std::string>> mistakes = {
      {{"tls.crt", second.chain_pem}},  // without its key: half a pair
      {{"tls.crt", second.chain_pem.substr(0, 200)}, {"tls.key", second.key_pem}},
      {{"tls.crt", ""}, {"tls.key", ""}},
      {{"tls.crt", second.chain_pem}, {"tls.key", "no key"}},
      {{"tls.crt", second.chain_pem}, {"tls.key", second.key_pem}, {"ca.crt", "nobody"}},
      {{"ca.crt", servers.ca_pem()},
       {"tls.crt", servers.Issue({.not_after = -absl::Seconds(10)}).chain_pem}},
  };
  int refused = 0;
  for (const auto& mistake : mistakes) {
    mount.Replace(mistake);
    ASSERT_TRUE(router.process().WaitForLog(kRefused, ++refused));
    EXPECT_EQ(Call(Channel(port, servers.ca_pem(), client)).server_pem, first.chain_pem) << refused;
  }
  mount.Replace(second);
  ASSERT_TRUE(router.process().WaitForLog(kLoaded, 2));
  EXPECT_EQ(Call(Channel(port, servers.ca_pem(), client)).server_pem, second.chain_pem);
  EXPECT_EQ(ReadMetric(router.process().admin_port(),
                       "understudy_certificate_reloads_total{use=\"grpc\",result=\"refused\"}"),
            refused);
}

TEST(TlsPort, SaysWhenItsCertificateExpires) {
  const TestAuthority authority;
  const SecretMount mount(
      authority.Issue({.ip_addresses = {"127.0.0.1"}, .not_after = absl::Hours(48)}),
      authority.ca_pem());
  TlsRouter router(DoorTls(mount));
  ASSERT_TRUE(router.process().Ready());
  const double expiry = ReadMetric(router.process().admin_port(),
                                   "understudy_certificate_expiry_timestamp_seconds{use=\"grpc\"}");
  EXPECT_NEAR(expiry, absl::ToDoubleSeconds(absl::Now() + absl::Hours(48) - absl::UnixEpoch()),
              120);
}

// `config` is what a service of that kind needs besides its ports.
template <typename Process>
void ExpectHttpPortTakesRenewedFiles(absl::string_view config) {
  const TestAuthority first("first");
  const TestAuthority second("second");
  SecretMount mount(ServerCertificate(first), first.ca_pem());
  const SecretMount later(ServerCertificate(second), second.ca_pem());
  const TempDir dir;
  Process service(
      dir.Write("config.yaml", absl::StrCat("grpc: {listen: 127.0.0.1:0}\n"
                                            "http: {listen: 127.0.0.1:0, tls: ",
                                            DoorTls(mount, /*takes_clients=*/false),
                                            "}\nadmin: {listen: 127.0.0.1:0}\n", config)));
  ASSERT_TRUE(service.Ready());
  // Whether a client that believes `folder`'s authority is answered.
  const auto answers = [&](const SecretMount& folder) {
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_load_verify_locations(context.get(), folder.Path("ca.crt").c_str(), nullptr);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    HttpClient client(service.http_port(), {.tls = context.get()});
    const std::optional<Response> answer =
        client.Ask("POST /fallback/voice HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    return answer.has_value();
  };
  EXPECT_TRUE(answers(mount));
  EXPECT_FALSE(answers(later));
  mount.Replace(ServerCertificate(second));
  ASSERT_TRUE(service.WaitForLog(kLoaded, 2));
  EXPECT_FALSE(answers(mount));
  EXPECT_TRUE(answers(later));
  EXPECT_EQ(ReadMetric(service.admin_port(),
                       "understudy_certificate_reloads_total{use=\"http\",result=\"loaded\"}"),
            1);
  HttpClient plain(service.http_port());
  EXPECT_FALSE(plain.Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").has_value());
}

TEST(TlsPort, TheNotifiersHttpPortTakesRenewedFiles) {
  ExpectHttpPortTakesRenewedFiles<NotifierProcess>(
      "store: {sqlite: notifier.db}\n"
      "mail: {from: understudy@example.com, directory: mail}\n"
      "alerts: {heartbeat: 0s, routes: [{to: [ops@example.com]}]}\n");
}

TEST(TlsPort, TheRoutersHttpPortTakesRenewedFiles) {
  ExpectHttpPortTakesRenewedFiles<RouterProcess>("");
}

// A notifier that takes routers of one authority, and a router that reports to it.
class NotifierLinkTest : public ::testing::Test {
 protected:
  void StartNotifier(const SecretMount& mount) {
    notifier_.emplace(
        dir_.Write("notifier.yaml",
                   absl::StrCat("grpc: {listen: 127.0.0.1:0, tls: ", DoorTls(mount),
                                "}\n"
                                "http: {listen: 127.0.0.1:0}\n"
                                "admin: {listen: 127.0.0.1:0}\n"
                                "store: {sqlite: notifier.db}\n"
                                "mail: {from: understudy@example.com, directory: mail}\n"
                                "alerts: {heartbeat: 0s, routes: [{to: [ops@example.com]}]}\n")));
    ASSERT_TRUE(notifier_->Ready());
  }
  // `host` is what the router calls the notifier.
  void StartRouter(const SecretMount& mount, const std::string& host = "127.0.0.1") {
    router_.emplace(
        "", absl::StrCat("{target: \"dns:///", host, ":", notifier_->grpc_port(),
                         "\", outbox_dir: \"", dir_.path(), "/outbox\", tls: {ca_file: \"",
                         mount.Path("ca.crt"), "\", certificate_file: \"", mount.Path("tls.crt"),
                         "\", key_file: \"", mount.Path("tls.key"), "\"}}"));
    ASSERT_TRUE(router_->process().Ready());
  }
  // A call whose primary fails: an event.
  void Fail() {
    const Called called =
        Call(grpc::CreateChannel(absl::StrCat("127.0.0.1:", router_->process().grpc_port()),
                                 grpc::InsecureChannelCredentials()));
    ASSERT_TRUE(called.status.ok()) << called.status.error_message();
  }
  double Sent() {
    return ReadMetric(router_->process().admin_port(), "understudy_outbox_sent_total");
  }

  const TestAuthority servers_{"servers"};
  const TestAuthority routers_{"routers"};
  const TempDir dir_;
  std::optional<NotifierProcess> notifier_;
  std::optional<TlsRouter> router_;
};

TEST_F(NotifierLinkTest, EventsArriveAndRenewedFilesCount) {
  SecretMount notifier(ServerCertificate(servers_), routers_.ca_pem());
  SecretMount router(routers_.Issue({}), servers_.ca_pem());
  StartNotifier(notifier);
  StartRouter(router);
  Fail();
  EXPECT_TRUE(WaitFor([&] { return Sent() == 1; }, kSoon));

  // Both sides move to new authorities; what cannot be sent meanwhile waits.
  const TestAuthority new_servers("new servers");
  const TestAuthority new_routers("new routers");
  notifier.Replace({{"ca.crt", new_routers.ca_pem()}});
  notifier.Replace(ServerCertificate(new_servers));
  ASSERT_TRUE(notifier_->WaitForLog(kLoaded, 2));
  router.Replace({{"ca.crt", new_servers.ca_pem()}});
  router.Replace(new_routers.Issue({}));
  ASSERT_TRUE(router_->process().WaitForLog(kLoaded, 2));
  Fail();
  EXPECT_TRUE(WaitFor([&] { return Sent() == 2; }, kSoon));
}

TEST_F(NotifierLinkTest, AWrongAuthorityIsAReasonInTheLog) {
  const TestAuthority strangers("strangers");
  const SecretMount notifier(ServerCertificate(servers_), routers_.ca_pem());
  SecretMount router(routers_.Issue({}), strangers.ca_pem());
  StartNotifier(notifier);
  StartRouter(router);
  Fail();
  EXPECT_TRUE(router_->process().WaitForLog("ca_file"));
  router.Replace({{"ca.crt", servers_.ca_pem()}});
  EXPECT_TRUE(WaitFor([&] { return Sent() == 1; }, kSoon));
}

TEST_F(NotifierLinkTest, ACertificateForAnotherHostIsAReasonInTheLog) {
  const SecretMount notifier(ServerCertificate(servers_), routers_.ca_pem());
  const SecretMount router(routers_.Issue({}), servers_.ca_pem());
  StartNotifier(notifier);
  StartRouter(router, "localhost");
  Fail();
  EXPECT_TRUE(router_->process().WaitForLog("localhost is not in peer certificate"));
}

TEST_F(NotifierLinkTest, ARefusedCertificateIsAReasonInTheLog) {
  const SecretMount notifier(ServerCertificate(servers_), routers_.ca_pem());
  SecretMount router(servers_.Issue({}), servers_.ca_pem());
  StartNotifier(notifier);
  StartRouter(router);
  Fail();
  EXPECT_TRUE(router_->process().WaitForLog("certificate_file"));
  router.Replace(routers_.Issue({}));
  EXPECT_TRUE(WaitFor([&] { return Sent() == 1; }, kSoon));
}

}  // namespace
}  // namespace understudy::testing
