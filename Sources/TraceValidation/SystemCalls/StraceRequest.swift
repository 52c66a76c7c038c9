extension StraceValue {
  /// The number of an ioctl, which strace takes apart when it has no name for it:
  /// `_IOC(_IOC_READ|_IOC_WRITE, 0xae, 0xd4, 0x40)` has direction, type, number and size
  /// (include/uapi/asm-generic/ioctl.h).
  var request: UInt64? {
    let head = Array("_IOC(".utf8)
    guard text.starts(with: head) else { return number }
    var parts = StraceParts(text: text, position: text.startIndex + head.count)
    guard let (list, _) = try? parts.list(until: UInt8(ascii: ")")), list.count == 4 else {
      return nil
    }
    let fields = list.map { StraceValue(text: $0).number }
    guard let direction = fields[0], let type = fields[1], let number = fields[2],
      let size = fields[3], direction < 1 << 2, type < 1 << 8, number < 1 << 8, size < 1 << 14
    else { return nil }
    return direction << 30 | size << 16 | type << 8 | number
  }
}
