// A disk for SQLite that fails on demand, and that knows what a power cut would leave of it.
#ifndef TESTS_TESTING_FAULTY_DISK_H_
#define TESTS_TESTING_FAULTY_DISK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace understudy::testing {

enum class DiskFault : uint8_t {
  kFull,      // writes: no space left
  kReadOnly,  // writes: read-only file system
  kWrite,     // writes: input or output
  kFlush,     // flushes: input or output; what was to be flushed is lost, as Linux loses it: the
              // system still shows it and takes it for clean, and tells it once to each of those
              // who have the file open
  kHang,      // flushes: no answer before Heal()
};

// While it is there, every database of this process lies on it, in the files of its name: one at a
// time, made before the databases and gone after them. Operations are the writes, truncations and
// flushes of databases and their logs. From any thread.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // From the nth operation from here (1 is the next) on, `times` of those that the fault is about
  // fail, of files whose name ends in `of`.
  void Fail(DiskFault fault, int64_t nth = 1, int64_t times = INT64_MAX,
            const std::string& of = "");
  void Heal();

  int64_t operations() const;
  // Operations that failed, or wait.
  int64_t faults() const;

  // What is on the disk of the database `path` if the power goes now: what was flushed, and of what
  // was written since then some, whole or in part, as `random` has it. Files of the same names in
  // `folder`.
  void CutPower(const std::string& path, const std::string& folder, std::mt19937_64& random) const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_FAULTY_DISK_H_
