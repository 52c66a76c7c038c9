/// The memory of a recorded process, as far as memslots name it: `buf`, and mappings of memfds.
struct HostMemory: Hashable, Sendable {
  /// A mapping of a memfd.
  struct Mapping: Hashable, Sendable {
    let file: String
    let offset: UInt64
    let length: UInt64
  }

  /// A memfd that was created.
  private struct File: Hashable, Sendable {
    let size: UInt64
    let isShared: Bool
  }

  /// The first bytes of `buf` hold the instruction HLT, the others 0.
  static let halting: UInt64 = 64 << 10

  private(set) var mappings: [String: Mapping] = [:]
  private var files: [String: File] = [:]

  /// Takes notice of a step that succeeded.
  mutating func note(_ step: KVMStep) {
    guard step.answer == "ok", !step.byChild else { return }
    switch step.op {
    case "KVM_CREATE_GUEST_MEMFD":
      guard let new = step.text("new") else { return }
      let isShared = (step.number("flags") ?? 0) & 2 != 0
      files[new] = File(size: step.number("size") ?? 0, isShared: isShared)
    case "mmap":
      guard let new = step.text("new") else { return }
      mappings[new] = Mapping(
        file: step.on, offset: step.number("offset") ?? 0, length: step.number("len") ?? 0)
    case "munmap": mappings[step.on] = nil
    default: return
    }
  }

  /// How many bytes of a range are there for KVM to map.
  ///
  /// A private memfd's pages are not, nor is what lies beyond its end.
  func readable(_ place: String?, _ size: UInt64) -> UInt64 {
    guard let (mapping, offset) = mapping(place) else { return BufferPlace(place).mapped(of: size) }
    guard let file = files[mapping.file], file.isShared, offset < mapping.length else { return 0 }
    let start = mapping.offset &+ offset
    guard start < file.size else { return 0 }
    return min(size, mapping.length - offset, file.size - start)
  }

  /// How many bytes of a range hold HLT.
  func halting(_ place: String?, _ size: UInt64) -> UInt64 {
    guard mapping(place) == nil, let offset = BufferPlace(place).offset, offset < Self.halting
    else { return 0 }
    return min(size, Self.halting - offset)
  }

  private func mapping(_ place: String?) -> (Mapping, offset: UInt64)? {
    guard let place, let plus = place.firstIndex(of: "+"),
      let mapping = mappings[String(place[..<plus])]
    else { return nil }
    let offset = TraceValue.text(String(place[place.index(after: plus)...])).unsigned
    return (mapping, offset ?? 0)
  }

  /// Where in its file an access to a mapping lies; `nil` when it is none of the mapping's.
  func place(_ step: KVMStep) -> (file: String, offset: UInt64, isWithin: Bool)? {
    guard let mapping = mappings[step.on], let offset = step.number("offset"),
      offset < (mapping.length + 4095) & ~4095
    else { return nil }
    let start = mapping.offset &+ offset
    return (mapping.file, start, start < files[mapping.file]?.size ?? 0)
  }
}
