import Catalogue
import Foundation
import SpecLanguage
import Testing

@testable import TraceValidation

@Suite("Replaying recorded answers of guest_memfd") struct GmemReplayTests {
  static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Conformance/Recorded/gmem-answers-sample.jsonl.gz").path

  static func check() throws -> KVMAnswersCheck {
    let specs = try KVMAnswersCheck.specs.map {
      try #require(Catalogue.entry(named: $0)).describe()
    }
    return KVMAnswersCheck(td: specs[0], gmem: specs[1], limit: 100)
  }

  /// The check of one sequence.
  static func check(
    _ steps: [String], environment: String = "kvm-6.18-default"
  ) throws -> KVMAnswersCheck {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    let line = """
      {"id":"x","env":"\(environment)","cpus":2,"steps":[\(steps.joined(separator: ","))]}

      """
    try Data(line.utf8).write(to: file)
    var check = try Self.check()
    try check.check(file: file.path) { _ in }
    return check
  }

  static func step(_ op: String, _ arguments: String, _ answer: String = "\"ret\":0") -> String {
    "{\"op\":\"\(op)\",\"args\":{\(arguments)},\(answer)}"
  }

  static func refused(_ errno: String) -> String { "\"ret\":-1,\"errno\":\"\(errno)\"" }

  /// A default VM with one shared file of two pages.
  static let begin = [
    step("KVM_CREATE_VM", #""new":"vm0","type":0"#),
    step("KVM_CREATE_GUEST_MEMFD", #""on":"vm0","new":"gmem0","size":"0x2000","flags":"0x3""#),
  ]

  static func bind(_ slot: Int, _ gpa: String, _ answer: String = "\"ret\":0") -> String {
    step(
      "KVM_SET_USER_MEMORY_REGION2",
      #""on":"vm0","slot":\#(slot),"gpa":"\#(gpa)","size":"0x2000","flags":4,"hva":"buf+0x0","#
        + #""gmem":"gmem0","gmem_offset":"0x0""#, answer)
  }

  static let map = step(
    "mmap",
    #""on":"gmem0","new":"map0","offset":"0x0","len":"0x2000","prot":"READ|WRITE","#
      + #""flags":"SHARED""#)

  static func write(_ value: Int) -> String {
    step("touch", #""on":"map0","offset":"0x1000","write":true,"value":\#(value)"#)
  }

  static func read(_ value: Int) -> String {
    step(
      "touch", #""on":"map0","offset":"0x1000","write":false,"value":1"#,
      "\"ret\":0,\"out\":{\"value\":\(value)}")
  }

  static let punch = step(
    "fallocate", #""on":"gmem0","mode":"PUNCH_HOLE|KEEP_SIZE","offset":"0x1000","len":"0x1000""#)

  @Test("every answer of the sample agrees, whose pairs of call and answer are nearly all")
  func sample() throws {
    var check = try Self.check()
    try check.check(file: Self.sample) { _ in }
    #expect(check.isEnough)
    #expect(check.gmem.map(\.answers.sequences) == [18, 38])
    #expect(check.gmem.map(\.answers.cells.count) == [37, 105])
    for environment in check.gmem {
      #expect(environment.disagreements.isEmpty)
      #expect(environment.answers.total.agreed == environment.answers.total.compared)
    }
  }

  @Test("overlapping bindings answer as the environment's kernel does") func profiles() throws {
    let old = Self.begin + [Self.bind(0, "0x0"), Self.bind(1, "0x10000", Self.refused("EINVAL"))]
    let new = Self.begin + [Self.bind(0, "0x0"), Self.bind(1, "0x10000", Self.refused("EEXIST"))]
    #expect(try Self.check(old).isEnough)
    #expect(try !Self.check(new).isEnough)
    #expect(try Self.check(new, environment: "kvm-7.3-sw-protected").isEnough)
    let found = try #require(
      try Self.check(old, environment: "kvm-7.3-sw-protected").gmem[1].disagreements.first)
    #expect(found.call == 4)
    #expect(found.differences.first?.got == "EEXIST")
  }

  @Test("a byte is what was written, and zero once a hole was punched") func contents() throws {
    let right =
      Self.begin + [
        Self.map, Self.read(0), Self.write(77), Self.read(77), Self.punch, Self.read(0),
      ]
    #expect(try Self.check(right).isEnough)
    let wrong = Self.begin + [Self.map, Self.write(77), Self.punch, Self.read(77)]
    let found = try #require(try Self.check(wrong).gmem[0].disagreements.first)
    #expect(found.call == 6)
    #expect(found.differences.first?.what == "value")
    #expect(found.differences.first?.got == "0")
  }

  @Test("a private file is mapped and not touched") func signals() throws {
    let file = Self.step(
      "KVM_CREATE_GUEST_MEMFD", #""on":"vm0","new":"gmem0","size":"0x2000","flags":"0x1""#)
    let signal = Self.step(
      "touch", #""on":"map0","offset":"0x0","write":false,"value":1"#,
      "\"ret\":0,\"out\":{\"signal\":\"BUS\"}")
    #expect(try Self.check([Self.begin[0], file, Self.map, signal]).isEnough)
    #expect(try !Self.check(Self.begin + [Self.map, signal]).isEnough)
  }

  @Test("a mapping keeps the file bound after its descriptor is closed") func references() throws {
    let close = Self.step("close", #""on":"gmem0""#)
    let prefault = Self.step(
      "KVM_PRE_FAULT_MEMORY", #""on":"vcpu0","gpa":"0x0","size":"0x1000","flags":"0x0""#,
      #""ret":0,"out":{"gpa":"0x1000","size":"0x0"}"#)
    let failed = Self.step(
      "KVM_PRE_FAULT_MEMORY", #""on":"vcpu0","gpa":"0x0","size":"0x1000","flags":"0x0""#,
      Self.refused("EFAULT") + #","out":{"gpa":"0x0","size":"0x1000"}"#)
    let vcpu = Self.step("KVM_CREATE_VCPU", #""on":"vm0","new":"vcpu0","id":0"#)
    let unmap = Self.step("munmap", #""on":"map0""#)
    let steps =
      Self.begin + [vcpu, Self.bind(0, "0x0"), Self.map, close, prefault, unmap, failed]
    let check = try Self.check(steps, environment: "kvm-7.3-sw-protected")
    #expect(check.gmem[1].disagreements.isEmpty)
    #expect(check.isEnough)
  }

  @Test("what the emulated CPU decides is not compared") func undecided() throws {
    let run = """
      {"op":"KVM_RUN","args":{"on":"vcpu0"},"ret":-1,"errno":"EINTR","cpu_decides":true}
      """
    let vcpu = Self.step("KVM_CREATE_VCPU", #""on":"vm0","new":"vcpu0","id":0"#)
    let check = try Self.check(
      [Self.begin[0], vcpu, run], environment: "kvm-7.3-sw-protected")
    #expect(check.isEnough)
    #expect(check.gmem[1].answers.total.compared == 2)
  }

  @Test("an environment that no spec answers is passed over, and is not enough")
  func environments() throws {
    let check = try Self.check(Self.begin, environment: "kvm-9.9")
    #expect(check.passedOver == 1)
    #expect(!check.isEnough)
  }
}
