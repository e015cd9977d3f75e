#include "services/router/fetch/curl_fetcher.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <variant>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/url.h"
#include "services/router/fetch/event_poll.h"
#include "services/router/fetch/name_resolver.h"
#include "services/router/fetch/transfer.h"

namespace understudy::router {
namespace {

using serving::MonotonicNow;

struct CurlMultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDeleter>;

struct CurlShareDeleter {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};
using CurlShare = std::unique_ptr<CURLSH, CurlShareDeleter>;

// Holds one table of TLS sessions, in which nothing is ever kept, in place of one for each handle.
CurlShare MakeShare() {
  CurlShare share(curl_share_init());
  curl_share_setopt(share.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}

absl::Status CheckCaFile(const std::string& path) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  if (file == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("the CA file ", path, " cannot be read"));
  }
  X509* certificate = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr);
  if (certificate == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the CA file ", path, " holds no certificate in PEM form"));
  }
  X509_free(certificate);
  return absl::OkStatus();
}

bool IsLocalhost(absl::string_view host) {
  return absl::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost");
}

// A literal's address, or those that every machine gives to "localhost" (RFC 6761); empty: a name
// to look up.
std::vector<IpAddress> KnownAddresses(const std::string& host) {
  if (const std::optional<IpAddress> literal = ParseAddress(host)) return {*literal};
  if (IsLocalhost(host)) return {*ParseAddress("127.0.0.1"), *ParseAddress("::1")};
  return {};
}

// Whether an end of this kind says that the addresses may be wrong.
bool IsConnectFailure(NetError error) {
  return error == NetError::kConnectTimeout || error == NetError::kConnectRefused ||
         error == NetError::kUnreachable;
}

}  // namespace

class CurlFetcher::Loop {
 public:
  explicit Loop(FetcherOptions options)
      : options_(std::move(options)),
        rules_{.egress = options_.egress,
               .ca_file = options_.ca_file,
               .max_body_bytes = options_.max_body_bytes,
               .max_connection_age = options_.max_connection_age,
               .share = share_.get(),
               .hurried = hurried_,
               .kept_connections = kept_connections_,
               .poll = poll_} {}

  ~Loop() {
    if (!thread_.joinable()) return;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    poll_.Wake();
    thread_.join();
  }

  absl::Status Start() {
    if (absl::Status status = CheckCaFile(options_.ca_file); !status.ok()) return status;
    if (!poll_.ok()) return absl::ResourceExhaustedError("no file descriptors left");
    absl::StatusOr<std::unique_ptr<NameResolver>> names =
        NameResolver::Create(options_.dns_servers, poll_);
    if (!names.ok()) return names.status();
    names_ = *std::move(names);

    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void Submit(Ticket ticket, Exchange exchange, Done done) {
    Enqueue(Begin{ticket, std::move(exchange), std::move(done)});
  }

  void Cancel(Ticket ticket) { Enqueue(ticket); }

 private:
  struct Begin {
    Ticket ticket = 0;
    Exchange exchange = {};
    Done done = {};
  };
  using Command = std::variant<Begin, Ticket>;  // a ticket alone: cancel it

  // A multi handle of libcurl: transfers and connections that know of each other.
  struct Group {
    Loop& loop;
    size_t index = 0;
    CurlMulti multi = {};
    int transfers = 0;
    absl::Time alarm = absl::InfiniteFuture();  // of libcurl
    bool is_due = false;                        // at once: it is in due_
    bool has_run = false;                       // since its ended transfers were collected: in ran_
  };

  struct Entry {
    std::unique_ptr<Transfer> transfer = {};
    absl::Time alarm = {};  // its place in alarms_
  };

  void Enqueue(Command command) EXCLUDES(mutex_) {
    bool was_empty;
    {
      MutexLock lock(mutex_);
      was_empty = commands_.empty();
      commands_.push_back(std::move(command));
    }
    if (was_empty) poll_.Wake();
  }

  void Run() {
    std::vector<Command> commands;
    while (true) {
      bool stopping;
      {
        MutexLock lock(mutex_);
        commands.swap(commands_);
        stopping = stopping_;
      }
      for (Command& command : commands) {
        if (auto* begin = std::get_if<Begin>(&command)) {
          BeginTransfer(std::move(*begin));
        } else {
          EndTransfer(std::get<Ticket>(command), Stop::kCancelled, MonotonicNow());
        }
      }
      commands.clear();
      if (stopping) {
        // A callback may begin another fetch: round again until nothing is due to anyone.
        while (!transfers_.empty()) {
          EndTransfer(transfers_.begin()->first, Stop::kCancelled, MonotonicNow());
        }
        MutexLock lock(mutex_);
        if (commands_.empty()) return;
        continue;
      }
      PollOnce();
    }
  }

  void PollOnce() {
    absl::Time now = MonotonicNow();
    absl::Time wake = names_->NextWake(now);
    wake = std::min(wake, due_.empty() ? next_group_alarm_ : now);
    if (!alarms_.empty()) wake = std::min(wake, alarms_.begin()->first);
    for (const EventPoll::Event& event : poll_.Wait(wake - now)) {
      if (event.owner == EventPoll::Owner::kNames) {
        names_->OnEvent(event, MonotonicNow());
        continue;
      }
      const int mask = (event.readable ? CURL_CSELECT_IN : 0) |
                       (event.writable ? CURL_CSELECT_OUT : 0) |
                       (event.failed ? CURL_CSELECT_ERR : 0);
      Act(*group_of_fd_[static_cast<size_t>(event.fd)], event.fd, mask);
    }
    now = MonotonicNow();
    RunGroupAlarms(now);
    names_->OnTime(now);
    for (Group* group : std::exchange(ran_, {})) {
      group->has_run = false;
      CollectEnded(*group);
    }
    MoveAlarms();
    FireAlarms(MonotonicNow());
  }

  void Act(Group& group, curl_socket_t fd, int mask) {
    int running = 0;
    curl_multi_socket_action(group.multi.get(), fd, mask, &running);
    if (!std::exchange(group.has_run, true)) ran_.push_back(&group);
  }

  // There may be a hundred groups and more, so they are looked through only when one's time is
  // over.
  void RunGroupAlarms(absl::Time now) {
    if (next_group_alarm_ <= now) {
      next_group_alarm_ = absl::InfiniteFuture();
      for (const auto& group : groups_) {
        if (group->alarm > now) {
          next_group_alarm_ = std::min(next_group_alarm_, group->alarm);
        } else if (!std::exchange(group->is_due, true)) {
          due_.push_back(group.get());
        }
      }
    }
    for (Group* group : std::exchange(due_, {})) {  // which sets new alarms
      group->is_due = false;
      group->alarm = absl::InfiniteFuture();
      Act(*group, CURL_SOCKET_TIMEOUT, 0);
    }
  }

  bool HasRoom(const Group& group) const {
    return group.transfers + kept_connections_.count(group.index) < kConnectionsPerMulti;
  }

  // Where `transfer` goes: to a connection that waits for one such, or to where there is room.
  void Place(Transfer& transfer) {
    const Exchange& exchange = transfer.exchange();
    std::string server =
        absl::StrCat(exchange.is_https ? "s" : "", ":", exchange.port, ":", exchange.host);
    std::optional<size_t> claimed;
    if (exchange.send_sni) claimed = kept_connections_.Claim(server);
    const size_t group = claimed.has_value() ? *claimed : GroupWithRoom();
    transfer.Place(std::move(server), group, claimed.has_value());
    ++groups_[group]->transfers;
  }

  size_t GroupWithRoom() {
    for (const auto& group : groups_) {
      if (HasRoom(*group)) return group->index;
    }
    const int most = (options_.max_connections + kConnectionsPerMulti - 1) / kConnectionsPerMulti;
    if (groups_.size() < static_cast<size_t>(most)) return AddGroup();
    return (*std::min_element(
                groups_.begin(), groups_.end(),
                [](const auto& a, const auto& b) { return a->transfers < b->transfers; }))
        ->index;
  }

  size_t AddGroup() {
    auto group = std::make_unique<Group>(Group{.loop = *this, .index = groups_.size()});
    group->multi.reset(curl_multi_init());
    CURLM* multi = group->multi.get();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kConnectionsPerMulti));
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, OnSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, group.get());
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, OnTimer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, group.get());
    groups_.push_back(std::move(group));
    return groups_.size() - 1;
  }

  Group& GroupOf(const Transfer& transfer) { return *groups_[transfer.group()]; }

  void BeginTransfer(Begin begin) {
    const absl::Time now = MonotonicNow();
    const bool is_too_long = begin.exchange.url.size() > twilio::kMaxUrlBytes;
    auto transfer = std::make_unique<Transfer>(begin.ticket, std::move(begin.exchange),
                                               std::move(begin.done), rules_, now);
    const Ticket ticket = begin.ticket;
    const absl::Time alarm = transfer->NextDeadline();
    const std::string host = transfer->exchange().host;
    alarms_.emplace(alarm, ticket);
    transfers_[ticket] = {std::move(transfer), alarm};
    if (is_too_long) {
      Refuse(ticket, NetError::kMalformed, Phase::kPolicy, "the URL is too long", now);
      return;
    }
    std::vector<IpAddress> known = KnownAddresses(host);
    if (!known.empty()) {
      Dial(ticket, std::move(known), now);
      return;
    }
    names_->Resolve(host, now, [this, ticket](const NameAnswer& answer) {
      OnName(ticket, answer, MonotonicNow());
    });
  }

  void OnName(Ticket ticket, const NameAnswer& answer, absl::Time now) {
    const auto entry = transfers_.find(ticket);
    if (entry == transfers_.end() || entry->second.transfer->dialling()) return;
    switch (answer.result) {
      case NameAnswer::Result::kFound:
        return Dial(ticket, answer.addresses, now);
      case NameAnswer::Result::kNotFound:
        return Refuse(ticket, NetError::kNameNotFound, Phase::kDns,
                      "the host name does not exist, or has no address", now);
      case NameAnswer::Result::kFailed:
        return Refuse(ticket, NetError::kDnsFailed, Phase::kDns,
                      "the name servers could not tell the host's address", now);
      case NameAnswer::Result::kTimeout:
        return Refuse(ticket, NetError::kDnsTimeout, Phase::kDns,
                      "the name servers did not answer in time", now);
    }
  }

  // Goes on with those of `addresses` that may be dialled; refuses if there are none.
  void Dial(Ticket ticket, std::vector<IpAddress> addresses, absl::Time now) {
    Transfer& transfer = *transfers_.at(ticket).transfer;
    AddressClass denied = AddressClass::kPublic;
    std::vector<IpAddress> open;
    for (const IpAddress& address : addresses) {
      const AddressClass address_class =
          ClassifyDestination(options_.egress, address, transfer.exchange().port);
      if (!MayDial(address_class)) {
        denied = address_class;
      } else if (open.size() < kMaxAddressesPerName) {
        open.push_back(address);
      }
    }
    if (open.empty()) {
      if (options_.on_denied) options_.on_denied(denied);
      return Refuse(
          ticket, NetError::kAddressDenied, Phase::kPolicy,
          absl::StrCat("the address ", addresses.front().ToString(),
                       " is not one this router may dial (", AddressClassName(denied), ")"),
          now);
    }
    CurlEasy easy;
    if (spare_.empty()) {
      easy = Transfer::NewHandle(rules_);
    } else {
      easy = std::move(spare_.back());
      spare_.pop_back();
    }
    if (easy == nullptr) {
      return Refuse(ticket, NetError::kNoResources, Phase::kConnect,
                    "this router has no memory left", now);
    }
    Place(transfer);
    transfer.Prepare(std::move(easy), std::move(open), now);
    curl_multi_add_handle(GroupOf(transfer).multi.get(), transfer.easy());
    SetAlarm(ticket, transfers_.at(ticket));
  }

  void DialNext(Ticket ticket, absl::Time now) {
    Entry& entry = transfers_.at(ticket);
    CURLM* const multi = GroupOf(*entry.transfer).multi.get();
    curl_multi_remove_handle(multi, entry.transfer->easy());
    entry.transfer->DialNext(now);
    curl_multi_add_handle(multi, entry.transfer->easy());
    SetAlarm(ticket, entry);
  }

  void DialAfresh(Transfer& transfer) {
    CURLM* const multi = GroupOf(transfer).multi.get();
    curl_multi_remove_handle(multi, transfer.easy());
    transfer.DialAfresh();
    curl_multi_add_handle(multi, transfer.easy());
  }

  void CollectEnded(const Group& group) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(group.multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      const CURLcode code = message->data.result;
      const absl::Time now = MonotonicNow();
      if (transfer->ShouldDialAfresh()) {
        DialAfresh(*transfer);
      } else if (transfer->ShouldDialNext(code, now)) {
        DialNext(transfer->ticket(), now);
      } else {
        Finish(transfer->ticket(), code, Stop::kNone, now);
      }
    }
  }

  void EndTransfer(Ticket ticket, Stop stop, absl::Time now) {
    const auto entry = transfers_.find(ticket);
    if (entry == transfers_.end()) return;
    if (entry->second.transfer->dialling()) {
      Finish(ticket, CURLE_OK, stop, now);
    } else if (stop == Stop::kCancelled) {
      Refuse(ticket, NetError::kCancelled, Phase::kNone, "", now);
    } else {
      Refuse(ticket, NetError::kDnsTimeout, Phase::kDns,
             "the time was over before the name servers had answered", now);
    }
  }

  void Finish(Ticket ticket, CURLcode code, Stop stop, absl::Time now) {
    const std::unique_ptr<Transfer> transfer = Take(ticket);
    Reply reply = transfer->Finish(code, stop, now);
    Group& group = GroupOf(*transfer);
    curl_multi_remove_handle(group.multi.get(), transfer->easy());
    --group.transfers;
    if (spare_.size() < kMaxSpareHandles) spare_.push_back(transfer->TakeEasy());
    if (reply.error == NetError::kAddressDenied && options_.on_denied) {
      options_.on_denied(transfer->denied());
    }
    if (IsConnectFailure(reply.error)) names_->Forget(transfer->exchange().host);
    transfer->done()(std::move(reply));
  }

  void Refuse(Ticket ticket, NetError error, Phase phase, std::string detail, absl::Time now) {
    const std::unique_ptr<Transfer> transfer = Take(ticket);
    transfer->done()(transfer->Refuse(error, phase, std::move(detail), now));
  }

  std::unique_ptr<Transfer> Take(Ticket ticket) {
    const auto entry = transfers_.find(ticket);
    alarms_.erase({entry->second.alarm, ticket});
    std::unique_ptr<Transfer> transfer = std::move(entry->second.transfer);
    transfers_.erase(entry);
    return transfer;
  }

  void MoveAlarms() {
    for (const Ticket ticket : hurried_) {
      const auto entry = transfers_.find(ticket);
      if (entry != transfers_.end()) SetAlarm(ticket, entry->second);
    }
    hurried_.clear();
  }

  void SetAlarm(Ticket ticket, Entry& entry) {
    alarms_.erase({entry.alarm, ticket});
    entry.alarm = entry.transfer->NextDeadline();
    alarms_.emplace(entry.alarm, ticket);
  }

  void FireAlarms(absl::Time now) {
    while (!alarms_.empty() && alarms_.begin()->first <= now) {
      const Ticket ticket = alarms_.begin()->second;
      Entry& entry = transfers_.at(ticket);
      if (entry.transfer->ShouldDialNext(CURLE_OK, now)) {
        DialNext(ticket, now);
        continue;
      }
      const Stop stop = entry.transfer->ExpiredAt(now);
      if (stop == Stop::kNone) {
        SetAlarm(ticket, entry);  // bytes have come since it was set
      } else {
        EndTransfer(ticket, stop, now);
      }
    }
  }

  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& group = *static_cast<Group*>(self);
    Loop& loop = group.loop;
    if (what == CURL_POLL_REMOVE) {
      loop.poll_.Rest(fd);
      return 0;
    }
    const auto place = static_cast<size_t>(fd);
    if (place >= loop.group_of_fd_.size()) loop.group_of_fd_.resize(place + 1);
    loop.group_of_fd_[place] = &group;
    loop.poll_.Watch(fd, EventPoll::Owner::kTransfers, (what & CURL_POLL_IN) != 0,
                     (what & CURL_POLL_OUT) != 0);
    return 0;
  }

  static int OnTimer(CURLM*, long timeout_ms, void* self) {
    auto& group = *static_cast<Group*>(self);
    Loop& loop = group.loop;
    if (timeout_ms == 0) {
      if (!std::exchange(group.is_due, true)) loop.due_.push_back(&group);
      return 0;
    }
    group.alarm =
        timeout_ms < 0 ? absl::InfiniteFuture() : MonotonicNow() + absl::Milliseconds(timeout_ms);
    loop.next_group_alarm_ = std::min(loop.next_group_alarm_, group.alarm);
    return 0;
  }

  const FetcherOptions options_;
  const CurlShare share_ = MakeShare();  // before all handles
  EventPoll poll_;

  Mutex mutex_;
  std::vector<Command> commands_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  // Everything below belongs to the thread.
  std::vector<Ticket> hurried_;
  KeptConnections kept_connections_;
  const TransferRules rules_;
  std::unique_ptr<NameResolver> names_;
  std::vector<CurlEasy> spare_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<Group*> group_of_fd_;                       // by descriptor, of those watched
  std::vector<Group*> due_;                               // whose alarm libcurl has set to at once
  std::vector<Group*> ran_;                               // in which transfers may have ended
  absl::Time next_group_alarm_ = absl::InfiniteFuture();  // no group's is earlier, but due_'s
  absl::flat_hash_map<Ticket, Entry> transfers_;
  absl::btree_set<std::pair<absl::Time, Ticket>> alarms_;

  std::thread thread_;
};

CurlFetcher::CurlFetcher(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
CurlFetcher::~CurlFetcher() = default;

absl::StatusOr<std::unique_ptr<CurlFetcher>> CurlFetcher::Start(FetcherOptions options) {
  static const CURLcode library = curl_global_init(CURL_GLOBAL_ALL);
  if (library != CURLE_OK) return absl::InternalError(curl_easy_strerror(library));
  auto loop = std::make_unique<Loop>(std::move(options));
  if (absl::Status status = loop->Start(); !status.ok()) return status;
  return std::unique_ptr<CurlFetcher>(new CurlFetcher(std::move(loop)));
}

void CurlFetcher::Fetch(Ticket ticket, Exchange exchange, Done done) {
  loop_->Submit(ticket, std::move(exchange), std::move(done));
}

void CurlFetcher::Cancel(Ticket ticket) {
  loop_->Cancel(ticket);
}

}  // namespace understudy::router
