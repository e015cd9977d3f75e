#include "tests/testing/dns_server.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/socket.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kClassInternet = 1;
constexpr uint16_t kId = 0x1234;
constexpr absl::Duration kSoon = absl::Seconds(10);
constexpr absl::Duration kNever = absl::Milliseconds(100);
constexpr uint8_t kTruncatedBit = 0x02;

std::string Ask(const std::string& name, DnsType type, int edns_bytes = 0) {
  unsigned char* bytes = nullptr;
  int size = 0;
  EXPECT_EQ(ares_create_query(name.c_str(), kClassInternet, static_cast<int>(type), kId, 1, &bytes,
                              &size, edns_bytes),
            ARES_SUCCESS);
  std::string query(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  ares_free_string(bytes);
  return query;
}

// A client's half of one conversation over UDP.
class UdpClient {
 public:
  explicit UdpClient(const DnsServer& server) : socket_(Bind(Transport::kUdp, "127.0.0.1", 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
  }

  void Send(const std::string& message) { ASSERT_TRUE(SendAll(socket_, message)); }

  // The next datagram; empty if none comes within `bound`.
  std::string Receive(absl::Duration bound) {
    if (!WaitReadable(socket_, bound)) return "";
    std::string message(65535, '\0');
    const ssize_t size = recv(socket_.fd(), message.data(), message.size(), 0);
    message.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return message;
  }

  std::string Exchange(const std::string& message) {
    Send(message);
    return Receive(kSoon);
  }

 private:
  Socket socket_;
};

std::string ExchangeTcp(const Socket& socket, const std::string& message) {
  const auto size = static_cast<uint16_t>(message.size());
  const std::string framed =
      absl::StrCat(std::string({static_cast<char>(size >> 8), static_cast<char>(size)}), message);
  EXPECT_TRUE(SendAll(socket, framed));
  std::string reply;
  while (reply.size() < 2 ||
         reply.size() < 2u + static_cast<size_t>(static_cast<uint8_t>(reply[0]) << 8 |
                                                 static_cast<uint8_t>(reply[1]))) {
    std::array<char, 4096> bytes;
    if (!WaitReadable(socket, kSoon)) return "(silent)";
    const ssize_t count = recv(socket.fd(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return "(closed)";
    reply.append(bytes.data(), static_cast<size_t>(count));
  }
  return reply.substr(2);
}

struct Parsed {
  int status = 0;
  std::string name = {};
  std::vector<std::string> addresses = {};
  std::vector<int> ttls = {};
};

Parsed ParseA(const std::string& message) {
  Parsed parsed;
  hostent* host = nullptr;
  std::array<ares_addrttl, 256> found = {};
  int count = static_cast<int>(found.size());
  parsed.status = ares_parse_a_reply(reinterpret_cast<const unsigned char*>(message.data()),
                                     static_cast<int>(message.size()), &host, found.data(), &count);
  if (host != nullptr) {
    parsed.name = host->h_name;
    ares_free_hostent(host);
  }
  for (int i = 0; parsed.status == ARES_SUCCESS && i < count; ++i) {
    std::array<char, INET_ADDRSTRLEN> text = {};
    const ares_addrttl& entry = found[static_cast<size_t>(i)];
    inet_ntop(AF_INET, &entry.ipaddr, text.data(), text.size());
    parsed.addresses.emplace_back(text.data());
    parsed.ttls.push_back(entry.ttl);
  }
  return parsed;
}

std::vector<std::string> ParseAaaa(const std::string& message) {
  std::array<ares_addr6ttl, 16> found = {};
  int count = static_cast<int>(found.size());
  std::vector<std::string> addresses;
  if (ares_parse_aaaa_reply(reinterpret_cast<const unsigned char*>(message.data()),
                            static_cast<int>(message.size()), nullptr, found.data(),
                            &count) != ARES_SUCCESS) {
    return addresses;
  }
  for (int i = 0; i < count; ++i) {
    std::array<char, INET6_ADDRSTRLEN> text = {};
    inet_ntop(AF_INET6, &found[static_cast<size_t>(i)].ip6addr, text.data(), text.size());
    addresses.emplace_back(text.data());
  }
  return addresses;
}

int CodeOf(const std::string& message) {
  return message.at(3) & 0x0f;
}
int RecordsIn(const std::string& message) {
  return message.at(7);
}
bool IsTruncated(const std::string& message) {
  return (static_cast<uint8_t>(message.at(2)) & kTruncatedBit) != 0;
}

class DnsServerTest : public ::testing::Test {
 protected:
  DnsServer server_;
  UdpClient udp_{server_};
};

TEST_F(DnsServerTest, AnswersEachTypeWithItsAddressesInOrder) {
  server_.On("Both.Test.",
             {.addresses = {"192.0.2.2", "2001:db8::1", "192.0.2.1"}, .ttl = absl::Seconds(7)});
  const Parsed a = ParseA(udp_.Exchange(Ask("both.test", DnsType::kA)));
  EXPECT_THAT(a.addresses, ElementsAre("192.0.2.2", "192.0.2.1"));
  EXPECT_THAT(a.ttls, ElementsAre(7, 7));
  EXPECT_THAT(ParseAaaa(udp_.Exchange(Ask("BOTH.test", DnsType::kAaaa))),
              ElementsAre("2001:db8::1"));
}

TEST_F(DnsServerTest, AnswersOneTypeOtherwise) {
  server_.On("half.test", {.addresses = {"192.0.2.1"}});
  server_.On("half.test", DnsType::kAaaa, {.code = DnsCode::kServFail});
  EXPECT_THAT(ParseA(udp_.Exchange(Ask("half.test", DnsType::kA))).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_EQ(CodeOf(udp_.Exchange(Ask("half.test", DnsType::kAaaa))), 2);
}

TEST_F(DnsServerTest, SaysTheScriptedCode) {
  for (const DnsCode code : {DnsCode::kServFail, DnsCode::kNxDomain, DnsCode::kRefused}) {
    server_.On("bad.test", {.code = code});
    EXPECT_EQ(CodeOf(udp_.Exchange(Ask("bad.test", DnsType::kA))), static_cast<int>(code));
  }
  EXPECT_EQ(CodeOf(udp_.Exchange(Ask("unscripted.test", DnsType::kA))), 3);
}

TEST_F(DnsServerTest, AnswersANameWithoutRecords) {
  server_.On("empty.test", {});
  const std::string reply = udp_.Exchange(Ask("empty.test", DnsType::kA));
  EXPECT_EQ(CodeOf(reply), 0);
  EXPECT_EQ(ParseA(reply).status, ARES_ENODATA);
}

TEST_F(DnsServerTest, FollowsAliases) {
  server_.On("a.test", {.cname = "b.test"});
  server_.On("b.test", {.cname = "C.test.", .ttl = absl::Seconds(3)});
  server_.On("c.test", {.addresses = {"192.0.2.3"}});
  const std::string reply = udp_.Exchange(Ask("a.test", DnsType::kA));
  EXPECT_EQ(RecordsIn(reply), 3) << "two aliases and an address";
  EXPECT_THAT(ParseA(reply).addresses, ElementsAre("192.0.2.3"));
  EXPECT_THAT(ParseA(reply).ttls, ElementsAre(3)) << "the least of the chain";

  server_.On("c.test", {.code = DnsCode::kServFail});
  EXPECT_EQ(CodeOf(udp_.Exchange(Ask("a.test", DnsType::kA))), 2);
}

TEST_F(DnsServerTest, SendsACircleOfAliasesOnceRound) {
  server_.On("a.test", {.cname = "b.test"});
  server_.On("b.test", {.cname = "a.test"});
  const std::string reply = udp_.Exchange(Ask("a.test", DnsType::kA));
  EXPECT_EQ(CodeOf(reply), 0);
  EXPECT_EQ(RecordsIn(reply), 2);
  EXPECT_THAT(ParseA(reply).addresses, IsEmpty());
}

TEST_F(DnsServerTest, StaysSilent) {
  server_.On("silent.test", {.is_silent = true});
  udp_.Send(Ask("silent.test", DnsType::kA));
  EXPECT_EQ(udp_.Receive(kNever), "");
  EXPECT_EQ(server_.queries("silent.test"), 1);
}

TEST_F(DnsServerTest, DelaysOneAnswerAndNotTheOthers) {
  server_.On("late.test", {.addresses = {"192.0.2.1"}, .delay = absl::Milliseconds(200)});
  server_.On("fast.test", {.addresses = {"192.0.2.2"}});
  const auto begin = std::chrono::steady_clock::now();
  udp_.Send(Ask("late.test", DnsType::kA));
  EXPECT_THAT(ParseA(udp_.Exchange(Ask("fast.test", DnsType::kA))).addresses,
              ElementsAre("192.0.2.2"));
  EXPECT_THAT(ParseA(udp_.Receive(kSoon)).addresses, ElementsAre("192.0.2.1"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
}

TEST_F(DnsServerTest, TruncatesOverUdpAndIsWholeOverTcp) {
  server_.On("cut.test", {.addresses = {"192.0.2.1"}, .is_truncated = true});
  const std::string cut = udp_.Exchange(Ask("cut.test", DnsType::kA));
  EXPECT_TRUE(IsTruncated(cut));
  EXPECT_THAT(ParseA(cut).addresses, IsEmpty());

  const Socket tcp = Dial("127.0.0.1", server_.port(), kSoon);
  for (int i = 0; i < 2; ++i) {
    const std::string whole = ExchangeTcp(tcp, Ask("cut.test", DnsType::kA));
    EXPECT_FALSE(IsTruncated(whole));
    EXPECT_THAT(ParseA(whole).addresses, ElementsAre("192.0.2.1"));
  }
  ASSERT_EQ(server_.questions().size(), 3u);
  EXPECT_FALSE(server_.questions()[0].is_tcp);
  EXPECT_TRUE(server_.questions()[1].is_tcp);
}

TEST_F(DnsServerTest, KeepsToTheDatagramSizeOfTheQuestion) {
  // 12 bytes of header, 15 of question, 25 a record: 19 fit into 512 bytes, 20 do not.
  const auto addresses = [](int count) {
    std::vector<std::string> all;
    all.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) all.push_back(absl::StrCat("198.51.100.", i));
    return all;
  };
  ASSERT_EQ(Ask("many.test", DnsType::kA).size(), 12u + 15u);
  server_.On("many.test", {.addresses = addresses(19)});
  EXPECT_EQ(ParseA(udp_.Exchange(Ask("many.test", DnsType::kA))).addresses.size(), 19u);
  server_.On("many.test", {.addresses = addresses(20)});
  EXPECT_TRUE(IsTruncated(udp_.Exchange(Ask("many.test", DnsType::kA))));

  server_.On("many.test", {.addresses = addresses(200)});
  EXPECT_TRUE(IsTruncated(udp_.Exchange(Ask("many.test", DnsType::kA, 1232))));
  EXPECT_EQ(ParseA(udp_.Exchange(Ask("many.test", DnsType::kA, 8192))).addresses.size(), 200u);
  const Socket tcp = Dial("127.0.0.1", server_.port(), kSoon);
  EXPECT_EQ(ParseA(ExchangeTcp(tcp, Ask("many.test", DnsType::kA))).addresses.size(), 200u);
}

TEST_F(DnsServerTest, ForgesAnAnswerBeforeTheTrueOne) {
  server_.On("id.test", {.addresses = {"192.0.2.1"}, .spoof = DnsSpoof::kWrongId});
  const std::string query = Ask("id.test", DnsType::kA);
  const std::string wrong_id = udp_.Exchange(query);
  EXPECT_NE(wrong_id.substr(0, 2), query.substr(0, 2));
  EXPECT_THAT(ParseA(wrong_id).addresses, ElementsAre(kSpoofedAddress));
  const std::string right = udp_.Receive(kSoon);
  EXPECT_EQ(right.substr(0, 2), query.substr(0, 2));
  EXPECT_THAT(ParseA(right).addresses, ElementsAre("192.0.2.1"));

  server_.On("id.test", {.addresses = {"192.0.2.1"}, .spoof = DnsSpoof::kWrongQuestion});
  const std::string wrong_question = udp_.Exchange(query);
  EXPECT_EQ(wrong_question.substr(0, 2), query.substr(0, 2));
  EXPECT_EQ(ParseA(wrong_question).name, "spoofed.invalid");
  EXPECT_THAT(ParseA(wrong_question).addresses, ElementsAre(kSpoofedAddress));
  EXPECT_THAT(ParseA(udp_.Receive(kSoon)).addresses, ElementsAre("192.0.2.1"));
}

TEST_F(DnsServerTest, ChangesItsMindPerType) {
  server_.OnSequence("rebind.test", {{.addresses = {"192.0.2.1"}}, {.addresses = {"127.0.0.1"}}});
  const std::string query = Ask("rebind.test", DnsType::kA);
  EXPECT_THAT(ParseAaaa(udp_.Exchange(Ask("rebind.test", DnsType::kAaaa))), IsEmpty());
  EXPECT_THAT(ParseA(udp_.Exchange(query)).addresses, ElementsAre("192.0.2.1"));
  EXPECT_THAT(ParseA(udp_.Exchange(query)).addresses, ElementsAre("127.0.0.1"));
  EXPECT_THAT(ParseA(udp_.Exchange(query)).addresses, ElementsAre("127.0.0.1"));
  EXPECT_EQ(server_.queries("rebind.test", DnsType::kA), 3);
  EXPECT_EQ(server_.queries("REBIND.test.", DnsType::kAaaa), 1);
  EXPECT_EQ(server_.queries("rebind.test"), 4);
}

TEST_F(DnsServerTest, IgnoresWhatIsNoQuestion) {
  const std::string query = Ask("ok.test", DnsType::kA);
  udp_.Send("junk");
  udp_.Send(query.substr(0, query.size() - 1));
  std::string long_label = query;
  long_label[12] = 64;
  udp_.Send(long_label);
  std::string reply_bit = query;
  reply_bit[2] = static_cast<char>(0x81);
  udp_.Send(reply_bit);
  server_.On("ok.test", {.addresses = {"192.0.2.1"}});
  EXPECT_THAT(ParseA(udp_.Exchange(query)).addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(server_.questions().size(), 1u);
  EXPECT_EQ(server_.address(), absl::StrCat("127.0.0.1:", server_.port()));
}

// The client the router resolves with, end to end.
TEST_F(DnsServerTest, SatisfiesCares) {
  server_.On("many.test", {.addresses = std::vector<std::string>(200, "192.0.2.1")});
  ares_channel channel = nullptr;
  ASSERT_EQ(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);
  ASSERT_EQ(ares_init(&channel), ARES_SUCCESS);
  ASSERT_EQ(ares_set_servers_ports_csv(channel, server_.address().c_str()), ARES_SUCCESS);
  int status = -1;
  ares_query(
      channel, "many.test", kClassInternet, static_cast<int>(DnsType::kA),
      [](void* arg, int outcome, int, unsigned char*, int) { *static_cast<int*>(arg) = outcome; },
      &status);
  while (status == -1) {
    fd_set readers;
    fd_set writers;
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    const int count = ares_fds(channel, &readers, &writers);
    timeval timeout = {};
    select(count, &readers, &writers, nullptr, ares_timeout(channel, nullptr, &timeout));
    ares_process(channel, &readers, &writers);
  }
  EXPECT_EQ(status, ARES_SUCCESS);
  ASSERT_EQ(server_.questions().size(), 2u);
  EXPECT_TRUE(server_.questions()[1].is_tcp);
  ares_destroy(channel);
  ares_library_cleanup();
}

}  // namespace
}  // namespace understudy::testing
