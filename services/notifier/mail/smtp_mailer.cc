#include "services/notifier/mail/smtp_mailer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "common/serving/monotonic_clock.h"
#include "common/serving/secret_file.h"
#include "services/notifier/mail/host_lookup.h"
#include "services/notifier/mail/mime.h"
#include "services/notifier/mail/smtp_dialogue.h"

namespace understudy::notifier {
namespace {

using absl::string_view;
using serving::MonotonicNow;

struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlMultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CurlUrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlListDeleter>;
using CurlUrl = std::unique_ptr<CURLU, CurlUrlDeleter>;

// Where the mail server is.
struct Endpoint {
  std::string scheme = {};
  std::string host = {};  // IPv6 addresses in brackets
  std::string port = {};

  bool is_tls() const { return scheme == "smtps"; }
  std::string name() const { return absl::StrCat(host, ":", port); }
  // Without brackets.
  std::string bare_host() const {
    return absl::StartsWith(host, "[") ? host.substr(1, host.size() - 2) : host;
  }
};

bool IsAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return inet_pton(AF_INET, text.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), ignored.data()) == 1;
}

bool IsMailAddress(const std::string& text) {
  const absl::StatusOr<Mailbox> mailbox = ParseMailbox(text);
  return mailbox.ok() && mailbox->address == text;
}

std::string PartOf(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* value = nullptr;
  if (curl_url_get(url, part, &value, flags) != CURLUE_OK) return "";
  std::string text(value);
  curl_free(value);
  return text;
}

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& text) {
  const auto refused = [] {
    return absl::InvalidArgumentError("url must be smtp://HOST:PORT or smtps://HOST:PORT");
  };
  const bool is_visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  const CurlUrl url(curl_url());
  if (!is_visible || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return refused();
  }
  Endpoint endpoint{.scheme = PartOf(url.get(), CURLUPART_SCHEME),
                    .host = PartOf(url.get(), CURLUPART_HOST),
                    .port = PartOf(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                               CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_ZONEID}) {
    if (!PartOf(url.get(), part).empty()) return refused();
  }
  const bool is_smtp = endpoint.scheme == "smtp" || endpoint.scheme == "smtps";
  if (!is_smtp || endpoint.host.empty() || PartOf(url.get(), CURLUPART_PATH) != "/") {
    return refused();
  }
  return endpoint;
}

// A domain name, or an address in brackets.
bool IsHeloName(string_view text) {
  return text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  string_view("-.:[]").find(c) != string_view::npos;
         });
}

absl::Status CheckOptions(const SmtpOptions& options, const Endpoint& endpoint) {
  if (!IsMailAddress(options.sender)) {
    return absl::InvalidArgumentError("sender must be a mail address");
  }
  if (!IsHeloName(options.helo_name)) {
    return absl::InvalidArgumentError("helo_name must be a host name or an address in brackets");
  }
  const bool may_be_clear = !endpoint.is_tls() && options.starttls != StartTls::kRequired;
  if (!options.username.empty()) {
    if (std::any_of(options.username.begin(), options.username.end(),
                    [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
      return absl::InvalidArgumentError("username must not have control characters");
    }
    if (options.password_file.empty()) {
      return absl::InvalidArgumentError("username needs a password_file");
    }
    if (may_be_clear && !options.allow_credentials_in_clear) {
      return absl::InvalidArgumentError(
          "username needs smtps or starttls: required, as the password would go out in the clear");
    }
  }
  for (const absl::Duration timeout :
       {options.connect_timeout, options.step_timeout, options.total_timeout}) {
    if (timeout <= absl::ZeroDuration() || timeout > kSendTimeout - kSendOverrun) {
      return absl::InvalidArgumentError(
          absl::StrCat("timeouts must be above zero and at most ",
                       absl::FormatDuration(kSendTimeout - kSendOverrun)));
    }
  }
  for (const absl::Duration limit : {options.max_connection_idle, options.max_connection_age}) {
    if (limit < absl::Seconds(1)) {  // libcurl's 0 is for ever
      return absl::InvalidArgumentError("a connection must be kept for a second at least");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCaFile(const std::string& path) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  if (store != nullptr && X509_STORE_load_file(store.get(), path.c_str()) == 1) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the CA file ", path, " cannot be read or holds no certificate in PEM form"));
}

// libcurl sends a dot more for each line that begins with one.
size_t BytesOnTheWire(string_view mail) {
  size_t bytes = mail.size() + (absl::StartsWith(mail, ".") ? 1 : 0);
  for (size_t at = mail.find("\r\n."); at != string_view::npos; at = mail.find("\r\n.", at + 1)) {
    ++bytes;
  }
  return bytes;
}

// A server may send back what it was told.
std::string WithoutPassword(std::string text, const std::string& username, const Secret& password) {
  if (password.empty()) return text;
  const std::string& secret = password.Reveal();
  std::string plain("\0", 1);
  absl::StrAppend(&plain, username, string_view("\0", 1), secret);
  return absl::StrReplaceAll(
      text,
      {{absl::Base64Escape(plain), "***"}, {absl::Base64Escape(secret), "***"}, {secret, "***"}});
}

bool IsConnected(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

struct Limits {
  absl::Time connect_by = {};
  absl::Duration step = {};
  absl::Time give_up_at = {};
};

// One mail on its way: what libcurl calls back into.
class Transfer {
 public:
  // `socket` is set when one is opened.
  Transfer(const OutgoingMail& mail, const Endpoint& endpoint, const Limits& limits, int& socket)
      : mail_(mail),
        endpoint_(endpoint),
        limits_(limits),
        socket_(socket),
        wire_bytes_(BytesOnTheWire(mail.bytes)),
        step_begun_at_(MonotonicNow()) {}

  void SetCallbacks(CURL* easy);

  // When libcurl has to be let look at the time.
  absl::Time Deadline() const;

  // To be called once, when libcurl has ended.
  SmtpEnd Finish(CURL* easy, CURLcode code);

 private:
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static CURLcode OnTlsContext(CURL* easy, void* context, void* self);
  static int OnDebug(CURL* easy, curl_infotype type, char* data, size_t size, void* self);
  static size_t OnRead(char* buffer, size_t size, size_t count, void* self);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent);

  void Begin(SmtpStep step) {
    OnStep(step, dialogue_);
    step_begun_at_ = MonotonicNow();
  }
  void OnBytesSent(size_t sent);
  bool IsOver();

  const OutgoingMail& mail_;
  const Endpoint& endpoint_;
  const Limits limits_;
  int& socket_;
  const size_t wire_bytes_;

  CURL* easy_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = {};
  SmtpDialogue dialogue_;
  absl::Time step_begun_at_;
  size_t read_ = 0;
  size_t sent_ = 0;
  bool opened_socket_ = false;
  bool expired_ = false;
};

void Transfer::SetCallbacks(CURL* easy) {
  easy_ = easy;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, OnOpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, OnTlsContext);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
  // The only way to see both sides of the dialogue.
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, OnDebug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, this);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, OnRead);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
}

absl::Time Transfer::Deadline() const {
  switch (dialogue_.step) {
    case SmtpStep::kConnect:
      return std::min(limits_.connect_by, limits_.give_up_at);
    case SmtpStep::kVerdict:
      return limits_.give_up_at;
    default:
      return std::min(step_begun_at_ + limits_.step, limits_.give_up_at);
  }
}

curl_socket_t Transfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  transfer.socket_ = fd;
  transfer.opened_socket_ = true;
  return fd;
}

// Called when TLS is about to begin. OpenSSL is told which host is expected, so that it judges the
// name itself: libcurl would take a name from the certificate's subject too, and could not say that
// it was the name that did not fit.
CURLcode Transfer::OnTlsContext(CURL*, void* context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.Begin(SmtpStep::kTls);
  X509_VERIFY_PARAM* const parameters = SSL_CTX_get0_param(static_cast<SSL_CTX*>(context));
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string host = transfer.endpoint_.bare_host();
  const int set = IsAddress(host)
                      ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str())
                      : X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size());
  return set == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

int Transfer::OnDebug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const string_view line(data, size);
  if (type == CURLINFO_HEADER_OUT) {
    OnSent(line, transfer.dialogue_);
    transfer.step_begun_at_ = MonotonicNow();
  } else if (type == CURLINFO_HEADER_IN) {
    OnReceived(line, transfer.dialogue_);
  }
  return 0;
}

size_t Transfer::OnRead(char* buffer, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const string_view chunk = string_view(transfer.mail_.bytes).substr(transfer.read_, size * count);
  std::copy(chunk.begin(), chunk.end(), buffer);
  transfer.read_ += chunk.size();
  return chunk.size();
}

void Transfer::OnBytesSent(size_t sent) {
  if (sent != sent_) step_begun_at_ = MonotonicNow();
  sent_ = sent;
  if (dialogue_.step == SmtpStep::kBody && !dialogue_.answered && sent_ >= wire_bytes_) {
    Begin(SmtpStep::kVerdict);
  }
}

// Asked by libcurl whenever it wakes, and once a second where it waits by itself.
int Transfer::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.OnBytesSent(static_cast<size_t>(sent));
  return transfer.IsOver() ? 1 : 0;
}

bool Transfer::IsOver() {
  if (dialogue_.is_quitting) return true;  // nothing depends on the reply to that
  if (!endpoint_.is_tls()) {
    if (dialogue_.step == SmtpStep::kConnect && opened_socket_ && IsConnected(socket_)) {
      Begin(SmtpStep::kGreeting);
    }
  } else if (dialogue_.step == SmtpStep::kTls) {
    curl_off_t handshake_us = 0;
    curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &handshake_us);
    if (handshake_us > 0) Begin(SmtpStep::kGreeting);
  }
  if (MonotonicNow() < Deadline()) return false;
  expired_ = true;
  return true;
}

SmtpEnd Transfer::Finish(CURL* easy, CURLcode code) {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  OnBytesSent(static_cast<size_t>(sent));
  SmtpEnd end{.dialogue = std::move(dialogue_),
              .curl_code = code,
              .error_text = error_text_,
              .expired = expired_,
              .server = endpoint_.name(),
              .recipient = mail_.recipient};
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &end.verify_result);
  long os_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
  if (code == CURLE_COULDNT_CONNECT && os_errno != 0) {
    end.error_text = std::generic_category().message(static_cast<int>(os_errno));
  }
  end.reused = !opened_socket_;
  return end;
}

}  // namespace

class SmtpMailer::Connection {
 public:
  Connection(SmtpOptions options, Endpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        multi_(curl_multi_init()),
        easy_(curl_easy_init()) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
  }

  // libcurl says QUIT as it closes the connection, and would wait for the reply out of our reach.
  ~Connection() {
    if (socket_ >= 0) shutdown(socket_, SHUT_RD);
  }

  SendResult Send(const OutgoingMail& mail);

 private:
  const HostAddresses& FindAddresses(absl::Time give_up_at);
  // Over the kept connection, or else over one to the first address that accepts it.
  SmtpEnd SendToAny(const OutgoingMail& mail, const Secret& password, absl::Time give_up_at);
  SmtpEnd SendTo(const std::string& address, const OutgoingMail& mail, const Secret& password,
                 const Limits& limits, bool afresh);
  void SetOptions(const std::string& address, const OutgoingMail& mail, const Secret& password,
                  bool afresh);
  CURLcode Perform(const Transfer& transfer);
  static int OnCloseSocket(void* self, curl_socket_t fd);

  const SmtpOptions options_;
  const Endpoint endpoint_;
  const CurlMulti multi_;  // has the connection
  const CurlEasy easy_;
  CurlList recipients_;
  CurlList resolve_;
  int socket_ = -1;  // the connection's; -1: there is none
  HostAddresses addresses_;
  absl::Time looked_up_at_ = absl::InfinitePast();
};

SendResult SmtpMailer::Connection::Send(const OutgoingMail& mail) {
  const absl::Time give_up_at = MonotonicNow() + options_.total_timeout;
  // It would be part of a command.
  if (!IsMailAddress(mail.recipient)) {
    return {.state = SendState::kPermanent,
            .reason = SendReason::kRecipientRefused,
            .detail = "the recipient is no mail address; check alerts.routes"};
  }
  Secret password;
  if (!options_.username.empty()) {
    absl::StatusOr<Secret> read = serving::ReadSecretFile(options_.password_file);
    if (!read.ok()) {
      return {
          .state = SendState::kTemporary,
          .reason = SendReason::kAuthentication,
          .detail = absl::StrCat("mail.smtp.password_file: ", std::string(read.status().message())),
          .server_failed = true};
    }
    password = *std::move(read);
  }
  if (FindAddresses(std::min(give_up_at, MonotonicNow() + options_.connect_timeout)).result !=
      HostAddresses::Result::kFound) {
    const bool does_not_exist = addresses_.result == HostAddresses::Result::kNotFound;
    return {.state = SendState::kTemporary,
            .reason = SendReason::kHostUnknown,
            .detail = absl::StrCat(
                does_not_exist ? "the mail server's name does not exist or has no address; check "
                                 "mail.smtp.url: "
                               : "the name servers do not tell the address of the mail server: ",
                endpoint_.host),
            .server_failed = true};
  }
  const SmtpEnd end = SendToAny(mail, password, give_up_at);
  // libcurl would keep a connection on which the reply to a mail is still to come, and take it for
  // the reply to the next one's first command.
  if (end.curl_code != CURLE_OK && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
  SendResult result = UnderstandEnd(end);
  result.detail = WithoutPassword(std::move(result.detail), options_.username, password);
  result.reply = WithoutPassword(std::move(result.reply), options_.username, password);
  return result;
}

const HostAddresses& SmtpMailer::Connection::FindAddresses(absl::Time give_up_at) {
  const std::string host = endpoint_.bare_host();
  if (IsAddress(host)) {
    addresses_ = {.result = HostAddresses::Result::kFound, .addresses = {host}};
    return addresses_;
  }
  const absl::Time now = MonotonicNow();
  if (now < looked_up_at_ + kMaxHostAddressesAge) return addresses_;
  HostAddresses answer = LookUpHost(host, options_.dns_servers, give_up_at);
  const bool is_answered = answer.result == HostAddresses::Result::kFound ||
                           answer.result == HostAddresses::Result::kNotFound;
  // While the name servers are out, operators have to hear of it all the more.
  if (is_answered || addresses_.addresses.empty()) addresses_ = std::move(answer);
  if (addresses_.result == HostAddresses::Result::kFound) looked_up_at_ = now;
  return addresses_;
}

SmtpEnd SmtpMailer::Connection::SendToAny(const OutgoingMail& mail, const Secret& password,
                                          absl::Time give_up_at) {
  const absl::Time connect_by = std::min(give_up_at, MonotonicNow() + options_.connect_timeout);
  std::vector<std::string>& addresses = addresses_.addresses;
  SmtpEnd end;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const absl::Time now = MonotonicNow();
    // Half of what is left while others wait.
    Limits limits{
        .connect_by = i + 1 == addresses.size() ? connect_by : now + (connect_by - now) / 2,
        .step = options_.step_timeout,
        .give_up_at = give_up_at};
    end = SendTo(addresses[i], mail, password, limits, /*afresh=*/false);
    if (WasStaleConnection(end)) {
      limits.connect_by = connect_by;
      end = SendTo(addresses[i], mail, password, limits, /*afresh=*/true);
    }
    if (end.dialogue.step != SmtpStep::kConnect) {
      std::swap(addresses[0], addresses[i]);  // the first to try next time
      return end;
    }
  }
  looked_up_at_ = absl::InfinitePast();  // the server may have moved
  return end;
}

SmtpEnd SmtpMailer::Connection::SendTo(const std::string& address, const OutgoingMail& mail,
                                       const Secret& password, const Limits& limits, bool afresh) {
  Transfer transfer(mail, endpoint_, limits, socket_);
  SetOptions(address, mail, password, afresh);
  transfer.SetCallbacks(easy_.get());
  curl_multi_add_handle(multi_.get(), easy_.get());
  const CURLcode code = Perform(transfer);
  SmtpEnd end = transfer.Finish(easy_.get(), code);
  // Has ended: one that is in the middle of a mail must not be removed, libcurl would send the dot
  // behind the half that is sent.
  curl_multi_remove_handle(multi_.get(), easy_.get());
  curl_easy_reset(easy_.get());  // drops what points into the transfer
  return end;
}

void SmtpMailer::Connection::SetOptions(const std::string& address, const OutgoingMail& mail,
                                        const Secret& password, bool afresh) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  // The path is what EHLO says.
  curl_easy_setopt(
      easy, CURLOPT_URL,
      absl::StrCat(endpoint_.scheme, "://", endpoint_.name(), "/", options_.helo_name).c_str());
  if (!IsAddress(endpoint_.bare_host())) {
    const bool is_v6 = absl::StrContains(address, ':');
    // '+': the entry may leave libcurl's cache when it is old; each transfer brings its own.
    const std::string entry =
        absl::StrCat("+", endpoint_.name(), ":", is_v6 ? "[" : "", address, is_v6 ? "]" : "");
    resolve_.reset(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve_.get());
  }
  // Set so late that ours are first: libcurl's own do not cover every step.
  const absl::Duration late = kSendTimeout + kSendOverrun;
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(late)));
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                   static_cast<long>(absl::ToInt64Seconds(late)));
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN,
                   static_cast<long>(absl::ToInt64Seconds(options_.max_connection_idle)));
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN,
                   static_cast<long>(absl::ToInt64Seconds(options_.max_connection_age)));
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, afresh ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, OnCloseSocket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);

  const long use_tls = options_.starttls == StartTls::kRequired        ? CURLUSESSL_ALL
                       : options_.starttls == StartTls::kOpportunistic ? CURLUSESSL_TRY
                                                                       : CURLUSESSL_NONE;
  curl_easy_setopt(easy, CURLOPT_USE_SSL, use_tls);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // the file's authorities and no others
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  // A resumed session brings no certificate, so one that has expired would go on being trusted.
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);

  if (!options_.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, options_.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password.Reveal().c_str());
    curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, options_.sender.c_str());
  recipients_.reset(curl_slist_append(nullptr, mail.recipient.c_str()));
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients_.get());
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.bytes.size()));
}

CURLcode SmtpMailer::Connection::Perform(const Transfer& transfer) {
  int running = 0;
  while (curl_multi_perform(multi_.get(), &running) == CURLM_OK && running > 0) {
    const absl::Duration wait =
        std::clamp(transfer.Deadline() - MonotonicNow(), absl::ZeroDuration(), absl::Seconds(1));
    curl_multi_poll(
        multi_.get(), nullptr, 0,
        static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)))),
        nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return CURLE_FAILED_INIT;
}

int SmtpMailer::Connection::OnCloseSocket(void* self, curl_socket_t fd) {
  auto& connection = *static_cast<Connection*>(self);
  if (connection.socket_ == fd) connection.socket_ = -1;
  return close(fd);
}

absl::StatusOr<std::unique_ptr<SmtpMailer>> SmtpMailer::Create(SmtpOptions options) {
  static const CURLcode library = curl_global_init(CURL_GLOBAL_ALL);
  if (library != CURLE_OK) return absl::InternalError(curl_easy_strerror(library));
  absl::StatusOr<Endpoint> endpoint = ParseEndpoint(options.url);
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status status = CheckOptions(options, *endpoint); !status.ok()) return status;
  if (endpoint->is_tls() || options.starttls != StartTls::kOff) {
    if (absl::Status status = CheckCaFile(options.ca_file); !status.ok()) return status;
  }
  return std::unique_ptr<SmtpMailer>(
      new SmtpMailer(std::make_unique<Connection>(std::move(options), *std::move(endpoint))));
}

SmtpMailer::SmtpMailer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

SmtpMailer::~SmtpMailer() = default;

SendResult SmtpMailer::Send(const OutgoingMail& mail) {
  return connection_->Send(mail);
}

}  // namespace understudy::notifier
