/// An archive in the format that the kernel unpacks as its initial file system.
///
/// Each entry is a header of 110 hexadecimal characters, its name and its contents, each filled up
/// to four bytes ("newc" in Documentation/driver-api/early-userspace/buffer-format.rst).
public struct CpioArchive: Sendable {
  private(set) var bytes: [UInt8] = []
  private var entries: UInt32 = 0

  /// An archive without entries.
  public init() {}

  /// What an entry is, as the upper bits of its mode.
  private enum Kind: UInt32 {
    case directory = 0o040000
    case file = 0o100000
    case device = 0o020000
  }

  /// Adds a directory; its parents come before it.
  public mutating func add(directory path: String) {
    add(.directory, path, permissions: 0o755)
  }

  /// Adds a file that can be executed.
  public mutating func add(program path: String, _ contents: [UInt8]) {
    add(.file, path, permissions: 0o755, contents: contents)
  }

  /// Adds a file that is only read.
  public mutating func add(file path: String, _ contents: [UInt8]) {
    add(.file, path, permissions: 0o644, contents: contents)
  }

  /// Adds a character device.
  public mutating func add(device path: String, major: UInt32, minor: UInt32) {
    add(.device, path, permissions: 0o600, device: (major, minor))
  }

  /// The whole archive, with the entry that ends it.
  public func finished() -> [UInt8] {
    var whole = self
    whole.append("TRAILER!!!", number: 0, mode: 0, links: 1, contents: [])
    return whole.bytes
  }

  private mutating func add(
    _ kind: Kind, _ path: String, permissions: UInt32, device: (UInt32, UInt32) = (0, 0),
    contents: [UInt8] = []
  ) {
    entries += 1
    append(
      path, number: entries, mode: kind.rawValue | permissions,
      links: kind == .directory ? 2 : 1, device: device, contents: contents)
  }

  private mutating func append(
    _ name: String, number: UInt32, mode: UInt32, links: UInt32,
    device: (UInt32, UInt32) = (0, 0), contents: [UInt8]
  ) {
    bytes += Array("070701".utf8)
    let size = UInt32(contents.count)
    // Number, mode, user, group, links, time, size, device it is on, device it is, length of the
    // name with its end, checksum.
    let fields: [UInt32] = [
      number, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, UInt32(name.utf8.count) + 1, 0,
    ]
    for field in fields { bytes += Self.hexadecimal(field) }
    bytes += Array(name.utf8) + [0]
    fill()
    bytes += contents
    fill()
  }

  private mutating func fill() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private static func hexadecimal(_ number: UInt32) -> [UInt8] {
    let text = String(number, radix: 16, uppercase: true)
    return Array((String(repeating: "0", count: 8 - text.count) + text).utf8)
  }
}
