import Foundation
import Testing

@testable import TraceValidation

@Suite("Lines of strace") struct StraceTests {
  static func call(_ line: String) throws -> SystemCall? {
    var reader = StraceReader()
    return try reader.read(Array(line.utf8)[...], line: 1)
  }

  static let creation = "ioctl(4, 0xae41 /* KVM_CREATE_VCPU */, 0x2) = 9<anon_inode:kvm-vcpu:2>"

  @Test(
    "the process and the time stand in any of strace's ways",
    arguments: [
      "", "123 ", "[pid   123] ", "123 10:11:12 ", "123 10:11:12.123456 ", "123 1700000000.123456 ",
      "123      0.000012 ", "10:11:12.5 ",
    ])
  func heads(_ head: String) throws {
    let call = try #require(try Self.call(head + Self.creation + " <0.000012>"))
    #expect(call.name == "KVM_CREATE_VCPU")
    #expect(call.pid == (head.contains("123 ") || head.contains("123]") ? 123 : 0))
    #expect((call.time != nil) == (head.contains(":") || head.contains(".")))
    #expect(call.number("id") == 2 && call.ret == 9 && call.on == 4)
  }

  @Test("numbers, names and both are the same call") func styles() throws {
    for request in [
      "0xc040aed4", "KVM_CREATE_GUEST_MEMFD", "0xc040aed4 /* KVM_CREATE_GUEST_MEMFD */",
      "_IOC(_IOC_READ|_IOC_WRITE, 0xae, 0xd4, 0x40)",
    ] {
      let line =
        "ioctl(4<anon_inode:kvm-vm>, \(request), "
        + "{size=0x2000, flags=GUEST_MEMFD_FLAG_MMAP|0x2}) = 5"
      let call = try #require(try Self.call(line))
      #expect(call.name == "KVM_CREATE_GUEST_MEMFD")
      #expect(call.kind == .vm)
      #expect(call.number("size") == 0x2000 && call.number("flags") == 3)
    }
    let plain = try #require(
      try Self.call("ioctl(4, 0xc040aed4, 0x7ffc2e0319e0) = -1 EINVAL (Invalid argument)"))
    #expect(plain.arguments.isEmpty)
    #expect(plain.errno == "EINVAL")
  }

  @Test("texts, structures and annotations may hold commas and brackets") func nesting() throws {
    let line =
      #"9 newfstatat(6<anon_inode:[kvm-gmem]>, "", "#
      + "{st_mode=S_IFREG|0600, st_size=4096, ...}, AT_EMPTY_PATH) = 0"
    #expect(try Self.call(line)?.out["size"] == .hex(4096))
    let path = #"openat(AT_FDCWD</a,b(c>, "x\"),{", O_RDONLY) = 3</a,b(c/x>"#
    #expect(try Self.call(path)?.ret == 3)
  }

  @Test(
    "what is no line of strace is told with its place",
    arguments: [
      "nonsense", "9 ioctl(4, KVM_RUN, 0", "9 ioctl(4, KVM_RUN, 0)", "9 ioctl(4, {]}) = 0",
      "9 ioctl(4) = x", "9 close(3) = -1", "9 +++ danced +++", "[pid x] close(3) = 0",
    ])
  func malformed(_ line: String) throws {
    #expect(throws: LineError.self) { try Self.call(line) }
    let error = #expect(throws: TraceError.self) {
      try RecordedTrace.check(["9 close(3) = 0", line, "9 close(3) = 0"])
    }
    #expect(error?.kind == .unusable)
    #expect(error?.description.contains(".trace:2:") == true, "\(String(describing: error))")
  }

  @Test("a time without its end is refused") func openTime() {
    #expect(throws: LineError.self) { try Self.call("16084 (+++ exited with 0 +++") }
    #expect(throws: LineError.self) { try Self.call("16084 (+     0.000012") }
  }

  @Test("a torn end is told, and what stands before it is checked") func torn() throws {
    let lines = ["ioctl(3</dev/kvm>, KVM_CREATE_VM, 0) = 4", "ioctl(4, KVM_CREATE_VC"]
    let verdict = try RecordedTrace.check(lines, torn: true)
    #expect(verdict.torn?.kind == .torn)
    #expect(verdict.conforms && verdict.explained == 1)
    let json = [#"{"fd":3,"ioctl":"KVM_CREATE_VM","arg":0,"ret":4,"errno":0}"#, #"{"fd":4,"io"#]
    #expect(try RecordedTrace.check(json, torn: true).torn?.kind == .torn)
  }

  /// `TDXSPEC_FUZZ_CALLS` mutates that many lines instead of some thousands.
  static let count =
    ProcessInfo.processInfo.environment["TDXSPEC_FUZZ_CALLS"].flatMap { Int($0) } ?? 20_000

  @Test("mutated lines do not bring the readers down", arguments: [RecordedTrace.td, .q35, .memfd])
  func fuzz(_ trace: RecordedTrace) throws {
    let lines = try trace.lines().map { Array($0.utf8) }
    var generator = SeededGenerator(seed: 7)
    var strace = StraceReader()
    var traceCmd = TraceCmdReader()
    var (read, refused) = (0, 0)
    for number in 0..<Self.count {
      var line = lines[Int.random(in: 0..<lines.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&line, &generator) }
      do {
        if trace == .td {
          let value = try line.withUnsafeBufferPointer { try TraceParser.parse($0) }
          _ = try CallRecord.read(value, line: number)
        } else {
          _ = try strace.read(line[...], line: number)
        }
        read += 1
      } catch {
        refused += 1
      }
      if number % 4 == 0 { _ = try? traceCmd.read(line[...], line: number) }
    }
    #expect(read > 0 && refused > 0)
  }

  @Test("mutated numbers do not bring the check down") func numbers() throws {
    let lines = try RecordedTrace.td.lines()
    let checker = try RecordedTrace.checker()
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<max(20, Self.count / 5000) {
      var changed = lines
      for _ in 0..<3 {
        let number = Int.random(in: 0..<lines.count, using: &generator)
        let digit = "\(Int.random(in: 0...9, using: &generator))"
        let other = String(UInt64.random(in: 0...UInt64.max, using: &generator), radix: 16)
        changed[number] = changed[number].replacing(
          "\"\(Bool.random(using: &generator) ? "0x" : digit)", with: "\"0x\(other.prefix(12))")
      }
      _ = try? RecordedTrace.check(changed, with: checker)
    }
  }

  private static func mutate(_ line: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !line.isEmpty else { return }
    let place = Int.random(in: 0..<line.count, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: line.remove(at: place)
    case 1: line.insert(UInt8.random(in: 0...255, using: &generator), at: place)
    case 2: line[place] = UInt8.random(in: 0...255, using: &generator)
    case 3: line.removeSubrange(place...)
    default: line.insert(contentsOf: line[place...].prefix(20), at: place)
    }
  }
}

/// Numbers that are the same each time.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
