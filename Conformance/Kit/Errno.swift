/// A Linux error number, by name where the table of this kit knows one.
///
/// Two errnos are equal when their numbers are: the name is only how a person reads it.
/// Source: include/uapi/asm-generic/errno-base.h and errno.h, include/linux/errno.h.
public struct Errno: Hashable, Sendable, Comparable {
  /// The positive Linux number, such as 16 for `EBUSY`.
  public let number: Int32

  /// An errno by number; numbers outside the table are kept, a kernel may answer any.
  public init(number: Int32) {
    self.number = number
  }

  /// An errno by name (`EBUSY`), or nil when the table does not list the name.
  public init?(name: String) {
    guard let row = Errno.table.first(where: { $0.name == name }) else { return nil }
    self.number = row.number
  }

  /// `EBUSY`, or `errno 999` for a number outside the table.
  public var name: String {
    Errno.table.first { $0.number == number }?.name ?? "errno \(number)"
  }

  /// Whether the table of this kit names the number.
  public var isListed: Bool {
    Errno.table.contains { $0.number == number }
  }

  /// Orders by number.
  public static func < (left: Errno, right: Errno) -> Bool {
    left.number < right.number
  }
}

extension Errno: CustomStringConvertible {
  /// The name, as ``name`` gives it.
  public var description: String { name }
}

extension Errno {
  /// One row of the table of names.
  public struct Row: Hashable, Sendable {
    /// The name without a sign: `EBUSY`.
    public let name: String
    /// The positive number on x86, arm64 and s390.
    public let number: Int32
  }

  /// The errnos that KVM, guest_memfd and the VFS give in the specifications, by number.
  ///
  /// Source: kvm-tdx §7.1, guest-memfd §1.4, s390-pv §6.3. `ENOIOCTLCMD` never reaches user space.
  public static let table: [Row] = [
    Row(name: "EPERM", number: 1),
    Row(name: "ENOENT", number: 2),
    Row(name: "EINTR", number: 4),
    Row(name: "EIO", number: 5),
    Row(name: "ENXIO", number: 6),
    Row(name: "E2BIG", number: 7),
    Row(name: "EBADF", number: 9),
    Row(name: "EAGAIN", number: 11),
    Row(name: "ENOMEM", number: 12),
    Row(name: "EACCES", number: 13),
    Row(name: "EFAULT", number: 14),
    Row(name: "EBUSY", number: 16),
    Row(name: "EEXIST", number: 17),
    Row(name: "ENODEV", number: 19),
    Row(name: "EINVAL", number: 22),
    Row(name: "ENFILE", number: 23),
    Row(name: "EMFILE", number: 24),
    Row(name: "ENOTTY", number: 25),
    Row(name: "EFBIG", number: 27),
    Row(name: "ENOSPC", number: 28),
    Row(name: "ESPIPE", number: 29),
    Row(name: "ENOSYS", number: 38),
    Row(name: "EOVERFLOW", number: 75),
    Row(name: "EOPNOTSUPP", number: 95),
    Row(name: "EHWPOISON", number: 133),
    Row(name: "ENOIOCTLCMD", number: 515),
  ]
}
