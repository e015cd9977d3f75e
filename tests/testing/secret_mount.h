// A folder that holds files the way kubernetes mounts a secret: all of them change at one moment.
#ifndef TESTS_TESTING_SECRET_MOUNT_H_
#define TESTS_TESTING_SECRET_MOUNT_H_

#include <map>
#include <string>

#include "tests/testing/certificates.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

class SecretMount {
 public:
  SecretMount() = default;
  // "tls.crt", "tls.key" and "ca.crt"; without the last if `ca_pem` is empty.
  SecretMount(const Certificate& certificate, const std::string& ca_pem);

  // The path of a file; it need not be there.
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  // What the files hold from now on; those without a word stay as they are. The names in the folder
  // are links through one more link, which is what is replaced.
  void Replace(const std::map<std::string, std::string>& files);
  void Replace(const Certificate& certificate);

 private:
  const TempDir dir_;
  std::map<std::string, std::string> files_;
  int version_ = 0;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_SECRET_MOUNT_H_
