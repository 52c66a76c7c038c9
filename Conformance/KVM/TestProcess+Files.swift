import CKVM
import ConformanceKit
import Glibc

// System calls on descriptors and mappings.
extension TestProcess {
  private static let modes: [String: Int32] = [
    "": 0, "0": 0, "KEEP_SIZE": 0x01, "PUNCH_HOLE": 0x02, "COLLAPSE_RANGE": 0x08,
    "ZERO_RANGE": 0x10,
  ]

  /// Nil for another call.
  func fileCall(_ given: CallArguments) throws(BackendError) -> CallResult? {
    let number = target(given)
    switch given.call.name {
    case "fallocate":
      let offset = try given.word("offset")
      let length = try given.word("len")
      let mode = try Self.mode(given)
      return Self.result(
        ckvm_fallocate(
          number, mode, Int64(bitPattern: offset), Int64(bitPattern: length)))
    case "ftruncate":
      return Self.libraryResult(
        Int(ftruncate(number, Int(truncatingIfNeeded: try given.word("size")))))
    case "fstat":
      var status = stat()
      let answer = fstat(number, &status)
      var result = Self.libraryResult(Int(answer))
      if answer == 0 { result.written["size"] = .integer(Int64(status.st_size)) }
      return result
    case "pread":
      var byte: UInt8 = 0
      return Self.libraryResult(
        pread(number, &byte, 1, Int(truncatingIfNeeded: try given.word("offset"))))
    case "pwrite":
      var byte: UInt8 = 1
      return Self.libraryResult(
        pwrite(number, &byte, 1, Int(truncatingIfNeeded: try given.word("offset"))))
    case "mmap": return try map(given, number)
    default: return nil
    }
  }

  /// The bits of the argument `mode`: names with `|` between.
  static func mode(_ given: CallArguments) throws(BackendError) -> Int32 {
    var mode: Int32 = 0
    let names = (given.text("mode") ?? "").split(
      separator: "|", omittingEmptySubsequences: false)
    for name in names {
      guard let bit = modes[String(name)] else { throw given.wrong("mode", "a known mode") }
      mode |= bit
    }
    return mode
  }

  private func map(_ given: CallArguments, _ number: Int32) throws(BackendError) -> CallResult {
    let length = try given.word("len")
    let rights = (given.text("prot") ?? "").split(separator: "|")
    var protection = PROT_NONE
    for right in rights {
      switch right {
      case "READ": protection |= PROT_READ
      case "WRITE": protection |= PROT_WRITE
      case "EXEC": protection |= PROT_EXEC
      case "NONE": break
      default: throw given.wrong("prot", "known rights")
      }
    }
    let flags = given.text("flags") == "SHARED" ? MAP_SHARED : MAP_PRIVATE
    let mapped = mmap(
      nil, Int(truncatingIfNeeded: length), protection, flags, number,
      Int(truncatingIfNeeded: try given.word("offset")))
    guard let mapped, mapped != MAP_FAILED else { return Self.libraryResult(-1) }
    if let name = given.newName {
      let rounded = (length &+ 0xFFF) & ~0xFFF
      table.map(name, .init(base: UInt64(UInt(bitPattern: mapped)), length: rounded))
    }
    return Self.result(0)
  }

  func unmap(_ given: CallArguments) -> CallResult {
    guard let mapping = given.text("on").flatMap({ table.unmap($0) }) else {
      return Self.result(-Int64(EINVAL))
    }
    return Self.libraryResult(
      Int(munmap(UnsafeMutableRawPointer(bitPattern: UInt(mapping.base)), Int(mapping.length))))
  }

  /// A vCPU's kvm_run is unmapped first: it would hold the file.
  func close(_ given: CallArguments) -> CallResult {
    guard let object = given.text("on").flatMap({ table.take($0) }) else {
      return Self.result(-Int64(EBADF))
    }
    if case .vcpu(_, let run, let length) = object.kind {
      munmap(UnsafeMutableRawPointer(bitPattern: UInt(run)), length)
    }
    return Self.libraryResult(Int(Glibc.close(object.number)))
  }

  /// Reads or writes one byte, in a child of its own; a fault is a signal (guest-memfd §1.4,
  /// OP-UFAULT).
  func touch(_ given: CallArguments) throws(BackendError) -> CallResult {
    let name = given.text("on") ?? ""
    let base = name == "buf" ? buffer : table.mapping(name)?.base
    guard let base else { return Self.result(-Int64(EFAULT)) }
    let place = base &+ (try given.word("offset"))
    let isWrite = given.flag("write")
    let value = UInt8(truncatingIfNeeded: isWrite ? try given.word("value") : 0)
    let seen = ckvm_touch(place, isWrite ? 1 : 0, value)
    switch seen {
    case ..<0: throw BackendError(.lost, "a child cannot be made: errno \(-seen)")
    case 256...:
      let number = seen - 256
      let name = number == SIGBUS ? "BUS" : number == SIGSEGV ? "SEGV" : "\(number)"
      return Self.result(0, ["signal": .text(name)])
    default: return Self.result(0, isWrite ? [:] : ["value": .integer(Int64(seen))])
    }
  }
}
