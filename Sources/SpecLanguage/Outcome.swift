/// How a call ended: success, an errno, or a status of the TDX module.
public struct Outcome: Hashable, Sendable, Domain {
  public enum Kind: Hashable, Sendable {
    case success
    case errno
    /// A SEAMCALL's status; it is *not* the errno of the ioctl that made the SEAMCALL.
    case status
  }

  /// `ok`, `EBUSY`, `TDX_OPERAND_BUSY|TDR`.
  public let name: String
  public let kind: Kind
  /// The value of the register that carries a status, where it is known.
  public let code: UInt64?

  public init(_ name: String, kind: Kind, code: UInt64? = nil) {
    self.name = name
    self.kind = kind
    self.code = code
  }

  public static var valueType: ValueType { .outcome }
  public var literal: Node { .outcome(self) }

  /// `-EBUSY` for an errno, the bare name otherwise.
  public var text: String { kind == .errno ? "-\(name)" : name }
}

extension Outcome {
  /// The call returned 0 (or, for a SEAMCALL, TDX_SUCCESS).
  public static let ok = Outcome("ok", kind: .success)

  public static let E2BIG = Outcome("E2BIG", kind: .errno)
  public static let EAGAIN = Outcome("EAGAIN", kind: .errno)
  public static let EBADF = Outcome("EBADF", kind: .errno)
  public static let EBUSY = Outcome("EBUSY", kind: .errno)
  public static let EEXIST = Outcome("EEXIST", kind: .errno)
  public static let EFAULT = Outcome("EFAULT", kind: .errno)
  public static let EHWPOISON = Outcome("EHWPOISON", kind: .errno)
  public static let EINTR = Outcome("EINTR", kind: .errno)
  public static let EINVAL = Outcome("EINVAL", kind: .errno)
  public static let EIO = Outcome("EIO", kind: .errno)
  public static let EMFILE = Outcome("EMFILE", kind: .errno)
  public static let ENODEV = Outcome("ENODEV", kind: .errno)
  public static let ENOENT = Outcome("ENOENT", kind: .errno)
  public static let ENOMEM = Outcome("ENOMEM", kind: .errno)
  public static let ENOSPC = Outcome("ENOSPC", kind: .errno)
  public static let ENOTTY = Outcome("ENOTTY", kind: .errno)
  public static let ENXIO = Outcome("ENXIO", kind: .errno)
  public static let EOPNOTSUPP = Outcome("EOPNOTSUPP", kind: .errno)
  public static let EPERM = Outcome("EPERM", kind: .errno)
  public static let ESPIPE = Outcome("ESPIPE", kind: .errno)
}
