#include "services/notifier/mail/directory_mailer.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

using absl::string_view;

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;
constexpr string_view kSuffix = ".eml";
constexpr size_t kHashBytes = 8;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

// What the system says of its last call.
absl::Status SystemError(string_view doing, const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat(doing, " ", path, ": ", std::generic_category().message(errno)));
}

absl::Status WriteWhole(const std::string& path, string_view bytes) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (file.fd() < 0) return SystemError("opening", path);
  while (!bytes.empty()) {
    const ssize_t written = write(file.fd(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return SystemError("writing", path);
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file.fd()) != 0) return SystemError("writing", path);
  return absl::OkStatus();
}

// A name is on disk when its folder is.
absl::Status SyncFolder(const std::string& path) {
  const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() < 0) return SystemError("opening", path);
  if (fsync(folder.fd()) != 0) return SystemError("writing", path);
  return absl::OkStatus();
}

absl::Status Place(const std::string& directory, const std::string& name, string_view bytes) {
  if (mkdir(directory.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return SystemError("making", directory);
  }
  // Hidden, so that whoever collects *.eml does not see it before it is whole.
  const std::string unfinished = absl::StrCat(directory, "/.", name, ".tmp");
  absl::Status status = WriteWhole(unfinished, bytes);
  if (status.ok() && rename(unfinished.c_str(), absl::StrCat(directory, "/", name).c_str()) != 0) {
    status = SystemError("renaming", unfinished);
  }
  if (!status.ok()) {
    unlink(unfinished.c_str());
    return status;
  }
  return SyncFolder(directory);
}

}  // namespace

std::string MailFileName(string_view message_id) {
  std::string name;
  for (const char c : message_id) {
    const bool stays = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       string_view("@+-_").find(c) != string_view::npos ||
                       (c == '.' && !name.empty());
    name.push_back(stays ? c : '_');
  }
  if (name == message_id && !name.empty() &&
      name.size() + kSuffix.size() <= kMaxMailFileNameBytes) {
    return absl::StrCat(name, kSuffix);
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(message_id.data()), message_id.size(),
         digest.data());
  const std::string hash =
      absl::BytesToHexString(string_view(reinterpret_cast<const char*>(digest.data()), kHashBytes));
  name = name.substr(0, kMaxMailFileNameBytes - kSuffix.size() - hash.size() - 1);
  return absl::StrCat(name, "-", hash, kSuffix);
}

DirectoryMailer::DirectoryMailer(std::string directory) : directory_(std::move(directory)) {}

SendResult DirectoryMailer::Send(const OutgoingMail& mail) {
  const std::string name = MailFileName(mail.message_id);
  if (const absl::Status status = Place(directory_, name, mail.bytes); !status.ok()) {
    return {.state = SendState::kTemporary,
            .reason = SendReason::kCannotWrite,
            .detail = absl::StrCat("the mail could not be written to the mail directory: ",
                                   std::string(status.message())),
            .server_failed = true};
  }
  return {.state = SendState::kAccepted, .reply = absl::StrCat(directory_, "/", name)};
}

}  // namespace understudy::notifier
