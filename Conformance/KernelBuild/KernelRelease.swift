/// Which kernel a source is.
public struct KernelRelease: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// `VERSION` of the tree's Makefile.
  public let version: Int
  /// `PATCHLEVEL` of the tree's Makefile.
  public let patchLevel: Int

  /// The first one with KVM for TDX (guest-memfd §1.2).
  static let oldest = KernelRelease(version: 6, patchLevel: 16)

  /// Like `7.3`.
  public var description: String { "\(version).\(patchLevel)" }

  /// Older ones first.
  public static func < (first: KernelRelease, second: KernelRelease) -> Bool {
    (first.version, first.patchLevel) < (second.version, second.patchLevel)
  }

  init(version: Int, patchLevel: Int) {
    self.version = version
    self.patchLevel = patchLevel
  }

  /// Nil where the text is not that of a kernel's Makefile.
  init?(makefile text: String) {
    var numbers: [Substring: Int] = [:]
    for line in text.split(whereSeparator: \.isNewline).prefix(20) {
      let sides = line.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { continue }
      numbers[sides[0].trimmed] = Int(sides[1].trimmed)
    }
    guard let version = numbers["VERSION"], let patchLevel = numbers["PATCHLEVEL"] else {
      return nil
    }
    self.init(version: version, patchLevel: patchLevel)
  }
}

extension Substring {
  /// Without the spaces around it.
  fileprivate var trimmed: Substring {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return self[first...last]
  }
}
