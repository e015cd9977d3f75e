#include "tests/testing/secret_mount.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {

namespace fs = std::filesystem;

SecretMount::SecretMount(const Certificate& certificate, const std::string& ca_pem) {
  if (!ca_pem.empty()) files_["ca.crt"] = ca_pem;
  Replace(certificate);
}

void SecretMount::Replace(const Certificate& certificate) {
  Replace({{"tls.crt", certificate.chain_pem}, {"tls.key", certificate.key_pem}});
}

void SecretMount::Replace(const std::map<std::string, std::string>& files) {
  for (const auto& [name, content] : files) files_[name] = content;
  const std::string version = absl::StrCat("..version-", ++version_);
  fs::create_directory(Path(version));
  for (const auto& [name, content] : files_) {
    std::ofstream file(Path(absl::StrCat(version, "/", name)), std::ios::binary);
    file << content;
    file.close();
    Require(file.good(), "writing a secret");
  }
  fs::create_directory_symlink(version, Path("..data_tmp"));
  fs::rename(Path("..data_tmp"), Path("..data"));
  for (const auto& [name, content] : files_) {
    if (!fs::is_symlink(Path(name))) fs::create_symlink("..data/" + name, Path(name));
  }
  if (version_ > 1) fs::remove_all(Path(absl::StrCat("..version-", version_ - 1)));
}

}  // namespace understudy::testing
