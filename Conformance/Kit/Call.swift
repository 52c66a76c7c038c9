/// One call that a test makes: an ioctl, a system call, a guest action.
///
/// Names are those of the specification (`KVM_TDX_INIT_VM`, `close`). Objects are named by text:
/// a call that returns one says with ``binds`` what later calls of the test name it.
public struct Call: Hashable, Sendable {
  /// What is called.
  public var name: String
  /// The arguments by name; a backend refuses names that it does not know.
  public var arguments: [String: Value]
  /// The name that later calls use for the object this call returns, such as `vm0`.
  public var binds: String?
  /// The thread that makes the call; nil is the test's own thread.
  public var thread: String?

  /// A call with its arguments.
  public init(
    _ name: String, _ arguments: [String: Value] = [:], binds: String? = nil,
    thread: String? = nil
  ) {
    self.name = name
    self.arguments = arguments
    self.binds = binds
    self.thread = thread
  }
}

extension Call: CustomStringConvertible {
  /// `KVM_TDX_INIT_VM(flags: 0)`, with the arguments in the order of their names.
  public var description: String {
    let sorted = arguments.sorted { $0.key < $1.key }
    let text = sorted.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    let call = "\(name)(\(text))"
    return binds.map { "\($0) = \(call)" } ?? call
  }
}

/// What one call gave: how it ended, and what it wrote back into its arguments.
public struct CallResult: Hashable, Sendable {
  /// How the call ended.
  public var outcome: Outcome
  /// The fields written back, by name: the progress of a region, a `hw_error`.
  ///
  /// A field that this backend cannot read back is left out, never guessed.
  public var written: [String: Value]

  /// A result.
  public init(_ outcome: Outcome, written: [String: Value] = [:]) {
    self.outcome = outcome
    self.written = written
  }
}
