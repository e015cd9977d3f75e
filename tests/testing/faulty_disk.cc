#include "tests/testing/faulty_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr size_t kSectorBytes = 512;
constexpr char kName[] = "faulty";

// A write that is not flushed; a truncation has no bytes and is at the new end.
struct Pending {
  size_t at = 0;
  std::string bytes = {};
  bool truncates = false;
};

void Apply(const Pending& pending, std::string& contents) {
  if (pending.truncates) {
    contents.resize(std::min(contents.size(), pending.at));
    return;
  }
  contents.resize(std::max(contents.size(), pending.at + pending.bytes.size()));
  contents.replace(pending.at, pending.bytes.size(), pending.bytes);
}

struct FileOnDisk {
  std::string flushed = {};
  std::vector<Pending> pending = {};
  int64_t failed_flushes = 0;
};

}  // namespace

struct FaultyDisk::State {
  enum class Operation : uint8_t { kWrite, kTruncate, kFlush };

  // Counts an operation; whether it fails, as which result.
  int Begin(Operation operation, absl::string_view path) {
    MutexLock lock(mutex);
    ++operations;
    const bool is_flush = operation == Operation::kFlush;
    const bool is_about_flushes = fault == DiskFault::kFlush || fault == DiskFault::kHang;
    if (operations < fails_from || fails_left == 0 || is_flush != is_about_flushes ||
        !absl::EndsWith(path, of)) {
      return SQLITE_OK;
    }
    --fails_left;
    ++faults;
    switch (fault) {
      case DiskFault::kFull:
        error = ENOSPC;
        return SQLITE_FULL;
      case DiskFault::kReadOnly:
        error = EROFS;
        return SQLITE_IOERR_WRITE;
      case DiskFault::kWrite:
        error = EIO;
        return SQLITE_IOERR_WRITE;
      case DiskFault::kFlush:
        error = EIO;
        return SQLITE_IOERR_FSYNC;
      case DiskFault::kHang:
        healed.Wait(mutex, [&]() REQUIRES(mutex) { return fails_left == 0; });
        return SQLITE_OK;
    }
    return SQLITE_OK;
  }

  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs = {};
  mutable Mutex mutex;
  CondVar healed;
  std::map<std::string, FileOnDisk> files GUARDED_BY(mutex);  // by path
  DiskFault fault GUARDED_BY(mutex) = DiskFault::kFull;
  std::string of GUARDED_BY(mutex);
  int64_t fails_from GUARDED_BY(mutex) = 0;
  int64_t fails_left GUARDED_BY(mutex) = 0;
  int64_t operations GUARDED_BY(mutex) = 0;
  int64_t faults GUARDED_BY(mutex) = 0;
  int error GUARDED_BY(mutex) = 0;
};

namespace {

using State = FaultyDisk::State;

// SQLite's file, ours, in front of the real one.
struct File {
  sqlite3_file head = {};
  State* state = nullptr;
  char path[512] = "";  // of a database or a log; else empty
  sqlite3_file* real = nullptr;
  int64_t told_failures = 0;  // of the file's failed_flushes; the state's mutex guards it
};

File& FileOf(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}

sqlite3_file* Real(sqlite3_file* file) {
  return FileOf(file).real;
}

bool IsTracked(const File& file) {
  return file.path[0] != '\0';
}

int Close(sqlite3_file* file) {
  return Real(file)->pMethods->xClose(Real(file));
}

int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
  return Real(file)->pMethods->xRead(Real(file), bytes, size, at);
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  File& ours = FileOf(file);
  if (IsTracked(ours)) {
    if (const int code = ours.state->Begin(State::Operation::kWrite, ours.path);
        code != SQLITE_OK) {
      return code;
    }
  }
  const int code = Real(file)->pMethods->xWrite(Real(file), bytes, size, at);
  if (IsTracked(ours) && code == SQLITE_OK) {
    MutexLock lock(ours.state->mutex);
    ours.state->files[ours.path].pending.push_back(
        {.at = static_cast<size_t>(at),
         .bytes = std::string(static_cast<const char*>(bytes), static_cast<size_t>(size))});
  }
  return code;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& ours = FileOf(file);
  if (IsTracked(ours)) {
    if (const int code = ours.state->Begin(State::Operation::kTruncate, ours.path);
        code != SQLITE_OK) {
      return code;
    }
  }
  const int code = Real(file)->pMethods->xTruncate(Real(file), size);
  if (IsTracked(ours) && code == SQLITE_OK) {
    MutexLock lock(ours.state->mutex);
    ours.state->files[ours.path].pending.push_back(
        {.at = static_cast<size_t>(size), .truncates = true});
  }
  return code;
}

int Sync(sqlite3_file* file, int flags) {
  File& ours = FileOf(file);
  if (!IsTracked(ours)) return Real(file)->pMethods->xSync(Real(file), flags);
  const int code = ours.state->Begin(State::Operation::kFlush, ours.path);
  MutexLock lock(ours.state->mutex);
  FileOnDisk& on_disk = ours.state->files[ours.path];
  if (code == SQLITE_OK) {
    for (const Pending& pending : on_disk.pending) Apply(pending, on_disk.flushed);
  }
  // After a flush that failed the system takes the pages for clean.
  on_disk.pending.clear();
  if (code != SQLITE_OK) ++on_disk.failed_flushes;
  if (std::exchange(ours.told_failures, on_disk.failed_flushes) == on_disk.failed_flushes) {
    return SQLITE_OK;  // the real file is never flushed: its process does not lose power
  }
  ours.state->error = EIO;
  return SQLITE_IOERR_FSYNC;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xLock(Real(file), level);
}
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* result) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), result);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  if (operation == SQLITE_FCNTL_LAST_ERRNO && IsTracked(FileOf(file))) {
    MutexLock lock(FileOf(file).state->mutex);
    *static_cast<int*>(argument) = FileOf(file).state->error;
    return SQLITE_OK;
  }
  return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
}
int SectorSize(sqlite3_file* file) {
  return Real(file)->pMethods->xSectorSize(Real(file));
}
int DeviceCharacteristics(sqlite3_file*) {
  // Promises nothing that the power cuts of this disk would not keep.
  return 0;
}
int ShmMap(sqlite3_file* file, int page, int size, int extends, void volatile** memory) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extends, memory);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) {
  Real(file)->pMethods->xShmBarrier(Real(file));
}
int ShmUnmap(sqlite3_file* file, int deletes) {
  return Real(file)->pMethods->xShmUnmap(Real(file), deletes);
}

// Version 2: shared memory, which a log needs, and no mapping of files.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = Close,
    .xRead = Read,
    .xWrite = Write,
    .xTruncate = Truncate,
    .xSync = Sync,
    .xFileSize = FileSize,
    .xLock = Lock,
    .xUnlock = Unlock,
    .xCheckReservedLock = CheckReservedLock,
    .xFileControl = FileControl,
    .xSectorSize = SectorSize,
    .xDeviceCharacteristics = DeviceCharacteristics,
    .xShmMap = ShmMap,
    .xShmLock = ShmLock,
    .xShmBarrier = ShmBarrier,
    .xShmUnmap = ShmUnmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

State& StateOf(sqlite3_vfs* vfs) {
  return *static_cast<State*>(vfs->pAppData);
}

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  State& state = StateOf(vfs);
  File& ours = *new (file) File;
  ours.state = &state;
  ours.real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
  const int code = state.real->xOpen(state.real, path, ours.real, flags, out_flags);
  // Null when it could not be opened: then it is not closed either.
  ours.head.pMethods = ours.real->pMethods == nullptr ? nullptr : &kMethods;
  if (code == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0) {
    Require(std::strlen(path) < sizeof(ours.path), "paths on a faulty disk are short");
    std::strcpy(ours.path, path);
    MutexLock lock(state.mutex);
    ours.told_failures = state.files[path].failed_flushes;
  }
  return code;
}

int Delete(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
  State& state = StateOf(vfs);
  const int code = state.real->xDelete(state.real, path, syncs_folder);
  if (code == SQLITE_OK) {
    MutexLock lock(state.mutex);
    state.files.erase(path);
  }
  return code;
}

int GetLastError(sqlite3_vfs* vfs, int size, char* text) {
  State& state = StateOf(vfs);
  MutexLock lock(state.mutex);
  return state.error != 0 ? state.error : state.real->xGetLastError(state.real, size, text);
}

}  // namespace

FaultyDisk::FaultyDisk() : state_(std::make_unique<State>()) {
  state_->real = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->real;
  state_->vfs.zName = kName;
  state_->vfs.pAppData = state_.get();
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  state_->vfs.xOpen = Open;
  state_->vfs.xDelete = Delete;
  state_->vfs.xGetLastError = GetLastError;
  Require(sqlite3_vfs_register(&state_->vfs, 1) == SQLITE_OK, "registering a faulty disk");
}

FaultyDisk::~FaultyDisk() {
  Heal();
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->real, 1);
}

void FaultyDisk::Fail(DiskFault fault, int64_t nth, int64_t times, const std::string& of) {
  MutexLock lock(state_->mutex);
  state_->of = of;
  state_->fault = fault;
  state_->fails_from = state_->operations + nth;
  state_->fails_left = times;
}

void FaultyDisk::Heal() {
  MutexLock lock(state_->mutex);
  state_->fails_left = 0;
  state_->error = 0;
  state_->healed.NotifyAll();
}

int64_t FaultyDisk::operations() const {
  MutexLock lock(state_->mutex);
  return state_->operations;
}

int64_t FaultyDisk::faults() const {
  MutexLock lock(state_->mutex);
  return state_->faults;
}

void FaultyDisk::CutPower(const std::string& path, const std::string& folder,
                          std::mt19937_64& random) const {
  MutexLock lock(state_->mutex);
  for (const auto& [file_path, file] : state_->files) {
    if (!absl::StartsWith(file_path, path)) continue;
    std::string contents = file.flushed;
    for (const Pending& pending : file.pending) {
      switch (random() % 3) {
        case 0:
          Apply(pending, contents);
          break;
        case 1: {
          Pending part = pending;
          const size_t sectors = part.bytes.size() / kSectorBytes;
          if (!part.truncates) part.bytes.resize(random() % (sectors + 1) * kSectorBytes);
          Apply(part, contents);
          break;
        }
        default:
          break;
      }
    }
    const std::filesystem::path name = std::filesystem::path(file_path).filename();
    std::ofstream out(std::filesystem::path(folder) / name, std::ios::binary);
    out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    Require(out.good(), "writing what a power cut leaves");
  }
}

}  // namespace understudy::testing
