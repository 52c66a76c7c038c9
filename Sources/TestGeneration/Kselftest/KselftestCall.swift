import ConformanceKit

/// A step of a test as a call of the harness, and the number that it returns.
struct KselftestCall {
  private(set) var text = ""
  let expected: String

  private let arguments: [String: TestValue]

  init(_ step: ConformanceTest.Step, _ handles: inout KselftestHandles) throws {
    arguments = step.call.arguments
    expected = try Self.expected(step)
    text = try call(step, &handles)
    if arguments["by"] == .text("child") { text = "BY_CHILD(\(text))" }
  }

  private static func expected(_ step: ConformanceTest.Step) throws -> String {
    if let signal = text(step.written["signal"]) {
      return "-1000 - SIG\(signal)"
    }
    guard step.expect.count == 1, let expect = step.expect.first else {
      throw KselftestError(description: "\(step.call.name): a test in C has one answer a call")
    }
    switch expect {
    case .success: return "SUCCESS"
    case .exactly(.ok(.integer(let number))): return "\(number)"
    case .exactly(.ok): return "SUCCESS"
    case .exactly(.errno(let errno)): return "-\(errno)"
    default: throw KselftestError(description: "\(step.call.name): \(expect) is no answer in C")
    }
  }

  private static func text(_ value: TestValue?) -> String? {
    if case .text(let text)? = value { text } else { nil }
  }

  /// A number, also when it is written in hexadecimal.
  static func bits(_ value: TestValue?) -> UInt64? {
    switch value {
    case .integer(let number)?: UInt64(bitPattern: number)
    case .word(let number)?: number
    case .text(let text)? where text.hasPrefix("0x"): UInt64(text.dropFirst(2), radix: 16)
    default: nil
    }
  }

  private func number(_ name: String) -> String {
    "0x" + String(Self.bits(arguments[name]) ?? 0, radix: 16) + "ULL"
  }

  private func call(
    _ step: ConformanceTest.Step, _ handles: inout KselftestHandles
  ) throws -> String {
    func handle(_ name: String) -> Int { handles.number(Self.text(arguments[name]) ?? "none") }
    switch step.call.name {
    case "KVM_CREATE_VM": return "create_vm(\(handle("new")), \(number("type")))"
    case "KVM_CREATE_GUEST_MEMFD":
      let (on, new) = (handle("on"), handle("new"))
      return "create_gmem(\(on), \(new), \(number("size")), \(number("flags")))"
    case "KVM_SET_USER_MEMORY_REGION2": return region(&handles)
    case "KVM_SET_MEMORY_ATTRIBUTES":
      let words = ["gpa", "size", "attributes", "flags"].map(number).joined(separator: ", ")
      return "set_attributes(\(handle("on")), \(words))"
    case "KVM_GET_DIRTY_LOG": return "get_dirty_log(\(handle("on")), \(number("slot")))"
    case "close": return "close_handle(\(handle("on")))"
    case "fallocate":
      let words = "\(number("offset")), \(number("len"))"
      return "answer(fallocate(fds[\(handle("on"))], \(mode), \(words)))"
    case "ftruncate": return "answer(ftruncate(fds[\(handle("on"))], \(number("size"))))"
    case "pread", "pwrite":
      let isWrite = step.call.name == "pwrite" ? 1 : 0
      return "one_byte(\(handle("on")), \(number("offset")), \(isWrite))"
    case "fstat":
      guard let size = Self.bits(step.written["size"]) else {
        return "size_is(\(handle("on")), 0)"
      }
      return "size_is(\(handle("on")), 0x\(String(size, radix: 16))ULL)"
    case "mmap":
      let (on, new) = (handle("on"), handle("new"))
      let words = "\(number("offset")), \(number("len")), \(protection), \(sharing)"
      return "map_gmem(\(on), \(new), \(words))"
    case "munmap": return "unmap(\(handle("on")))"
    case "touch":
      let isWrite = arguments["write"] == .flag(true)
      let value = Self.bits(arguments["value"]) ?? 0
      let expected = Self.bits(step.written["value"]).map { "\($0)" } ?? "-1"
      let place = "\(handle("on")), \(number("offset"))"
      return "touch(\(place), \(isWrite ? 1 : 0), \(value), \(expected))"
    default:
      throw KselftestError(description: "\(step.call.name) has no words in C")
    }
  }

  private func region(_ handles: inout KselftestHandles) -> String {
    let on = handles.number(Self.text(arguments["on"]) ?? "none")
    let place = Self.text(arguments["hva"]) ?? "0x0"
    var hva = "\(place)ULL"
    if let plus = place.firstIndex(of: "+") {
      let name = String(place[..<plus])
      let map = name == "buf" ? -1 : handles.number(name)
      hva = "hva_in(\(map), \(place[place.index(after: plus)...])ULL)"
    }
    let file = Self.text(arguments["gmem"]).map { "fds[\(handles.number($0))]" } ?? "-1"
    let numbers = ["slot", "flags", "gpa", "size"].map(number).joined(separator: ", ")
    return "set_region(\(on), \(numbers), \(hva), \(file), \(number("gmem_offset")))"
  }

  private var mode: String {
    let names = (Self.text(arguments["mode"]) ?? "0").split(separator: "|")
    return names.map { $0 == "0" || $0.isEmpty ? "0" : "FALLOC_FL_\($0)" }.joined(separator: " | ")
  }

  private var protection: String {
    let names = (Self.text(arguments["prot"]) ?? "NONE").split(separator: "|")
    return names.map { "PROT_\($0)" }.joined(separator: " | ")
  }

  private var sharing: String { "MAP_\(Self.text(arguments["flags"]) ?? "SHARED")" }
}
