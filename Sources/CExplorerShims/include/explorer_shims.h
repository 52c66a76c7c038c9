/// What the explorer needs from C: anonymous page mappings, cache prefetch, the peak resident set,
/// and the interrupt flag. Swift has no intrinsic for the prefetch; the mapping calls are wrapped
/// because their macros and varargs are not importable. Everything is prefixed `tdxs_`.
#ifndef TDXS_EXPLORER_SHIMS_H
#define TDXS_EXPLORER_SHIMS_H

#include <stddef.h>
#include <stdint.h>

/// Size and alignment of a transparent huge page on x86-64, in bytes.
enum { TDXS_HUGE_PAGE_BYTES = 2 << 20 };

/// Starts loading the cache line of `address` for writing. Never faults, whatever the address is.
static inline void tdxs_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Maps `bytes` (> 0) of private zero pages, without reserving swap for them.
///
/// With `huge` != 0 the range starts at a multiple of `TDXS_HUGE_PAGE_BYTES` and asks for
/// transparent huge pages; a kernel without them ignores the wish. Returns NULL when the kernel
/// refuses.
void *tdxs_map(size_t bytes, int huge);

/// Changes the length of a mapping made by `tdxs_map` from `old_bytes` to `new_bytes`. Pages move
/// by changing page tables, so nothing is copied, but the address may change. Returns NULL, with
/// the old mapping intact, when the kernel refuses.
void *tdxs_remap(void *address, size_t old_bytes, size_t new_bytes);

/// Returns a mapping of `tdxs_map` or `tdxs_remap` to the kernel. `bytes` is its present length.
void tdxs_unmap(void *address, size_t bytes);

/// Gives the pages that lie wholly in [address, address + bytes) back to the kernel; they read as
/// zero afterwards. Best effort: the contents of a range are undefined after the call until
/// rewritten.
void tdxs_discard(void *address, size_t bytes);

/// Size of a page, in bytes.
size_t tdxs_page_bytes(void);

/// Largest resident set of this process so far, in bytes. Taken from VmHWM of /proc/self/status,
/// because the value of getrusage(2) survives execve(2) and so may belong to the parent; getrusage
/// is the fallback without /proc.
uint64_t tdxs_peak_rss_bytes(void);

/// Nonzero once a signal asked the process to stop. Use `tdxs_interrupted` to read it.
extern volatile int tdxs_interrupt_flag;

/// Makes the first SIGINT or SIGTERM set the interrupt flag, and every later one of either kind end
/// the process as by default. Returns 0, or -1 (errno set) when a handler could not be installed.
int tdxs_install_sigint(void);

/// Nonzero once SIGINT or SIGTERM arrived after `tdxs_install_sigint`. One load; any thread may
/// ask.
static inline int tdxs_interrupted(void) {
  return __atomic_load_n(&tdxs_interrupt_flag, __ATOMIC_RELAXED);
}

/// Clears the flag. The handlers are not installed again; call `tdxs_install_sigint` for that.
void tdxs_clear_interrupt(void);

#endif
