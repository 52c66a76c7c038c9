import ConformanceKit

/// Linux error numbers that KVM answers with.
enum KernelError: Int32, Hashable, Sendable {
  case EPERM = 1
  case ENOENT = 2
  case EINTR = 4
  case EIO = 5
  case ENXIO = 6
  case E2BIG = 7
  case EBADF = 9
  case EAGAIN = 11
  case ENOMEM = 12
  case EFAULT = 14
  case EBUSY = 16
  case EEXIST = 17
  case ENODEV = 19
  case EINVAL = 22
  case EMFILE = 24
  case ENOTTY = 25
  case EFBIG = 27
  case ENOSPC = 28
  case ESPIPE = 29
  case EOVERFLOW = 75
  case EOPNOTSUPP = 95

  var errno: Errno { Errno(number: rawValue) }
}

/// Why a call of KVM ended without success.
enum KVMStop: Error, Hashable, Sendable {
  case error(KernelError)
  /// A lock that it waits for is never released.
  case stuck
}

/// A lock of the kernel, which waits.
final class KernelLock: @unchecked Sendable {
  let name: String
  private(set) var isExclusive = false
  private(set) var readers = 0

  init(_ name: String) { self.name = name }

  func isAvailable(_ mode: LockMode) -> Bool {
    mode == .exclusive ? !isExclusive && readers == 0 : !isExclusive
  }

  func take(_ mode: LockMode) {
    if mode == .exclusive { isExclusive = true } else { readers += 1 }
  }

  func release(_ mode: LockMode) {
    if mode == .exclusive { isExclusive = false } else { readers -= 1 }
  }
}

/// A call of KVM on its way.
struct KernelCall {
  let name: String
  /// The process whose memory and descriptors it uses.
  let process: Int
  /// The LP it runs on.
  let lp: Int
  /// What is written back to the caller.
  var written: [String: Value] = [:]
  var held: [HeldKernelLock] = []
  var hasFailed = false
  /// The answer of a check that a fault moved back by one.
  var late: KVMStop?
  /// A lock that a fault moved behind the next one.
  var postponed: HeldKernelLock?

  init(_ name: String, process: Int, lp: Int) {
    self.name = name
    self.process = process
    self.lp = lp
  }
}

/// A lock of the kernel and how it is held.
struct HeldKernelLock {
  let lock: KernelLock
  let mode: LockMode
}
