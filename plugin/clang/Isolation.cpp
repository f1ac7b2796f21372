// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plugin/clang/Isolation.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace safespawn;

bool safespawn::canIsolate() {
  DIR *Tasks = opendir("/proc/self/task");
  if (!Tasks)
    return false;
  unsigned Threads = 0;
  while (const dirent *Entry = readdir(Tasks))
    Threads += Entry->d_name[0] != '.';
  closedir(Tasks);
  return Threads == 1;
}

/// The copy must not do on a signal what the compiler would: it would remove the compiler's own output files.
static void becomeDisposable() {
  for (int Signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGXCPU, SIGXFSZ, SIGHUP, SIGINT,
                     SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2})
    signal(Signal, SIG_DFL);
  rlimit None{0, 0};
  setrlimit(RLIMIT_CORE, &None);
  // Runaway memory ends the copy before it hurts the machine.
  constexpr rlim_t Extra = rlim_t(4) << 30;
  if (FILE *Sizes = fopen("/proc/self/statm", "r")) {
    unsigned long Pages = 0;
    if (fscanf(Sizes, "%lu", &Pages) == 1) {
      rlim_t Most = rlim_t(Pages) * rlim_t(sysconf(_SC_PAGESIZE)) + Extra;
      rlimit Limit{Most, Most};
      setrlimit(RLIMIT_AS, &Limit);
    }
    fclose(Sizes);
  }
  llvm::remove_fatal_error_handler();
  llvm::install_fatal_error_handler([](void *, const char *, bool) { _exit(70); });
}

static bool writeAll(int To, const std::string &Text) {
  for (size_t Done = 0; Done < Text.size();) {
    ssize_t N = write(To, Text.data() + Done, Text.size() - Done);
    if (N < 0 && errno != EINTR)
      return false;
    Done += N > 0 ? size_t(N) : 0;
  }
  return true;
}

Outcome safespawn::runIsolated(unsigned Seconds, llvm::function_ref<std::string()> Work, std::string &Result) {
  int Ends[2];
  if (pipe2(Ends, O_CLOEXEC) != 0)
    return {Outcome::NotStarted, strerror(errno)};
  pid_t Copy = fork();
  if (Copy < 0) {
    std::string Why = strerror(errno);
    close(Ends[0]);
    close(Ends[1]);
    return {Outcome::NotStarted, Why};
  }
  if (Copy == 0) {
    close(Ends[0]);
    becomeDisposable();
    _exit(writeAll(Ends[1], Work()) ? 0 : 71);
  }
  close(Ends[1]);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point End = Clock::now() + std::chrono::seconds(Seconds);
  bool TimedOut = false;
  char Buffer[1 << 16];
  while (true) {
    auto Left = std::chrono::duration_cast<std::chrono::milliseconds>(End - Clock::now()).count();
    pollfd Ready{Ends[0], POLLIN, 0};
    int N = Left > 0 ? poll(&Ready, 1, int(Left)) : 0;
    if (N < 0 && errno == EINTR)
      continue;
    if (N <= 0) {
      TimedOut = true;
      kill(Copy, SIGKILL);
      break;
    }
    ssize_t Got = read(Ends[0], Buffer, sizeof Buffer);
    if (Got < 0 && errno == EINTR)
      continue;
    if (Got <= 0)
      break;
    Result.append(Buffer, size_t(Got));
  }
  close(Ends[0]);
  int Status = 0;
  while (waitpid(Copy, &Status, 0) < 0 && errno == EINTR)
    ;
  if (TimedOut)
    return {Outcome::TimedOut, std::to_string(Seconds) + " s"};
  if (WIFSIGNALED(Status))
    return {Outcome::Crashed,
            std::string("signal ") + std::to_string(WTERMSIG(Status)) + ", " + strsignal(WTERMSIG(Status))};
  if (WIFEXITED(Status) && WEXITSTATUS(Status) != 0)
    return {Outcome::Crashed, "fatal error"};
  return {};
}

Outcome safespawn::runGuarded(llvm::function_ref<void()> Work) {
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext Context;
  if (Context.RunSafely(Work))
    return {};
  return {Outcome::Crashed, "the process goes on without it"};
}
