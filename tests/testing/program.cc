#include "tests/testing/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

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

// Our side of a new pseudo terminal.
Socket OpenTerminal() {
  Socket terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  Require(terminal.is_open() && grantpt(terminal.fd()) == 0 && unlockpt(terminal.fd()) == 0,
          "a pseudo terminal");
  return terminal;
}

// Longer than any program of the tests takes to say what it has to.
constexpr absl::Duration kProgramBound = absl::Seconds(60);

}  // namespace

ProgramEnd RunProgram(const std::vector<std::string>& words, Stdout out,
                      const std::vector<std::string>& variables) {
  const TempDir folder;
  const std::string err_path = folder.path() + "/err";
  std::string out_path = folder.path() + "/out";
  Socket terminal;
  if (out == Stdout::kTerminal) {
    terminal = OpenTerminal();
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

RunningProgram::RunningProgram(const std::vector<std::string>& words, Stdout out, int columns) {
  const Socket in = OpenStream("/dev/null", O_RDONLY);
  int err_ends[2];
  Require(pipe2(err_ends, O_CLOEXEC) == 0, "a pipe");
  err_end_ = Socket(err_ends[0]);
  const Socket err(err_ends[1]);
  Socket its_out;
  if (out == Stdout::kTerminal) {
    out_end_ = OpenTerminal();
    const winsize size = {.ws_row = 25,
                          .ws_col = static_cast<unsigned short>(columns),
                          .ws_xpixel = 0,
                          .ws_ypixel = 0};
    Require(ioctl(out_end_.fd(), TIOCSWINSZ, &size) == 0, "a terminal's size");
    its_out = OpenStream(ptsname(out_end_.fd()), O_WRONLY);
  } else {
    int out_ends[2];
    Require(pipe2(out_ends, O_CLOEXEC) == 0, "a pipe");
    out_end_ = Socket(out_ends[0]);
    its_out = Socket(out_ends[1]);
  }
  for (const int fd : {out_end_.fd(), err_end_.fd()}) {
    Require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "a pipe that does not wait");
  }
  std::vector<std::string> environment = {"TERM=xterm"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  pid_ = Spawn(words, {.in = in.fd(), .out = its_out.fd(), .err = err.fd()},
               Pointers(environment).data());
}

RunningProgram::~RunningProgram() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool RunningProgram::WaitForOut(absl::string_view text) {
  return Wait([&] { return absl::StrContains(out_, text); });
}
bool RunningProgram::WaitForErr(absl::string_view text) {
  return Wait([&] { return absl::StrContains(err_, text); });
}

bool RunningProgram::Wait(absl::FunctionRef<bool()> is_enough) {
  return WaitFor(
      [&] {
        Read(out_end_, out_);
        Read(err_end_, err_);
        return is_enough();
      },
      kProgramBound);
}

void RunningProgram::Signal(int signal) const {
  kill(pid_, signal);
}

void RunningProgram::CloseOut() {
  out_end_.Close();
}

int RunningProgram::WaitForExit() {
  int status = 0;
  const bool has_ended = Wait([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  if (!has_ended) return -1;
  pid_ = -1;
  while (Read(out_end_, out_)) {
  }
  while (Read(err_end_, err_)) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool RunningProgram::Read(const Socket& from, std::string& into) {
  if (!from.is_open()) return false;
  char bytes[4096];
  const ssize_t count = read(from.fd(), bytes, sizeof(bytes));
  if (count <= 0) return false;
  into.append(bytes, static_cast<size_t>(count));
  return true;
}

}  // namespace understudy::testing
