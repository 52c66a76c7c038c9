/// What an ELF file needs to be started.
enum ExecutableFile {
  private static let interpreter: UInt32 = 3

  /// Whether a program of 64 bits needs no other file; nil when it is no such program.
  static func isStatic(_ bytes: [UInt8]) -> Bool? {
    guard bytes.count >= 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0, offset + size <= bytes.count else { return nil }
      return bytes[offset..<offset + size].reversed().reduce(0) { $0 &<< 8 | Int($1) }
    }
    guard let start = number(32, 8), let size = number(54, 2), let count = number(56, 2),
      start < bytes.count
    else { return nil }
    for index in 0..<count {
      guard let type = number(start + index * size, 4) else { return nil }
      if UInt32(type) == interpreter { return false }
    }
    return true
  }
}
