// Room on the disk that is held for later: a file that is deleted when the disk is full, so that
// what must still be written, can be.
#ifndef SERVICES_NOTIFIER_STORE_BALLAST_H_
#define SERVICES_NOTIFIER_STORE_BALLAST_H_

#include <cstdint>
#include <string>

namespace understudy::notifier {

// That may still be written to the disk `path` is on; 0 if that is not known.
int64_t FreeBytesBeside(const std::string& path);

class Ballast {
 public:
  // `path` may be there already, from the process before.
  Ballast(std::string path, int64_t bytes);

  bool held() const { return held_; }

  // Takes the room, if the disk has that much again beside it: the last bytes are not for this.
  // Returns whether it is held.
  bool Make();
  void Release();

 private:
  const std::string path_;
  const int64_t bytes_;
  bool held_ = false;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_BALLAST_H_
