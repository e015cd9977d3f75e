#include "tests/testing/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;

constexpr size_t kHeaderBytes = 12;
constexpr size_t kDatagramBytesMax = 65535;
constexpr size_t kDatagramBytesDefault = 512;  // a client's limit unless EDNS says otherwise
constexpr size_t kPortTries = 100;
constexpr uint16_t kTypeCname = 5;
constexpr uint16_t kTypeOpt = 41;
constexpr uint16_t kClassInternet = 1;
constexpr uint16_t kFlagResponse = 0x8000;
constexpr uint16_t kFlagTruncated = 0x0200;
constexpr uint16_t kFlagRecursionDesired = 0x0100;
constexpr uint16_t kFlagRecursionAvailable = 0x0080;
constexpr char kSpoofedName[] = "spoofed.invalid";

uint16_t Read16(absl::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

void Append16(std::string& out, size_t value) {
  out.push_back(static_cast<char>(value >> 8 & 0xff));
  out.push_back(static_cast<char>(value & 0xff));
}

void Append32(std::string& out, uint32_t value) {
  Append16(out, value >> 16);
  Append16(out, value & 0xffff);
}

std::string Normal(absl::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return absl::AsciiStrToLower(name);
}

std::string EncodeName(absl::string_view name) {
  std::string encoded;
  for (const absl::string_view label : absl::StrSplit(name, '.', absl::SkipEmpty())) {
    Require(label.size() <= 63, "labels of 63 bytes at most");
    encoded.push_back(static_cast<char>(label.size()));
    encoded.append(label.data(), label.size());
  }
  encoded.push_back('\0');
  return encoded;
}

struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;
  std::string name = {};      // in normal form
  std::string question = {};  // as it came: name, type and class
  uint16_t type = 0;
  size_t datagram_bytes_max = kDatagramBytesDefault;
};

// Nothing if the message is not one plain question.
std::optional<Query> ParseQuery(absl::string_view message) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  Query query = {.id = Read16(message, 0), .flags = Read16(message, 2)};
  if ((query.flags & kFlagResponse) != 0 || Read16(message, 4) != 1) return std::nullopt;
  size_t at = kHeaderBytes;
  std::string name;
  for (;;) {
    if (at >= message.size()) return std::nullopt;
    const size_t size = static_cast<uint8_t>(message[at++]);
    if (size == 0) break;
    if (size > 63 || at + size > message.size()) return std::nullopt;
    absl::StrAppend(&name, message.substr(at, size), ".");
    at += size;
  }
  if (at + 4 > message.size()) return std::nullopt;
  query.name = Normal(name);
  query.type = Read16(message, at);
  at += 4;
  query.question = std::string(message.substr(kHeaderBytes, at - kHeaderBytes));
  // An EDNS record, if there is one, follows: no name, its type, and the size in place of a class.
  if (at + 5 <= message.size() && message[at] == '\0' && Read16(message, at + 1) == kTypeOpt) {
    query.datagram_bytes_max = std::max<size_t>(Read16(message, at + 3), kDatagramBytesDefault);
  }
  return query;
}

std::string Record(const std::string& encoded_owner, uint16_t type, absl::Duration ttl,
                   absl::string_view data) {
  std::string record = encoded_owner;
  Append16(record, type);
  Append16(record, kClassInternet);
  Append32(record, static_cast<uint32_t>(absl::ToInt64Seconds(ttl)));
  Append16(record, data.size());
  record.append(data.data(), data.size());
  return record;
}

// The record of `address` if it is of the type asked for.
std::optional<std::string> AddressRecord(const std::string& encoded_owner, uint16_t type,
                                         absl::Duration ttl, const std::string& address) {
  std::array<char, 16> bytes = {};
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  Require(is_v4 || inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1, "an IP address");
  if (type != static_cast<uint16_t>(is_v4 ? DnsType::kA : DnsType::kAaaa)) return std::nullopt;
  return Record(encoded_owner, type, ttl, absl::string_view(bytes.data(), is_v4 ? 4 : 16));
}

std::string Message(uint16_t id, uint16_t flags, absl::string_view question,
                    const std::vector<std::string>& records) {
  std::string message;
  Append16(message, id);
  Append16(message, flags);
  Append16(message, 1);
  Append16(message, records.size());
  Append32(message, 0);
  absl::StrAppend(&message, question);
  for (const std::string& record : records) absl::StrAppend(&message, record);
  return message;
}

std::string Forge(const Query& query, DnsSpoof spoof) {
  const bool is_wrong_id = spoof == DnsSpoof::kWrongId;
  const std::string owner = EncodeName(is_wrong_id ? query.name : kSpoofedName);
  std::string question = owner;
  Append16(question, query.type);
  Append16(question, kClassInternet);
  std::vector<std::string> records;
  if (auto record = AddressRecord(owner, query.type, absl::Minutes(1), kSpoofedAddress)) {
    records.push_back(*std::move(record));
  }
  return Message(is_wrong_id ? static_cast<uint16_t>(query.id ^ 0x5555) : query.id,
                 kFlagResponse | kFlagRecursionAvailable | (query.flags & kFlagRecursionDesired),
                 question, records);
}

}  // namespace

// Who asked: a datagram's sender, or a connection by its number.
struct DnsServer::Asker {
  std::optional<int> connection = {};
  sockaddr_storage sender = {};
  socklen_t sender_size = 0;
};

// The serving thread's own state.
class DnsServer::Loop {
 public:
  explicit Loop(DnsServer& server) : server_(server) {}

  void Run();

 private:
  struct Connection {
    Socket socket;
    std::string unread = {};
  };

  void ReadDatagram();
  void ReadConnection(int number, Connection& connection);
  void Answer(absl::string_view message, const Asker& asker);
  void Send(const std::string& message, const Asker& asker);
  void SendDue();

  DnsServer& server_;
  std::map<int, Connection> connections_;
  int accepted_ = 0;
  std::multimap<TimePoint, std::pair<std::string, Asker>> delayed_;
};

void DnsServer::Loop::Run() {
  for (;;) {
    SendDue();
    std::vector<pollfd> waited = {{.fd = server_.stop_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = server_.udp_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = server_.tcp_.fd(), .events = POLLIN, .revents = 0}};
    std::vector<int> numbers;
    for (const auto& [number, connection] : connections_) {
      waited.push_back({.fd = connection.socket.fd(), .events = POLLIN, .revents = 0});
      numbers.push_back(number);
    }
    timespec timeout = {};
    if (!delayed_.empty()) {
      const auto left = delayed_.begin()->first - std::chrono::steady_clock::now();
      timeout = absl::ToTimespec(std::max(absl::FromChrono(left), absl::ZeroDuration()));
    }
    ppoll(waited.data(), waited.size(), delayed_.empty() ? nullptr : &timeout, nullptr);
    if (waited[0].revents != 0) return;
    if (waited[1].revents != 0) ReadDatagram();
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (waited[i + 3].revents != 0) ReadConnection(numbers[i], connections_.at(numbers[i]));
    }
    if (waited[2].revents != 0) {
      Socket socket(accept4(server_.tcp_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (socket.is_open()) connections_[accepted_++].socket = std::move(socket);
    }
  }
}

void DnsServer::Loop::ReadDatagram() {
  std::string message(kDatagramBytesMax, '\0');
  Asker asker;
  asker.sender_size = sizeof(asker.sender);
  const ssize_t size = recvfrom(server_.udp_.fd(), message.data(), message.size(), 0,
                                reinterpret_cast<sockaddr*>(&asker.sender), &asker.sender_size);
  if (size < 0) return;
  message.resize(static_cast<size_t>(size));
  Answer(message, asker);
}

void DnsServer::Loop::ReadConnection(int number, Connection& connection) {
  std::array<char, 4096> bytes;
  const ssize_t size = recv(connection.socket.fd(), bytes.data(), bytes.size(), 0);
  if (size <= 0) {
    connections_.erase(number);
    return;
  }
  connection.unread.append(bytes.data(), static_cast<size_t>(size));
  // Each message comes after its size.
  while (connection.unread.size() >= 2) {
    const size_t end = 2u + Read16(connection.unread, 0);
    if (connection.unread.size() < end) return;
    Answer(connection.unread.substr(2, end - 2), {.connection = number});
    connection.unread.erase(0, end);
  }
}

void DnsServer::Loop::Answer(absl::string_view message, const Asker& asker) {
  const std::optional<Query> query = ParseQuery(message);
  if (!query) return;
  const bool is_tcp = asker.connection.has_value();

  MutexLock lock(server_.mutex_);
  server_.questions_.push_back({.name = query->name, .type = query->type, .is_tcp = is_tcp});
  const DnsAnswer first = server_.NextAnswer(query->name, query->type);
  if (first.is_silent) return;

  std::vector<std::string> records;
  std::set<std::string> seen = {query->name};
  std::string name = query->name;
  DnsAnswer answer = first;
  while (!answer.cname.empty()) {
    std::string alias_of = Normal(answer.cname);
    records.push_back(Record(EncodeName(name), kTypeCname, answer.ttl, EncodeName(alias_of)));
    name = std::move(alias_of);
    answer = seen.insert(name).second ? server_.NextAnswer(name, query->type) : DnsAnswer{};
  }
  const std::string owner = EncodeName(name);
  for (const std::string& address : answer.addresses) {
    if (auto record = AddressRecord(owner, query->type, answer.ttl, address)) {
      records.push_back(*std::move(record));
    }
  }

  const auto flags =
      static_cast<uint16_t>(kFlagResponse | kFlagRecursionAvailable |
                            (query->flags & kFlagRecursionDesired) | static_cast<int>(answer.code));
  std::string reply = Message(query->id, flags, query->question, records);
  if (!is_tcp && (first.is_truncated || reply.size() > query->datagram_bytes_max)) {
    reply = Message(query->id, flags | kFlagTruncated, query->question, {});
  }
  const TimePoint due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(first.delay);
  if (!is_tcp && first.spoof != DnsSpoof::kNone) {
    delayed_.emplace(due, std::pair(Forge(*query, first.spoof), asker));
  }
  delayed_.emplace(due, std::pair(std::move(reply), asker));
}

void DnsServer::Loop::Send(const std::string& message, const Asker& asker) {
  if (!asker.connection) {
    sendto(server_.udp_.fd(), message.data(), message.size(), 0,
           reinterpret_cast<const sockaddr*>(&asker.sender), asker.sender_size);
    return;
  }
  const auto found = connections_.find(*asker.connection);
  if (found == connections_.end()) return;
  std::string framed;
  Append16(framed, message.size());
  SendAll(found->second.socket, framed + message);
}

void DnsServer::Loop::SendDue() {
  const TimePoint now = std::chrono::steady_clock::now();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const auto [message, asker] = std::move(delayed_.extract(delayed_.begin()).mapped());
    Send(message, asker);
  }
}

DnsServer::DnsServer() : stop_(MakeWaker()) {
  // A port free for one transport may be taken for the other.
  for (size_t tries = 0; !udp_.is_open() && tries < kPortTries; ++tries) {
    tcp_ = Bind(Transport::kTcp, "127.0.0.1", 0);
    port_ = PortOf(tcp_);
    udp_ = Bind(Transport::kUdp, "127.0.0.1", port_);
  }
  Require(udp_.is_open() && listen(tcp_.fd(), SOMAXCONN) == 0, "a port for UDP and TCP");
  thread_ = std::thread([this] { Loop(*this).Run(); });
}

DnsServer::~DnsServer() {
  Wake(stop_);
  thread_.join();
}

void DnsServer::On(absl::string_view name, DnsAnswer answer) {
  OnSequence(name, {std::move(answer)});
}

void DnsServer::On(absl::string_view name, DnsType type, DnsAnswer answer) {
  MutexLock lock(mutex_);
  scripts_[{Normal(name), static_cast<int>(type)}] = {.answers = {std::move(answer)}};
}

void DnsServer::OnSequence(absl::string_view name, const std::vector<DnsAnswer>& answers) {
  Require(!answers.empty(), "a sequence has answers");
  MutexLock lock(mutex_);
  for (const DnsType type : {DnsType::kA, DnsType::kAaaa}) {
    scripts_[{Normal(name), static_cast<int>(type)}] = {.answers = answers};
  }
}

DnsAnswer DnsServer::NextAnswer(const std::string& name, int type) {
  const auto found = scripts_.find({name, type});
  if (found == scripts_.end()) return {.code = DnsCode::kNxDomain};
  Script& script = found->second;
  const DnsAnswer& answer = script.answers[script.next];
  if (script.next + 1 < script.answers.size()) ++script.next;
  return answer;
}

std::string DnsServer::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

std::vector<DnsQuestion> DnsServer::questions() const {
  MutexLock lock(mutex_);
  return questions_;
}

int DnsServer::queries(absl::string_view name) const {
  return queries(name, DnsType::kA) + queries(name, DnsType::kAaaa);
}

int DnsServer::queries(absl::string_view name, DnsType type) const {
  MutexLock lock(mutex_);
  return static_cast<int>(
      std::count_if(questions_.begin(), questions_.end(), [&](const DnsQuestion& question) {
        return question.name == Normal(name) && question.type == static_cast<int>(type);
      }));
}

}  // namespace understudy::testing
