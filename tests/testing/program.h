// Runs programs, as a user would.
#ifndef TESTS_TESTING_PROGRAM_H_
#define TESTS_TESTING_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "tests/testing/socket.h"

namespace understudy::testing {

struct ProgramEnd {
  int status = -1;  // of the exit; -1 if a signal ended it
  std::string out = {};
  std::string err = {};
};

enum class Stdout {
  kPipe,
  kTerminal,  // of a kind that has colour; what is printed must fit its buffer (4 KiB)
};

// Runs `words`, the first of which is the binary. `variables` ("NAME=value") are added to the
// environment. Ends the test process if the program cannot be started.
ProgramEnd RunProgram(const std::vector<std::string>& words, Stdout out = Stdout::kPipe,
                      const std::vector<std::string>& variables = {});

// Starts `words`, the first of which is looked for in PATH, and returns its process id. What it
// says on standard error goes to `err`, -1: to ours. The kernel kills it when the calling thread
// ends, however that comes about: a test that aborts leaves nothing behind. One that cannot be
// started ends with status 127.
pid_t StartProgram(const std::vector<std::string>& words, int err = -1);

// A program that runs, and what it has said so far. Its input is empty.
class RunningProgram {
 public:
  // Starts `words`, the first of which is the binary. A terminal has so many `columns`.
  explicit RunningProgram(const std::vector<std::string>& words, Stdout out = Stdout::kPipe,
                          int columns = 80);
  // Kills it if it still runs.
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }
  // Reads what it says until there is `text`, or the like; false if that does not come.
  [[nodiscard]] bool WaitForOut(absl::string_view text);
  [[nodiscard]] bool WaitForErr(absl::string_view text);
  [[nodiscard]] bool Wait(absl::FunctionRef<bool()> is_enough);

  void Signal(int signal) const;
  // Nobody reads its standard output from now on.
  void CloseOut();
  // Reads on until it ends; its exit status, or -1 if a signal ended it or it does not end.
  int WaitForExit();

 private:
  // Takes what is there to be read; false: nothing more will come.
  bool Read(const Socket& from, std::string& into);

  pid_t pid_ = -1;
  Socket out_end_;
  Socket err_end_;
  std::string out_;
  std::string err_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_PROGRAM_H_
