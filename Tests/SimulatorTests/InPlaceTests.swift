import ConformanceKit
import Simulator
import Testing

/// guest-memfd §2.2.
@Suite("Conversion of a memfd's pages in place")
struct InPlaceTests {
  private static let start: [Call] = [
    Call("KVM_CREATE_VM", ["new": "vm0", "type": 1]),
    Call("KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem0", "size": "0x4000", "flags": 3]),
    Call(
      "KVM_SET_USER_MEMORY_REGION2",
      [
        "on": "vm0", "slot": 0, "gpa": "0x0", "size": "0x4000", "flags": 4, "hva": "buf+0x0",
        "gmem": "gmem0", "gmem_offset": "0x0",
      ]),
    Call(
      "mmap",
      [
        "on": "gmem0", "new": "map0", "offset": "0x0", "len": "0x4000", "prot": "READ|WRITE",
        "flags": "SHARED",
      ]),
  ]

  /// Calls that pass through a conversion there and back.
  static var exercise: [Call] {
    let tests = InPlaceTests()
    return start + [tests.touch(true), tests.convert(8), tests.convert(0)]
  }

  private func convert(_ attributes: Int64, offset: String = "0x0", size: String = "0x2000") -> Call
  {
    Call(
      "KVM_SET_MEMORY_ATTRIBUTES2",
      [
        "on": "gmem0", "offset": .text(offset), "size": .text(size),
        "attributes": .integer(attributes), "flags": 0,
      ])
  }

  private func touch(_ write: Bool, _ offset: String = "0x0") -> Call {
    Call("touch", ["on": "map0", "offset": .text(offset), "write": .flag(write), "value": 9])
  }

  private func begin() throws -> KVMBackend {
    var backend = KVMBackend(.linux7_4)
    for call in Self.start { #expect(try backend.perform(call).outcome == .ok(0), "\(call)") }
    return backend
  }

  @Test("A private page cannot be touched, a shared one keeps its content")
  func contentStays() throws {
    var backend = try begin()
    _ = try backend.perform(touch(true))
    #expect(try backend.perform(convert(8)).outcome == .ok(0))
    #expect(try backend.perform(touch(false)).written["signal"] == "BUS")
    #expect(try backend.perform(touch(false, "0x2000")).written["value"] == 0)
    #expect(try backend.perform(convert(0)).outcome == .ok(0))
    #expect(try backend.perform(touch(false)).written["value"] == 9)
  }

  @Test("A pinned page answers EAGAIN with its offset, and nothing is converted")
  func pinnedPageStays() throws {
    var backend = try begin()
    _ = try backend.perform(touch(true, "0x1000"))
    _ = try backend.perform(Call("pin", ["on": "map0", "offset": "0x1000", "count": 1]))
    let refused = try backend.perform(convert(8))
    #expect(refused.outcome == .errno(Errno(number: 11)))
    #expect(refused.written["error_offset"] == .integer(0x1000))
    #expect(try backend.perform(touch(false, "0x1000")).written["value"] == 9)
    _ = try backend.perform(Call("pin", ["on": "map0", "offset": "0x1000", "count": 0]))
    #expect(try backend.perform(convert(8)).outcome == .ok(0))
  }

  @Test("Arguments are checked in order, and earlier kernels know no such ioctl")
  func arguments() throws {
    var backend = try begin()
    let invalid = Outcome.errno(Errno(number: 22))
    #expect(try backend.perform(convert(4)).outcome == invalid)
    #expect(try backend.perform(convert(8, size: "0x0")).outcome == invalid)
    #expect(try backend.perform(convert(8, offset: "0x800")).outcome == invalid)
    #expect(try backend.perform(convert(8, offset: "0x3000")).outcome == invalid)
    let attributes = Call(
      "KVM_SET_MEMORY_ATTRIBUTES",
      ["on": "vm0", "gpa": "0x0", "size": "0x1000", "attributes": 8, "flags": 0])
    #expect(try backend.perform(attributes).outcome == invalid)
    var older = KVMBackend(.linux7_3)
    for call in Self.start { _ = try older.perform(call) }
    let memory = Call(
      "KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem0", "size": "0x4000", "flags": 1])
    _ = try older.perform(memory)
    #expect(try older.perform(convert(8)).outcome == .errno(Errno(number: 25)))
  }
}
