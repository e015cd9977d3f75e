#include "common/serving/tls_identity.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"

namespace understudy::serving {
namespace {

std::vector<std::string> PathsOf(const TlsFiles& files) {
  return {files.certificate, files.key, files.ca};
}

void LogLoaded(const std::string& use, const TlsMaterial& material) {
  const bool has_expired = material.not_after <= absl::Now();
  const std::string until =
      material.certificate.empty()
          ? "none of our own"
          : absl::FormatTime(absl::RFC3339_sec, material.not_after, absl::UTCTimeZone());
  Log(has_expired ? LogLevel::kWarning : LogLevel::kInfo,
      has_expired ? "a certificate has expired: the other side will refuse it"
                  : "certificates loaded",
      {{"use", use}, {"not_after", until}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(std::string use, TlsFiles files) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(std::move(use), std::move(files)));
  identity->stamps_ = StampsOf(PathsOf(identity->files_));
  auto material = std::make_shared<TlsMaterial>();
  if (const std::optional<TlsMistake> mistake = LoadTls(identity->files_, *material)) {
    return absl::FailedPreconditionError(mistake->what);
  }
  LogLoaded(identity->use_, *material);
  MutexLock lock(identity->mutex_);
  identity->material_ = std::move(material);
  return identity;
}

TlsIdentity::TlsIdentity(std::string use, TlsFiles files)
    : use_(std::move(use)), files_(std::move(files)) {}

void TlsIdentity::Refresh() {
  const std::vector<std::string> paths = PathsOf(files_);
  std::vector<FileStamp> stamps = StampsOf(paths);
  if (stamps == stamps_) return;
  auto fresh = std::make_shared<TlsMaterial>();
  std::optional<TlsMistake> mistake = LoadTls(files_, *fresh);
  // What changed while it was read may be half old and half new: the next time, then.
  if (StampsOf(paths) != stamps) return;
  stamps_ = std::move(stamps);
  const absl::Time now = absl::Now();
  if (!mistake.has_value() && fresh->not_after <= now && material()->not_after > now) {
    mistake = TlsMistake{.what = absl::StrCat(files_.certificate, " has expired already")};
  }
  if (mistake.has_value()) {
    Log(LogLevel::kWarning, "new certificates refused, the old ones stay",
        {{"use", use_}, {"detail", mistake->what}});
    MutexLock lock(mutex_);
    ++refused_;
    return;
  }
  LogLoaded(use_, *fresh);
  MutexLock lock(mutex_);
  material_ = std::move(fresh);
  ++loaded_;
}

std::shared_ptr<const TlsMaterial> TlsIdentity::material() const {
  MutexLock lock(mutex_);
  return material_;
}

TlsFacts TlsIdentity::facts() const {
  MutexLock lock(mutex_);
  return {.not_after = material_->not_after, .loaded = loaded_, .refused = refused_};
}

absl::StatusOr<const TlsIdentity*> TlsIdentities::Add(std::string use,
                                                      const std::optional<TlsFiles>& files) {
  if (!files.has_value()) return nullptr;
  absl::StatusOr<std::unique_ptr<TlsIdentity>> identity = TlsIdentity::Load(std::move(use), *files);
  if (!identity.ok()) return identity.status();
  all_.push_back(*std::move(identity));
  return all_.back().get();
}

void TlsIdentities::Refresh() {
  for (const std::unique_ptr<TlsIdentity>& identity : all_) identity->Refresh();
}

}  // namespace understudy::serving
