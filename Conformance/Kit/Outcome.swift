/// How a call ended.
public enum Outcome: Hashable, Sendable {
  /// It succeeded and returned the value; 0 for most ioctls.
  case ok(Value)
  /// It failed.
  case errno(Errno)
  /// The caller was hit by a signal, such as 7 (`SIGBUS`) on touching a private page.
  case signal(Int32)
  /// It had not ended when the backend's limit for one call passed.
  case timeout
  /// A vCPU returned to user space with the exit reason, and the errno of `KVM_RUN` if it failed.
  case exit(String, Errno?)

  /// Whether the call counts as having succeeded.
  public var succeeded: Bool {
    switch self {
    case .ok: true
    case .exit(_, let errno): errno == nil
    case .errno, .signal, .timeout: false
    }
  }
}

extension Outcome: CustomStringConvertible {
  /// `0`, `-EBUSY`, `signal 7`, `no answer in time`, `KVM_EXIT_MEMORY_FAULT with -EFAULT`.
  public var description: String {
    switch self {
    case .ok(let value): "\(value)"
    case .errno(let errno): "-\(errno)"
    case .signal(let number): "signal \(number)"
    case .timeout: "no answer in time"
    case .exit(let reason, let errno): errno.map { "\(reason) with -\($0)" } ?? reason
    }
  }
}

/// One outcome that a test accepts.
public enum ExpectedOutcome: Hashable, Sendable {
  /// Success with any value: for calls that return a descriptor.
  case success
  /// Exactly this outcome.
  case exactly(Outcome)

  /// Whether the outcome is the accepted one.
  public func accepts(_ outcome: Outcome) -> Bool {
    switch self {
    case .success:
      guard case .ok = outcome else { return false }
      return true
    case .exactly(let expected):
      return outcome == expected
    }
  }
}

extension ExpectedOutcome: CustomStringConvertible {
  /// `success`, or the outcome.
  public var description: String {
    switch self {
    case .success: "success"
    case .exactly(let outcome): outcome.description
    }
  }
}
