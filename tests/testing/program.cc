#include "tests/testing/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What was written to the other side, which is closed.
std::string Drain(const Socket& terminal) {
  std::string text;
  char bytes[4096];
  ssize_t count;
  while ((count = read(terminal.fd(), bytes, sizeof(bytes))) > 0) {
    text.append(bytes, static_cast<size_t>(count));
  }
  return text;
}

// Pointers into `texts`, ended by a null.
std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Streams {
  int in = -1;  // -1: ours
  int out = -1;
  int err = -1;
};

// Returns once the program has taken the place of the copy of ours, whose descriptors it would seem
// to have until then. `environment` null: ours.
pid_t Spawn(std::vector<std::string> words, const Streams& streams, char* const* environment) {
  const std::vector<char*> arguments = Pointers(words);
  int ends[2];  // closed by the program's start, or told why there is none
  Require(pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  const Socket result(ends[0]);
  Socket failure(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  Require(pid >= 0, words[0]);
  if (pid > 0) {
    failure.Close();
    int error = 0;
    if (read(result.fd(), &error, sizeof error) > 0) {
      errno = error;
      Require(false, words[0]);
    }
    return pid;
  }
  // Another thread may have held a lock at the fork: nothing but system calls.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  if (streams.in >= 0) dup2(streams.in, STDIN_FILENO);
  if (streams.out >= 0) dup2(streams.out, STDOUT_FILENO);
  if (streams.err >= 0) dup2(streams.err, STDERR_FILENO);
  execvpe(arguments[0], arguments.data(), environment == nullptr ? environ : environment);
  const int error = errno;
  _exit(write(failure.fd(), &error, sizeof error) > 0 ? 127 : 126);
}

Socket OpenStream(const std::string& path, int flags) {
  Socket stream(open(path.c_str(), flags | O_NOCTTY | O_CLOEXEC, 0600));
  Require(stream.is_open(), path);
  return stream;
}

}  // namespace

ProgramEnd RunProgram(const std::vector<std::string>& words, Stdout out,
                      const std::vector<std::string>& variables) {
  const TempDir folder;
  const std::string err_path = folder.path() + "/err";
  std::string out_path = folder.path() + "/out";
  Socket terminal;
  if (out == Stdout::kTerminal) {
    terminal = Socket(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    Require(terminal.is_open() && grantpt(terminal.fd()) == 0 && unlockpt(terminal.fd()) == 0,
            "a pseudo terminal");
    out_path = ptsname(terminal.fd());
  }

  std::vector<std::string> environment = variables;
  environment.emplace_back("TERM=xterm");
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  pid_t pid = 0;
  {
    const Socket in = OpenStream("/dev/null", O_RDONLY);
    const Socket out_stream = OpenStream(out_path, O_WRONLY | O_CREAT);
    const Socket err_stream = OpenStream(err_path, O_WRONLY | O_CREAT);
    pid = Spawn(words, {.in = in.fd(), .out = out_stream.fd(), .err = err_stream.fd()},
                Pointers(environment).data());
  }
  int status = 0;
  Require(waitpid(pid, &status, 0) == pid, "the program's end");
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = terminal.is_open() ? Drain(terminal) : ReadFile(out_path),
          .err = ReadFile(err_path)};
}

pid_t StartProgram(const std::vector<std::string>& words, int err) {
  return Spawn(words, {.err = err}, nullptr);
}

}  // namespace understudy::testing
