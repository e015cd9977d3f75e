#include "services/router/fetch/transfer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/content_type.h"
#include "services/router/fetch/curl_fetcher.h"

namespace understudy::router {
namespace {

using serving::MonotonicNow;

// What libcurl's clock runs behind ours, so that the end of the total time is ours to say.
constexpr absl::Duration kAfterTheEnd = absl::Milliseconds(50);

// Takes the first address of each family off the list: what libcurl can dial side by side. Given
// more, libcurl 7.88 opens the socket of the next only when something else wakes it, which with a
// dead first address is the end of the connect timeout.
std::vector<IpAddress> TakePair(std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> pair = {addresses.front()};
  addresses.erase(addresses.begin());
  const auto other = std::find_if(addresses.begin(), addresses.end(),
                                  [&](const IpAddress& next) { return next.v6 != pair[0].v6; });
  if (other != addresses.end()) {
    pair.push_back(*other);
    addresses.erase(other);
  }
  return pair;
}

std::string ForResolve(const IpAddress& address) {
  return address.v6 ? absl::StrCat("[", address.ToString(), "]") : address.ToString();
}

absl::Duration Info(CURL* easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return absl::Microseconds(microseconds);
}

// Whether the response is sound and nothing else.
bool IsAudio(const Headers& headers) {
  bool is_audio = false;
  for (const Header& header : headers) {
    if (!absl::EqualsIgnoreCase(header.name, "content-type")) continue;
    is_audio =
        twilio::Classify(twilio::ParseContentType(header.value)) == twilio::ContentClass::kAudio;
    if (!is_audio) return false;
  }
  return is_audio;
}

// What a TLS connection has to be told, or tells, outside libcurl's sight. Lives with the
// connection's SSL_CTX, and with the transfer that reads it.
using TlsWatchPointer = std::shared_ptr<TlsWatch>;

void FreeTlsWatch(void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<TlsWatchPointer*>(pointer);
}

int TlsWatchIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeTlsWatch);
  return index;
}

TlsWatchPointer WatchOf(const SSL* ssl) {
  const auto* watch = static_cast<const TlsWatchPointer*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TlsWatchIndex()));
  return watch == nullptr ? nullptr : *watch;
}

void OnTlsState(const SSL* ssl, int where, int result) {
  const TlsWatchPointer watch = WatchOf(ssl);
  if (watch == nullptr) return;
  // libcurl has no option to leave SNI out: the name goes just before the first message is built.
  if ((where & SSL_CB_HANDSHAKE_START) != 0 && !watch->sends_sni) {
    SSL_ctrl(const_cast<SSL*>(ssl), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             nullptr);
  }
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (result & 0xff) == SSL_AD_CLOSE_NOTIFY) {
    watch->ended_by_peer = true;
  }
}

}  // namespace

Transfer::Transfer(Ticket ticket, Exchange exchange, Fetcher::Done done, const TransferRules& rules,
                   absl::Time begun_at)
    : ticket_(ticket),
      exchange_(std::move(exchange)),
      done_(std::move(done)),
      rules_(rules),
      begun_at_(begun_at) {
  end_.https = exchange_.is_https;
}

CurlEasy Transfer::NewHandle(const TransferRules& rules) {
  CurlEasy easy(curl_easy_init());
  CURL* curl = easy.get();
  if (curl == nullptr) return easy;
  curl_easy_setopt(curl, CURLOPT_SHARE, rules.share);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
  // Each transfer has a buffer of its own for as long as it waits. Most documents fit with their
  // head; libcurl adds a byte.
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 1535L);
  curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN,
                   static_cast<long>(absl::ToInt64Seconds(kMaxConnectionIdle)));
  curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN,
                   static_cast<long>(absl::ToInt64Seconds(rules.max_connection_age)));

  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_CAINFO, rules.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // the file's authorities and no others
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  // A resumed session brings no certificate, so one that has expired would go on being trusted.
  curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, OnTlsContext);

  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, OnOpenSocket);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, OnCloseSocket);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, &rules);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, OnRequest);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  return easy;
}

void Transfer::Place(std::string server, size_t group, bool has_claim) {
  server_ = std::move(server);
  group_ = group;
  has_claim_ = has_claim;
  is_settled_ = false;
}

void Transfer::SettleClaim(bool took_one) {
  if (is_settled_) return;
  is_settled_ = true;
  rules_.kept_connections.Settle(server_, group_, has_claim_, took_one);
}

void Transfer::Prepare(CurlEasy easy, std::vector<IpAddress> addresses, absl::Time now) {
  easy_ = std::move(easy);
  untried_ = std::move(addresses);
  resolved_at_ = now;
  CURL* curl = easy_.get();
  curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);

  curl_easy_setopt(curl, CURLOPT_URL, exchange_.url.c_str());
  if (exchange_.method == Method::kPost) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(exchange_.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange_.body.c_str());
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  }
  for (const Header& header : exchange_.headers) {
    const std::string line = absl::StrCat(header.name, ": ", header.value);
    if (curl_slist* longer = curl_slist_append(headers_.get(), line.c_str())) {
      static_cast<void>(headers_.release());
      headers_.reset(longer);
    }
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
  for (const std::string& cookie : exchange_.cookies) {
    curl_easy_setopt(curl, CURLOPT_COOKIELIST, cookie.c_str());
  }

  // Without SNI the connection is for this request alone.
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, exchange_.send_sni ? 0L : 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, exchange_.send_sni ? 0L : 1L);
  DialNext(now);
}

CurlEasy Transfer::TakeEasy() {
  CURL* curl = easy_.get();
  curl_easy_setopt(curl, CURLOPT_PRIVATE, nullptr);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, nullptr);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, nullptr);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, nullptr);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, nullptr);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, nullptr);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(curl, CURLOPT_RESOLVE, nullptr);
  curl_easy_setopt(curl, CURLOPT_COOKIEFILE, nullptr);  // cookies of a call are nobody else's
  return std::move(easy_);
}

bool Transfer::ShouldDialNext(CURLcode code, absl::Time now) const {
  if (untried_.empty() || end_.tcp_connected || now >= exchange_.give_up_at) return false;
  return code == CURLE_COULDNT_CONNECT || (code == CURLE_OK && now >= dial_until_);
}

void Transfer::DialNext(absl::Time now) {
  CURL* curl = easy_.get();
  const std::vector<IpAddress> pair = TakePair(untried_);
  if (!ParseAddress(exchange_.host).has_value()) {
    // '+': the entry may leave libcurl's cache when it is old; each transfer brings its own.
    std::string entry = absl::StrCat("+", exchange_.host, ":", exchange_.port, ":");
    for (size_t i = 0; i < pair.size(); ++i) {
      absl::StrAppend(&entry, i == 0 ? "" : ",", ForResolve(pair[i]));
    }
    CurlList resolve(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve.get());
    resolve_ = std::move(resolve);
  }
  // Half of what is left while others wait. libcurl is given the whole, as its time covers TLS.
  const absl::Duration left = resolved_at_ + exchange_.connect_timeout - now;
  dial_until_ = now + left / 2;
  const absl::Duration curls = std::min(left, exchange_.give_up_at - now + kAfterTheEnd);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   std::max(1L, static_cast<long>(absl::ToInt64Milliseconds(curls))));
}

void Transfer::DialAfresh() {
  was_unfit_ = false;
  error_text_[0] = '\0';
  curl_easy_setopt(easy_.get(), CURLOPT_FRESH_CONNECT, 1L);
}

absl::Time Transfer::NextDeadline() const {
  absl::Time next = exchange_.give_up_at;
  if (!untried_.empty() && !end_.tcp_connected) next = std::min(next, dial_until_);
  if (request_begun_at_ != absl::InfinitePast()) {
    next = std::min(next, std::max(request_begun_at_, last_byte_at_) + exchange_.read_timeout);
  }
  if (error_head_at_ != absl::InfinitePast()) {
    next = std::min(next, error_head_at_ + kErrorBodyTimeout);
  }
  return next;
}

Stop Transfer::ExpiredAt(absl::Time now) const {
  if (now < NextDeadline()) return Stop::kNone;
  if (error_head_at_ != absl::InfinitePast()) return Stop::kErrorBody;
  return now >= exchange_.give_up_at ? Stop::kTotalTimeout : Stop::kReadTimeout;
}

curl_socket_t Transfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::optional<IpAddress> ip = FromSockaddr(address->addr);
  const AddressClass address_class =
      ip.has_value() ? ClassifyDestination(transfer.rules_.egress, *ip, transfer.exchange_.port)
                     : AddressClass::kReserved;
  if (!MayDial(address_class)) {
    transfer.end_.denied = address_class;
    return CURL_SOCKET_BAD;
  }
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) {
    transfer.end_.out_of_sockets =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return CURL_SOCKET_BAD;
  }
  // libcurl closes a socket that is not connected without telling.
  transfer.rules_.poll.Forget(fd);
  transfer.end_.socket_opened = true;
  transfer.remote_address_ = absl::StrCat(ForResolve(*ip), ":", transfer.exchange_.port);
  return fd;
}

// May outlive the transfer that opened the socket: the connection is kept for others.
int Transfer::OnCloseSocket(void* rules, curl_socket_t fd) {
  static_cast<const TransferRules*>(rules)->kept_connections.Forget(fd);
  static_cast<const TransferRules*>(rules)->poll.Forget(fd);
  return close(fd);
}

// Called when TCP is connected and TLS is about to begin. OpenSSL is told which host is expected,
// so that it judges the name itself: libcurl would take a name from the certificate's subject too,
// and could not say that it was the name that did not fit.
CURLcode Transfer::OnTlsContext(CURL*, void* ssl_context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto* context = static_cast<SSL_CTX*>(ssl_context);
  transfer.end_.tcp_connected = true;
  transfer.tls_begun_at_ = MonotonicNow();
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string& host = transfer.exchange_.host;
  const int set = ParseAddress(host).has_value()
                      ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str())
                      : X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size());
  if (set != 1) return CURLE_SSL_CERTPROBLEM;
  auto watch = std::make_unique<TlsWatchPointer>(std::make_shared<TlsWatch>());
  (*watch)->sends_sni = transfer.exchange_.send_sni;
  if (SSL_CTX_set_ex_data(context, TlsWatchIndex(), watch.get()) != 1) return CURLE_OUT_OF_MEMORY;
  static_cast<void>(watch.release());
  SSL_CTX_set_info_callback(context, OnTlsState);
  return CURLE_OK;
}

// Whether a connection that nothing was asked on has something to read all the same: an answer that
// nobody wanted, which libcurl would take for the next one's, or the end.
bool Transfer::HasUnaskedBytes(int fd) const {
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_TLS_SSL_PTR, &session);
  if (session != nullptr && session->internals != nullptr &&
      SSL_has_pending(static_cast<const SSL*>(session->internals)) == 1) {
    return true;
  }
  char byte = 0;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

int Transfer::OnRequest(void* self, char* remote_ip, char* local_ip, int remote_port,
                        int local_port) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.ends_ = absl::StrCat(local_ip, " ", local_port, " ", remote_ip, " ", remote_port);
  const int kept = transfer.rules_.kept_connections.Take(transfer.ends_);  // -1: a new connection
  transfer.SettleClaim(kept >= 0);
  if (kept >= 0 && transfer.HasUnaskedBytes(kept)) {
    transfer.was_unfit_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.end_.socket_opened = true;
  transfer.end_.tcp_connected = true;
  transfer.end_.request_begun = true;
  transfer.request_begun_at_ = MonotonicNow();
  transfer.rules_.hurried.push_back(transfer.ticket_);
  const bool v6 = absl::string_view(remote_ip).find(':') != absl::string_view::npos;
  transfer.remote_address_ = v6 ? absl::StrCat("[", remote_ip, "]:", remote_port)
                                : absl::StrCat(remote_ip, ":", remote_port);
  return CURL_PREREQFUNC_OK;
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  const absl::string_view line(data, size * count);
  return static_cast<Transfer*>(self)->TakeHeadLine(line) ? line.size() : 0;
}

// libcurl's table of cookies is larger than most documents. So there is none while a response is
// waited for, unless the request brings cookies.
void Transfer::KeepCookies() {
  curl_easy_setopt(easy_.get(), CURLOPT_COOKIEFILE, "");  // no file
  curl_easy_setopt(easy_.get(), CURLOPT_COOKIELIST, "RELOAD");
}

bool Transfer::TakeHeadLine(absl::string_view line) {
  if (!end_.got_bytes) KeepCookies();
  end_.got_bytes = true;
  last_byte_at_ = MonotonicNow();
  const bool was_complete = head_.complete();
  if (!head_.AddLine(line)) {
    end_.stop = Stop::kBadHeaders;
    end_.stop_detail = head_.error();
    return false;
  }
  if (was_complete || !head_.complete()) return true;

  end_.head_complete = true;
  if (end_.https && !head_.chunked() && !head_.content_length().has_value()) WatchTls();
  if (head_.ambiguous_length()) curl_easy_setopt(easy_.get(), CURLOPT_FORBID_REUSE, 1L);
  if (head_.status() / 100 != 2) {
    error_head_at_ = last_byte_at_;
    rules_.hurried.push_back(ticket_);
  } else if (IsAudio(head_.headers())) {
    is_audio_ = true;
  } else if (!head_.chunked() && head_.content_length().value_or(0) > rules_.max_body_bytes) {
    end_.stop = Stop::kBodyTooLarge;
    end_.stop_detail = absl::StrCat("the body is said to have ", *head_.content_length(),
                                    " bytes; the limit is ", rules_.max_body_bytes);
    return false;
  }
  return true;
}

// The body ends with the connection, so it matters how that ends. Asked of the connection itself:
// it may have been opened by a transfer before this one.
void Transfer::WatchTls() {
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_TLS_SSL_PTR, &session);
  if (session != nullptr && session->internals != nullptr) {
    tls_watch_ = WatchOf(static_cast<const SSL*>(session->internals));
  }
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) {
  const absl::string_view bytes(data, size * count);
  return static_cast<Transfer*>(self)->TakeBody(bytes) ? bytes.size() : 0;
}

bool Transfer::TakeBody(absl::string_view bytes) {
  end_.got_bytes = true;
  last_byte_at_ = MonotonicNow();
  if (!head_.complete()) return false;  // a body without a head is no response of ours
  const size_t left = (is_audio_ ? kAudioBytesRead : rules_.max_body_bytes) - body_.size();
  if (bytes.size() <= left) {
    body_.append(bytes.data(), bytes.size());
    return true;
  }
  if (is_audio_) {
    body_.append(bytes.data(), left);
    end_.stop = Stop::kEnough;
    return false;
  }
  end_.stop = Stop::kBodyTooLarge;
  end_.stop_detail =
      absl::StrCat("the body has more than ", rules_.max_body_bytes, " bytes, decoded");
  return false;
}

Cookies Transfer::ReadCookies() const {
  curl_slist* list = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_COOKIELIST, &list);
  const CurlList owned(list);
  Cookies cookies;
  for (; list != nullptr; list = list->next) cookies.emplace_back(list->data);
  return cookies;
}

Timings Transfer::ReadTimings(absl::Time now) const {
  Timings timings{.dns = resolved_at_ - begun_at_, .total = now - begun_at_};
  CURL* curl = easy_.get();
  const absl::Duration ready = Info(curl, CURLINFO_PRETRANSFER_TIME_T);
  if (end_.https && tls_begun_at_ != absl::InfinitePast()) {
    // libcurl forgets when TCP was connected if TLS fails.
    const absl::Time tls_ended_at = end_.request_begun ? request_begun_at_ : now;
    timings.connect = tls_begun_at_ - resolved_at_;
    timings.tls = tls_ended_at - tls_begun_at_;
  } else if (end_.request_begun) {
    timings.connect = request_begun_at_ - resolved_at_;
  } else if (end_.socket_opened) {
    timings.connect = now - resolved_at_;
  }
  if (end_.got_bytes) timings.first_byte = Info(curl, CURLINFO_STARTTRANSFER_TIME_T) - ready;
  return timings;
}

Reply Transfer::Finish(CURLcode code, Stop stop, absl::Time now) {
  CURL* curl = easy_.get();
  SettleClaim(false);
  end_.curl_code = code;
  if (end_.stop == Stop::kNone) end_.stop = stop;
  // On a busy machine libcurl's clock may strike before ours although it is set later.
  if (end_.stop == Stop::kNone && code == CURLE_OPERATION_TIMEDOUT && now >= exchange_.give_up_at) {
    end_.stop = Stop::kTotalTimeout;
  }
  end_.error_text = error_text_;
  end_.status = head_.status();
  end_.tls_cut = tls_watch_ != nullptr && !tls_watch_->ended_by_peer;
  long os_errno = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_errno);
  end_.os_errno = static_cast<int>(os_errno);
  curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &end_.verify_result);
  if (end_.request_begun) {
    curl_off_t sent = 0;
    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
    end_.request_sent = sent >= static_cast<curl_off_t>(exchange_.body.size());
  }

  if (code == CURLE_OK && stop == Stop::kNone) {  // else the connection is closed
    curl_socket_t kept = CURL_SOCKET_BAD;
    curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &kept);
    if (kept != CURL_SOCKET_BAD) {
      rules_.kept_connections.Keep(ends_, kept, server_, group_);
    }
  }

  NetFault fault = UnderstandEnd(end_);
  Reply reply{.error = fault.error,
              .phase = fault.phase,
              .detail = std::move(fault.detail),
              .answered = end_.got_bytes,
              .status = end_.head_complete ? head_.status() : 0,
              .headers = head_.headers(),
              .cookies = ReadCookies(),
              .chunked = head_.chunked(),
              .body = std::move(body_),
              .body_cut = end_.stop == Stop::kEnough,
              .remote_address = remote_address_,
              .timings = ReadTimings(now),
              .finished_at = now};
  return reply;
}

Reply Transfer::Refuse(NetError error, Phase phase, std::string detail, absl::Time now) {
  return {.error = error,
          .phase = phase,
          .detail = std::move(detail),
          .timings = {.dns = phase == Phase::kDns ? now - begun_at_ : absl::ZeroDuration(),
                      .total = now - begun_at_},
          .finished_at = now};
}

}  // namespace understudy::router
