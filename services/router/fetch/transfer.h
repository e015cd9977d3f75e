// One exchange under way: a libcurl handle, what we saw of it, and the reply it becomes.
// Belongs to the fetcher's thread.
#ifndef SERVICES_ROUTER_FETCH_TRANSFER_H_
#define SERVICES_ROUTER_FETCH_TRANSFER_H_

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "services/router/fetch/egress.h"
#include "services/router/fetch/event_poll.h"
#include "services/router/fetch/kept_connections.h"
#include "services/router/fetch/response_head.h"
#include "services/router/fetch/transfer_end.h"
#include "services/router/resolve/fetcher.h"

namespace understudy::router {

// Of an audio answer, which is played from its URL, no more is read: enough to tell its format. So
// a file may be of any size, and a live stream is not waited for.
inline constexpr size_t kAudioBytesRead = 4096;

struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;

struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, CurlListDeleter>;

// What all transfers of a fetcher have in common. Outlives them.
struct TransferRules {
  const EgressRule& egress;
  const std::string& ca_file;
  size_t max_body_bytes = 0;
  absl::Duration max_connection_age = {};
  CURLSH* share = nullptr;  // what libcurl's handles have in common
  // Where a transfer says that its NextDeadline() has come nearer.
  std::vector<Ticket>& hurried;
  KeptConnections& kept_connections;
  EventPoll& poll;  // that the sockets are watched by
};

// What is seen of, and asked from, a TLS connection besides what libcurl does with it.
struct TlsWatch {
  bool sends_sni = true;
  bool ended_by_peer = false;  // by close_notify: nothing was cut off
};

class Transfer {
 public:
  Transfer(Ticket ticket, Exchange exchange, Fetcher::Done done, const TransferRules& rules,
           absl::Time begun_at);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Ticket ticket() const { return ticket_; }
  const Exchange& exchange() const { return exchange_; }

  // A handle with what all transfers under `rules` have in common; null if there is no memory.
  static CurlEasy NewHandle(const TransferRules& rules);

  // Sets `easy`, one of NewHandle or TakeEasy, up to dial `addresses`, none of which needs asking
  // the egress rule again, though each socket does: the first of each family now, the rest by
  // DialNext. `now`: the look-up has ended.
  void Prepare(CurlEasy easy, std::vector<IpAddress> addresses, absl::Time now);
  // Whether it is time for the next addresses: those being dialled have failed, if `code` says
  // so, or had their share of the connect timeout.
  bool ShouldDialNext(CURLcode code, absl::Time now) const;
  // Sets the handle up for them. REQUIRES: ShouldDialNext, and the handle is in no multi handle.
  void DialNext(absl::Time now);
  // Whether libcurl's end of this transfer says nothing of the server: the kept-alive connection it
  // was given was no good, and nothing was asked on it.
  bool ShouldDialAfresh() const { return was_unfit_; }
  // Sets the handle up to make a connection. REQUIRES: ShouldDialAfresh, and the handle is in no
  // multi handle.
  void DialAfresh();
  bool dialling() const { return easy_ != nullptr; }
  CURL* easy() const { return easy_.get(); }

  // In which group of connections it is, and whether one that is kept there was claimed for it.
  // Once, before it dials.
  void Place(std::string server, size_t group, bool has_claim);
  size_t group() const { return group_; }

  // When its time is over if nothing more happens until then, and why; kNone if it is not yet.
  absl::Time NextDeadline() const;
  Stop ExpiredAt(absl::Time now) const;

  // The reply of a transfer that libcurl, or `stop`, ended; gives the handle back by TakeEasy().
  Reply Finish(CURLcode code, Stop stop, absl::Time now);
  // The reply of one that never came to dial.
  Reply Refuse(NetError error, Phase phase, std::string detail, absl::Time now);
  // The handle, for another transfer: nothing of this one is left in it. REQUIRES: it is in no
  // multi handle.
  CurlEasy TakeEasy();

  AddressClass denied() const { return end_.denied; }
  Fetcher::Done& done() { return done_; }

 private:
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnCloseSocket(void* rules, curl_socket_t fd);
  static CURLcode OnTlsContext(CURL* easy, void* ssl_context, void* self);
  static int OnRequest(void* self, char* remote_ip, char* local_ip, int remote_port,
                       int local_port);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  void SettleClaim(bool took_one);
  bool TakeBody(absl::string_view bytes);
  void KeepCookies();
  bool TakeHeadLine(absl::string_view line);
  bool HasUnaskedBytes(int fd) const;
  void WatchTls();
  Cookies ReadCookies() const;
  Timings ReadTimings(absl::Time now) const;

  const Ticket ticket_;
  Exchange exchange_;
  Fetcher::Done done_;
  const TransferRules& rules_;

  CurlEasy easy_;
  CurlList headers_;
  CurlList resolve_;
  char error_text_[CURL_ERROR_SIZE] = "";

  ResponseHead head_;
  bool is_audio_ = false;  // so says the head of a response of 2xx
  std::string body_;
  std::vector<IpAddress> untried_;
  std::string remote_address_;
  std::string ends_;  // of the connection, as KeptConnections has them; empty before a request
  bool was_unfit_ = false;
  std::string server_;  // as KeptConnections has it
  size_t group_ = 0;
  bool has_claim_ = false;
  bool is_settled_ = true;
  TransferEnd end_;
  std::shared_ptr<TlsWatch> tls_watch_;  // set if the body ends with the connection

  absl::Time begun_at_;
  absl::Time resolved_at_ = absl::InfinitePast();
  absl::Time dial_until_ = absl::InfiniteFuture();  // while there are untried addresses
  absl::Time tls_begun_at_ = absl::InfinitePast();
  absl::Time request_begun_at_ = absl::InfinitePast();
  absl::Time last_byte_at_ = absl::InfinitePast();
  absl::Time error_head_at_ = absl::InfinitePast();
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_TRANSFER_H_
