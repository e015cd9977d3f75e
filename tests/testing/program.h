// Runs programs, as a user would.
#ifndef TESTS_TESTING_PROGRAM_H_
#define TESTS_TESTING_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

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

}  // namespace understudy::testing

#endif  // TESTS_TESTING_PROGRAM_H_
