#include "tests/testing/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
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

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
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

  constexpr int kFlags = O_WRONLY | O_CREAT | O_NOCTTY;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_path.c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_path.c_str(), kFlags, 0600);
  std::vector<std::string> arguments = words;
  std::vector<std::string> environment = variables;
  environment.emplace_back("TERM=xterm");
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  pid_t pid = 0;
  const int error = posix_spawn(&pid, words[0].c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  Require(error == 0, words[0]);
  int status = 0;
  Require(waitpid(pid, &status, 0) == pid, "the program's end");
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = terminal.is_open() ? Drain(terminal) : ReadFile(out_path),
          .err = ReadFile(err_path)};
}

}  // namespace understudy::testing
