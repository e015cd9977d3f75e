#include "tests/notifier/mail/postfix.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/wait.h"

extern char** environ;

namespace understudy::testing {
namespace {

constexpr int kStartTries = 3;
constexpr absl::Duration kBound = absl::Seconds(20);
// Who owns the mail that is delivered.
constexpr uid_t kNobody = 65534;

// $0 the folder, $1 the size of a mail.
constexpr char kMain[] = R"(compatibility_level = 3.6
queue_directory = $0/spool
data_directory = $0/data
mail_owner = postfix
maillog_file = $0/log
maillog_file_prefixes = $0
myhostname = mail.test
mydestination =
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_base = $0/mail
virtual_mailbox_maps = inline:{ {ops@example.com = ops/} {grey@example.com = grey/} }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_sender_restrictions = check_sender_access
  inline:{ {blocked@example.com = 553 5.7.1 Sender is blocked} }
smtpd_recipient_restrictions = check_recipient_access
  inline:{ {grey@example.com = 450 4.2.0 Greylisted, try again} }, permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = $0/etc/chain.pem
smtpd_tls_key_file = $0/etc/key.pem
message_size_limit = $1
)";

// $0 to $6 the ports.
constexpr char kMaster[] = R"(127.0.0.1:$0 inet n - n - - smtpd
127.0.0.1:$1 inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
127.0.0.1:$2 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:$3 inet n - n - - smtpd
  -o smtpd_client_connection_count_limit=1
  -o smtpd_client_message_rate_limit=2
  -o smtpd_client_event_limit_exceptions=
127.0.0.1:$4 inet n - n - - smtpd
  -o smtpd_timeout=2
127.0.0.1:$5 inet n - n - - smtpd
  -o mynetworks=192.0.2.0/24
  -o smtpd_relay_restrictions=reject_unauth_destination
  -o smtpd_recipient_restrictions=
127.0.0.1:$6 inet n - n - - smtpd
  -o smtpd_client_restrictions=reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
)";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

}  // namespace

Postfix::Postfix(const Certificate& certificate) {
  const passwd* const owner = getpwnam("postfix");
  const group* const dropping = getgrnam("postdrop");
  Require(owner != nullptr && dropping != nullptr, "postfix's user and group");
  // Its processes are not root.
  Require(chmod(folder_.path().c_str(), 0755) == 0, "a folder for all");
  const auto make = [this](absl::string_view name, mode_t mode, uid_t user, gid_t users) {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    Require(mkdir(path.c_str(), mode) == 0 && chown(path.c_str(), user, users) == 0 &&
                chmod(path.c_str(), mode) == 0,
            path);
  };
  make("etc", 0755, 0, 0);
  make("mail", 0755, kNobody, kNobody);
  make("data", 0700, owner->pw_uid, owner->pw_gid);
  // What `postfix start` would make, which takes seconds.
  make("spool", 0755, 0, 0);
  make("spool/pid", 0755, 0, 0);
  make("spool/maildrop", 0730, owner->pw_uid, dropping->gr_gid);
  make("spool/public", 0710, owner->pw_uid, dropping->gr_gid);
  for (const char* const queue : {"active", "bounce", "corrupt", "defer", "deferred", "flush",
                                  "hold", "incoming", "private", "saved", "trace"}) {
    make(absl::StrCat("spool/", queue), 0700, owner->pw_uid, 0);
  }
  // A port that was free may be gone by the time it is listened on.
  bool is_started = false;
  for (int i = 0; i < kStartTries && !is_started; ++i) {
    WriteConfiguration(certificate);
    is_started = Start();
  }
  Require(is_started, absl::StrCat("postfix starts: ", log()));
}

Postfix::~Postfix() {
  Stop();
}

void Postfix::WriteConfiguration(const Certificate& certificate) {
  std::vector<Socket> held;  // all at once, so that they differ
  ports_.clear();
  for (int i = 0; i < kPostfixPorts; ++i) {
    held.push_back(Bind(Transport::kTcp, "127.0.0.1", 0));
    ports_.push_back(PortOf(held.back()));
  }
  folder_.Write("etc/chain.pem", certificate.chain_pem);
  chmod(folder_.Write("etc/key.pem", certificate.key_pem).c_str(), 0600);
  const std::string main =
      folder_.Write("etc/main.cf", absl::Substitute(kMain, folder_.path(), kPostfixSizeMax));
  const std::string master =
      folder_.Write("etc/master.cf", absl::Substitute(kMaster, ports_[0], ports_[1], ports_[2],
                                                      ports_[3], ports_[4], ports_[5], ports_[6]));
  // Postfix waits until its files have not been written to for a while.
  for (const std::string& path : {main, master}) {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
  }
}

bool Postfix::Start() {
  unlink((folder_.path() + "/log").c_str());
  int ends[2];
  Require(pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  // Ends with our side of the pipe, also where a test is killed. A session of its own is how its
  // master knows whom to take along.
  std::vector<std::string> words = {"/bin/sh", "-c",
                                    "setsid \"$0\" -c \"$1\" -d & read -r nothing; kill $!; wait",
                                    "/usr/lib/postfix/sbin/master", folder_.path() + "/etc"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  const int error =
      posix_spawn(&keeper_, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  life_line_ = Socket(ends[1]);
  Require(error == 0, words[0]);

  bool has_failed = false;
  const bool is_settled = WaitFor(
      [&] {
        const std::string said = log();
        has_failed = absl::StrContains(said, "fatal:");
        return has_failed || absl::StrContains(said, "daemon started");  // and listens
      },
      kBound);
  Require(is_settled, absl::StrCat("postfix starts: ", log()));
  if (has_failed) Stop();
  return !has_failed;
}

void Postfix::Stop() {
  life_line_.Close();
  waitpid(keeper_, nullptr, 0);
}

std::string Postfix::url(PostfixPort which) const {
  return absl::StrCat(which == PostfixPort::kTls ? "smtps" : "smtp", "://127.0.0.1:", port(which));
}

std::vector<std::string> Postfix::delivered() const {
  std::vector<std::string> mails;
  std::error_code none_yet;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.path() + "/mail/ops/new", none_yet)) {
    mails.push_back(ReadFile(entry.path()));
  }
  return mails;
}

std::string Postfix::log() const {
  return ReadFile(folder_.path() + "/log");
}

}  // namespace understudy::testing
