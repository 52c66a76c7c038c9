#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ckvm.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

int64_t ckvm_ioctl(int32_t fd, uint64_t request, uint64_t argument) {
  int result = ioctl(fd, request, argument);
  return result < 0 ? -errno : result;
}

static void interrupt(int number) { (void)number; }

int64_t ckvm_run_for(int32_t fd, uint32_t milliseconds) {
  // Without SA_RESTART, so that the call returns.
  struct sigaction action = {.sa_handler = interrupt};
  sigaction(SIGALRM, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
  event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0) return -errno;
  // Again and again: a signal just before the call would be lost.
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  struct itimerspec when = {.it_value = time, .it_interval = time};
  timer_settime(timer, 0, &when, NULL);
  int64_t result = ckvm_ioctl(fd, CKVM_RUN, 0);
  timer_delete(timer);
  return result;
}

/* Ends the process by the signal: a signal that is raised is not logged by the kernel, as one of a
 * fault is that nobody handles. */
static void end_by(int number) { raise(number); }

int32_t ckvm_touch(uint64_t address, int32_t is_write, uint8_t value) {
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    struct sigaction once = {.sa_handler = end_by, .sa_flags = SA_RESETHAND | SA_NODEFER};
    sigaction(SIGBUS, &once, NULL);
    sigaction(SIGSEGV, &once, NULL);
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)address;
    if (is_write) {
      *byte = value;
      _exit(0);
    }
    _exit(*byte);
  }
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int64_t ckvm_fallocate(int32_t fd, int32_t mode, int64_t offset, int64_t length) {
  return fallocate(fd, mode, offset, length) < 0 ? -errno : 0;
}

int32_t ckvm_fork(void) {
  pid_t pid = fork();
  return pid < 0 ? -errno : pid;
}

int32_t ckvm_wait(int32_t pid, int32_t milliseconds) {
  int32_t status = 0;
  int file = (int)syscall(SYS_pidfd_open, pid, 0);
  if (file < 0 && errno == ESRCH) return -2;
  if (file >= 0) {
    struct pollfd ended = {.fd = file, .events = POLLIN};
    int ready;
    while ((ready = poll(&ended, 1, milliseconds)) < 0 && errno == EINTR) {
    }
    close(file);
    if (ready == 0) return -1;
  }
  pid_t found;
  while ((found = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
  }
  return found == pid ? status : -2;
}

void ckvm_end_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

int32_t ckvm_pin(int32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) < 0 ? -errno : 0;
}

uint64_t ckvm_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void ckvm_leave(int32_t status) { _exit(status); }

int32_t ckvm_make_raw(int32_t fd) {
  struct termios settings;
  if (tcgetattr(fd, &settings) < 0) return -errno;
  cfmakeraw(&settings);
  cfsetspeed(&settings, B115200);
  settings.c_cflag |= CLOCAL | CREAD;
  return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

void ckvm_power_off(void) {
  sync();
  reboot(RB_POWER_OFF);
}
