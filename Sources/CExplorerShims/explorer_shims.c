#define _GNU_SOURCE
#include "explorer_shims.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void *map_pages(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) & ~(unit - 1); }

void *tdxs_map(size_t bytes, int huge) {
  if (!huge) return map_pages(bytes);
  // Map one huge page too many and cut both ends off, so that the start is aligned and the length
  // of the mapping is what the caller later passes to tdxs_unmap.
  const size_t unit = (size_t)TDXS_HUGE_PAGE_BYTES;
  const size_t length = round_up(bytes, tdxs_page_bytes());
  if (length < bytes || length > SIZE_MAX - unit) return NULL;
  char *raw = map_pages(length + unit);
  if (!raw) return NULL;
  char *start = (char *)round_up((uintptr_t)raw, unit);
  if (start > raw) munmap(raw, (size_t)(start - raw));
  const size_t tail = unit - (size_t)(start - raw);
  if (tail) munmap(start + length, tail);
  madvise(start, length, MADV_HUGEPAGE);
  return start;
}

void *tdxs_remap(void *address, size_t old_bytes, size_t new_bytes) {
  void *p = mremap(address, old_bytes, new_bytes, MREMAP_MAYMOVE);
  return p == MAP_FAILED ? NULL : p;
}

void tdxs_unmap(void *address, size_t bytes) { munmap(address, bytes); }

void tdxs_discard(void *address, size_t bytes) {
  const uintptr_t unit = tdxs_page_bytes();
  const uintptr_t first = round_up((uintptr_t)address, unit);
  const uintptr_t end = ((uintptr_t)address + bytes) & ~(unit - 1);
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
}

size_t tdxs_page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/// VmHWM of /proc/self/status in KiB, or 0 when it cannot be read.
static uint64_t peak_from_proc(void) {
  char text[4096];
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 0;
  text[n] = 0;
  const char *line = strstr(text, "\nVmHWM:");
  return line ? strtoull(line + strlen("\nVmHWM:"), NULL, 10) : 0;
}

uint64_t tdxs_peak_rss_bytes(void) {
  const uint64_t kib = peak_from_proc();
  if (kib) return kib * 1024;
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

volatile int tdxs_interrupt_flag = 0;

static void on_interrupt(int number) {
  (void)number;
  __atomic_store_n(&tdxs_interrupt_flag, 1, __ATOMIC_RELAXED);
  // Both go back to default, so that a user who loses patience is not ignored whichever he sends.
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

int tdxs_install_sigint(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;  // output in progress is completed, not cut with EINTR
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  if (sigaction(SIGINT, &action, NULL)) return -1;
  if (sigaction(SIGTERM, &action, NULL)) return -1;
  // A parent may have left them blocked; then nobody could stop a long search but with SIGKILL.
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  return sigprocmask(SIG_UNBLOCK, &both, NULL);
}

void tdxs_clear_interrupt(void) {
  __atomic_store_n(&tdxs_interrupt_flag, 0, __ATOMIC_RELAXED);
}
